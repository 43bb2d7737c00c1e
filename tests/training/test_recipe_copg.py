"""CoPG: the numbers of arXiv:2406.19185, and its bandit."""

from __future__ import annotations

import math

import pytest
import torch

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.kl import KLReward
from assay.training.objectives.lol import Weighted
from assay.training.objectives.objective import Objective
from assay.training.objectives.surrogate import Reinforce
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


FIRST, SECOND = (0.1, 0.2, 0.7), (0.05, 0.05, 0.9)


def pairs_of(first, second, seed=0, pairs=10_000):
    """Arms [pairs, 2] that two laws drew, and which of each pair a Bradley-Terry judge preferred (0 or 1)."""
    g = torch.Generator().manual_seed(seed)
    arms = torch.stack([torch.multinomial(torch.tensor(law), pairs, True, generator=g) for law in (first, second)], 1)
    gap = REWARDS[arms[:, 0]] - REWARDS[arms[:, 1]]
    return arms, (torch.rand(pairs, generator=g) > torch.sigmoid(gap)).long()


def learn(name, arms, preferred=None, epochs=30, seed=0):
    """The policy that a recipe learns from pairs of a three-armed bandit, in an order that ``seed`` decides."""
    g = torch.Generator().manual_seed(seed)
    objective = get_recipe(name, {"beta": BETA}).objective(1)
    logits = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=1e-2)
    # Equal pairs cost the same, so how many there are of each kind is all that matters.
    table = torch.tensor([(a, b, w) for a in range(3) for b in range(3) for w in range(2)])
    kind = arms[:, 0] * 6 + arms[:, 1] * 2 + (0 if preferred is None else preferred)
    for _ in range(epochs):
        for chosen in torch.randperm(len(arms), generator=g).split(512):
            counts = torch.bincount(kind[chosen], minlength=18)
            present = torch.nonzero(counts).flatten()
            arm, wins = table[present, :2].flatten(), table[present, 2]
            reward = REWARDS[arm] if preferred is None else torch.stack([1 - wins, wins], 1).flatten().float()
            logp = torch.log_softmax(logits, -1)[arm].unsqueeze(-1)
            batch = TrajectoryBatch.of(
                reward,
                torch.arange(len(present)).repeat_interleave(2).tolist(),
                anchor_logp={"ref": torch.full((len(arm), 1), math.log(1 / 3))},
            )
            costs = objective.surrogate(PolicyOutputs(logp), batch, objective.prepare(batch)).view(-1, 2).sum(-1)
            loss = (costs * counts[present]).sum() / len(chosen)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return torch.softmax(logits.detach(), -1)


def policy_gradient(arms, baseline, steps=1200):
    """The policy that REINFORCE on the regularised reward learns from all the arms at once, off-policy as they are."""
    objective = Objective(Weighted(), Reinforce(), "seq-mean-token-mean", 1, token_rewards=(KLReward(BETA, "k1"),))
    logits = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=1e-2)
    share = torch.bincount(arms.flatten(), minlength=3) / arms.numel()
    for _ in range(steps):
        logp = torch.log_softmax(logits, -1)
        fixed = logp.detach().unsqueeze(-1)
        anchor = torch.full((3, 1), math.log(1 / 3))
        value = (REWARDS * fixed[:, 0].exp()).sum() if baseline else 0.0
        batch = TrajectoryBatch.of(
            REWARDS - value, [0, 1, 2], rollout_logp=fixed, old_logp=fixed, anchor_logp={"ref": anchor}
        )
        loss = objective.surrogate(PolicyOutputs(logp.unsqueeze(-1)), batch, objective.prepare(batch))[:, 0]
        optimizer.zero_grad()
        (loss * share).sum().backward()
        optimizer.step()
    return torch.softmax(logits.detach(), -1)


def test_the_bandit():
    best = torch.softmax(REWARDS / BETA, -1)
    assert best.tolist() == pytest.approx([0.705385, 0.259496, 0.035119], abs=1e-6)
    assert regret(torch.full((3,), 1 / 3)) == pytest.approx(0.291867, abs=1e-5)
    arms, _ = pairs_of(FIRST, SECOND)
    skewed = learn("copg", arms)
    assert regret(skewed) < 1e-5
    assert skewed.tolist() == pytest.approx([0.705, 0.260, 0.035], abs=2e-3)
    half = torch.cat([arms[5000:], arms[:5000].flip(0)])
    assert learn("copg", half, seed=3).tolist() == pytest.approx(skewed.tolist(), abs=1e-4)
    assert regret(learn("copg", pairs_of((0.4, 0.3, 0.3), SECOND, seed=1)[0])) < 1e-4


def test_the_bandit_with_preferences():
    """IPO, which sees no rewards, ends where the sampling laws and the judge say, not at the optimum."""
    found = learn("ipo", *pairs_of(FIRST, SECOND), epochs=20)
    assert regret(found) == pytest.approx(0.159, abs=0.01)
    assert found.tolist() == pytest.approx([0.415, 0.359, 0.226], abs=0.015)


def test_the_bandit_without_the_contrast():
    """The plain policy gradient is biased off-policy: without a baseline worse than its start, with the policy's exact
    mean reward as one better, and not right."""
    arms, _ = pairs_of(FIRST, SECOND)
    assert regret(policy_gradient(arms, baseline=False)) == pytest.approx(0.642, abs=0.02)
    valued = policy_gradient(arms, baseline=True)
    assert regret(valued) == pytest.approx(0.0149, abs=0.003)
    assert valued.tolist() == pytest.approx([0.812, 0.167, 0.021], abs=0.01)
