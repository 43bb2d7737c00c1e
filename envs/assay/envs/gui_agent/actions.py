"""What an agent may do, and how it is read out of a response: one JSON object, after an optional thought."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal["click", "double_click", "right_click", "drag", "scroll", "type", "key", "wait", "done"]
KINDS: tuple[str, ...] = get_args(Kind)
Point = tuple[float, float]

LONGEST_TEXT = 500
"""Characters that one ``type`` may have."""
MOST_NOTCHES = 20
"""Notches of the wheel that one ``scroll`` may turn."""
_LONGEST_RESPONSE = 20_000
_FARTHEST = 1e6
_THOUGHT = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
_MODIFIERS = ("ctrl", "shift", "alt", "meta")
_NAMED = {
    "enter": "Return", "return": "Return", "tab": "Tab", "escape": "Escape", "esc": "Escape", "space": "Space",
    "backspace": "Backspace", "delete": "Delete", "insert": "Insert", "home": "Home", "end": "End",
    "pageup": "PageUp", "pagedown": "PageDown", "left": "Left", "right": "Right", "up": "Up", "down": "Down",
    "plus": "Plus", "minus": "Minus", "menu": "Menu",
}  # fmt: skip
_KEYS = (
    _NAMED | {f"f{n}": f"F{n}" for n in range(1, 13)} | {c: c.upper() for c in "abcdefghijklmnopqrstuvwxyz0123456789"}
)


class UnreadableActionError(ValueError):
    """A response that is no action; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action; coordinates as the agent said them.

    Attributes:
        kind: what is done.
        point: where, for everything that a mouse does.
        to: where a drag ends.
        text: what is typed.
        key: Qt's name of a key, such as ``Return`` or ``S``.
        modifiers: keys held down with it, of ctrl, shift, alt and meta.
        direction: where a scroll goes.
        amount: notches of the wheel.
    """

    kind: str
    point: Point | None = None
    to: Point | None = None
    text: str = ""
    key: str = ""
    modifiers: tuple[str, ...] = ()
    direction: str = "down"
    amount: int = 3


def parse_action(response: str) -> Action:
    """The action of a response.

    The response is one JSON object, fenced or not, after an optional ``<think>...</think>`` and prose without braces.

    Raises:
        UnreadableActionError: if it is not; of two actions neither is taken.
    """
    thought = _THOUGHT.match(response)
    rest = response[thought.end() :] if thought else response
    if len(rest) > _LONGEST_RESPONSE:
        raise UnreadableActionError(f"more than {_LONGEST_RESPONSE} characters")
    start = rest.find("{")
    if start < 0:
        raise UnreadableActionError("no JSON object")
    try:
        said, end = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse).raw_decode(rest, start)
    except UnreadableActionError:
        raise
    except (ValueError, RecursionError):
        raise UnreadableActionError("the object is not JSON") from None
    if "{" in rest[end:]:
        raise UnreadableActionError("more than one action")
    return _action(said)


def _action(said: dict[str, Any]) -> Action:
    kind = said.get("action")
    if not isinstance(kind, str) or kind not in _READERS:
        raise UnreadableActionError(f"action must be one of {', '.join(KINDS)}")
    fields, reader = _READERS[kind]
    strange = [key for key in said if key != "action" and key not in fields]
    if strange:
        raise UnreadableActionError(f"{kind} takes {', '.join(fields) or 'nothing else'}; not {strange[0][:30]!r}")
    return reader(kind, said)


def _mouse(kind: str, said: dict[str, Any]) -> Action:
    return Action(kind, _point(said, "point_2d"))


def _drag(kind: str, said: dict[str, Any]) -> Action:
    return Action(kind, _point(said, "point_2d"), _point(said, "to_2d"))


def _scroll(kind: str, said: dict[str, Any]) -> Action:
    direction, amount = said.get("direction"), said.get("amount", 3)
    if direction not in ("up", "down", "left", "right"):
        raise UnreadableActionError("direction must be up, down, left or right")
    if isinstance(amount, bool) or not isinstance(amount, int) or not 1 <= amount <= MOST_NOTCHES:
        raise UnreadableActionError(f"amount must be a whole number from 1 to {MOST_NOTCHES}")
    return Action(kind, _point(said, "point_2d"), direction=direction, amount=amount)


def _type(kind: str, said: dict[str, Any]) -> Action:
    text = said.get("text")
    if not isinstance(text, str) or not text:
        raise UnreadableActionError("text must be a text that is not empty")
    if len(text) > LONGEST_TEXT:
        raise UnreadableActionError(f"text must not have more than {LONGEST_TEXT} characters")
    if any((ord(c) < 32 and c not in "\n\t") or 0xD7FF < ord(c) < 0xE000 or ord(c) == 127 for c in text):
        raise UnreadableActionError("text must have no control characters but newline and tab")
    return Action(kind, text=text)


def _key(kind: str, said: dict[str, Any]) -> Action:
    combination = said.get("key")
    if not isinstance(combination, str) or len(combination) > 40:
        raise UnreadableActionError('key must be a text such as "enter" or "ctrl+s"')
    *held, name = [part.strip().lower() for part in combination.split("+")]
    if name not in _KEYS or any(each not in _MODIFIERS for each in held) or len(set(held)) < len(held):
        raise UnreadableActionError(f"there is no key {combination!r}: such as enter, f5, ctrl+s, shift+tab")
    return Action(kind, key=_KEYS[name], modifiers=tuple(held))


def _bare(kind: str, said: dict[str, Any]) -> Action:
    return Action(kind)


_READERS: dict[str, tuple[tuple[str, ...], Callable[[str, dict[str, Any]], Action]]] = {
    "click": (("point_2d",), _mouse),
    "double_click": (("point_2d",), _mouse),
    "right_click": (("point_2d",), _mouse),
    "drag": (("point_2d", "to_2d"), _drag),
    "scroll": (("point_2d", "direction", "amount"), _scroll),
    "type": (("text",), _type),
    "key": (("key",), _key),
    "wait": ((), _bare),
    "done": ((), _bare),
}


def _point(said: dict[str, Any], field: str) -> Point:
    pair = said.get(field)
    if not isinstance(pair, list) or len(pair) != 2:
        raise UnreadableActionError(f"{field} must be two numbers, [x, y]")
    return _number(pair[0], field), _number(pair[1], field)


def _number(value: Any, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_FARTHEST <= value <= _FARTHEST:
        raise UnreadableActionError(f"{field} must be two numbers on the screen, [x, y]")
    return float(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise UnreadableActionError("a key occurs twice")
    return members


def _refuse(constant: str) -> Any:
    raise UnreadableActionError(f"{constant} is no coordinate")
