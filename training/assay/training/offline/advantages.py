"""Advantages of logged responses over the starting policy, and which of them are drawn: pure functions of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assay.training.errors import UserError
from assay.training.offline.spec import Draw

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RewardMap:
    """reward -> scale * reward + shift; kept with a run, so that its values can be read in the user's units."""

    scale: float = 1.0
    shift: float = 0.0

    @classmethod
    def onto(cls, low: float, high: float, top: float | None) -> RewardMap:
        """What takes rewards from [low, high] into [0, top]: nothing, where they lie there already.

        Rewards that are all one and the same, and outside, become 0 or ``top``, whichever is nearer.
        """
        if top is None or (low >= 0.0 and high <= top):
            return cls()
        if high == low:
            return cls(0.0, 0.0 if low < 0 else top)
        scale = top / (high - low)
        return cls(scale, -low * scale)

    @property
    def changes(self) -> bool:
        """Whether it is more than the identity."""
        return (self.scale, self.shift) != (1.0, 0.0)

    def __call__(self, reward: Floats) -> Floats:
        """Rewards mapped, any shape."""
        return reward * self.scale + self.shift


def share_above(advantage: Floats) -> float:
    """Share of responses [N] that are worth more than their prompt's value; 0 of none."""
    return float((advantage > 0).mean()) if len(advantage) else 0.0


def draw_probabilities(advantage: Floats, draw: Draw) -> Floats:
    """The chance of each response [N] to be drawn: max(A, 0) over their sum, or even over those above 0.

    Raises:
        UserError: if no response is above 0, with the percentiles of the advantages.
    """
    if draw == "none":
        return np.full(len(advantage), 1.0 / len(advantage))
    above = np.maximum(advantage, 0.0) if draw == "good_priority" else (advantage > 0).astype(np.float64)
    if not above.sum() > 0:
        points = (0, 25, 50, 75, 100)
        words = ", ".join(f"{p} %: {v:.3g}" for p, v in zip(points, np.percentile(advantage, points), strict=True))
        raise UserError(
            f"no logged response is worth more than what the starting policy says itself (advantages {words}): "
            "log a better policy, or take --recipe nll or wbc"
        )
    chances: Floats = above / above.sum()
    return chances
