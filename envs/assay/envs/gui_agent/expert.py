"""A scripted expert: the steps of a goal, resolved to places on the screen at run time.

It reads the elements of the live window instead of pixels, and acts through the same actions as any agent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from assay.envs.gui_agent.session import Session
from assay.envs.gui_grounding.elements import Element, centre

WAIT = json.dumps({"action": "wait"})
_BAR = "scroll down arrow"
"""Every upright scroll bar has one of these."""
_LEAST = 6
"""Pixels of a side that must be seen of an element that is cut off."""
_DOWN, _UP = 4, 8
"""Times that a scroll bar is turned down, then up, in search of an element."""


class Expert:
    """Plays one script in one live application.

    Args:
        script: steps, see :mod:`assay.envs.gui_agent.goals.parts`.
        session: the application.
        scale: what coordinates of a response are multiplied by to be pixels of the window.
    """

    def __init__(self, script: Sequence[Mapping[str, Any]], session: Session, scale: Sequence[float]) -> None:
        self._script, self._session, self._scale = list(script), session, scale
        self._at = 0
        self._searched = 0
        self._told: tuple[int, str] = (-1, "")

    def next(self, turn: int) -> str:
        """The action to take in a turn; asked again in the same turn, it is the same one.

        Raises:
            InfraError: if the application is dead.
            LookupError: if nothing on the screen fits the step.
        """
        if self._told[0] != turn:
            self._told = (turn, json.dumps(self._act()))
        return self._told[1]

    def _act(self) -> dict[str, Any]:
        if self._at >= len(self._script):
            return {"action": "done"}
        step = self._script[self._at]
        if step["do"] in ("type", "key"):
            field = "text" if step["do"] == "type" else "key"
            return self._done({"action": step["do"], field: step[field]})
        elements = self._session.elements()
        if step["do"] == "command":
            return self._command(step["meaning"], elements)
        found = _first(elements, step["find"])
        if found is None:
            return self._search(elements, step["find"])
        return self._done({"action": step["do"], "point_2d": self._point(found)})

    def _command(self, meaning: str, elements: list[Element]) -> dict[str, Any]:
        found = _first(elements, [{"meaning": meaning, "target": True}])
        if found is not None:
            return self._done({"action": "click", "point_2d": self._point(found)})
        title = self._session.menu_of(meaning)
        menu = _first(elements, [{"role": "menu", "name": title, "target": True}]) if title else None
        if menu is None:
            return self._search(elements, [{"meaning": meaning}])
        return {"action": "click", "point_2d": self._point(menu)}

    def _search(self, elements: list[Element], wanted: Any) -> dict[str, Any]:
        """Turn one scroll bar after another, down and then up."""
        bars = sorted((each for each in elements if each.role == _BAR), key=lambda each: each.key)
        number, turns = divmod(self._searched, _DOWN + _UP)
        if number >= len(bars):
            raise LookupError(f"the expert finds nothing on the screen that is {wanted}")
        self._searched += 1
        direction = "down" if turns < _DOWN else "up"
        return {"action": "scroll", "point_2d": self._point(bars[number]), "direction": direction, "amount": 3}

    def _done(self, action: dict[str, Any]) -> dict[str, Any]:
        self._at += 1
        self._searched = 0
        return action

    def _point(self, element: Element) -> list[float]:
        return [round(value / unit, 4) for value, unit in zip(centre(element.box), self._scale, strict=True)]


def _first(elements: Sequence[Element], wanted: Sequence[Mapping[str, Any]]) -> Element | None:
    """The first element that fits one of the descriptions: targets before others, earlier descriptions before later."""
    for target in (True, False):
        for fields in wanted:
            for each in elements:
                if each.target == target and _seen(each) and _fits(each, fields):
                    return each
    return None


def _seen(element: Element) -> bool:
    x1, y1, x2, y2 = element.box
    return element.target or min(x2 - x1, y2 - y1) >= _LEAST


def _fits(element: Element, fields: Mapping[str, Any]) -> bool:
    return all(
        element.key == value or element.key.endswith(f"/{value}") if name == "key" else getattr(element, name) == value
        for name, value in fields.items()
    )
