"""Whether a goal holds, from an application's state before and after; states are plain JSON data, no Qt is needed.

A place is a path into the state: a key of an object, an index of a list, or an object of fields that picks the one item
of a list that has them; in free places also "*", every item. A condition is an object of ``at``, a place, and one of
``is``, ``has``, ``lacks``. Whatever lies outside of the conditions' places and of the goal's ``free`` places must be as
it was at the start.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from assay.verifiers.score import Score

Place = Sequence[Any]
Condition = Mapping[str, Any]
_NOTHING: Any = object()


def find(state: Any, place: Place) -> Any:
    """What stands at a place, or None where there is nothing."""
    found = _walk(state, place)
    return None if found is _NOTHING else found


def met(condition: Condition, state: Any) -> bool:
    """Whether a condition holds in a state.

    Raises:
        ValueError: if it is not a condition.
    """
    if "at" not in condition or len(condition) != 2:
        raise ValueError(f"a condition has a place and one test, got {dict(condition)!r}")
    found = _walk(state, condition["at"])
    if "is" in condition:
        return _same(found, condition["is"])
    if "has" in condition:
        return isinstance(found, list) and any(_same(each, condition["has"]) for each in found)
    if "lacks" in condition:
        return isinstance(found, list) and not any(_same(each, condition["lacks"]) for each in found)
    raise ValueError(f"a condition tests is, has or lacks, got {dict(condition)!r}")


def solved(goal: Mapping[str, Any], start: Any, now: Any) -> bool:
    """Whether all conditions of a goal hold and nothing else was changed."""
    return all(met(each, now) for each in goal["conditions"]) and kept(goal, start, now)


def kept(goal: Mapping[str, Any], start: Any, now: Any) -> bool:
    """Whether everything that the goal does not speak of is as it was."""
    places = [*goal["free"], *(each["at"] for each in goal["conditions"])]
    return _same(_without(start, places), _without(now, places))


def score_of(truth: Mapping[str, Any], parsed: bool) -> Score:
    """The verdict on an episode from its goal and its evidence.

    Raises:
        ValueError: if the truth holds no goal or no evidence.
    """
    goal, evidence = truth.get("goal"), truth.get("evidence")
    if not isinstance(goal, Mapping) or not goal.get("conditions"):
        raise ValueError("the truth holds no goal")
    if not isinstance(evidence, Mapping) or not {"start", "end"} <= set(evidence):
        raise ValueError("the episode was stored without the application's state: replay it")
    start, end = evidence["start"], evidence["end"]
    share = sum(met(each, end) for each in goal["conditions"]) / len(goal["conditions"])
    unharmed = kept(goal, start, end)
    missing = truth.get("finish") == "done" and not evidence.get("done")
    right = share == 1.0 and unharmed and not missing
    parts = {"goal": share, "kept": float(unharmed), "done": float(bool(evidence.get("done")))}
    return Score(float(right), parts, correct=right, parsed=parsed, detail=_why(right, share, unharmed, missing))


def _why(right: bool, share: float, unharmed: bool, missing: bool) -> str:
    if right:
        return "the goal state holds"
    if share < 1.0:
        return f"{share:.0%} of the goal's conditions hold"
    return "the agent never said that it was done" if unharmed and missing else "something else was changed as well"


def _walk(state: Any, place: Place) -> Any:
    for step in place:
        if isinstance(step, Mapping) and isinstance(state, list):
            fitting = [each for each in state if isinstance(each, Mapping) and _fits(each, step)]
            state = fitting[0] if len(fitting) == 1 else _NOTHING
        elif isinstance(state, Mapping) and isinstance(step, str):
            state = state.get(step, _NOTHING)
        elif isinstance(state, list) and isinstance(step, int) and -len(state) <= step < len(state):
            state = state[step]
        else:
            return _NOTHING
    return state


def _fits(item: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    return all(key in item and _same(item[key], value) for key, value in fields.items())


def _same(one: Any, other: Any) -> bool:
    """Equality that does not take true for 1."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _without(state: Any, places: Sequence[Place]) -> Any:
    """A copy of a state with null in each of the places, be something there or not."""
    bare = copy.deepcopy(state)
    for *way, last in places:
        for holder in _holders(bare, way):
            _blank(holder, last)
    return bare


def _holders(state: Any, way: Sequence[Any]) -> list[Any]:
    """What a way leads to; each of its stars to every item."""
    if "*" not in way:
        found = _walk(state, way)
        return [] if found is _NOTHING else [found]
    star = list(way).index("*")
    held = _walk(state, way[:star])
    items = held if isinstance(held, list) else list(held.values()) if isinstance(held, Mapping) else []
    return [holder for item in items for holder in _holders(item, way[star + 1 :])]


def _blank(holder: Any, last: Any) -> None:
    if isinstance(holder, list) and isinstance(last, Mapping):
        fitting = [i for i, each in enumerate(holder) if isinstance(each, Mapping) and _fits(each, last)]
        last = fitting[0] if len(fitting) == 1 else None
    known = isinstance(holder, dict) and isinstance(last, str)
    if known or (isinstance(holder, list) and isinstance(last, int) and -len(holder) <= last < len(holder)):
        holder[last] = None
