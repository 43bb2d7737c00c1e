"""CoPG: the numbers of arXiv:2406.19185, and its bandit."""

from __future__ import annotations

import math

import pytest
import torch

from assay.training.objectives.types import PolicyOutputs, TrajectoryBatch
from assay.training.recipes import RunFacts, check_recipe, get_recipe


def loss_of(name, h, rewards, group=None, **constants):
    """Loss and coefficients -dL/dlog pi, times the prompts."""
    objective = get_recipe(name, constants).objective(1)
    logp = torch.tensor(h).unsqueeze(-1).requires_grad_()
    rows = len(h)
    batch = TrajectoryBatch.of(rewards, group, anchor_logp={"ref": torch.zeros(rows, 1)})
    advantage = objective.prepare(batch)
    loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, objective.totals(batch, advantage))
    (grad,) = torch.autograd.grad(loss, logp)
    prompts = len(set(group)) if group else 1
    return float(loss.detach()), (-grad[:, 0] * prompts).tolist()


def test_a_pair():
    loss, found = loss_of("copg", [0.3, -0.2], [1.0, 0.4], beta=0.5)
    assert found == pytest.approx([0.35, -0.35], abs=1e-6)
    assert 0.36 - loss == pytest.approx(0.2375, abs=1e-6)  # l up to the constant (R - R')^2 / (2 beta)


def test_on_policy_it_is_rloo():
    assert loss_of("copg", [0.0, 0.0], [1.0, 0.0])[1] == pytest.approx([1.0, -1.0], abs=1e-6)
    found = loss_of("copg", [0.0] * 4, [1.0, 0.0, 0.0, 0.0])[1]
    assert found == pytest.approx([1.0, -1 / 3, -1 / 3, -1 / 3], abs=1e-6)
    two = loss_of("copg", [0.0] * 4, [1.0, 0.0, 0.0, 1.0], [0, 0, 1, 1])[1]
    assert two == pytest.approx([1.0, -1.0, -1.0, 1.0], abs=1e-6)


def test_ipo_is_its_binary_case():
    beta, h = 0.1, [0.7, -0.4]
    found = loss_of("ipo", h, [3.0, 2.9], beta=beta)
    logp = torch.tensor(h, dtype=torch.float64, requires_grad=True)
    expected = (0.5 - beta * (logp[0] - logp[1])) ** 2 / (2 * beta)
    (grad,) = torch.autograd.grad(expected, logp)
    assert found[0] == pytest.approx(float(expected.detach()), abs=1e-6)
    assert found[1] == pytest.approx((-grad).tolist(), abs=1e-6)


def test_the_mean_is_over_prompts_however_many_responses_each_has():
    """Three responses to one prompt and two to another weigh alike; beta goes with the scale of the rewards."""
    three, two = loss_of("copg", [0.1, 0.4, -0.3], [1.0, 0.0, 0.5]), loss_of("copg", [0.2, -0.1], [1.0, 0.3])
    loss, found = loss_of("copg", [0.1, 0.4, -0.3, 0.2, -0.1], [1.0, 0.0, 0.5, 1.0, 0.3], [0, 0, 0, 1, 1])
    assert loss == pytest.approx((three[0] + two[0]) / 2)
    assert found == pytest.approx([*three[1], *two[1]], abs=1e-6)
    scaled = loss_of("copg", [0.2, -0.1], [10.0, 3.0], reward_scale=0.1)
    assert scaled[1] == pytest.approx(two[1], abs=1e-6)
    with pytest.raises(ValueError, match="reward_scale"):
        get_recipe("copg", {"reward_scale": 0.0}).objective(8)


def test_pairings():
    h, rewards = [0.1, 0.4, -0.3], [1.0, 0.0, 0.5]

    def pair(i, j):
        gap, beta = rewards[i] - rewards[j], 0.5
        return (gap - beta * (h[i] - h[j])) ** 2 / (2 * beta)

    expected = {"all": (pair(0, 1) + pair(0, 2) + pair(1, 2)) / 2, "adjacent": (pair(0, 1) + pair(1, 2)) / 2,
                "best-worst": pair(0, 1)}  # fmt: skip
    for pairing, cost in expected.items():
        assert loss_of("copg", h, rewards, beta=0.5, pairing=pairing)[0] == pytest.approx(cost, abs=1e-6)
    assert 0.5 * math.log(sum(math.exp(r / 0.5) for r in (2.5, 2.0, 1.0)) / 3) == pytest.approx(2.125200, abs=1e-6)


def test_the_quarters_are_ipo_to_nine_digits():
    """R = (1/4, -1/4) has the gradient of -(1/2 - beta (h - h'))^2 / (2 beta)."""
    beta = 0.1
    objective = get_recipe("copg", {"beta": beta}).objective(1)
    h = torch.tensor([[0.7], [-0.4]], dtype=torch.float64, requires_grad=True)
    batch = TrajectoryBatch.of([0.25, -0.25], anchor_logp={"ref": torch.zeros(2, 1, dtype=torch.float64)})
    loss = objective.surrogate(PolicyOutputs(h), batch, objective.prepare(batch)).sum()
    (found,) = torch.autograd.grad(loss, h)
    (wanted,) = torch.autograd.grad((0.5 - beta * (h[0] - h[1])).square().sum() / (2 * beta), h)
    assert torch.allclose(found, wanted, rtol=0, atol=1e-9)


def test_ties_pull_together_and_the_same_answer_twice_is_nothing():
    assert loss_of("copg", [0.5, -0.5], [1.0, 1.0], beta=0.5)[1] == pytest.approx([-0.5, 0.5])
    assert loss_of("copg", [0.5, 0.5], [1.0, 1.0], beta=0.5)[1] == pytest.approx([0.0, 0.0])


def test_a_row_without_a_reward_is_out():
    found = loss_of("copg", [0.0, 3.0, 0.0], [1.0, math.nan, 0.0])[1]
    assert found[1] == 0
    assert found[0] == pytest.approx(-found[2])


def test_what_is_refused():
    with pytest.raises(ValueError, match="beta"):
        get_recipe("copg", {"beta": 0.0}).objective(8)
    with pytest.raises(ValueError, match="group_size"):
        check_recipe(get_recipe("copg"), RunFacts(1, 8))
    assert get_recipe("copg").objective(8).anchors == {"ref"}


REWARDS, BETA = torch.tensor([2.5, 2.0, 1.0]), 0.5


def regret(policy):
    value = (policy * REWARDS).sum() - BETA * (policy * (policy / (1 / 3)).log()).sum()
    return float(BETA * torch.log((torch.exp(REWARDS / BETA) / 3).sum()) - value)


def learn(name, first, second, pairs=10_000, epochs=40, seed=0):
    """The policy learned offline from pairs of a three-armed bandit."""
    g = torch.Generator().manual_seed(seed)
    arms = torch.stack([torch.multinomial(torch.tensor(law), pairs, True, generator=g) for law in (first, second)], 1)
    objective = get_recipe(name, {"beta": BETA}).objective(1)
    logits = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=1e-2)
    # Pairs of equal arms cost a constant, and equal pairs cost the same: their numbers are all that matters.
    table = [(a, b) for a in range(3) for b in range(3)]
    ref = torch.full((2 * len(table), 1), math.log(1 / 3))
    flat = torch.tensor(table).flatten()
    for _ in range(epochs):
        for start in torch.randperm(pairs, generator=g).split(512):
            counts = torch.bincount(arms[start, 0] * 3 + arms[start, 1], minlength=9)
            present = torch.nonzero(counts).flatten()
            rows = (present.unsqueeze(-1) * 2 + torch.arange(2)).flatten()
            logp = torch.log_softmax(logits, -1)[flat[rows]].unsqueeze(-1)
            batch = TrajectoryBatch.of(
                REWARDS[flat[rows]], present.repeat_interleave(2).tolist(), anchor_logp={"ref": ref[rows]}
            )
            costs = objective.surrogate(PolicyOutputs(logp), batch, objective.prepare(batch)).view(-1, 2).sum(-1)
            loss = (costs * counts[present]).sum() / len(start)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return torch.softmax(logits.detach(), -1)


def test_the_bandit():
    best = torch.softmax(REWARDS / BETA, -1)
    assert best.tolist() == pytest.approx([0.705385, 0.259496, 0.035119], abs=1e-6)
    assert regret(torch.full((3,), 1 / 3)) == pytest.approx(0.291867, abs=1e-5)
    skewed = learn("copg", [0.1, 0.2, 0.7], [0.05, 0.05, 0.9])
    assert regret(skewed) < 1e-5
    assert skewed.tolist() == pytest.approx([0.705, 0.260, 0.035], abs=2e-3)
    assert regret(learn("copg", [0.4, 0.3, 0.3], [0.05, 0.05, 0.9], seed=1)) < 1e-4
    assert regret(learn("ipo", [0.1, 0.2, 0.7], [0.05, 0.05, 0.9], epochs=20)) > 0.05  # biased by what sampled
