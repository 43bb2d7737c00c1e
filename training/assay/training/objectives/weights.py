"""Masks that leave rows or tokens out of the loss and of its denominators."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.types import Keep


@dataclass(frozen=True)
class DropTruncated(Keep):
    """Leave out rows that hit their budget, whose reward is noise; DAPO (arXiv:2503.14476), section 3.4."""

    def __call__(self, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Mask [B, T]."""
        return (~batch.truncated).float().unsqueeze(-1).expand_as(batch.action_mask)
