"""Statistics over the rewards of groups.

Rows without a reward (NaN) are left out; branches of one rollout count once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from assay.training.objectives.data import TrajectoryBatch


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


@dataclass(frozen=True)
class GroupSums:
    """What the statistics of groups are made of; those of parts of a batch merge into those of the whole.

    So a group of hundreds of rollouts may lie on several devices. Every tensor is [groups]:

    Attributes:
        ids: group ids, ascending.
        size: rollouts with a reward.
        mean: of their rewards; 0 where there is none.
        squares: sum of their squared distances from it.
        low, high: the smallest and largest of them.
    """

    ids: Tensor
    size: Tensor
    mean: Tensor
    squares: Tensor
    low: Tensor
    high: Tensor

    @classmethod
    def of(cls, batch: TrajectoryBatch) -> GroupSums:
        """Those of some rows; branches of one rollout must not be parted."""
        raw = sequence_reward(batch)
        valid = ~torch.isnan(raw)
        reward = torch.where(valid, raw, torch.zeros_like(raw))
        weight = row_weights(batch) * valid
        ids, group = torch.unique(batch.group_id, return_inverse=True)
        zero = torch.zeros(len(ids), dtype=torch.float64, device=raw.device)
        size = zero.index_add(0, group, weight)
        mean = zero.index_add(0, group, weight * reward) / size.clamp(min=1.0)
        squares = zero.index_add(0, group, weight * (reward - mean[group]) ** 2)
        low = (zero + torch.inf).scatter_reduce(0, group, torch.where(valid, reward, torch.inf), "amin")
        high = (zero - torch.inf).scatter_reduce(0, group, torch.where(valid, reward, -torch.inf), "amax")
        return cls(ids, size, mean, squares, low, high)

    def merge(self, other: GroupSums) -> GroupSums:
        """Those of both parts (Chan et al. 1983)."""
        ids = torch.unique(torch.cat([self.ids, other.ids]))
        a, b = self._at(ids), other._at(ids)
        size = a.size + b.size
        share, gap = b.size / size.clamp(min=1.0), b.mean - a.mean
        mean = torch.where(a.size == 0, b.mean, a.mean + gap * share)
        squares = a.squares + b.squares + gap**2 * a.size * share
        return GroupSums(ids, size, mean, squares, torch.minimum(a.low, b.low), torch.maximum(a.high, b.high))

    def _at(self, ids: Tensor) -> GroupSums:
        """For more groups, those without a row empty."""
        where = torch.searchsorted(ids, self.ids)

        def wide(values: Tensor, empty: float = 0.0) -> Tensor:
            full = torch.full((len(ids),), empty, dtype=torch.float64, device=ids.device)
            return full.index_copy(0, where, values)

        low, high = wide(self.low, torch.inf), wide(self.high, -torch.inf)
        return GroupSums(ids, wide(self.size), wide(self.mean), wide(self.squares), low, high)


def group_stats(batch: TrajectoryBatch, sums: GroupSums | None = None) -> GroupStats:
    """Mean, deviation and size of every row's group.

    Args:
        batch: the rows.
        sums: of whole groups, where the batch holds but parts of them; default: the batch's own.
    """
    sums = GroupSums.of(batch) if sums is None else sums
    raw = sequence_reward(batch)
    valid = ~torch.isnan(raw)
    reward = torch.where(valid, raw, torch.zeros_like(raw))
    std = (sums.squares / (sums.size - 1).clamp(min=1.0)).sqrt()
    # Rounding leaves a deviation of some 1e-17 in a unanimous group, which a division would blow up: ask min and max.
    std = torch.where(sums.high > sums.low, std, torch.zeros_like(std))
    group = torch.searchsorted(sums.ids, batch.group_id)
    return GroupStats(reward, valid, sums.size[group], sums.mean[group], std[group])


def whiten(values: Tensor, mask: Tensor, eps: float = 1e-8) -> Tensor:
    """(values - mean) / sqrt(var + eps) over the kept entries (var with Bessel's correction), 0 elsewhere; float64.

    Entries that are all equal become exactly 0.
    """
    kept = values.double()[mask > 0]
    if kept.numel() < 2 or bool(kept.max() == kept.min()):
        return torch.zeros_like(values, dtype=torch.float64)
    return torch.where(mask > 0, (values.double() - kept.mean()) / (kept.var() + eps).sqrt(), 0.0)
