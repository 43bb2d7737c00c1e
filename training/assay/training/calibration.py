"""How well the confidences that rollouts state agree with how often they are right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.agents.policy import Completion
from assay.agents.rollout import Rollout
from assay.agents.scaffolds.chat import Scaffold
from assay.verifiers.calibration.metrics import Bin, auroc, brier, ece, reliability


@dataclass(frozen=True)
class Calibration:
    """What was measured; NaN where nothing was.

    Attributes:
        n: rollouts with a verdict that were asked for a confidence.
        ece: expected calibration error over 10 bins, in [0, 1].
        brier: mean of (q - ok)^2, in [0, 1].
        auroc: chance that a right answer states more than a wrong one; NaN where all are right or all wrong.
        std: standard deviation of the confidences that could be read; NaN below two of them.
        bins: the occupied bins.
    """

    n: int
    ece: float
    brier: float
    auroc: float
    std: float
    bins: tuple[Bin, ...]

    def to_metrics(self) -> dict[str, Any]:
        """The numbers as JSON-serialisable data; ``reliability`` is a list of [confidence, accuracy, n]."""
        return {
            "ece": self.ece,
            "brier": self.brier,
            "auroc": self.auroc,
            "confidence_std": self.std,
            "reliability": [[each.confidence, each.accuracy, each.n] for each in self.bins],
        }


def calibration_of(rollouts: Sequence[Rollout]) -> Calibration | None:
    """The calibration of rollouts, by the parts ``confidence`` and ``format`` of their scores.

    A confidence that could not be read counts as 0, as its part says. None where no score has a confidence.
    """
    scores = [rollout.episode.score for rollout in rollouts]
    asked = [score for score in scores if score is not None and "confidence" in score.parts]
    if not asked:
        return None
    judged = [score for score in asked if score.correct is not None]
    q, ok = [score.parts["confidence"] for score in judged], [float(bool(score.correct)) for score in judged]
    read = [score.parts["confidence"] for score in asked if score.parts.get("format", 1.0) > 0]
    bins = tuple(reliability(q, ok))
    return Calibration(len(judged), ece(q, ok), brier(q, ok), auroc(q, ok), _deviation(read), bins)


def layout_kept(rollouts: Sequence[Rollout], scaffold: Scaffold) -> float:
    """Share of rollouts whose last completion keeps the layout that ``scaffold`` asks for; 1 where it asks for none.

    An evaluation reads leniently, training does not: this reads the stored completions as ``scaffold`` would.
    """
    said = [r.episode.meta["said"] for r in rollouts if "said" in r.episode.meta]
    kept = [scaffold.parts(Completion(text)).get("format", 1.0) > 0 for text in said]
    return sum(kept) / len(kept) if kept else 1.0


def _deviation(values: Sequence[float]) -> float:
    if len(values) < 2:
        return math.nan
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
