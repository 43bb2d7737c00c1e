"""GSPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AggregationName, SlotRecipe, SurrogateName


@recipe("gspo")
@dataclass(frozen=True)
class GSPO(SlotRecipe):
    """GRPO with one importance ratio for the whole response, normalised by its length and clipped tightly; no KL.

    Zheng et al. 2025, Group Sequence Policy Optimization (arXiv:2507.18071), eq. 5 to 7; clip range of section 5.1.
    """

    paper: ClassVar[str] = "arXiv:2507.18071"

    surrogate: SurrogateName = "gspo"
    """The clipped loss of the sequence ratio."""
    clip_low: float = 3e-4
    """The ratio is clipped below at 1 minus this."""
    clip_high: float = 4e-4
    """The ratio is clipped above at 1 plus this."""
    aggregation: AggregationName = "seq-mean-token-mean"
    """Each response weighs the same."""
