"""Transforms of the reward of whole rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.types import RewardTransform


def overlong_penalty(length: Tensor, max_length: float, buffer: float) -> Tensor:
    """0 up to ``max_length - buffer`` tokens, then falling linearly to -1 at ``max_length``.

    DAPO (arXiv:2503.14476), eq. 13.
    """
    return -((length - (max_length - buffer)).clamp(0.0, buffer) / buffer)


@dataclass(frozen=True)
class SoftOverlong(RewardTransform):
    """The reward plus ``factor`` times :func:`overlong_penalty` of the sampled tokens.

    Raises:
        ValueError: if the buffer is not between 0 and ``max_length``.
    """

    max_length: int
    buffer: float
    factor: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.buffer <= self.max_length:
            raise ValueError(f"overlong_buffer must be above 0 and at most {self.max_length} tokens, got {self.buffer}")

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Reward [B]."""
        length = batch.action_mask.sum(-1)
        if batch.rollout_id is not None:
            _, inverse = torch.unique(batch.rollout_id, return_inverse=True)
            totals = torch.zeros(len(batch), device=length.device).scatter_reduce(0, inverse, length, "amax")
            length = totals[inverse]
        return batch.reward + self.factor * overlong_penalty(length, self.max_length, self.buffer)


@dataclass(frozen=True)
class StopProperly(RewardTransform):
    """What a response that hit its budget earns: ``coef`` times its reward, or if ``coef`` is negative, ``coef``.

    1 changes nothing. ProRL v2, as in OpenRLHF's length penalty.

    Raises:
        ValueError: if ``coef`` is above 1.
    """

    coef: float

    def __post_init__(self) -> None:
        if self.coef > 1:
            raise ValueError(f"non_stop_coef must be at most 1, got {self.coef:g}")

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Reward [B]; a row without a reward keeps none."""
        instead = self.coef * batch.reward if self.coef >= 0 else self.coef + 0.0 * batch.reward
        return torch.where(batch.truncated, instead, batch.reward)
