"""SWE-RL in miniature: the similarity of a nearly right edit teaches, an all-or-nothing reward does not.

An edit with six places of four options each; a table of logits for a policy, GRPO for a trainer, and the real reward.
"""

from __future__ import annotations

import itertools

import pytest
import torch

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.recipes import get_recipe
from assay.verifiers import score
from assay.verifiers.swe import Edit, gold_response, render_response

OPTIONS = (
    ("values, limit=None", "values", "values, limit", "items, *rest"),
    ("if not values:", "if values:", "if values is None:", "while values:"),
    ("return []", "return", "return None", "raise ValueError"),
    ("sorted(values)", "values", "list(values)", "set(values)"),
    ("[:limit]", "", "[limit:]", "[-limit]"),
    ("reverse=True", "reverse=False", "key=len", "key=None"),
)
SLOTS, CHOICES = len(OPTIONS), 4
START, GROUP, STEPS, RATE = 7.8e-5, 16, 150, 0.5
BASE = "import heapq\n\n\ndef top(values):\n    return heapq.nlargest(1, values)\n"


def body(chosen):
    head, test, early, kind, cut, order = (OPTIONS[slot][choice] for slot, choice in enumerate(chosen))
    return f"def top({head}):\n    {test}\n        {early}\n    found = {kind}{cut}\n    return sorted(found, {order})"


def respond(chosen):
    old = "def top(values):\n    return heapq.nlargest(1, values)"
    return render_response([Edit("top.py", old, body(chosen))], "Six decisions.")


TRUTH = {"context": {"top.py": BASE}, "oracle": {"top.py": "import heapq\n\n\n" + body([0] * SLOTS) + "\n"}}


@pytest.fixture(scope="module")
def rewards():
    """The reward of every edit, [continuous, discrete], by the choice in each place."""
    every = list(itertools.product(range(CHOICES), repeat=SLOTS))
    return [
        torch.tensor([score("swe.similarity", respond(c), TRUTH, discrete=d).reward for c in every]).view(
            [CHOICES] * SLOTS
        )
        for d in (False, True)
    ]


def train(table, seed):
    """The policy after 150 steps: probabilities, [6, 4]; option 0 is right everywhere."""
    right = START ** (1 / SLOTS)
    logits = torch.full((SLOTS, CHOICES), ((1 - right) / (CHOICES - 1))).log()
    logits[:, 0] = torch.tensor(right).log()
    logits.requires_grad_()
    # the loss is a mean over the six places, so the rate of the sum is six times as high
    optimizer = torch.optim.SGD([logits], lr=RATE * SLOTS)
    objective = get_recipe("grpo", {"kl_beta": 0.0}).objective(max_length=SLOTS)
    g = torch.Generator().manual_seed(seed)
    for _ in range(STEPS):
        logp = torch.log_softmax(logits, -1)
        chosen = torch.multinomial(logp.detach().exp(), GROUP, replacement=True, generator=g).T
        taken = logp[torch.arange(SLOTS), chosen]
        reward = table[tuple(chosen.T)]
        batch = TrajectoryBatch.of(reward, [0] * GROUP, SLOTS, rollout_logp=taken.detach(), old_logp=taken.detach())
        advantage = objective.prepare(batch)
        totals = objective.totals(batch, advantage)
        loss, _ = objective.loss(PolicyOutputs(taken), batch, advantage, totals)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.softmax(logits.detach(), -1)


def found(table):
    """In how many of eight runs the most likely edit is the reference's."""
    return sum(bool((train(table, seed).argmax(-1) == 0).all()) for seed in range(8))


def test_the_table_holds_the_reward_of_the_real_edit(rewards):
    continuous, discrete = rewards
    assert continuous[(0,) * SLOTS] == 1
    assert score("swe.similarity", gold_response(TRUTH), TRUTH).correct
    assert (continuous == 1).sum() == discrete.sum() == 1
    assert 0.5 < continuous.min() < 0.8


def test_the_similarity_finds_the_reference_from_one_chance_in_thirteen_thousand(rewards):
    assert found(rewards[0]) >= 7


def test_all_or_nothing_does_not(rewards):
    assert found(rewards[1]) <= 1
