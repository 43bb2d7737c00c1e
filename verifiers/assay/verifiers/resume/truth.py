"""What a response is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from assay.verifiers.resume.skills import canonical_set

SELECTED, REJECTED = "SELECTED", "REJECTED"
DECISIONS = (SELECTED, REJECTED)


class Gold(NamedTuple):
    """What the resume shows of the job's demands: names of skills, and whether years and degree may suffice."""

    matched: frozenset[str]
    years_ok: bool
    degree_ok: bool


class Truth(NamedTuple):
    """The right decision, the facts behind it where they are known, and further spellings of skills."""

    label: str
    gold: Gold | None
    aliases: Mapping[str, Sequence[str]]


def truth_of(truth: Mapping[str, Any]) -> Truth:
    """Read a truth.

    Raises:
        ValueError: if ``label`` is not a decision, or ``gold`` or ``aliases`` have another form.
    """
    label = truth.get("label")
    if label not in DECISIONS:
        raise ValueError(f"label must be {SELECTED} or {REJECTED}, got {label!r}")
    aliases = truth.get("aliases") or {}
    if not isinstance(aliases, Mapping) or not all(map(_texts, aliases.values())):
        raise ValueError("aliases must be {skill: [spelling, ...]}")
    gold = truth.get("gold")
    if gold is None:
        return Truth(str(label), None, aliases)
    if not isinstance(gold, Mapping) or not _texts(gold.get("matched")):
        raise ValueError("gold needs matched, a list of skills")
    checks = [gold.get(name) for name in ("years_ok", "degree_ok")]
    if not all(check is None or isinstance(check, bool) for check in checks):
        raise ValueError("gold needs years_ok and degree_ok: true, false, or null where that is not known")
    matched = frozenset(canonical_set(gold["matched"], aliases))
    return Truth(str(label), Gold(matched, checks[0] is not False, checks[1] is not False), aliases)


def _texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
