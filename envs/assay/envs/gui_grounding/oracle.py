"""The right answer, written as short as it can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.verifiers.gui.attacks import said
from assay.verifiers.gui.truth import target_of


def point_answer(truth: Mapping[str, Any], points: list[tuple[float, float]]) -> str:
    """A response that lists points of the response's coordinates, in the form that the truth's options ask for."""
    if truth.get("verifier") == "gui.point_in_box":
        return f"({points[0][0]:g}, {points[0][1]:g})" if points else "[]"
    return said(points, bool(truth.get("options", {}).get("think", True)))


def gold_answer(truth: Mapping[str, Any]) -> str:
    """The middle of the box, rounded to the fewest digits that leave it inside."""
    target = target_of(truth)
    if target.centre is None:
        return point_answer(truth, [])
    for digits in range(7):
        point = (round(target.centre[0], digits), round(target.centre[1], digits))
        if target.holds(point):
            return point_answer(truth, [point])
    return point_answer(truth, [target.centre])
