"""Actions as the benchmark's program reads them, with the gaps through which it can be paid for nothing.

Kept because published numbers were made with them: a move whose count is NaN makes the score 1; so does an empty object
for manipulation; the goal of navigation is the seventh pose where there are more; a symbol alone counts once.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from typing import Any

from assay.verifiers.spatial.journeys import Journey
from assay.verifiers.spatial.poses import Pose
from assay.verifiers.spatial.reading import braced, fenced, loads_loosely

SYMBOLS = frozenset({"W", "S", "A", "D", "space", "shift", "←", "→", "↑", "↓", "↺", "↻", "STOP"})
ERRORS = (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError)
"""What the program fails with on data that it did not expect, which it scores 0."""
FIRST = 7
_LONGEST = 20_000
_DEEPEST = 40


def loose_object(text: str) -> dict[Any, Any] | None:
    """The object of the first fenced block, else from the first to the last brace; None where it is none.

    JSON, then without trailing commas, then as a Python literal (of at most 20,000 characters, not deeply nested).
    """
    said = fenced(text, "```json", "```")
    said = fenced(text, "```", "```") if said is None else said
    said = braced(text) if said is None else said
    said = text if said is None else said.strip()
    try:
        data = loads_loosely(said)
    except (ValueError, RecursionError) as error:
        data = _literal(said) if hasattr(error, "msg") else None
    return data if isinstance(data, dict) else None


def _literal(text: str) -> Any:
    if len(text) > _LONGEST or sum(map(text.count, "([{-+~")) > _LONGEST // 4:
        return None
    depth = 0
    for mark in re.findall(r"[(\[{]|[)\]}]", text):
        depth += 1 if mark in "([{" else -1
        if depth > _DEEPEST:
            return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def loose_actions(segment: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Symbols with their counts, whatever those are; 1 where none is given. Unknown symbols are left out.

    Raises:
        TypeError: and others of :data:`ERRORS`, on data that are no lists.
    """
    counts, found = segment.get("step_nums", []), []
    for place, symbol in enumerate(segment.get("actions", [])):
        if symbol in SYMBOLS:
            found.append((symbol, counts[place] if place < len(counts) else 1))
    return found


def official_reached(data: Mapping[str, Any], journey: Journey) -> Pose:
    """Where the actions of one object lead from the last pose but one, by the steps of the last segment."""
    return _stepped(journey, journey.poses[-2], data, -1)


def official_path(data: Mapping[Any, Any], journey: Journey) -> list[Pose]:
    """The poses over the segments of ``{"step_1": {...}, ...}``, by the numbers in their names; others are dropped."""
    try:
        names = sorted(data, key=lambda name: int(re.search(r"\d+", name).group()))  # type: ignore[union-attr]
    except (AttributeError, ValueError):
        names = sorted(data)
    path = [journey.poses[0]]
    for segment, name in enumerate(names[: journey.segments]):
        if isinstance(data[name], dict):
            path.append(_stepped(journey, path[-1], data[name], segment))
    return path


def _stepped(journey: Journey, pose: Pose, data: Mapping[str, Any], segment: int) -> Pose:
    found = journey.step(pose, loose_actions(data), segment, parity=True)
    if not all(map(math.isfinite, found[3:])):
        raise ValueError("a rotation that is not finite, at which SciPy stops")
    return found
