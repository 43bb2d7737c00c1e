"""T-GRPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assay.training.recipes.kf_grpo import KFGRPO
from assay.training.recipes.ranges import NonNegative
from assay.training.recipes.registry import recipe


@recipe("t-grpo")
@dataclass(frozen=True)
class TGRPO(KFGRPO):
    """GRPO that also plays the frames in random order, and pays right answers where the true order served better.

    Feng et al. 2025, Video-R1 (arXiv:2503.21776), section 3.1, with the constants of its code
    (tulerfeng/Video-R1, grpo_trainer.py): kf-grpo without the saliency.
    """

    paper: ClassVar[str] = "arXiv:2503.21776"

    beta: NonNegative = 0.0
    """Weight of the saliency of the frames shown; T-GRPO has none."""
