"""Do they learn? 64 prompts with 30 answers each, 3 of them right; a table of logits for a policy."""

from __future__ import annotations

import math

import pytest
import torch

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.schedule import Pool
from assay.training.recipes import get_recipe

PROMPTS, ARMS, RIGHT, GROUP = 64, 30, 3, 8


def pass_at_1(logits, right):
    return (torch.softmax(logits, -1) * right).sum(-1).mean().item()


def train(name, constants, steps=150, updates=2, seed=0):
    """Mean probability of a right answer before and after."""
    g = torch.Generator().manual_seed(seed)
    right = torch.zeros(PROMPTS, ARMS).scatter(1, torch.rand(PROMPTS, ARMS, generator=g).argsort(-1)[:, :RIGHT], 1.0)
    logits = torch.zeros(PROMPTS, ARMS, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.05)
    recipe = get_recipe(name, constants)
    objective, schedule = recipe.objective(max_length=1), recipe.schedule()
    group = torch.arange(PROMPTS).repeat_interleave(GROUP)
    before = pass_at_1(logits, right)
    for _ in range(steps):
        probabilities = torch.softmax(logits.detach(), -1)
        arm = torch.multinomial(probabilities, GROUP, replacement=True, generator=g).flatten()
        old = probabilities[group, arm].log().unsqueeze(-1)
        verdict = right[group, arm]
        batch = TrajectoryBatch.of(
            verdict,
            group.tolist(),
            rollout_logp=old,
            old_logp=old,
            correct=verdict,
            anchor_logp=dict.fromkeys(objective.anchors, torch.full_like(old, -math.log(ARMS))),
            old_aux={each.name: each(logits.detach()[group], None).unsqueeze(-1) for each in objective.old_needs},
        )
        advantage = objective.prepare(batch)
        for _ in range(updates):
            for index in schedule.recompose(Pool.of(batch, advantage), 0, 1, 0).minibatches:
                part = batch.rows(index)
                logp = torch.log_softmax(logits, -1)[group[index], arm[index]].unsqueeze(-1)
                aux = {each.name: each(logits[group[index]], None).unsqueeze(-1) for each in objective.needs}
                totals = objective.totals(part, advantage[index])
                loss, _ = objective.loss(PolicyOutputs(logp, aux), part, advantage[index], totals)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return before, pass_at_1(logits, right)


@pytest.mark.parametrize(
    ("name", "constants"),
    [
        ("grpo", {"kl_beta": 0.0}),
        ("dr-grpo", {}),
        ("dapo", {"overlong_buffer": 0, "drop_truncated": False}),
        ("rloo", {}),
        ("reinforce++-baseline", {}),
        ("cispo", {}),
        ("gspo", {"clip_low": 0.2, "clip_high": 0.28}),
        ("lite-ppo", {}),
        ("nft", {}),
        ("pacs", {}),
        ("copg", {}),
        ("rover", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("seed", [0, 1])
def test_finds_the_right_answers(name, constants, seed):
    before, after = train(name, constants, seed=seed)
    assert before == pytest.approx(RIGHT / ARMS)
    assert after > 0.98


def test_without_groups_the_batch_is_baseline_enough():
    assert train("reinforce++", {})[1] > 0.9


def test_wrong_answers_add_to_what_right_ones_teach():
    rejection, both = train("rft", {})[1], train("nft", {})[1]
    assert rejection < both
    assert rejection > 0.9
    assert both == pytest.approx(train("dr-grpo", {})[1], abs=0.01)
