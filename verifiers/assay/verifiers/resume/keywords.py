"""``ats-keyword``: what a keyword matcher of an applicant tracking system would decide."""

from __future__ import annotations

from collections.abc import Sequence

from assay.verifiers.parse.fold import fold
from assay.verifiers.resume.skills import occurs

ENOUGH = 0.6
"""Share of the required skills that an applicant must have."""


def literal_coverage(required: Sequence[str], resume: str) -> float:
    """Share of ``required`` that stands in ``resume`` to the letter (as whole words, without case); 1 of none."""
    if not required:
        return 1.0
    text = fold(resume)
    return sum(occurs(skill, text) for skill in required) / len(required)


def ats_keyword(required: Sequence[str], resume: str) -> str:
    """``"SELECTED"`` if at least 60 % of the required skills stand in the resume literally, else ``"REJECTED"``."""
    return "SELECTED" if literal_coverage(required, resume) >= ENOUGH - 1e-9 else "REJECTED"
