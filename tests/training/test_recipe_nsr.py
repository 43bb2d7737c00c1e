"""PSR, NSR, W-REINFORCE: the numbers of arXiv:2506.01347 and its claim on a table of logits."""

from __future__ import annotations

import math

import pytest
import torch

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.recipes import get_recipe
from assay.training.stats import pass_at_k

VERDICTS = [1.0, 0.0, 0.0, 0.0]


def coefficients(name, correct, length=2, constants=None, reward=None):
    """-dL/dlogp at the sampling policy, [B, T]."""
    correct = torch.tensor(correct)
    logp = torch.full((len(correct), length), -1.0, requires_grad=True)
    batch = TrajectoryBatch.of(
        correct if reward is None else torch.tensor(reward), length=length, correct=correct, rollout_logp=logp.detach()
    )
    objective = get_recipe(name, constants or {}).objective(length)
    advantage = objective.prepare(batch)
    loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, objective.totals(batch, advantage))
    (grad,) = torch.autograd.grad(loss, logp)
    return -grad


def test_first_step_coefficients():
    w = coefficients("w-reinforce", VERDICTS)
    assert torch.allclose(w, torch.tensor([0.1, -1.0, -1.0, -1.0]).unsqueeze(-1).expand(4, 2) / 8)
    n = coefficients("nsr", VERDICTS)
    assert torch.allclose(n, torch.tensor([0.0, -1.0, -1.0, -1.0]).unsqueeze(-1).expand(4, 2) / 6)
    p = coefficients("psr", VERDICTS)
    assert torch.allclose(p, torch.tensor([1.0, 0.0, 0.0, 0.0]).unsqueeze(-1).expand(4, 2) / 2)


def test_a_group_that_is_all_wrong_teaches_unlike_with_grpo():
    assert coefficients("nsr", [0.0] * 4).abs().min() > 0
    assert coefficients("w-reinforce", [0.0] * 4).abs().min() > 0
    assert coefficients("grpo", [0.0] * 4, constants={"kl_beta": 0.0}).abs().max() == 0


def test_lambda_joins_the_two_ends():
    assert torch.equal(
        coefficients("w-reinforce", VERDICTS, constants={"lambda_pos": 1.0}), coefficients("reinforce", VERDICTS)
    )
    assert torch.allclose(
        coefficients("nsr", VERDICTS, constants={"drop_rows": False}),
        coefficients("w-reinforce", VERDICTS, constants={"lambda_pos": 0.0}),
    )
    only_wrong = coefficients("w-reinforce", VERDICTS, constants={"lambda_pos": 0.0})
    assert torch.allclose(only_wrong * 8, coefficients("nsr", VERDICTS) * 6)  # up to the denominators


@pytest.mark.parametrize(("verdict", "step"), [(0.0, [-0.5, 0.3, 0.2]), (1.0, [0.5, -0.3, -0.2])])
def test_the_move_of_the_logits(verdict, step):
    logits = torch.tensor([0.5, 0.3, 0.2]).log().requires_grad_()
    logp = torch.log_softmax(logits, -1)[:1].unsqueeze(0)
    batch = TrajectoryBatch.of([verdict], correct=torch.tensor([verdict]), rollout_logp=logp.detach())
    objective = get_recipe("reinforce").objective(1)
    advantage = objective.prepare(batch)
    loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, objective.totals(batch, advantage))
    (grad,) = torch.autograd.grad(loss, logits)
    assert -grad == pytest.approx(torch.tensor(step), abs=1e-6)


def test_rows_without_a_verdict_are_dropped():
    found = coefficients("reinforce", [1.0, math.nan, 0.5, 0.0])
    assert found[1].tolist() == found[2].tolist() == [0.0, 0.0]
    assert found[0, 0] == pytest.approx(1 / 4)


def test_a_threshold_makes_verdicts_of_graded_rewards():
    nothing = [math.nan] * 3
    found = coefficients("reinforce", nothing, reward=[0.9, 0.4, math.nan], constants={"correct_threshold": 0.5})
    assert found[:, 0].tolist() == pytest.approx([1 / 4, -1 / 4, 0.0])


@pytest.mark.parametrize(("name", "correct"), [("nsr", [1.0] * 4), ("psr", [0.0] * 4), ("reinforce", [math.nan] * 4)])
def test_a_batch_without_the_class_moves_nothing(name, correct):
    assert coefficients(name, correct).abs().max() == 0


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="lambda_pos"):
        get_recipe("w-reinforce", {"lambda_pos": -1.0}).objective(8)


def test_pass_at_k():
    assert pass_at_k(10, 3, 1) == pytest.approx(0.3)
    assert pass_at_k(10, 3, 5) == pytest.approx(0.916667, abs=1e-6)
    assert pass_at_k(256, 1, 256) == 1


def learn(name, seed, prompts=64, arms=20, right_arms=5, group=8, steps=200):
    """Pass@1, entropy and expected distinct right arms in 64 draws, before and after."""
    g = torch.Generator().manual_seed(seed)
    right = torch.zeros(prompts, arms).scatter(
        1, torch.rand(prompts, arms, generator=g).argsort(-1)[:, :right_arms], 1.0
    )
    start = torch.randn(prompts, arms, generator=g) * 1.5
    logits = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=0.05)
    objective = get_recipe(name, {"drop_rows": False}).objective(1)
    groups = torch.arange(prompts).repeat_interleave(group)
    for _ in range(steps):
        probabilities = torch.softmax(logits.detach(), -1)
        arm = torch.multinomial(probabilities, group, replacement=True, generator=g).flatten()
        old = probabilities[groups, arm].log().unsqueeze(-1)
        verdict = right[groups, arm]
        batch = TrajectoryBatch.of(verdict, groups.tolist(), rollout_logp=old, old_logp=old, correct=verdict)
        advantage = objective.prepare(batch)
        logp = torch.log_softmax(logits, -1)[groups, arm].unsqueeze(-1)
        loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, objective.totals(batch, advantage))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return [measure(table, right) for table in (start, logits.detach())]


def measure(logits, right):
    p = torch.softmax(logits, -1)
    entropy = -(p * p.clamp(min=1e-12).log()).sum(-1).mean().item()
    distinct = ((1 - (1 - p) ** 64) * right).sum(-1).mean().item()
    return (p * right).sum(-1).mean().item(), entropy, distinct


# With the other class's rows in the denominators, as the figures of the paper's own miniature are; without them PSR's
# steps grow while right answers are rare, and it ends a little above REINFORCE in entropy (0.65 against 0.59).
def test_negative_samples_keep_diversity():
    names = ("psr", "reinforce", "w-reinforce", "nsr")
    runs = {name: torch.tensor([learn(name, seed) for seed in range(3)]).mean(0) for name in names}
    after = {name: run[1].tolist() for name, run in runs.items()}
    for index in (1, 2):  # entropy, distinct right answers
        assert after["nsr"][index] > after["w-reinforce"][index] > after["reinforce"][index] >= after["psr"][index]
    assert after["nsr"][2] > runs["nsr"][0, 2]
    assert all(pass_at_1 > 0.98 for pass_at_1, _, _ in after.values())
