"""What goals are made of: conditions on the state, places that may change, and the steps of a solution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

Step = dict[str, Any]
Place = list[Any]


@dataclass(frozen=True)
class Goal:
    """A goal in one window.

    Attributes:
        text: what the agent is told.
        conditions: what must hold, see :mod:`assay.envs.gui_agent.states`.
        free: places that may change besides those of the conditions.
        script: steps that reach it, of the functions of this module.
    """

    text: str
    conditions: list[dict[str, Any]]
    free: list[Place]
    script: list[Step]

    def to_dict(self) -> dict[str, Any]:
        """The goal as JSON-serialisable data."""
        return asdict(self)


def now(*place: Any, value: Any) -> dict[str, Any]:
    """The condition that a value stands at a place."""
    return {"at": list(place), "is": value}


def has(*place: Any, value: Any) -> dict[str, Any]:
    """The condition that a list has a value."""
    return {"at": list(place), "has": value}


def lacks(*place: Any, value: Any) -> dict[str, Any]:
    """The condition that a list has not a value."""
    return {"at": list(place), "lacks": value}


def only(before: list[Any], on: list[Any], off: list[Any], *place: Any) -> list[dict[str, Any]]:
    """Conditions that a list, in any order, is what it was before with ``on`` added and ``off`` taken out."""
    wanted = [each for each in before if each not in off] + [each for each in on if each not in before]
    return [has(*place, value=each) for each in wanted] + [lacks(*place, value=each) for each in off]


def click(*descriptions: Mapping[str, str], **fields: str) -> Step:
    """Click the element that fits; of several descriptions, the first that anything fits."""
    return {"do": "click", "find": [dict(each) for each in descriptions] or [fields]}


def double_click(*descriptions: Mapping[str, str], **fields: str) -> Step:
    """Double-click the element that fits, see :func:`click`."""
    return {**click(*descriptions, **fields), "do": "double_click"}


def command(meaning: str) -> Step:
    """Carry out a command by whatever shows it: a button, or else the menu that has it."""
    return {"do": "command", "meaning": meaning}


def write(text: str) -> Step:
    """Type a text."""
    return {"do": "type", "text": text}


def press(key: str) -> Step:
    """Press a key."""
    return {"do": "key", "key": key}


def tab(name: str) -> Step:
    """Click a tab."""
    return click(key=f"tab.{name}")


def in_row(row: str, path: str) -> list[dict[str, str]]:
    """Descriptions of the cells of a table's row, which is known by its first cell."""
    return [{"name": row, "path": path}, {"row": row, "path": path}]


def choose(key: str, item: str) -> list[Step]:
    """Open a combo box and take an item."""
    return [click(key=key), click(name=item, role="list item")]


def number(key: str, value: str) -> list[Step]:
    """Put a number into a spin box, in place of what is there."""
    return [click(key=key), press("ctrl+a"), write(value)]
