"""Reading what the verifiers of videos compare with; anything malformed is a ValueError of one line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

Interval = tuple[float, float]

LETTERS = ("A", "B", "C", "D")
MOST_FRAMES = 1_000_000


def letters_of(truth: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The right letter and all letters: ``answer``, and ``letters`` or A to D.

    Raises:
        ValueError: they are not distinct single capitals, or the answer is not one of them.
    """
    letters = truth.get("letters", LETTERS)
    if not isinstance(letters, list | tuple) or not 1 < len(letters) <= 26:
        raise ValueError("the truth's letters are 2 to 26 capitals, such as A to D")
    for letter in letters:
        if not isinstance(letter, str) or len(letter) != 1 or not "A" <= letter <= "Z":
            raise ValueError("the truth's letters are 2 to 26 capitals, such as A to D")
    if len(set(letters)) != len(letters):
        raise ValueError("one of the truth's letters occurs twice")
    answer = truth.get("answer")
    if not isinstance(answer, str) or answer not in letters:
        raise ValueError(f"the truth's answer is one of {', '.join(letters)}; got {str(answer)[:40]!r}")
    return answer, tuple(letters)


def events_of(truth: Mapping[str, Any]) -> list[Interval]:
    """``events``: at least one pair of seconds [begin, end] with 0 <= begin <= end.

    Raises:
        ValueError: there is none, or one is no such pair.
    """
    events = truth.get("events")
    if not isinstance(events, list | tuple) or not events:
        raise ValueError("the truth needs events: [[begin, end], ...] in seconds")
    found = []
    for event in events:
        begin, end = numbers(event, "every event of the truth", 2)
        if not 0 <= begin <= end:
            raise ValueError(f"an event of the truth begins before it ends, from second 0 on; got {[begin, end]}")
        found.append((begin, end))
    return found


def numbers(value: Any, what: str, count: int | None = None) -> list[float]:
    """A list of finite numbers, of that many if ``count`` is given.

    Raises:
        ValueError: it is none.
    """
    wanted = f"{what} is a list of {'' if count is None else f'{count} '}finite numbers"
    if not isinstance(value, list | tuple) or (count is not None and len(value) != count):
        raise ValueError(wanted)
    return [_finite(number, wanted) for number in value]


def _finite(number: Any, wanted: str) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ValueError(wanted)
    try:
        value = float(number)
    except OverflowError:
        raise ValueError(wanted) from None
    if not math.isfinite(value):
        raise ValueError(wanted)
    return value


def clock(truth: Mapping[str, Any]) -> Sequence[float]:
    """``seconds``: when each candidate frame is shown, ascending, from 0 on.

    Raises:
        ValueError: there are none, or they are not.
    """
    seconds = numbers(truth.get("seconds"), "the truth's seconds")
    if not 0 < len(seconds) <= MOST_FRAMES:
        raise ValueError(f"the truth's seconds are of 1 to {MOST_FRAMES:,} frames")
    if seconds[0] < 0 or any(b < a for a, b in pairwise(seconds)):
        raise ValueError("the truth's seconds begin at 0 or later and never fall")
    return seconds


def whole(truth: Mapping[str, Any], key: str, least: int) -> int:
    """A whole number of at least ``least``.

    Raises:
        ValueError: it is missing or none.
    """
    value = truth.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"the truth's {key} is a whole number of at least {least}")
    return value
