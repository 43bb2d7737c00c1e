"""GRPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AdvantageName, AggregationName, SlotRecipe


@recipe("grpo")
@dataclass(frozen=True)
class GRPO(SlotRecipe):
    """Rewards normalised within each group, PPO's clip, a KL term in the loss.

    Shao et al. 2024, DeepSeekMath (arXiv:2402.03300), eq. 3 with outcome supervision; the KL is eq. 4. The paper has
    beta 0.04; 0.001 is what later trainers use. ``kl_beta`` 0 loads no reference model.
    """

    paper: ClassVar[str] = "arXiv:2402.03300"

    advantage: AdvantageName = "grpo"
    """(R - mean) / (std + eps) of the group."""
    aggregation: AggregationName = "seq-mean-token-mean"
    """Each response weighs the same, whatever its length (eq. 3)."""
    kl_beta: float = 0.001
    """Weight of the divergence from the starting policy; 0 loads no reference model."""
