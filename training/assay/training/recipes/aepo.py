"""AEPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assay.training.recipes.base import RunFacts
from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AdvantageName, SlotRecipe


@recipe("aepo")
@dataclass(frozen=True)
class AEPO(SlotRecipe):
    """RLOO with a wide upper clip and no KL, for answers that list several candidates and are paid by efficiency.

    Liu et al. 2025, InfiGUI-G1 (arXiv:2508.05731), section 3.2 and the authors' scripts: n = 8 rollouts at temperature
    1, one update a batch, learning rate 1e-6. The exploration reward is the environment's: ``gui_grounding`` pays lists
    of points by ``gui.aer`` unless told otherwise. The naive baseline of the paper is this recipe with
    ``--env.no-multi-answer --env.aer naive``.
    """

    paper: ClassVar[str] = "arXiv:2508.05731"

    advantage: AdvantageName = "rloo"
    """R - mean of the others of the group; grpo is what the paper's second figure draws."""
    clip_low: float = 0.2
    """The ratio is clipped below at 1 minus this."""
    clip_high: float = 0.4
    """The ratio is clipped above at 1 plus this."""

    def cautions(self, run: RunFacts) -> str | None:
        """A group that is too small to hold both a hit and a miss teaches little."""
        if run.logged or run.group_size >= 4:
            return None
        return f"compares {run.group_size} rollouts of a task: the paper used 8 (rollout.group_size)"
