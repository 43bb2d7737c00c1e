"""JSON objects in free text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_START = re.compile(r"\{\s{0,64}[\"}]")
_PASSES = 16
_ALLOWANCE = 4_000_000
_WINDOW = 512
_MARGIN = 16


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key occurs twice")
    return members


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in ``text``, outermost ones only, in order.

    Text around and between them is skipped. An object that is never closed, repeats a key (two answers in one), or
    holds NaN or an infinity is no object; complete objects inside or after it are still found. To stay linear on
    hostile input, the search ends once failed attempts have read 16 times the length of the text and four million
    characters more.
    """
    budget = _PASSES * len(text) + _ALLOWANCE
    start = _START.search(text)
    while start is not None and budget > 0:
        at = start.start()
        value, read = _decode(text, at)
        if value is not None:
            yield value
            at += read
        else:
            budget -= read
            at += 1
        start = _START.search(text, at)


def _decode(text: str, at: int) -> tuple[dict[str, Any] | None, int]:
    """The object that begins at ``at``, or None, and how many characters were read.

    It is tried in a window that grows: a failed attempt on all of the text would count its lines for the error message.
    """
    size = _WINDOW
    while True:
        window = text[at : at + size]
        try:
            return _decoder.raw_decode(window)
        except json.JSONDecodeError as error:
            cut = error.pos >= len(window) - _MARGIN or error.msg.startswith("Unterminated")
            if not cut or at + size >= len(text):
                return None, size
        except (ValueError, RecursionError):
            return None, size
        size *= 4


def last_json(text: str) -> dict[str, Any] | None:
    """The last outermost JSON object in ``text``, or None; see :func:`json_objects`."""
    found = None
    for found in json_objects(text):  # noqa: B007 - the last one is the result
        pass
    return found
