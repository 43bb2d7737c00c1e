"""R2E-Gym's rule: every test must have exactly the status that was recorded with the reference fix."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assay.verifiers.swe.verdict import GradeReport, invalid

_COLOUR = re.compile(r"\x1b\[\d+m")


def grade_expected(statuses: Mapping[str, str], expected: Mapping[str, str], *, parity: bool = False) -> GradeReport:
    """``FULL`` if the run has the same tests with the same statuses as recorded, else ``NO``.

    Colour codes and whatever follows " - " in a name are dropped on both sides, and case is ignored in statuses.

    Args:
        statuses: what ran, under R2E-Gym's names (``Class.test``).
        expected: the recorded map of names to statuses (``expected_output_json``).
        parity: as the official code does it: a run and a record that are both empty agree, and a nameless entry
            (a file that could not be collected) is not compared.
    """
    ours, theirs = _normal(statuses), _normal(expected)
    if not theirs and not parity:
        return invalid("no statuses were recorded for this task", (), ())
    if len(ours) != len(theirs):
        reason = f"{len(ours)} tests ran, {len(theirs)} were recorded"
        return GradeReport("NO", (), tuple(theirs), (), (), True, reason)
    nameless = {""} if parity else set()
    wrong = {name: None for name in ours if name not in nameless and theirs.get(name) != ours[name]}
    return GradeReport("NO" if wrong else "FULL", tuple(name for name in ours if name not in wrong), tuple(wrong))


def _normal(statuses: Mapping[str, str]) -> dict[str, str]:
    plain = {_COLOUR.sub("", name): status for name, status in statuses.items()}
    return {name.split(" - ")[0]: plain[name].upper() for name in sorted(plain)}
