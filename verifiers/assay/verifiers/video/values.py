"""Numbers as answers: equal to two decimals, or close."""

from __future__ import annotations

import math
from string import digits

from assay.verifiers.parse.choices import only_number


def read_number(text: str) -> tuple[float, bool] | None:
    """The one number in ``text`` and whether it has a decimal point, or None.

    Grouping commas are passed over; a digit anywhere else means that there is no one number.
    """
    found = only_number(text)
    if found is None or sum(map(found.count, digits)) != sum(map(text.count, digits)):
        return None
    value = float(found)
    return (value, "." in found) if math.isfinite(value) else None


def equal(answer: tuple[float, bool] | None, right: tuple[float, bool]) -> float:
    """1 if both are the same to two decimals, and both or neither have a decimal point, else 0."""
    return float(answer is not None and answer[1] == right[1] and round(answer[0], 2) == round(right[0], 2))


def closeness(answer: float, right: float) -> float:
    """1 minus the relative error, at least 0; where 0 is right, nothing else is close."""
    if right == 0:
        return float(answer == 0)
    return max(0.0, 1.0 - abs(answer - right) / abs(right))


def official_number(text: str) -> float | None:
    """What ``float`` makes of a text without commas, as Video-R1 has it: ``nan`` and ``inf`` are numbers too."""
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def official_equal(answer: str, right: str) -> float:
    """Video-R1's rule: a comma counts as a decimal point."""
    if any(mark in answer for mark in ".,") != any(mark in right for mark in ".,"):
        return 0.0
    ours, theirs = official_number(answer), official_number(right)
    return float(ours is not None and theirs is not None and round(ours, 2) == round(theirs, 2))


def official_closeness(answer: str, right: str) -> float:
    """Video-R1's rule, under which ``nan`` is worth 1 and a right 0 nothing."""
    ours, theirs = official_number(answer), official_number(right)
    if ours is None or theirs is None:
        return 0.0
    return 1.0 - min(1.0, max(0.0, (abs(ours - theirs) + 1e-9) / (abs(theirs) + 1e-9)))
