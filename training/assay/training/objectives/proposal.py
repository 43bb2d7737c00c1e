"""Sampling from a frozen proposal that follows the policy when that brings it closer to a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from assay.training.objectives.anchors import Anchors, Refresh
from assay.training.objectives.schedule import RolloutPlan, Schedule


@dataclass(frozen=True)
class SampledBy(Schedule):
    """Plain, but a frozen policy samples instead of the one that learns."""

    sampler: str

    def plan(self, step: int, configured: RolloutPlan) -> RolloutPlan:
        """What is configured, by that sampler."""
        return replace(configured, sampler=self.sampler)


@dataclass(frozen=True)
class WhenCloser(Anchors):
    """Every so many steps, refreshes a policy if the current one measured better than it (arXiv:2012.11635, alg. 1).

    Attributes:
        name: which.
        every: steps between looks.
        mine, theirs: metrics of the current policy and of the frozen one, smaller is better.

    Raises:
        ValueError: if ``every`` is below 1.
    """

    name: str
    every: int
    mine: str
    theirs: str

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"update_every must be at least 1, got {self.every}")

    def after_step(self, step: int, metrics: Mapping[str, float]) -> tuple[Self, Refresh | None]:
        """At every multiple of ``every``, where both were measured."""
        if step % self.every or not {self.mine, self.theirs} <= metrics.keys():
            return self, None
        if metrics[self.mine] >= metrics[self.theirs]:
            return self, None
        reason = f"{self.mine} {metrics[self.mine]:.4g} below {metrics[self.theirs]:.4g}"
        return self, Refresh(frozenset({self.name}), reason=reason)
