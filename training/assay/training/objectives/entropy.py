"""The entropy bonus."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.types import Entropy, Readout, Regulariser


@dataclass(frozen=True)
class EntropyBonus(Regulariser):
    """Minus ``coef`` times the entropy (nats) of the policy at each token (arXiv:1602.01783, section 4)."""

    coef: float

    @property
    def needs(self) -> frozenset[Readout]:
        """The entropy."""
        return frozenset({Entropy()})

    @property
    def name(self) -> str:
        """``entropy_bonus``."""
        return "entropy_bonus"

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
        """Loss [B, T]."""
        return -self.coef * out.aux["entropy"]
