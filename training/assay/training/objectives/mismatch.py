"""Correction for sampling with an engine whose log-probabilities differ from the trainer's.

rho = pi_old (trainer) / pi_roll (sampler) on the sampled tokens. Where ``old_logp`` was set to the sampler's own
values, rho is 1, so that nothing is corrected twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch, old_logp
from assay.training.objectives.types import TokenWeight

MismatchMode = Literal["tis", "mask"]
MismatchLevel = Literal["token", "sequence", "geometric"]


def mismatch_ratio(old: Tensor, roll: Tensor, mask: Tensor, level: MismatchLevel) -> Tensor:
    """rho of each token [B, T], of each sequence (the product) [B, 1], or its geometric mean over tokens [B, 1].

    Log-ratios are clamped to +-20.
    """
    gap = (old - roll) * mask
    if level == "token":
        return torch.exp(gap.clamp(-20.0, 20.0))
    total = gap.sum(-1, keepdim=True)
    if level == "geometric":
        total = total / mask.sum(-1, keepdim=True).clamp(min=1.0)
    return torch.exp(total.clamp(-20.0, 20.0))


@dataclass(frozen=True)
class Mismatch(TokenWeight):
    """A detached weight on the loss of each token.

    ``tis``: min(rho, high). ``mask`` (IcePop, arXiv:2510.18855): rho inside [low, high] and 0 outside. ``geometric``
    only rejects: 1 inside, 0 outside. Denominators stay, so a rejected token counts as one of loss 0.

    Raises:
        ValueError: if the band is empty, or ``tis`` is asked of the geometric level.
    """

    mode: MismatchMode = "tis"
    level: MismatchLevel = "token"
    low: float = 0.0
    high: float = 2.0

    def __post_init__(self) -> None:
        if self.mode not in get_args(MismatchMode) or self.level not in get_args(MismatchLevel):
            raise ValueError(
                f"mismatch is tis or mask at token, sequence or geometric level, not {self.mode} at {self.level}"
            )
        if not 0 <= self.low < self.high:
            raise ValueError(f"mismatch band is upside down: low {self.low}, high {self.high}")
        if self.mode == "tis" and self.level == "geometric":
            raise ValueError("the geometric level only rejects: use mismatch mask, or level token or sequence")

    def __call__(self, batch: TrajectoryBatch, advantage: Tensor, out: PolicyOutputs) -> Tensor:
        """Weight [B, T]."""
        rho = self._rho(batch, out)
        if self.mode == "tis":
            weight = rho.clamp(max=self.high)
        else:
            inside = (rho >= self.low) & (rho <= self.high)
            weight = inside.float() if self.level == "geometric" else rho * inside
        return weight.expand_as(batch.action_mask).detach()

    def cut(self, batch: TrajectoryBatch, advantage: Tensor, out: PolicyOutputs) -> Tensor:
        """Bool [B, T]: outside the band."""
        rho = self._rho(batch, out)
        low = 0.0 if self.mode == "tis" else self.low
        return ((rho < low) | (rho > self.high)).expand_as(batch.action_mask)

    def _rho(self, batch: TrajectoryBatch, out: PolicyOutputs) -> Tensor:
        if batch.rollout_logp is None:
            raise ValueError("a correction of the sampler's mismatch needs the sampler's log-probabilities")
        return mismatch_ratio(old_logp(out, batch), batch.rollout_logp, batch.action_mask, self.level)
