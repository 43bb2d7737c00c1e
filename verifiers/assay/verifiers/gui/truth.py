"""The box that a point must hit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from assay.verifiers.gui.points import Point


class Target(NamedTuple):
    """Where to click.

    Attributes:
        box: x1, y1, x2, y2, edges included; None: nothing on the screen is meant.
        scale: what a response's x and y are multiplied by before they are compared with the box.
    """

    box: tuple[float, float, float, float] | None
    scale: tuple[float, float]

    def holds(self, point: Point) -> bool:
        """Whether a point of a response lies in the box."""
        if self.box is None:
            return False
        x, y = point[0] * self.scale[0], point[1] * self.scale[1]
        return self.box[0] <= x <= self.box[2] and self.box[1] <= y <= self.box[3]

    @property
    def centre(self) -> Point | None:
        """The middle of the box in the coordinates of a response."""
        if self.box is None:
            return None
        return (self.box[0] + self.box[2]) / 2 / self.scale[0], (self.box[1] + self.box[3]) / 2 / self.scale[1]


def target_of(truth: Mapping[str, Any]) -> Target:
    """The target of a truth: ``box`` (four numbers) or ``nothing`` (true), and ``scale`` (two numbers, or 1 and 1).

    Raises:
        ValueError: one line, where it has no such box or scale.
    """
    scale = _numbers(truth.get("scale", (1.0, 1.0)), 2, "scale")
    if min(scale) <= 0:
        raise ValueError(f"the truth's scale is two positive numbers, got {list(scale)}")
    if truth.get("nothing") is True and truth.get("box") is None:
        return Target(None, (scale[0], scale[1]))
    if "box" not in truth:
        raise ValueError("the truth needs a box, [x1, y1, x2, y2], or nothing: true where nothing is meant")
    x1, y1, x2, y2 = _numbers(truth["box"], 4, "box")
    if x2 < x1 or y2 < y1:
        raise ValueError(f"the truth's box is [x1, y1, x2, y2] with x1 <= x2 and y1 <= y2, got {[x1, y1, x2, y2]}")
    return Target((x1, y1, x2, y2), (scale[0], scale[1]))


def _numbers(value: Any, count: int, name: str) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or len(value) != count:
        raise ValueError(f"the truth's {name} is {count} numbers")
    for number in value:
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(_float(number)):
            raise ValueError(f"the truth's {name} is {count} numbers")
    return tuple(float(number) for number in value)


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf
