"""The counter-example of :mod:`assay.training.recipes.gentle_polish`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from assay.training.recipes.base import RunFacts
from assay.training.recipes.gentle_polish import GentlePolish
from assay.training.recipes.ranges import NonNegative
from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AdvantageName


@recipe("aggressive")
@dataclass(frozen=True)
class Aggressive(GentlePolish):
    """A counter-example: harsh penalties, a high learning rate, no divergence term and no guard reject nearly everyone.

    The failure that arXiv:2511.16073 reports, on the same warm-up as gentle-polish. A false accept costs 2.0 and a
    false reject 0.2, so that accepting pays above a belief of 0.78 only
    (:func:`assay.verifiers.resume.presets.accept_threshold`). Advantages are not divided by the deviation of their
    group (``advantage grpo`` does): where a group's answers are right or wrong and nothing else tells them apart,
    (R - mean) / std is the same whatever a mistake costs, and the penalties do no harm.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **GentlePolish.defaults,
        "steps": 900,
        "rollout.temperature": 1.0,
        "rollout.top_p": 1.0,
        "optim.lr": 2e-5,
        "optim.schedule": "constant",
        "optim.warmup_share": 0.0,
        "optim.clip_norm": 1.0,
        "env.reward": "aggressive",
    }

    advantage: AdvantageName = "dr_grpo"
    """R - mean of the group."""
    clip_low: float = 0.2
    """The ratio is clipped below at 1 minus this."""
    clip_high: float = 0.2
    """The ratio is clipped above at 1 plus this."""
    kl_beta: NonNegative = 0.0
    """Weight of the divergence from the imitated policy; 0 loads no reference model."""
    guard: bool = False
    """Stop, and put the best weights back, when too few or too many are accepted or F1 falls."""

    def cautions(self, run: RunFacts) -> str | None:
        """It is meant to fail."""
        return "is a counter-example that teaches to reject nearly everyone; gentle-polish is the cure"
