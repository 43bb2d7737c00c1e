"""The four criteria, each in [0, 1]."""

from __future__ import annotations

import re

from assay.verifiers.parse.fold import fold
from assay.verifiers.resume.reading import Reading
from assay.verifiers.resume.skills import canonical_set
from assay.verifiers.resume.truth import SELECTED, Truth

_EXPERIENCE = re.compile(r"\b(?:experience|experienced|years?|seniority|junior)\b")
_EDUCATION = re.compile(
    r"\b(?:education|educational|degrees?|bachelor|bachelors|master|masters|phd|doctorate|diploma|university|"
    r"qualifications?)\b"
)


def decision_part(read: Reading, truth: Truth) -> float:
    """1 for the right decision."""
    return float(read.decision == truth.label)


def skills_part(read: Reading, truth: Truth) -> float | None:
    """F1 of the matched skills against the true ones, as sets of names; None where those are unknown.

    Both empty: 1. A skill that is also called missing counts as wrong.
    """
    if truth.gold is None:
        return None
    if read.matched is None:
        return 0.0
    named = canonical_set(read.matched, truth.aliases)
    denied = canonical_set(read.missing or (), truth.aliases)
    right = len((named - denied) & truth.gold.matched)
    total = len(named) + len(truth.gold.matched)
    return 2 * right / total if total else 1.0


def adequacy_part(read: Reading, truth: Truth) -> float:
    """Mean of the checks that apply; 0 for a bare decision.

    The score stands on the label's side of 50 (50 itself on neither). Where years or degree do not suffice, the reason
    mentions one that does not.
    """
    if read.score is None and read.reason is None:
        return 0.0
    side = read.score is not None and (read.score > 50 if truth.label == SELECTED else read.score < 50)
    checks = [side]
    if truth.gold is not None and not (truth.gold.years_ok and truth.gold.degree_ok):
        reason = fold(read.reason or "")
        checks.append(
            (not truth.gold.years_ok and _EXPERIENCE.search(reason) is not None)
            or (not truth.gold.degree_ok and _EDUCATION.search(reason) is not None)
        )
    return sum(checks) / len(checks)


def structure_part(read: Reading) -> float:
    """1 for all five keys with the right types, 0.5 for a decision alone."""
    return 1.0 if read.complete else 0.5
