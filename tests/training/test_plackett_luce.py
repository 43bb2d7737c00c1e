"""Draws without replacement: probabilities that add up to one, gradients of the slow way, what Gumbel noise draws."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
import torch

from assay.envs.video_keyframes.selectors import gumbel_top_k
from assay.training.objectives.plackett_luce import ordered_logp, straight_through

Z = torch.tensor([0.3, -1.2, 2.0, 0.0, 0.7], dtype=torch.float64)


def slow_logp(logits, order):
    """One draw after another, each from a softmax over what is left."""
    total, left = torch.zeros((), dtype=logits.dtype), list(range(len(logits)))
    for item in order:
        total = total + torch.log_softmax(logits[left], 0)[left.index(item)]
        left.remove(item)
    return total


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_probabilities_of_all_ordered_sets_add_up_to_one(k):
    orders = torch.tensor(list(permutations(range(5), k)))
    found = ordered_logp(Z.expand(len(orders), 5), orders)
    assert found.exp().sum().item() == pytest.approx(1.0, abs=1e-12)
    for order, value in zip(orders.tolist(), found, strict=True):
        assert value.item() == pytest.approx(slow_logp(Z, order).item(), abs=1e-12)


@pytest.mark.parametrize("k", [1, 2, 4, 5])
def test_gradients_are_those_of_the_slow_way(k):
    for order in list(permutations(range(5), k))[::7]:
        fast, slow = (Z.clone().requires_grad_() for _ in range(2))
        (one,) = torch.autograd.grad(ordered_logp(fast, torch.tensor(order)), fast)
        (two,) = torch.autograd.grad(slow_logp(slow, order), slow)
        assert torch.allclose(one, two, atol=1e-12)
        assert torch.isfinite(one).all()


def test_the_policy_gradient_over_all_draws_is_that_of_the_expected_reward():
    reward = {order: float(order[0] == 2) + 0.5 * (4 in order) for order in permutations(range(5), 2)}
    z = Z.clone().requires_grad_()
    expected = sum(slow_logp(z, order).exp() * value for order, value in reward.items())
    (exact,) = torch.autograd.grad(expected, z)
    z = Z.clone().requires_grad_()
    surrogate = sum(
        ordered_logp(z, torch.tensor(order)) * value * slow_logp(Z, order).exp() for order, value in reward.items()
    )
    (found,) = torch.autograd.grad(surrogate, z)
    assert torch.allclose(found, exact, atol=1e-12)


def test_gumbel_noise_draws_with_these_probabilities():
    drawn = Counter(gumbel_top_k(Z.numpy(), 2, 0.5, seed) for seed in range(20_000))
    for order in permutations(range(5), 2):
        wanted = ordered_logp(Z / 0.5, torch.tensor(order)).exp().item()
        assert drawn[order] / 20_000 == pytest.approx(wanted, abs=4 * (wanted * (1 - wanted) / 20_000) ** 0.5 + 1e-4)


def test_certain_logits_stay_finite():
    z = torch.tensor([900.0, -900.0, 0.0], requires_grad=True)
    value = ordered_logp(z, torch.tensor([0, 2, 1]))
    assert value.item() == pytest.approx(0.0)
    (grad,) = torch.autograd.grad(value, z)
    assert torch.isfinite(grad).all()


def test_straight_through_is_hard_forward_and_soft_backward():
    z, weight = Z.clone().requires_grad_(), torch.tensor([1.0, -2.0, 0.5, 3.0, -1.0], dtype=torch.float64)
    mask = straight_through(z, 2, 0.7)
    assert mask.detach().tolist() == pytest.approx([0.0, 0.0, 1.0, 0.0, 1.0])
    (found,) = torch.autograd.grad((mask * weight).sum(), z)
    y = Z.clone().requires_grad_()
    first = torch.softmax(y / 0.7, 0)
    second = torch.softmax((y + torch.log(1 - first)) / 0.7, 0)
    (wanted,) = torch.autograd.grad(((first + second) * weight).sum(), y)
    assert torch.allclose(found, wanted, atol=1e-12)
    noise = torch.from_numpy(np.random.default_rng(0).gumbel(size=(3, 5)))
    batch = straight_through(Z.expand(3, 5), 3, 1.0, noise)
    wanted = torch.zeros(3, 5, dtype=torch.float64).scatter(-1, (Z + noise).topk(3).indices, 1.0)
    assert torch.allclose(batch, wanted)


def test_the_soft_mask_nears_the_hard_one_as_it_cools():
    hard = straight_through(Z, 2)
    gaps = []
    for tau in (1.0, 0.3, 0.1):
        score, soft = Z, torch.zeros(5, dtype=torch.float64)
        for _ in range(2):
            taken = torch.softmax(score / tau, -1)
            soft, score = soft + taken, score + torch.log((1 - taken).clamp(min=1e-300))
        gaps.append(float((soft - hard).abs().max()))
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.03
    for k, tau in ((0, 1.0), (6, 1.0), (2, 0.0)):
        with pytest.raises(ValueError, match="needs 1 <= k <= 5"):
            straight_through(Z, k, tau)
