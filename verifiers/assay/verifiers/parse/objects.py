"""JSON objects in free text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_PASSES = 16
_ALLOWANCE = 100_000


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
    hostile input, the search ends once failed attempts have cost 16 times the length of the text.
    """
    budget = _PASSES * len(text) + _ALLOWANCE
    at = text.find("{")
    while at >= 0 and budget > 0:
        try:
            value, end = _decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            budget -= max(error.pos - at, 1)
            end = at + 1
        except (ValueError, RecursionError):
            budget -= len(text) - at
            end = at + 1
        else:
            yield value
        at = text.find("{", end)


def last_json(text: str) -> dict[str, Any] | None:
    """The last outermost JSON object in ``text``, or None; see :func:`json_objects`."""
    found = None
    for found in json_objects(text):  # noqa: B007 - the last one is the result
        pass
    return found
