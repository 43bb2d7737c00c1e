"""What the parts of ``resume.rubric`` weigh and what mistakes cost (arXiv 2511.16073)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Weights(NamedTuple):
    """Weight of each part; they sum to 1, so that a perfect response earns 1."""

    decision: float = 0.50
    skills: float = 0.20
    adequacy: float = 0.15
    structure: float = 0.15


class Penalties(NamedTuple):
    """What is taken off for a false accept or a false reject; an unreadable response earns ``-unparsable`` flat."""

    false_accept: float = 0.1
    false_reject: float = 0.1
    unparsable: float = 0.2


class Preset(NamedTuple):
    """Weights and penalties."""

    weights: Weights
    penalties: Penalties


PRESETS: dict[str, Preset] = {
    "gentle": Preset(Weights(), Penalties()),
    "aggressive": Preset(Weights(), Penalties(2.0, 0.2, 2.0)),
}
"""``aggressive`` is kept because it fails: under it rejecting nearly everyone is the best policy."""


def preset_of(name: str, weights: Sequence[float] = (), penalties: Sequence[float] = ()) -> Preset:
    """A preset with its weights, its penalties or both replaced; empty keeps them.

    Raises:
        ValueError: one line; an unknown name, a wrong number of values, one that is negative or not finite, or weights
            that do not sum to 1.
    """
    if name not in PRESETS:
        raise ValueError(f"no preset is called {name!r}; there is {', '.join(PRESETS)}")
    preset = PRESETS[name]
    if len(weights):
        preset = preset._replace(weights=Weights(*_checked(weights, "weights", Weights._fields)))
        if abs(math.fsum(preset.weights) - 1.0) > 1e-6:
            raise ValueError(f"weights must sum to 1, these sum to {math.fsum(preset.weights):g}")
    if len(penalties):
        preset = preset._replace(penalties=Penalties(*_checked(penalties, "penalties", Penalties._fields)))
    return preset


def _checked(values: Sequence[float], what: str, names: Sequence[str]) -> list[float]:
    if len(values) != len(names):
        raise ValueError(f"{what} are {len(names)} numbers ({', '.join(names)}), got {len(values)}")
    numbers = [float(value) for value in values]
    if not all(math.isfinite(number) and number >= 0 for number in numbers):
        raise ValueError(f"{what} must be finite and at least 0, got {list(values)}")
    return numbers


def accept_threshold(weight: float, false_accept: float, false_reject: float) -> float:
    """The probability of "qualified" above which accepting earns more than rejecting.

    (w + a) / (2w + a + b), from p w - (1 - p) a > (1 - p) w - p b. It tends to 1 as the penalty of a false accept
    grows: then the best answer is always to reject.

    Args:
        weight: w, of the decision part; positive.
        false_accept: a, at least 0.
        false_reject: b, at least 0.

    Raises:
        ValueError: if ``weight`` is not positive or a penalty is negative.
    """
    if weight <= 0 or false_accept < 0 or false_reject < 0:
        raise ValueError("the weight must be positive and the penalties at least 0")
    return (weight + false_accept) / (2 * weight + false_accept + false_reject)
