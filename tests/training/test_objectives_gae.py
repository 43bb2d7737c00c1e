"""Advantages from a critic, what the critic learns, and where truncated answers go on being worth something."""

from __future__ import annotations

import math

import pytest
import torch

from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.gae import GAE
from assay.training.objectives.groups import whiten
from assay.training.objectives.types import TeachesCritic

NAN = float("nan")


def slow_gae(rewards, values, mask, gamma, lam, end):
    """A_t = sum over l of (gamma lam)^l delta_(t+l), token by token."""
    steps = [t for t in range(len(mask)) if mask[t]]
    result = [0.0] * len(mask)
    for a, t in enumerate(steps):
        for b, u in enumerate(steps[a:]):
            following = end if u == steps[-1] else values[steps[a + b + 1]]
            result[t] += (gamma * lam) ** b * (rewards[u] + gamma * following - values[u])
    return result


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(2)
    mask = torch.tensor([[1.0, 1, 0, 0, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 1, 0, 1, 0]])
    return TrajectoryBatch.of(
        [1.0, 0.0, 2.0],
        action_mask=mask,
        values=torch.randn(3, 6, generator=generator),
        token_reward=torch.randn(3, 6, generator=generator),
        truncated=torch.tensor([True, False, True]),
        end_value=torch.tensor([0.7, 0.0, -0.4]),
    )


def expected(batch, gamma, lam, bootstrap=False):
    found = []
    for i in range(len(batch)):
        mask, values = batch.action_mask[i].tolist(), batch.values[i].tolist()
        rewards = (batch.token_reward[i] * batch.action_mask[i]).tolist()
        rewards[max(t for t in range(len(mask)) if mask[t])] += float(batch.reward[i])
        end = float(batch.end_value[i]) if bootstrap and batch.truncated[i] else 0.0
        found.append(slow_gae(rewards, values, mask, gamma, lam, end))
    return torch.tensor(found)


@pytest.mark.parametrize("lam", [0.0, 0.8, 1.0])
@pytest.mark.parametrize("bootstrap", [False, True])
def test_against_its_sum(batch, lam, bootstrap):
    gae = GAE(0.9, lam, "none", bootstrap=bootstrap)
    want = expected(batch, 0.9, lam, bootstrap)
    assert gae.needs_end_value == bootstrap
    assert torch.allclose(gae(batch), want, atol=1e-5)
    assert isinstance(gae, TeachesCritic)
    assert torch.allclose(gae.returns(batch), (want + batch.values) * batch.action_mask, atol=1e-5)


def test_monte_carlo_returns_do_not_depend_on_the_critic(batch):
    before = GAE(0.9, 1.0).returns(batch)
    batch.values = batch.values + 5.0
    assert torch.allclose(GAE(0.9, 1.0).returns(batch), before, atol=1e-5)


def test_the_critic_may_have_a_trace_of_its_own(batch):
    gae = GAE(0.9, 0.8, "none", critic_lam=1.0)
    assert torch.allclose(gae(batch), expected(batch, 0.9, 0.8), atol=1e-5)
    assert torch.allclose(gae.returns(batch), GAE(0.9, 1.0).returns(batch), atol=1e-6)


def test_whitened_over_the_batch_the_minibatch_or_not_at_all(batch):
    raw = GAE(0.9, 0.8, "none")(batch)
    white = GAE(0.9, 0.8)(batch)[batch.action_mask > 0]
    assert white.mean().item() == pytest.approx(0, abs=1e-5)
    assert white.std().item() == pytest.approx(1, abs=1e-4)
    late = GAE(0.9, 0.8, "minibatch")
    assert torch.equal(late(batch), raw)
    index = torch.tensor([0, 2])
    part = batch.rows(index)
    found = late.in_minibatch(part, raw[index])
    assert torch.allclose(found, whiten(raw[index], part.action_mask).float())
    assert torch.equal(GAE(0.9, 0.8, "none").in_minibatch(part, raw[index]), raw[index])
    assert torch.equal(GAE(0.9, 0.8).in_minibatch(part, raw[index]), raw[index])


def test_a_row_without_reward_teaches_nothing(batch):
    batch.reward = torch.tensor([1.0, NAN, 2.0])
    gae = GAE(0.9, 0.8)
    advantage, returns = gae(batch), gae.returns(batch)
    assert advantage[1].tolist() == [0.0] * 6
    assert returns[1].isnan().all()
    assert returns[[0, 2]].isfinite().all()
    white = advantage[[0, 2]][batch.action_mask[[0, 2]] > 0]
    assert white.mean().item() == pytest.approx(0, abs=1e-5)
    assert gae.in_minibatch(batch, advantage)[1].tolist() == [0.0] * 6


def test_only_truncated_rows_bootstrap(batch):
    gap = GAE(0.9, 1.0, bootstrap=True).returns(batch) - GAE(0.9, 1.0).returns(batch)
    assert gap[1].tolist() == [0.0] * 6
    assert gap[0, 5].item() == pytest.approx(0.9 * 0.7, abs=1e-6)
    assert gap[2, 2].item() == pytest.approx(0.81 * -0.4, abs=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: GAE(gamma=1.2), "gamma must be between 0 and 1, got 1.2"),
        (lambda: GAE(lam=-0.1), "lam must be"),
        (lambda: GAE(critic_lam=math.inf), "critic_lam must be"),
        (lambda: GAE(normalise="group"), "one of batch, minibatch, none"),
        (lambda: GAE()(TrajectoryBatch.of([1, 0])), "critic"),
        (lambda: GAE().returns(TrajectoryBatch.of([1, 0])), "critic"),
        (lambda: GAE(bootstrap=True)(TrajectoryBatch.of([1], values=torch.zeros(1, 1))), "values of their ends"),
    ],
)
def test_what_is_missing_or_wrong_is_said(make, words):
    with pytest.raises(ValueError, match=words):
        make()
