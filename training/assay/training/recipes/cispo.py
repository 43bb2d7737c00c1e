"""CISPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AggregationName, SlotRecipe, SurrogateName


@recipe("cispo")
@dataclass(frozen=True)
class CISPO(SlotRecipe):
    """REINFORCE weighted by a capped importance ratio, so that no token ever loses its gradient; no KL.

    MiniMax 2025, MiniMax-M1 (arXiv:2506.13585), eq. 4 and 5, without a lower cap. The upper cap of 5 is that of ScaleRL
    (arXiv:2510.13786).
    """

    paper: ClassVar[str] = "arXiv:2506.13585"

    surrogate: SurrogateName = "cispo"
    """-sg[clip(ratio)] A log pi."""
    is_cap_high: float | None = 5.0
    """Largest importance weight, absolute."""
    aggregation: AggregationName = "token-mean"
    """Every token of the minibatch weighs the same (eq. 4)."""
