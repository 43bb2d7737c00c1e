"""Lite PPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AdvantageName, AggregationName, SlotRecipe


@recipe("lite-ppo")
@dataclass(frozen=True)
class LitePPO(SlotRecipe):
    """The two tricks that were found to be enough: group mean, batch deviation; and every token weighs the same.

    Liu et al. 2025, Tricks or Traps? A Deep Dive into RL for LLM Reasoning (arXiv:2508.08221), sections 4 and 5. Within
    one batch it is Dr. GRPO's advantage times a constant, so it never changes how prompts weigh against each other.
    """

    paper: ClassVar[str] = "arXiv:2508.08221"

    advantage: AdvantageName = "lite"
    """(R - mean of the group) / standard deviation of all rewards of the batch."""
    dual_clip: float = 0.0
    """Largest ratio that counts where the advantage is negative; 0 sets no limit."""
    aggregation: AggregationName = "token-mean"
    """Every token of the minibatch weighs the same."""
