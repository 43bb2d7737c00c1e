"""Schedules decide what experience a step sees: how much is sampled, which groups stay, how a batch is cut.

They decide and never do: the trainer samples, and asks. All are immutable, so that a resumed run decides alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from assay.training.objectives.types import TrajectoryBatch


@dataclass(frozen=True)
class RolloutPlan:
    """What a step samples: ``groups`` tasks, ``group_size`` rollouts of each, at ``temperature``."""

    groups: int
    group_size: int
    temperature: float


class Schedule(Protocol):
    """The default is plain: what was configured, every group kept, minibatches of whole groups in order."""

    @property
    def window(self) -> int:
        """Batches that :meth:`recompose` is given as one, the newest last; above 1 the trainer keeps earlier ones.

        ``batch.policy_version`` tells them apart.
        """
        return 1

    def plan(self, step: int, configured: RolloutPlan) -> RolloutPlan:
        """What to sample at a step, given what the configuration says."""
        return configured

    def keep_group(self, rewards: Sequence[float]) -> bool:
        """Whether a finished group, told by its rewards (NaN where there is none), enters the batch."""
        return True

    def wants_more(self, kept: int, target: int, generated: int) -> bool:
        """Whether to sample ``target`` more groups.

        Args:
            kept: groups kept so far in this step.
            target: groups that the step wants; the surplus is cut, the first ones kept.
            generated: batches of ``target`` groups sampled so far in this step.
        """
        return generated == 0

    def recompose(self, batch: TrajectoryBatch, minibatches: int) -> list[Tensor]:
        """Rows of each optimiser step: at most ``minibatches`` int64 indices, none empty."""
        return split_groups(batch.group_id, minibatches)


def split_groups(group_id: Tensor, parts: int) -> list[Tensor]:
    """Rows cut into at most ``parts`` runs of whole groups, as even in groups as can be, in order of appearance."""
    order = list(dict.fromkeys(group_id.tolist()))
    parts = max(1, min(parts, len(order)))
    bounds = [round(i * len(order) / parts) for i in range(parts + 1)]
    position = {group: i for i, group in enumerate(order)}
    place = torch.tensor([position[group] for group in group_id.tolist()], dtype=torch.int64)
    return [torch.nonzero((place >= low) & (place < high)).flatten() for low, high in pairwise(bounds) if high > low]


@dataclass(frozen=True)
class Plain(Schedule):
    """One batch, all of it."""


@dataclass(frozen=True)
class DynamicSampling(Schedule):
    """Sample until enough groups disagree with themselves; DAPO (arXiv:2503.14476), section 3.2.

    Groups whose rewards are all equal carry no gradient and are dropped. When ``max_batches`` is reached the step goes
    on with the groups it has: a homogeneous group never fills a gap.

    Raises:
        ValueError: if ``max_batches`` is below 1.
    """

    max_batches: int = 10

    def __post_init__(self) -> None:
        if self.max_batches < 1:
            raise ValueError(f"max_batches must be at least 1, got {self.max_batches}")

    def keep_group(self, rewards: Sequence[float]) -> bool:
        """Whether two rewards differ."""
        known = [reward for reward in rewards if not math.isnan(reward)]
        return bool(known) and max(known) > min(known)

    def wants_more(self, kept: int, target: int, generated: int) -> bool:
        """Until the target or the limit is reached."""
        return kept < target and generated < self.max_batches
