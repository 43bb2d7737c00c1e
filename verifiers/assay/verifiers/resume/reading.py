"""A response read: the decision, and what stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from assay.verifiers.parse.fold import fold
from assay.verifiers.parse.objects import json_objects
from assay.verifiers.parse.tags import after_think
from assay.verifiers.resume.truth import DECISIONS

_LONGEST_WORD = 40


class Reading(NamedTuple):
    """A decision and its grounds; None stands for one that is absent or has a wrong type."""

    decision: str
    score: float | None = None
    matched: tuple[str, ...] | None = None
    missing: tuple[str, ...] | None = None
    reason: str | None = None

    @property
    def complete(self) -> bool:
        """Whether all five keys are there with the right types."""
        return None not in (self.score, self.matched, self.missing, self.reason)


def read(response: str) -> Reading | None:
    """The decision of a response, or None where it gives none.

    After the thinking, the last outermost JSON object that has ``decision`` counts, whatever it decides; a decision is
    SELECTED or REJECTED, without regard to case. Without such an object the bare word does, if nothing stands beside it
    but quotes or a full stop. An object that repeats a key or holds NaN is no object.
    """
    text = after_think(response)
    if text is None:
        return None
    last: Mapping[str, Any] | None = None
    for found in json_objects(text):
        if "decision" in found:
            last = found
    if last is None:
        bare = _decision(text.strip()[: _LONGEST_WORD + 1].strip("\"'`.*")) if len(text) < 10_000 else None
        return None if bare is None else Reading(bare)
    decision = _decision(last["decision"])
    if decision is None:
        return None
    reason = last.get("reason")
    return Reading(
        decision,
        _score(last.get("score")),
        _texts(last.get("matched_skills")),
        _texts(last.get("missing_skills")),
        reason if isinstance(reason, str) else None,
    )


def _decision(value: Any) -> str | None:
    if not isinstance(value, str) or len(value) > _LONGEST_WORD:
        return None
    word = fold(value).upper()
    return word if word in DECISIONS else None


def _score(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        return None
    return float(value)


def _texts(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return None
    return tuple(value)
