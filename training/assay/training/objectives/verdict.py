"""Advantages keyed by the verdict alone: a constant for right answers, another for wrong ones; no baseline."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from assay.training.objectives.advantage import spread
from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.types import Advantage, Keep


def verdicts(batch: TrajectoryBatch, threshold: float | None = None) -> Tensor:
    """1 for right, 0 for wrong, NaN for neither; float32 [B].

    Args:
        batch: its ``correct``, and ``reward`` where a threshold is given.
        threshold: rewards from here on are right, those below wrong, whatever ``correct`` says.
    """
    if threshold is None:
        known = (batch.correct == 0) | (batch.correct == 1)
        return torch.where(known, batch.correct, torch.nan)
    return torch.where(torch.isnan(batch.reward), torch.nan, (batch.reward >= threshold).float())


@dataclass(frozen=True)
class ByVerdict(Advantage):
    """``right`` for right answers, ``wrong`` for wrong ones, 0 for those without a verdict (arXiv:2506.01347, eq. 3-5).

    Neither normalised nor compared with anything, so a group of equal answers teaches too.
    """

    right: float = 1.0
    wrong: float = -1.0
    threshold: float | None = None

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Advantages [B, T]."""
        verdict = verdicts(batch, self.threshold)
        value = torch.where(verdict == 1, self.right, torch.where(verdict == 0, self.wrong, 0.0))
        return spread(value, batch)


@dataclass(frozen=True)
class OnlyVerdict(Keep):
    """Leave out rows whose verdict is not among ``verdicts`` (1 right, 0 wrong), and those that have none.

    The rows leave the denominators too: a step on wrong answers only is as large when one of eight fails as when all do
    (arXiv:2506.01347, the authors' implementation).
    """

    verdicts: tuple[float, ...] = (0.0, 1.0)
    threshold: float | None = None

    def __call__(self, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Mask [B, T]."""
        verdict = verdicts(batch, self.threshold)
        wanted = torch.zeros_like(verdict)
        for value in self.verdicts:
            wanted = torch.where(verdict == value, 1.0, wanted)
        return wanted.unsqueeze(-1).expand_as(batch.action_mask)
