"""The symbols an agent acts with, and reading them out of a response: ``{"actions": ["W"], "step_nums": [5]}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.verifiers.spatial.reading import one_object

Action = tuple[str, int]

MOST_STEPS = 10
"""Largest count of one action."""
MOST_ACTIONS = 64
"""Most actions of one object."""

MEANINGS: Mapping[str, str] = {
    "W": "dolly in (+z, forward)", "S": "dolly out (-z)", "A": "truck left (-x)", "D": "truck right (+x)",
    "space": "pedestal up (-y)", "shift": "pedestal down (+y)", "←": "pan left", "→": "pan right", "↑": "tilt up",
    "↓": "tilt down", "↻": "roll clockwise", "↺": "roll counter-clockwise", "G": "close the gripper, grab",
    "H": "open the gripper, let go", "P": "push", "L": "pull", "STOP": "stay",
}  # fmt: skip
"""What each symbol does; the first twelve move, by their count times a step."""

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "space": ("q", "spacebar", "pedestal up"), "shift": ("e", "pedestal down"),
    "W": ("dolly in", "forward"), "S": ("dolly out", "backward", "back"), "A": ("truck left",),
    "D": ("truck right",),
    "←": ("left arrow", "leftarrow", "left_arrow", "arrowleft", "arrow left", "pan left", "<-"),
    "→": ("right arrow", "rightarrow", "right_arrow", "arrowright", "arrow right", "pan right", "->"),
    "↑": ("up arrow", "uparrow", "up_arrow", "arrowup", "arrow up", "tilt up"),
    "↓": ("down arrow", "downarrow", "down_arrow", "arrowdown", "arrow down", "tilt down"),
    "↻": ("z", "clockwise", "clockwise arrow", "clockwise_arrow", "cw", "roll cw", "roll clockwise"),
    "↺": ("x", "counter-clockwise", "counterclockwise", "counter-clockwise arrow", "counterclockwise arrow", "ccw",
          "counter_clockwise_arrow", "roll ccw", "roll counter-clockwise"),
    "G": ("grab", "grasp", "close gripper"), "H": ("release", "open gripper"), "P": ("push",), "L": ("pull",),
    "STOP": ("stay", "done"),
}  # fmt: skip
SYMBOLS: Mapping[str, str] = {symbol.lower(): symbol for symbol in MEANINGS} | {
    alias: symbol for symbol, names in _ALIASES.items() for alias in names
}
"""Every way to write a symbol, in lower case, with the symbol."""


class UnreadableError(ValueError):
    """A response without actions that can be carried out; the text says why."""


def read_actions(text: str) -> list[Action]:
    """The actions of the one JSON object of a text, in order.

    ``actions`` and ``step_nums`` are lists of one length (at most 64): symbols of :data:`MEANINGS` or their other
    names, in any case, and whole numbers from 0 to 10. A member ``gripper`` (1 closed, 0 open) becomes a last G or H;
    others are passed over. Repeated keys and NaN are not
    JSON here.

    Raises:
        UnreadableError: one line that says what is wrong; no or two objects, a symbol there is not, a bad count.
    """
    found, problem = one_object(text)
    if found is None:
        raise UnreadableError(problem)
    return actions_of(found)


def read_segments(text: str) -> list[list[Action]]:
    """The actions of ``{"step_1": {...}, "step_2": {...}}``, in the order of their numbers.

    Raises:
        UnreadableError: one line; as for :func:`read_actions`, or other names than step_1, step_2, ... without a gap.
    """
    found, problem = one_object(text)
    if found is None:
        raise UnreadableError(problem)
    names = [f"step_{number}" for number in range(1, min(len(found), MOST_ACTIONS) + 1)]
    if not names or set(names) != set(found):
        raise UnreadableError("the members are not step_1, step_2, ... without a gap")
    return [actions_of(found[name]) for name in names]


def actions_of(data: Any) -> list[Action]:
    """The actions of a decoded object; errors as for :func:`read_actions`."""
    if not isinstance(data, dict):
        raise UnreadableError("a step is not an object with actions and step_nums")
    symbols, counts = data.get("actions"), data.get("step_nums")
    if not isinstance(symbols, list) or not isinstance(counts, list):
        raise UnreadableError("actions and step_nums are two lists")
    if len(symbols) != len(counts):
        raise UnreadableError(f"{len(symbols)} actions and {len(counts)} step_nums")
    if len(symbols) > MOST_ACTIONS:
        raise UnreadableError(f"{len(symbols)} actions, more than {MOST_ACTIONS}")
    found = [(_symbol(symbol), _count(count)) for symbol, count in zip(symbols, counts, strict=True)]
    if "gripper" in data:
        if data["gripper"] not in (0, 1):
            raise UnreadableError("gripper is 1 (closed) or 0 (open)")
        found.append(("G" if data["gripper"] else "H", 1))
    return found


def _symbol(name: Any) -> str:
    known = SYMBOLS.get(name.strip().lower()) if isinstance(name, str) and len(name) <= 40 else None
    if known is None:
        raise UnreadableError(f"there is no action {ascii(name)[:24]}")
    return known


def _count(count: Any) -> int:
    if isinstance(count, bool) or not isinstance(count, int | float) or not 0 <= count <= MOST_STEPS:
        raise UnreadableError(f"a step_num is a whole number from 0 to {MOST_STEPS}, not {ascii(count)[:24]}")
    if count != int(count):
        raise UnreadableError(f"a step_num is a whole number from 0 to {MOST_STEPS}, not {count:g}")
    return int(count)


def grip_after(actions: list[Action], closed: bool = False) -> bool:
    """Whether the gripper is closed after the actions: G closes it and H opens it, unless their count is 0."""
    for symbol, count in actions:
        if symbol in "GH" and count:
            closed = symbol == "G"
    return closed
