"""Schedules that compare with a poorer view of the same tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from assay.training.objectives.schedule import RolloutPlan, Schedule

CONTRAST = "contrast"
"""Key of :attr:`TrajectoryBatch.reward_parts`: how right the row's group was in the poorer view, in [0, 1] or NaN."""
ACCURACY, FORMAT, SALIENCY = "accuracy", "format", "saliency"
"""Parts of a score: how right the answer is, whether the layout was kept, how telling the frames were; in [0, 1]."""


@dataclass(frozen=True)
class Contrasted(Schedule):
    """Plain, with ``ratio`` times as many rollouts of each task in a poorer view, rounded, at least one.

    T-GRPO (tulerfeng/Video-R1, grpo_trainer.py) has half as many, of the same frames in random order.

    Attributes:
        view: as the environment names it.
        ratio: in (0, 1].

    Raises:
        ValueError: for a ratio outside (0, 1], or no view.
    """

    view: str
    ratio: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.ratio <= 1 or not self.view:
            raise ValueError(f"a contrast needs a view and a ratio in (0, 1], got {self.view!r} and {self.ratio:g}")

    def plan(self, step: int, configured: RolloutPlan) -> RolloutPlan:
        """As configured, and the contrast."""
        size = max(1, math.floor(configured.group_size * self.ratio + 0.5))
        return replace(configured, contrast_view=self.view, contrast_size=size)
