"""A clickable part of a widget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Part:
    """A part of a widget.

    Attributes:
        widget: takes the mouse.
        rect: in its coordinates.
        role: as in :class:`~assay.envs.gui_grounding.elements.Element`.
        hit: whether a point of the widget is this part.
        enabled: it reacts.
        facts: further fields of the element (name, about, meaning, key, ...).
    """

    widget: Any
    rect: Any
    role: str
    hit: Callable[[Any], bool] = lambda _: True
    enabled: bool = True
    facts: dict[str, str] = field(default_factory=dict)
