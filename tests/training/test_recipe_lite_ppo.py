"""Lite PPO: the numbers of arXiv:2508.08221 and how it weighs easy prompts against hard ones."""

from __future__ import annotations

import pytest
import torch

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.recipes import get_recipe


def advantages(name, rewards, groups, **constants):
    return (
        get_recipe(name, {"kl_beta": 0.0, **constants}).objective(1).prepare(TrajectoryBatch.of(rewards, groups))[:, 0]
    )


def test_the_numbers():
    found = advantages("lite-ppo", [1, 0, 0, 0, 1, 1, 1, 0], [0] * 4 + [1] * 4)
    assert found.tolist() == pytest.approx([1.403119] + [-0.467706] * 3 + [0.467706] * 3 + [-1.403119], abs=1e-5)
    found = advantages("lite-ppo", [1, 1, 1, 1, 1, 0, 0, 0], [0] * 4 + [1] * 4)
    assert found.tolist() == pytest.approx([0.0] * 4 + [1.449135] + [-0.483045] * 3, abs=1e-5)
    assert advantages("lite-ppo", [1.0] * 8, [0] * 4 + [1] * 4).abs().max() == 0


def test_the_other_reading_of_a_batch_deviation():
    two = [0] * 4 + [1] * 4
    found = advantages("lite-ppo", [1, 0, 0, 0, 1, 1, 1, 0], two, std_of="centered")
    assert found.tolist() == pytest.approx([1.620185] + [-0.540062] * 3 + [0.540062] * 3 + [-1.620185], abs=1e-5)
    assert advantages("lite-ppo", [1, 1, 1, 1, 0, 0, 0, 0], two, std_of="centered").abs().max() == 0
    alone = advantages("lite-ppo", [1, 0, 0, 0, 1, 1, 1, 0, 9], [*two, 2], std_of="centered")
    assert alone[:8].tolist() == pytest.approx(found.tolist())  # a rollout that is alone says nothing of deviations
    assert alone[8] == 0


@pytest.mark.parametrize("std_of", ["raw", "centered"])
def test_cutting_a_batch_leaves_advantages_and_loss_as_they_are(std_of):
    """The deviation is that of the whole batch, in each of 4 minibatches and however they are cut."""
    g = torch.Generator().manual_seed(0)
    mask = (torch.rand(16, 5, generator=g) < 0.8).float()
    rewards = (torch.rand(16, generator=g) < 0.4).float()
    objective = get_recipe("lite-ppo", {"std_of": std_of}).objective(5)
    batch = TrajectoryBatch.of(rewards, [i // 4 for i in range(16)], action_mask=mask)
    advantage, logp = objective.prepare(batch), -torch.rand(16, 5, generator=g) * mask
    whole = objective.totals(batch, advantage)
    total = objective.loss(PolicyOutputs(logp), batch, advantage, whole)[0].item()
    for parts in (4, 2):
        losses = []
        for index in torch.arange(16).view(4, 4).T.reshape(parts, -1):  # rows of all groups in each
            part = objective.in_minibatch(batch.rows(index), advantage[index])
            assert torch.equal(part, advantage[index])
            losses.append(objective.loss(PolicyOutputs(logp[index]), batch.rows(index), part, whole)[0].item())
        assert sum(losses) == pytest.approx(total, abs=1e-6)


def test_it_is_dr_grpo_times_a_constant_and_grpo_is_not():
    rewards, groups = [1.0, 0, 0, 0, 1, 1, 1, 0, 0.5, 0, 0, 1], [0] * 4 + [1] * 4 + [2] * 4
    base = advantages("dr-grpo", rewards, groups)
    ratio = advantages("lite-ppo", rewards, groups) / base
    assert ratio.std() < 1e-6 < ratio.min()
    assert (advantages("grpo", rewards, groups) / base).std() > 0.01


def easy_share(name, seed):
    """Norm of the gradient of the prompts of success .95 over that of all, the others having .3; mean over draws."""
    g = torch.Generator().manual_seed(seed)
    prompts, arms, group = 64, 20, 8
    success = torch.tensor([0.95] * 32 + [0.3] * 32)
    right = torch.zeros(prompts, arms)
    right[:, :5] = 1.0
    probabilities = torch.where(right > 0, success.unsqueeze(-1) / 5, (1 - success).unsqueeze(-1) / 15)
    groups = torch.arange(prompts).repeat_interleave(group)
    objective = get_recipe(name, {"kl_beta": 0.0}).objective(1)
    share = 0.0
    for _ in range(200):
        arm = torch.multinomial(probabilities, group, replacement=True, generator=g).flatten()
        logits = probabilities.log().requires_grad_()
        logp = torch.log_softmax(logits, -1)[groups, arm].unsqueeze(-1)
        batch = TrajectoryBatch.of(right[groups, arm], groups.tolist(), rollout_logp=logp.detach())
        advantage = objective.prepare(batch)
        loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, objective.totals(batch, advantage))
        (grad,) = torch.autograd.grad(loss, logits)
        share += float(grad[:32].norm() / grad.norm()) / 200
    return share


@pytest.mark.parametrize("seed", range(5))
def test_easy_prompts_weigh_less_than_with_grpo(seed):
    lite, grpo, dr = (easy_share(name, seed) for name in ("lite-ppo", "grpo", "dr-grpo"))
    assert lite < grpo
    assert abs(lite - dr) < 0.02
    assert (grpo, lite, dr) == pytest.approx((0.495, 0.415, 0.415), abs=0.015)
