"""The constants of a reference that is reset: for any recipe with a KL term, or another use of ``ref``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.training.recipes.base import Recipe
from assay.training.recipes.ranges import Count, NonNegative, Positive, Steps

if TYPE_CHECKING:
    from assay.training.objectives.anchors import Anchors


@dataclass(frozen=True)
class ReferenceReset(Recipe):
    """A recipe whose frozen policy ``ref`` becomes the current policy now and then."""

    reset_on_stall: bool = True
    """Make the reference the current policy when held-out accuracy no longer improves (measured by eval.every)."""
    reset_window: Count = 3
    """Evaluations without progress that make a stall."""
    reset_min_delta: NonNegative = 0.002
    """Gain of the best held-out accuracy below which there is no progress."""
    reset_kl_max: Positive | None = None
    """Divergence of a step, nats a token, above which the reference is reset; none sets no limit."""
    reset_period: Count | None = None
    """Steps after which the reference is reset in any case; none: never for that."""
    reset_cooldown: Steps = 100
    """Steps after a reset before the next."""
    reset_optimizer: bool = True
    """Whether a reset clears the optimiser's moments too; the learning rate goes on as it was."""

    def anchors(self) -> Anchors:
        """The rule that the constants describe."""
        from assay.training.objectives.anchors import OnStall

        return OnStall(
            frozenset({"ref"}),
            self.reset_on_stall,
            self.reset_window,
            self.reset_min_delta,
            self.reset_kl_max,
            self.reset_period,
            self.reset_cooldown,
            self.reset_optimizer,
        )
