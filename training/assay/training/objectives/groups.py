"""Statistics over the rewards of groups.

Rows without a reward (NaN) are left out; branches of one rollout count once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from assay.training.objectives.types import TrajectoryBatch


def sequence_reward(batch: TrajectoryBatch) -> Tensor:
    """Reward of each whole row, float64 [B]: ``reward`` plus the row's token rewards. NaN stays NaN."""
    total: Tensor = batch.reward.double()
    if batch.token_reward is not None:
        total = total + (batch.token_reward.double() * batch.action_mask).sum(-1)
    return total


def row_weights(batch: TrajectoryBatch) -> Tensor:
    """One over the number of rows that share the row's rollout, float64 [B]."""
    if batch.rollout_id is None:
        return torch.ones(len(batch), dtype=torch.float64, device=batch.reward.device)
    _, inverse, counts = torch.unique(batch.rollout_id, return_inverse=True, return_counts=True)
    weights: Tensor = 1.0 / counts.double()[inverse]
    return weights


@dataclass(frozen=True)
class GroupStats:
    """What each row knows of its group; every tensor is [B].

    Attributes:
        reward: the rewards, float64, with 0 where there is none.
        valid: bool; the row has a reward.
        size: rollouts of the group that have a reward.
        mean: their mean reward.
        std: their sample standard deviation (Bessel); exactly 0 where all are equal or there is one.
    """

    reward: Tensor
    valid: Tensor
    size: Tensor
    mean: Tensor
    std: Tensor

    @property
    def comparable(self) -> Tensor:
        """Bool [B]: a reward, and at least one other rollout to compare it with."""
        return self.valid & (self.size > 1.5)

    @property
    def centred(self) -> Tensor:
        """Reward minus the group's mean; exactly 0 where all agree, the rollout is alone, or the row has no reward."""
        return torch.where(self.comparable & (self.std > 0), self.reward - self.mean, torch.zeros_like(self.reward))


def group_stats(batch: TrajectoryBatch) -> GroupStats:
    """Mean, deviation and size of every row's group."""
    raw = sequence_reward(batch)
    valid = ~torch.isnan(raw)
    reward = torch.where(valid, raw, torch.zeros_like(raw))
    weight = row_weights(batch) * valid
    _, group = torch.unique(batch.group_id, return_inverse=True)
    groups = int(group.max()) + 1 if len(batch) else 0

    def total(values: Tensor) -> Tensor:
        return torch.zeros(groups, dtype=values.dtype, device=values.device).index_add_(0, group, values)

    size = total(weight)
    mean = total(weight * reward) / size.clamp(min=1.0)
    squares = total(weight * (reward - mean[group]) ** 2)
    std = (squares / (size - 1).clamp(min=1.0)).sqrt()
    # Rounding leaves a deviation of some 1e-17 in a unanimous group, which a division would blow up: ask min and max.
    infinity = torch.full((groups,), torch.inf, dtype=torch.float64, device=raw.device)
    low = infinity.scatter_reduce(0, group, torch.where(valid, reward, torch.inf), "amin")
    high = (-infinity).scatter_reduce(0, group, torch.where(valid, reward, -torch.inf), "amax")
    std = torch.where(high > low, std, torch.zeros_like(std))
    return GroupStats(reward, valid, size[group], mean[group], std[group])


def whiten(values: Tensor, mask: Tensor, eps: float = 1e-8) -> Tensor:
    """(values - mean) / sqrt(var + eps) over the kept entries (var with Bessel's correction), 0 elsewhere; float64.

    Entries that are all equal become exactly 0.
    """
    kept = values.double()[mask > 0]
    if kept.numel() < 2 or bool(kept.max() == kept.min()):
        return torch.zeros_like(values, dtype=torch.float64)
    return torch.where(mask > 0, (values.double() - kept.mean()) / (kept.var() + eps).sqrt(), 0.0)
