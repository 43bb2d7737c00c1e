"""Advantages: how much better than expected each token was. All take a batch and return float32 [B, T], no gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.groups import group_stats, row_weights, sequence_reward, whiten
from assay.training.objectives.types import Advantage


def spread(values: Tensor, batch: TrajectoryBatch) -> Tensor:
    """One value a row [B], given to each of the row's sampled tokens; float32 [B, T]."""
    return values.float().unsqueeze(-1) * batch.action_mask


class GroupRelative(Advantage):
    """The base of advantages that compare a rollout with the others of its group.

    A group whose rewards are all equal gets exactly 0, and so does a rollout that is alone with its reward.
    """

    @property
    def group_relative(self) -> bool:
        """True."""
        return True


@dataclass(frozen=True)
class GRPO(GroupRelative):
    """(R - mean) / (std + eps) of the group; Shao et al. 2024 (arXiv:2402.03300), eq. 3 with outcome supervision.

    ``eps`` is 1e-6 here; TRL has 1e-4.
    """

    eps: float = 1e-6

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Advantages [B, T]."""
        stats = group_stats(batch)
        return spread(stats.centred / (stats.std + self.eps), batch)


@dataclass(frozen=True)
class DrGRPO(GroupRelative):
    """R - mean of the group; Liu et al. 2025 (arXiv:2503.20783). Only with ``seq-sum-norm`` is it Dr. GRPO."""

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Advantages [B, T]."""
        return spread(group_stats(batch).centred, batch)


@dataclass(frozen=True)
class RLOO(GroupRelative):
    """R - mean of the group's others = (R - mean) G / (G - 1); Ahmadian et al. 2024 (arXiv:2402.14740), section 3.2."""

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Advantages [B, T]."""
        stats = group_stats(batch)
        return spread(stats.centred * stats.size / (stats.size - 1).clamp(min=1.0), batch)


@dataclass(frozen=True)
class Lite(GroupRelative):
    """(R - mean of the group) / (std of the batch + eps); Lite PPO (arXiv:2508.08221).

    The deviation is of all rewards (``raw``), or of those that can be compared, less their group's mean (``centered``).
    """

    eps: float = 1e-6
    std_of: Literal["raw", "centered"] = "raw"

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Advantages [B, T]."""
        stats = group_stats(batch)
        raw = self.std_of == "raw"
        value = stats.reward if raw else stats.centred
        weight = row_weights(batch) * (stats.valid if raw else stats.comparable)
        count = weight.sum().clamp(min=1.0)
        mean = (weight * value).sum() / count
        variance = (weight * (value - mean) ** 2).sum() / (count - 1).clamp(min=1.0)
        return spread(stats.centred / (variance.sqrt() + self.eps), batch)


def token_rewards(batch: TrajectoryBatch) -> Tensor:
    """Reward of each token, float64 [B, T]: token rewards, and ``reward`` on the row's last sampled token.

    Rows without a reward are 0.
    """
    mask = batch.action_mask.double()
    rewards = torch.zeros_like(mask) if batch.token_reward is None else batch.token_reward.double() * mask
    position = torch.arange(mask.shape[1], device=mask.device)
    last = torch.where(mask > 0, position, -1).amax(-1) if mask.shape[1] else position.new_zeros(len(batch))
    final = (position == last.unsqueeze(-1)).double() * batch.reward.double().nan_to_num(0.0).unsqueeze(-1)
    valid = ~torch.isnan(sequence_reward(batch))
    return (rewards + final) * valid.unsqueeze(-1)


def discounted_returns(rewards: Tensor, mask: Tensor, gamma: float) -> Tensor:
    """G_t = r_t + gamma G_(t+1) over the tokens of the mask, [B, T]; other tokens are passed over undiscounted."""
    if gamma == 1.0:
        return rewards.flip(-1).cumsum(-1).flip(-1) * mask
    returns = torch.zeros_like(rewards)
    running = torch.zeros_like(rewards[:, 0])
    for t in range(rewards.shape[1] - 1, -1, -1):
        running = torch.where(mask[:, t] > 0, rewards[:, t] + gamma * running, running)
        returns[:, t] = running * mask[:, t]
    return returns


@dataclass(frozen=True)
class ReinforcePP(Advantage):
    """Token returns, whitened over all tokens of the batch; REINFORCE++ (arXiv:2501.03262), section 3.2."""

    gamma: float = 1.0
    eps: float = 1e-8

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Advantages [B, T]."""
        returns = discounted_returns(token_rewards(batch), batch.action_mask.double(), self.gamma)
        valid = (~torch.isnan(sequence_reward(batch))).unsqueeze(-1)
        return whiten(returns, batch.action_mask * valid, self.eps).float()


@dataclass(frozen=True)
class ReinforcePPBaseline(GroupRelative):
    """R - mean of the group, whitened over all tokens of the batch; REINFORCE++ (arXiv:2501.03262), baseline form.

    Whitening moves a unanimous group off 0 by the batch mean, as published; single rollouts and rows without a reward
    stay out of the statistics and at 0.
    """

    eps: float = 1e-8

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Advantages [B, T]."""
        stats = group_stats(batch)
        kept = batch.action_mask * stats.comparable.unsqueeze(-1)
        return whiten(stats.centred.unsqueeze(-1).expand_as(kept), kept, self.eps).float()
