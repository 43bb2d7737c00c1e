"""Reading points out of a response: ``[{"point_2d": [x, y]}, ...]``, and the looser ways in which models say them."""

from __future__ import annotations

import json
import math
import re
from typing import Any

Point = tuple[float, float]

FARTHEST = 1e6
"""Largest coordinate that is a place on a screen."""
_OPEN, _CLOSE = "<think>", "</think>"


class UnreadableError(ValueError):
    """A response without points that can be read; the text says why."""


def after_thinking(response: str, parity: bool = False) -> str:
    """The answer of a response that must begin with one non-empty ``<think>...</think>``.

    White space before it is passed over, unless it is to be as in the authors' program.

    Raises:
        UnreadableError: if it does not, or nothing follows.
    """
    response = response if parity else response.lstrip()
    if not response.startswith(_OPEN):
        raise UnreadableError("it does not begin with <think>")
    if response.count(_OPEN) != 1 or response.count(_CLOSE) != 1:
        raise UnreadableError("not exactly one <think> and one </think>")
    thought, _, rest = response[len(_OPEN) :].partition(_CLOSE)
    if not thought.strip():
        raise UnreadableError("an empty thought")
    if not rest.strip():
        raise UnreadableError("nothing after </think>")
    return rest.strip()


def first_list(text: str) -> str:
    """The first ``[...]`` whose brackets balance, strings not looked into.

    Raises:
        UnreadableError: if there is none.
    """
    start = text.find("[")
    if start < 0:
        raise UnreadableError("no list")
    depth = 0
    for mark in re.finditer(r"[\[\]]", text[start:]):
        depth += 1 if mark.group() == "[" else -1
        if depth == 0:
            return text[start : start + mark.end()]
    raise UnreadableError("a list that is never closed")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise UnreadableError("a key occurs twice")
    return members


def _refuse(constant: str) -> Any:
    raise UnreadableError(f"{constant} is no coordinate")


def listed_points(text: str, parity: bool = False) -> list[Point]:
    """The points of the first list in a text.

    Args:
        text: what follows the thinking.
        parity: accept what the official code accepts: repeated keys, infinities, booleans.

    Raises:
        UnreadableError: if that is not JSON, or an item is not an object whose ``point_2d`` is a pair of numbers.
    """
    found = first_list(text)
    strict: dict[str, Any] = {} if parity else {"object_pairs_hook": _unique, "parse_constant": _refuse}
    try:
        items = json.loads(found, **strict)
    except UnreadableError:
        raise
    except (ValueError, RecursionError):
        raise UnreadableError("the list is not JSON") from None
    points = []
    for number, item in enumerate(items, 1):
        pair = item.get("point_2d") if isinstance(item, dict) else None
        if not isinstance(pair, list) or len(pair) != 2:
            raise UnreadableError(f"item {number} is not an object with a point_2d of two numbers")
        points.append((_number(pair[0], parity), _number(pair[1], parity)))
    return points


def _number(value: Any, parity: bool) -> float:
    if (isinstance(value, bool) and not parity) or not isinstance(value, int | float):
        raise UnreadableError(f"{str(value)[:20]!r} is no coordinate")
    try:
        number = float(value)
    except OverflowError:
        raise UnreadableError("a coordinate off every screen") from None
    if not parity and not (math.isfinite(number) and abs(number) <= FARTHEST):
        raise UnreadableError("a coordinate off every screen")
    return number


_VALUE = r"[-+]?\d{1,9}(?:\.\d{0,9})?"
_LOOSE = re.compile(
    rf"[\[(<]\s*(?:(?:point|box)[^>\d]{{0,20}}>\s*[\[(]?)?\s*({_VALUE})\s*[,\s]\s*({_VALUE})"
    rf"(?:\s*[,\s]\s*({_VALUE})\s*[,\s]\s*({_VALUE}))?\s*[\])<]"
)


def loose_point(text: str) -> Point:
    """The first point that a text names, in brackets, parentheses or a tag; of a box, its centre.

    ``[x, y]``, ``(x, y)``, ``click(x, y)``, ``<point>x y</point>``, ``[x1, y1, x2, y2]``,
    ``<|box_start|>(x1,y1),(x2,y2)`` (whose first corner is taken) and ``[{"point_2d": [x, y]}]``.

    Raises:
        UnreadableError: if it names none.
    """
    found = _LOOSE.search(text)
    if found is None:
        raise UnreadableError("no point in brackets")
    x1, y1, x2, y2 = (float(value) if value else None for value in found.groups())
    assert x1 is not None
    assert y1 is not None
    if x2 is not None and y2 is not None:
        return (x1 + x2) / 2, (y1 + y2) / 2
    return x1, y1
