"""Why a reference is reset: the KL term caps what can be learned, and each reset lifts the cap by a closed form."""

from __future__ import annotations

import copy
import math
from itertools import product

import pytest
import torch
from torch import nn

from assay.training.objectives.anchors import Frozen
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.recipes import get_recipe

BETA = 0.3
CONSTANTS = {"advantage": "dr_grpo", "kl_beta": BETA, "kl_in": "reward", "kl_estimator": "k1", "reset_cooldown": 100}


def plateau(prior, resets):
    """Mean over prompts of the chance of success at the optimum after so many resets, from the chances at the start."""
    gain = math.exp((resets + 1) / BETA)
    return sum(p * gain / (p * gain + 1 - p) for p in prior) / len(prior)


def learn(policy, sample, logp_of, resets, steps, every, lr, clear, **rule):
    """Train by the recipe; returns the scores, and the evaluations (from 1) after which the reference was reset.

    Args:
        policy: the module that is trained.
        sample: generator -> (actions, groups, rewards).
        logp_of: (policy, actions, groups) -> [B, T].
        resets: whether there are any.
        steps, every: optimiser steps, and those between evaluations, whose score is the mean reward since the last.
        lr: of Adam.
        clear: called at a reset; makes the optimiser forget and the reference the policy.
    """
    recipe = get_recipe("prorl", {**CONSTANTS, **rule})
    objective, anchors = recipe.objective(3), recipe.anchors() if resets else Frozen()
    optimizer = torch.optim.Adam(policy.parameters(), lr=lr)
    scores, fired, window = [], [], []
    ref = clear(optimizer)
    for step in range(1, steps + 1):
        actions, groups, rewards = sample()
        logp = logp_of(policy, actions, groups)
        with torch.no_grad():
            theirs = logp_of(ref, actions, groups)
        batch = TrajectoryBatch.of(
            rewards, groups.tolist(), logp.shape[1], rollout_logp=logp.detach(), anchor_logp={"ref": theirs}
        )
        advantage = objective.prepare(batch)
        loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, objective.totals(batch, advantage))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        window.append(float(rewards.mean()))
        if step % every == 0:
            scores.append(sum(window) / len(window))
            window = []
            anchors, wanted = anchors.after_evaluation(step, scores[-1])
            if wanted is not None:
                fired.append(len(scores))
                assert wanted.clear_moments
                ref = clear(optimizer)
    return scores, fired


class Table(nn.Module):
    """Logits of prompts over answers."""

    def __init__(self, prompts, arms):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(prompts, arms))


def table_run(resets, seed, steps):
    prompts, arms, group = 50, 60, 16
    g = torch.Generator().manual_seed(seed)
    policy = Table(prompts, arms)
    groups = torch.arange(prompts).repeat_interleave(group)

    def sample():
        with torch.no_grad():
            arm = torch.multinomial(torch.softmax(policy.logits, -1), group, replacement=True, generator=g).flatten()
        return arm, groups, (arm == 0).float()

    def logp_of(table, arm, groups):
        return torch.log_softmax(table.logits, -1)[groups, arm].unsqueeze(-1)

    def clear(optimizer):
        optimizer.state.clear()
        return copy.deepcopy(policy)

    return learn(policy, sample, logp_of, resets, steps, 50, 0.02, clear, reset_min_delta=0.01), plateau([1 / arms], 0)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_table_of_answers_is_held_by_its_reference_and_let_go_by_a_reset(seed):
    (held, _), first = table_run(False, seed, 500)
    (free, fired), _ = table_run(True, seed, 1000)
    at_rest = sum(held[-4:]) / 4
    assert at_rest == pytest.approx(first, abs=0.03)
    assert free[fired[0] - 1] == pytest.approx(first, abs=0.03)
    second = free[fired[1] - 1]
    assert second == pytest.approx(plateau([1 / 60], 1), abs=0.03)
    assert second >= 2 * at_rest


SUMS = (2, 3, 4, 23, 24, 25)


class Writer(nn.Module):
    """Reads a sum, writes three digits."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(SUMS) + 10, 64)
        self.cell = nn.GRU(64, 64, num_layers=2, batch_first=True)
        self.head = nn.Linear(64, 10)

    def forward(self, ids, state=None):
        hidden, state = self.cell(self.embed(ids), state)
        return torch.log_softmax(self.head(hidden), -1), state


def writer_run(resets, seed, steps=1000):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = Writer()
    g = torch.Generator().manual_seed(seed)
    sums = torch.tensor(SUMS)

    @torch.no_grad()
    def sample():
        prompt = torch.randint(len(SUMS), (64,), generator=g)
        groups = torch.arange(64).repeat_interleave(16)
        token, state, digits = prompt[groups].unsqueeze(-1), None, []
        for _ in range(3):
            logp, state = policy(token, state)
            digit = torch.multinomial(logp[:, -1].exp(), 1, generator=g)
            digits.append(digit)
            token = digit + len(SUMS)
        written = torch.cat(digits, -1)
        return (
            torch.cat([prompt[groups].unsqueeze(-1), written], -1),
            groups,
            (written.sum(-1) == sums[prompt[groups]]).float(),
        )

    def logp_of(writer, rows, groups):
        ids = torch.cat([rows[:, :1], rows[:, 1:3] + len(SUMS)], -1)
        return writer(ids)[0].gather(-1, rows[:, 1:].unsqueeze(-1)).squeeze(-1)

    def clear(optimizer):
        optimizer.state.clear()
        return copy.deepcopy(policy)

    return learn(policy, sample, logp_of, resets, steps, 50, 2e-3, clear)


PRIOR = [sum(sum(digits) == total for digits in product(range(10), repeat=3)) / 1000 for total in SUMS]


def test_the_closed_forms():
    assert sum(PRIOR) / 6 == pytest.approx(0.0103, abs=1e-4)
    assert [plateau(PRIOR, resets) for resets in range(3)] == pytest.approx([0.222, 0.879, 0.995], abs=1e-3)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_writer_of_digits_passes_the_plateau_of_its_first_reference(seed):
    held, _ = writer_run(False, seed)
    free, fired = writer_run(True, seed)
    at_rest = sum(held[-4:]) / 4
    second = free[fired[1] - 1] if len(fired) > 1 else free[-1]
    assert at_rest == pytest.approx(plateau(PRIOR, 0), abs=0.03)
    assert free[fired[0] - 1] == pytest.approx(plateau(PRIOR, 0), abs=0.03)
    assert second == pytest.approx(plateau(PRIOR, 1), abs=0.03)
    assert second >= 2 * at_rest
