"""Lite PPO: the numbers of arXiv:2508.08221 and how it weighs easy prompts against hard ones."""

from __future__ import annotations

import pytest
import torch

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.recipes import get_recipe


def advantages(name, rewards, groups):
    return get_recipe(name, {"kl_beta": 0.0}).objective(1).prepare(TrajectoryBatch.of(rewards, groups))[:, 0]


def test_the_numbers():
    found = advantages("lite-ppo", [1, 0, 0, 0, 1, 1, 1, 0], [0] * 4 + [1] * 4)
    assert found.tolist() == pytest.approx([1.403119] + [-0.467706] * 3 + [0.467706] * 3 + [-1.403119], abs=1e-5)
    found = advantages("lite-ppo", [1, 1, 1, 1, 1, 0, 0, 0], [0] * 4 + [1] * 4)
    assert found.tolist() == pytest.approx([0.0] * 4 + [1.449135] + [-0.483045] * 3, abs=1e-5)
    assert advantages("lite-ppo", [1.0] * 8, [0] * 4 + [1] * 4).abs().max() == 0


def test_it_is_dr_grpo_times_a_constant_and_grpo_is_not():
    rewards, groups = [1.0, 0, 0, 0, 1, 1, 1, 0, 0.5, 0, 0, 1], [0] * 4 + [1] * 4 + [2] * 4
    base = advantages("dr-grpo", rewards, groups)
    ratio = advantages("lite-ppo", rewards, groups) / base
    assert ratio.std() < 1e-6 < ratio.min()
    assert (advantages("grpo", rewards, groups) / base).std() > 0.01


def easy_share(name, seed):
    """Share of the mean gradient norm that comes from prompts of success .95, the others having .3."""
    g = torch.Generator().manual_seed(seed)
    prompts, arms, group = 64, 20, 8
    success = torch.tensor([0.95] * 32 + [0.3] * 32)
    right = torch.zeros(prompts, arms)
    right[:, :5] = 1.0
    probabilities = torch.where(right > 0, success.unsqueeze(-1) / 5, (1 - success).unsqueeze(-1) / 15)
    groups = torch.arange(prompts).repeat_interleave(group)
    objective = get_recipe(name, {"kl_beta": 0.0}).objective(1)
    total = torch.zeros(prompts)
    for _ in range(200):
        arm = torch.multinomial(probabilities, group, replacement=True, generator=g).flatten()
        logits = probabilities.log().requires_grad_()
        logp = torch.log_softmax(logits, -1)[groups, arm].unsqueeze(-1)
        batch = TrajectoryBatch.of(right[groups, arm], groups.tolist(), rollout_logp=logp.detach())
        advantage = objective.prepare(batch)
        loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, objective.totals(batch, advantage))
        (grad,) = torch.autograd.grad(loss, logits)
        total += grad.norm(dim=-1)
    return float(total[:32].sum() / total.sum())


@pytest.mark.parametrize("seed", range(3))
def test_easy_prompts_weigh_less_than_with_grpo(seed):
    lite, grpo, dr = (easy_share(name, seed) for name in ("lite-ppo", "grpo", "dr-grpo"))
    assert lite < grpo
    assert abs(lite - dr) < 0.02
