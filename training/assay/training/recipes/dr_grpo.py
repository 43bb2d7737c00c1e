"""Dr. GRPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AdvantageName, AggregationName, SlotRecipe


@recipe("dr-grpo")
@dataclass(frozen=True)
class DrGRPO(SlotRecipe):
    """GRPO without its two biases: no division by the group's deviation or by the response's length; no KL.

    Liu et al. 2025, Understanding R1-Zero-Like Training (arXiv:2503.20783), section 3.1 and appendix A.
    """

    paper: ClassVar[str] = "arXiv:2503.20783"

    advantage: AdvantageName = "dr_grpo"
    """R - mean of the group."""
    aggregation: AggregationName = "seq-sum-norm"
    """Sum over tokens, divided by the longest response of the run: a constant."""
