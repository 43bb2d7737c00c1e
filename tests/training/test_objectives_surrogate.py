"""Surrogates: their values, where they are flat, and their first-step coefficients against the closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from assay.training.objectives.advantage import GRPO, RLOO, DrGRPO, ReinforcePPBaseline
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.surrogate import CISPO, GSPO, PPOClip, Reinforce

SURROGATES = [PPOClip(), PPOClip(0.2, 0.28, None), Reinforce(), GSPO(), CISPO(), CISPO(0.5, 2.0), CISPO(None, None)]


def loss_at(surrogate, ratio, advantage, logp=-1.0):
    """Loss and its derivative for one token of the given ratio."""
    lp = torch.tensor([[logp]], requires_grad=True)
    batch = TrajectoryBatch.of([0.0], old_logp=torch.tensor([[logp - math.log(ratio)]]))
    value = surrogate(PolicyOutputs(lp), batch, torch.tensor([[advantage]])).sum()
    value.backward()
    return value.item(), lp.grad.item()


@pytest.mark.parametrize(
    ("ratio", "advantage", "value", "slope"),
    [(1.25, 1.0, -1.25, -1.25), (1.35, 1.0, -1.28, 0.0), (0.7, -1.0, 0.8, 0.0), (4.0, -1.0, 3.0, 0.0)],
)
def test_ppo_clip(ratio, advantage, value, slope):
    got = loss_at(PPOClip(0.2, 0.28, 3.0), ratio, advantage)
    assert got == pytest.approx((value, slope), abs=1e-5)


def test_without_a_dual_clip_the_bad_token_pulls_on():
    assert loss_at(PPOClip(0.2, 0.28, None), 4.0, -1.0) == pytest.approx((4.0, 4.0), abs=1e-4)


def test_cispo():
    assert loss_at(CISPO(None, 1.28), 1.5, 2.0, -0.7) == pytest.approx((1.792, -2.56), abs=1e-5)
    assert loss_at(CISPO(0.5, None), 0.1, 1.0, -0.7) == pytest.approx((0.35, -0.5), abs=1e-5)


def test_clip_fraction_counts_the_tokens_without_a_gradient():
    ratios = torch.tensor([[1.25, 1.35, 0.7, 0.7, 4.0, 2.0]])
    advantage = torch.tensor([[1.0, 1.0, -1.0, 1.0, -1.0, -1.0]])
    lp = torch.full((1, 6), -1.0, requires_grad=True)
    batch = TrajectoryBatch.of([0.0], length=6, old_logp=lp.detach() - ratios.log())
    surrogate = PPOClip(0.2, 0.28, 3.0)
    surrogate(PolicyOutputs(lp), batch, advantage).sum().backward()
    assert surrogate.clipped(PolicyOutputs(lp), batch, advantage).tolist() == (lp.grad == 0).tolist()
    assert surrogate.clipped(PolicyOutputs(lp), batch, advantage).sum() == 3


@pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)
@pytest.mark.parametrize("rewards", [[1.0, 0, 0, 0], [1.0, 1, 0, 0, 0, 0, 0, 0]])
@pytest.mark.parametrize("advantage", [DrGRPO(), GRPO(), RLOO(), ReinforcePPBaseline()], ids=repr)
def test_first_step_coefficient_is_the_advantage(surrogate, rewards, advantage):
    """At the sampling policy c = -dL/d logp is A, whatever the surrogate: it is what makes it a policy gradient."""
    r, n = torch.tensor(rewards, dtype=torch.float64), len(rewards)
    closed = {
        "DrGRPO": r - r.mean(),
        "GRPO": (r - r.mean()) / r.std(),
        "RLOO": (r - r.mean()) * n / (n - 1),
        "ReinforcePPBaseline": (r - r.mean()) / r.repeat_interleave(3).std(),  # over tokens
    }[type(advantage).__name__]
    logp = torch.log(torch.rand(n, 3, generator=torch.Generator().manual_seed(3)) * 0.9 + 0.05).requires_grad_()
    batch = TrajectoryBatch.of(rewards, length=3, old_logp=logp.detach().clone())
    a = advantage(batch)
    surrogate(PolicyOutputs(logp), batch, a).sum().backward()
    assert torch.allclose(-logp.grad, a, atol=1e-6)
    assert torch.allclose(-logp.grad.double(), closed.unsqueeze(-1).expand(n, 3), atol=1e-5)


def test_gspo_is_the_gradient_of_the_sequence_ratio():
    """The token form has the value and, per response, the gradient of min(s A, clip(s) A) with s of eq. 5."""
    generator = torch.Generator().manual_seed(4)
    mask = torch.tensor([[1.0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 1], [1, 1, 0, 0]])
    old = -torch.rand(4, 4, generator=generator)
    drift = (torch.rand(4, 4, generator=generator) - 0.5) * 0.4
    a = torch.tensor([1.0, -1.0, 0.5, -2.0])
    batch = TrajectoryBatch.of([0.0] * 4, action_mask=mask, old_logp=old)
    got, want = ((old + drift).requires_grad_() for _ in range(2))
    losses = GSPO(0.05, 0.05)(PolicyOutputs(got), batch, a.unsqueeze(-1) * mask)
    rows = (losses * mask).sum(-1) / mask.sum(-1)
    s = torch.exp(((want - old) * mask).sum(-1) / mask.sum(-1))
    reference = torch.maximum(-a * s, -a * s.clamp(0.95, 1.05))
    assert torch.allclose(rows, reference, atol=1e-6)
    rows.sum().backward()
    reference.sum().backward()
    assert torch.allclose(got.grad, want.grad, atol=1e-6)
    assert (got.grad.abs().sum(-1) == 0).any()  # at least one response is clipped
    assert (got.grad.abs().sum(-1) > 0).any()


def test_a_huge_ratio_stays_finite():
    for surrogate in SURROGATES:
        for drift in (300.0, -300.0):
            lp = torch.tensor([[-1.0 + drift]], requires_grad=True)
            batch = TrajectoryBatch.of([0.0], old_logp=torch.tensor([[-1.0]]))
            loss = surrogate(PolicyOutputs(lp), batch, torch.tensor([[-1.0]])).sum()
            loss.backward()
            assert torch.isfinite(loss)
            assert torch.isfinite(lp.grad).all()


@pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)
def test_zero_advantage_is_inert(surrogate):
    lp = torch.tensor([[-0.3, -2.0]], requires_grad=True)
    batch = TrajectoryBatch.of([0.0], length=2, old_logp=torch.tensor([[-1.0, -0.1]]))
    loss = surrogate(PolicyOutputs(lp), batch, torch.zeros(1, 2)).sum()
    loss.backward()
    assert surrogate.zero_is_inert
    assert loss.item() == 0
    assert lp.grad.abs().max() == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: PPOClip(-0.1, 0.2),
        lambda: PPOClip(1.2, 0.2),
        lambda: PPOClip(0.2, -0.2),
        lambda: PPOClip(0.2, 0.28, 1.1),
        lambda: GSPO(0.1, -0.1),
        lambda: CISPO(5.0, 1.0),
        lambda: CISPO(-1.0, 1.0),
    ],
)
def test_upside_down(make):
    with pytest.raises(ValueError, match=r"upside down|above 1"):
        make()
