"""DAPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AdvantageName, AggregationName, SlotRecipe

if TYPE_CHECKING:
    from assay.training.objectives.schedule import Schedule


@recipe("dapo")
@dataclass(frozen=True)
class DAPO(SlotRecipe):
    """GRPO with clip-higher, a mean over tokens, groups that agree sampled again, a soft length penalty; no KL.

    Yu et al. 2025, DAPO (arXiv:2503.14476), eq. 8 to 13.
    """

    paper: ClassVar[str] = "arXiv:2503.14476"

    advantage: AdvantageName = "grpo"
    """(R - mean) / (std + eps) of the group (eq. 9)."""
    clip_high: float = 0.28
    """The ratio is clipped above at 1 plus this (eq. 10, section 4.1)."""
    aggregation: AggregationName = "token-mean"
    """Every token of the minibatch weighs the same (eq. 12)."""
    drop_truncated: bool = True
    """Leave responses that hit their budget out of the loss (section 3.4)."""
    overlong_buffer: float = 0.2
    """The paper's 4096 of 20480 tokens (eq. 13); tokens, or below 1 a share of the longest response; 0 sets none."""
    dynamic_sampling: bool = True
    """Sample until rollout.groups groups have rewards that differ (eq. 11)."""
    max_num_gen_batches: int = 10
    """Batches sampled in search of such groups before a step goes on with those it has."""

    def schedule(self) -> Schedule:
        """Dynamic sampling, unless turned off."""
        from assay.training.objectives.schedule import DynamicSampling, Plain

        return DynamicSampling(self.max_num_gen_batches) if self.dynamic_sampling else Plain()
