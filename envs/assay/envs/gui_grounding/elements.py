"""What stands on a screenshot: elements with exact boxes, from any source. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeAlias

Box: TypeAlias = tuple[float, float, float, float]
"""``(x1, y1, x2, y2)`` in pixels of the screenshot; origin top left, x right, y down, edges inclusive."""

LEAST_SIDE = 4
"""Pixels below which a side is too small to be a target."""


@dataclass(frozen=True, slots=True)
class Element:
    """One visible thing on a screenshot.

    Attributes:
        box: ``(x1, y1, x2, y2)``, see :data:`Box`.
        role: button, menu, menuitem, tab, cell, checkbox, field, ...
        name: what is written on it, as far as it can be read there; may be "".
        about: what it does, in words that avoid its label ("keep the changes on disk"); may be "".
        path: where it stands ("File menu", "Address"); elements of one path form a group.
        window: title of its window.
        label: text that stands beside it and names it, such as the label of a field; may be "".
        meaning: a key that elements share if they do the same ("save"); "" is unknown.
        key: a name that no other element of the screenshot has, for programs.
        target: it can be clicked: enabled, uncovered, unclipped and large enough. The others are listed because an
            instruction must not fit them either.
        look: a key that look-alike elements share (icon buttons of one tool bar); "" is none.
        row: heading of its table row, where it has one.
        column: heading of its table column, where it has one.
        flow: "row", "column" or "grid": how the group of its path is laid out; "" is unknown.
    """

    box: Box
    role: str
    name: str = ""
    about: str = ""
    path: str = ""
    window: str = ""
    label: str = ""
    meaning: str = ""
    key: str = ""
    target: bool = True
    look: str = ""
    row: str = ""
    column: str = ""
    flow: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The element as JSON-serialisable data."""
        return {**asdict(self), "box": list(self.box)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Element:
        """The inverse of :meth:`to_dict`; unknown keys are ignored.

        Raises:
            ValueError: if ``box`` is not four numbers or ``role`` is missing.
        """
        box = data.get("box")
        if not isinstance(box, (list, tuple)) or len(box) != 4 or not all(isinstance(v, (int, float)) for v in box):
            raise ValueError(f"an element's box is four numbers x1, y1, x2, y2; got {box!r}")
        if not data.get("role"):
            raise ValueError("an element needs a role")
        known = {each.name for each in fields(cls)}
        rest = {key: value for key, value in data.items() if key in known and key != "box"}
        return cls(box=(box[0], box[1], box[2], box[3]), **rest)


def inside(box: Box, size: tuple[int, int]) -> bool:
    """The box lies in an image of ``size`` (width, height), its last pixels included."""
    return 0 <= box[0] <= box[2] <= size[0] - 1 and 0 <= box[1] <= box[3] <= size[1] - 1


def large_enough(box: Box) -> bool:
    """Both sides measure at least :data:`LEAST_SIDE` pixels."""
    return box[2] - box[0] + 1 >= LEAST_SIDE and box[3] - box[1] + 1 >= LEAST_SIDE


def centre(box: Box) -> tuple[float, float]:
    """The middle of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def contains(box: Box, x: float, y: float) -> bool:
    """The point lies in the box, edges inclusive."""
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]
