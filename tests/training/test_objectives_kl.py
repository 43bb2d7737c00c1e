"""KL estimators, their gradients, their two placements, and controllers."""

from __future__ import annotations

import math

import pytest
import torch

from assay.training.objectives.advantage import DrGRPO, ReinforcePP
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.entropy import EntropyBonus
from assay.training.objectives.kl import KL_ESTIMATORS, AdaptiveKL, FixedKL, KLLoss, KLReward, kl_estimate
from assay.training.objectives.objective import Objective
from assay.training.objectives.surrogate import Reinforce
from assay.training.objectives.types import Entropy


@pytest.mark.parametrize(
    ("estimator", "value", "slope"),
    [("k1", 0.5, 1.0), ("k2", 0.125, 0.5), ("k3", 0.106531, 0.393469), ("k3+", 0.106531, 0.5)],
)
def test_values_and_gradients(estimator, value, slope):
    logp = torch.tensor(-1.0, requires_grad=True)
    estimate = kl_estimate(logp, torch.tensor(-1.5), estimator)
    estimate.backward()
    assert estimate.item() == pytest.approx(value, abs=1e-6)
    assert logp.grad.item() == pytest.approx(slope, abs=1e-6)


def test_two_arms():
    """Expectations over the policy, exactly: values of k1 and k3, gradient of k2."""
    logits = torch.log(torch.tensor([0.7, 0.3], dtype=torch.float64)).requires_grad_()
    ref = torch.log(torch.tensor([0.5, 0.5], dtype=torch.float64))
    logp = torch.log_softmax(logits, -1)
    kl = (logp.exp() * (logp - ref)).sum()
    (exact,) = torch.autograd.grad(kl, logits)
    assert kl.item() == pytest.approx(0.082283, abs=1e-6)
    assert exact.tolist() == pytest.approx([0.177933, -0.177933], abs=1e-6)
    values, gradients = {}, {}
    for estimator in KL_ESTIMATORS:
        logp = torch.log_softmax(logits, -1)
        expected = (logp.exp().detach() * kl_estimate(logp, ref, estimator)).sum()
        values[estimator] = expected.item()
        (gradient,) = torch.autograd.grad(expected, logits)
        gradients[estimator] = gradient.tolist()
    assert values == pytest.approx({"k1": 0.082283, "k2": 0.078766, "k3": 0.082283, "k3+": 0.082283}, abs=1e-6)
    assert gradients["k1"] == pytest.approx([0, 0], abs=1e-9)
    assert gradients["k2"] == pytest.approx(exact.tolist(), abs=1e-9)
    assert gradients["k3+"] == pytest.approx(exact.tolist(), abs=1e-9)
    assert gradients["k3"] == pytest.approx([0.2, -0.2], abs=1e-9)


def test_far_apart_stays_finite():
    for estimator in KL_ESTIMATORS:
        for gap in (1e4, -1e4):
            logp = torch.tensor(gap, requires_grad=True)
            estimate = kl_estimate(logp, torch.tensor(0.0), estimator)
            estimate.backward()
            assert math.isfinite(estimate.item())
            assert math.isfinite(logp.grad.item())
    assert kl_estimate(torch.tensor(-15.0), torch.tensor(0.0), "k3").item() == 10.0


def test_unknown_estimator():
    with pytest.raises(ValueError, match=r"k9.*k1, k2"):
        kl_estimate(torch.zeros(1), torch.zeros(1), "k9")
    with pytest.raises(ValueError, match="k9"):
        KLLoss(0.1, "k9")
    with pytest.raises(ValueError, match="negative"):
        KLLoss(-0.1)


def objective(**slots):
    return Objective(slots.pop("advantage", DrGRPO()), Reinforce(), "token-mean", 4, **slots)


def test_no_reference_is_asked_for_when_beta_is_zero():
    assert objective(regularisers=(KLLoss(0.0),), token_rewards=(KLReward(0.0),)).anchors == frozenset()
    assert objective(regularisers=(KLLoss(0.1),)).anchors == {"ref"}
    assert objective(token_rewards=(KLReward(0.1),)).anchors == {"ref"}


def test_a_beta_of_zero_costs_nothing():
    batch = TrajectoryBatch.of([1, 0], length=2)
    slots = objective(regularisers=(KLLoss(0.0),), token_rewards=(KLReward(0.0),))
    advantage = slots.prepare(batch)
    assert torch.equal(advantage, DrGRPO()(batch))
    logp = torch.full((2, 2), -1.0)
    with_term, _ = slots.loss(PolicyOutputs(logp), batch, advantage, slots.totals(batch, advantage))
    without, _ = objective().loss(PolicyOutputs(logp), batch, advantage, slots.totals(batch, advantage))
    assert with_term == without


def test_missing_reference_is_one_clear_line():
    with pytest.raises(ValueError, match="frozen policy ref"):
        objective(regularisers=(KLLoss(0.1),)).prepare(TrajectoryBatch.of([1, 0]))


def test_kl_in_the_loss_adds_to_it():
    logp = torch.tensor([[-1.0, -1.0], [-2.0, -2.0]], requires_grad=True)
    ref = torch.tensor([[-1.5, -1.0], [-1.0, -2.5]])
    batch = TrajectoryBatch.of([1, 0], length=2, anchor_logp={"ref": ref})
    plain, charged = objective(), objective(regularisers=(KLLoss(0.1, "k3"),))
    advantage = charged.prepare(batch)
    totals = charged.totals(batch, advantage)
    difference = (
        charged.loss(PolicyOutputs(logp), batch, advantage, totals)[0]
        - plain.loss(PolicyOutputs(logp), batch, advantage, totals)[0]
    )
    assert difference.item() == pytest.approx(0.1 * kl_estimate(logp, ref, "k3").mean().item(), abs=1e-7)


def test_kl_in_the_reward_is_charged_before_the_advantage():
    mask = torch.tensor([[1.0, 1], [1, 0]])
    old, ref = torch.tensor([[-1.0, -1.0], [-1.0, 0.0]]), torch.tensor([[-1.5, -0.5], [-3.0, -9.0]])
    batch = TrajectoryBatch.of([1, 0], action_mask=mask, old_logp=old, anchor_logp={"ref": ref})
    advantage = objective(token_rewards=(KLReward(0.1),)).prepare(batch)
    first, second = 1 - 0.1 * (0.5 - 0.5), 0 - 0.1 * 2.0
    mean = (first + second) / 2
    assert advantage[:, 0].tolist() == pytest.approx([first - mean, second - mean], abs=1e-6)


def test_kl_in_the_reward_falls_back_to_the_sampler():
    batch = TrajectoryBatch.of(
        [0.0, 0.0], rollout_logp=torch.full((2, 1), -1.0), anchor_logp={"ref": torch.zeros(2, 1)}
    )
    assert KLReward(0.5)(batch).tolist() == [[0.5], [0.5]]


def test_kl_reward_reaches_each_token_of_reinforce_pp():
    ref = torch.tensor([[-2.0, -1.0, -1.0]])
    batch = TrajectoryBatch.of([1.0], length=3, old_logp=torch.full((1, 3), -1.0), anchor_logp={"ref": ref})
    advantage = objective(advantage=ReinforcePP(), token_rewards=(KLReward(0.1),)).prepare(batch)
    returns = torch.tensor([0.9, 1.0, 1.0])
    assert advantage[0].tolist() == pytest.approx(((returns - returns.mean()) / returns.std()).tolist(), abs=1e-4)


def test_controllers():
    assert FixedKL()(0.1, 99.0, 5) == 0.1
    adaptive = AdaptiveKL(target=0.5, horizon=100)
    assert adaptive(0.1, 0.55, 10) == pytest.approx(0.1 * (1 + 0.1 * 10 / 100))
    assert adaptive(0.1, 50.0, 10) == pytest.approx(0.1 * (1 + 0.2 * 10 / 100))
    assert adaptive(0.1, 0.0, 10) == pytest.approx(0.1 * (1 - 0.2 * 10 / 100))
    with pytest.raises(ValueError, match="positive"):
        AdaptiveKL(0.0)


def test_an_adaptive_coefficient_moves_and_survives_a_checkpoint():
    start = objective(regularisers=(KLLoss(0.1, "k3", AdaptiveKL(0.5, 100)), EntropyBonus(0.01)))
    moved = start.updated({"kl": 5.0}, 10)
    assert start.state() == {"regularisers.0.beta": 0.1}
    assert moved.state() == {"regularisers.0.beta": pytest.approx(0.102)}
    assert start.restored(moved.state()) == moved
    assert start.updated({}, 10) == start
    with pytest.raises(ValueError, match="adapts"):
        objective().restored(moved.state())


def test_entropy_bonus_asks_for_the_entropy_and_lowers_the_loss():
    slots = objective(regularisers=(EntropyBonus(0.5),))
    assert slots.needs == {Entropy()}
    batch, logp = TrajectoryBatch.of([0, 0], length=2), torch.zeros(2, 2)
    out = PolicyOutputs(logp, {"entropy": torch.tensor([[1.0, 2.0], [3.0, 4.0]])})
    advantage = slots.prepare(batch)
    loss, metrics = slots.loss(out, batch, advantage, slots.totals(batch, advantage))
    assert loss.item() == pytest.approx(-0.5 * 2.5)
    assert metrics.result()["entropy"] == pytest.approx(2.5)
