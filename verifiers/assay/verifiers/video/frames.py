"""Reading the frames and the intervals that a response names, and how well they meet the events."""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from assay.verifiers.video.truth import Interval

MOST_INTERVALS = 256
_LONGEST = 64 * MOST_INTERVALS
_LIST = re.compile(r"\[\s*\d{1,9}(?:\s*,\s*\d{1,9})*\s*,?\s*\]", re.ASCII)


class UnreadableError(ValueError):
    """An answer that cannot be read; the text says why."""


def frames_in(text: str, count: int, k: int) -> list[int]:
    """The frames that an answer names: one list of distinct whole numbers, such as ``[3, 17]``, ascending.

    Text around the list is passed over (also ``{"frames": [3, 17]}``), but a second bracket makes it unreadable.

    Args:
        text: the answer.
        count: of the candidates; frames are numbered from 0.
        k: how many may be named.

    Raises:
        UnreadableError: there is not one such list, it is empty or names more than ``k`` frames, one twice, or one
            that does not exist.
    """
    begin, end = text.find("["), text.rfind("]")
    if begin < 0 or end < begin or text.count("[") > 1 or text.count("]") > 1:
        raise UnreadableError("not exactly one list of frames")
    if end - begin > 64 + 16 * k or not _LIST.fullmatch(text, begin, end + 1):
        raise UnreadableError(f"the list is not of 1 to {k} whole numbers")
    found = [int(number) for number in re.findall(r"\d+", text[begin:end])]
    if len(found) > k:
        raise UnreadableError(f"{len(found)} frames where {k} may be named")
    if len(set(found)) != len(found):
        raise UnreadableError("a frame is named twice")
    if max(found) >= count:
        raise UnreadableError(f"frame {max(found)} does not exist; the last one is {count - 1}")
    return sorted(found)


def covered(seconds: Sequence[float], events: Sequence[Interval], tolerance: float) -> int:
    """How many events have one of the moments within them, give or take ``tolerance`` seconds.

    Args:
        seconds: ascending.
    """
    found = 0
    for begin, end in events:
        at = bisect_left(seconds, begin - tolerance)
        found += at < len(seconds) and seconds[at] <= end + tolerance
    return found


def inside(second: float, events: Sequence[Interval], tolerance: float) -> bool:
    """Whether a moment is within an event, give or take ``tolerance`` seconds."""
    return any(begin - tolerance <= second <= end + tolerance for begin, end in events)


def intervals_in(text: str) -> list[Interval]:
    """The intervals that an answer names: ``[[begin, end], ...]`` in seconds, or one ``[begin, end]``.

    Text before and behind the one list is passed over.

    Raises:
        UnreadableError: there is no such list, it is longer than 256 intervals, or one does not begin before it ends.
    """
    begin, end = text.find("["), text.rfind("]")
    if begin < 0 or end < begin:
        raise UnreadableError("no list of intervals")
    if end - begin > _LONGEST:
        raise UnreadableError(f"more than {MOST_INTERVALS} intervals")
    try:
        listed = json.loads(text[begin : end + 1], parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise UnreadableError("not one list of intervals") from None
    pairs = [listed] if listed and not isinstance(listed[0], list) else listed
    if not 0 < len(pairs) <= MOST_INTERVALS:
        raise UnreadableError(f"not 1 to {MOST_INTERVALS} intervals")
    return [_interval(pair) for pair in pairs]


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _interval(pair: Any) -> Interval:
    if not isinstance(pair, list) or len(pair) != 2:
        raise UnreadableError("an interval is [begin, end] in seconds")
    for value in pair:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e9:
            raise UnreadableError("an interval is [begin, end] in seconds")
    begin, end = float(pair[0]), float(pair[1])
    if not 0 <= begin < end:
        raise UnreadableError("an interval begins before it ends, from second 0 on")
    return begin, end


def merged(intervals: Sequence[Interval], latest: float = math.inf) -> list[Interval]:
    """The same moments as disjoint intervals, ascending, cut off at ``latest``."""
    found: list[Interval] = []
    for begin, end in sorted(intervals):
        end = min(end, latest)
        if end <= begin:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found


def overlap(ours: Sequence[Interval], theirs: Sequence[Interval]) -> float:
    """Intersection over union of two sets of disjoint ascending intervals, in [0, 1]; 0 where both are empty."""
    shared, i, j = 0.0, 0, 0
    while i < len(ours) and j < len(theirs):
        shared += max(0.0, min(ours[i][1], theirs[j][1]) - max(ours[i][0], theirs[j][0]))
        if ours[i][1] <= theirs[j][1]:
            i += 1
        else:
            j += 1
    union = _length(ours) + _length(theirs) - shared
    return min(shared / union, 1.0) if union > 0 else 0.0


def _length(intervals: Sequence[Interval]) -> float:
    return math.fsum(end - begin for begin, end in intervals)
