"""From evidence to a score; pure, so that a stored episode gets the same score again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from assay.envs.swe_rl.evidence import Evidence
from assay.envs.swe_rl.rows import SweRow
from assay.verifiers import registry
from assay.verifiers.score import Score
from assay.verifiers.swe import (
    GradeReport,
    ReportError,
    Run,
    grade_expected,
    grade_log,
    grade_report,
    node_status,
    parse_log,
    read_report,
    verdict_reward,
)
from assay.verifiers.swe.verdict import Style, invalid

TestReward = Literal["tests", "tests-partial", "hybrid"]


def report_of(row: SweRow, evidence: Evidence) -> GradeReport | None:
    """The verdict by the rules of the row's data set; None where the patch could not be applied.

    Raises:
        ValueError: if the stored report is malformed.
    """
    if evidence.report is None:
        if not evidence.applied:
            return None
        return invalid(evidence.message or "nothing was run", row.fail_to_pass, row.pass_to_pass)
    if "log" in evidence.report:
        return _of_log(row, evidence.report)
    problems = evidence.report.get("problems") or ()
    try:
        report = read_report(json.dumps(dict(evidence.report)), None)
    except ReportError as error:
        raise ValueError(f"the stored report cannot be read: {error}") from None
    if row.rules == "r2e-gym":
        return _expected(row, report.tests, not report.complete, problems)
    found = grade_report(report, row.fail_to_pass, row.pass_to_pass, style_of(row))
    if problems and not found.valid:
        return invalid(str(problems[0]), row.fail_to_pass, row.pass_to_pass)
    return found


def score_of(row: SweRow, evidence: Evidence, reward: TestReward, format_penalty: bool = False) -> Score:
    """The score of an episode whose patch was graded.

    ``parts``: ``resolved``, ``f2p`` and ``p2p`` (shares), ``applied``, ``valid``, ``tampered`` (paths whose change was
    undone), and ``similarity`` for the hybrid reward.
    """
    report = report_of(row, evidence)
    similar = similarity(row.patch, evidence.patch) if reward == "hybrid" else None
    empty = not evidence.patch.strip()
    value = verdict_reward(report, reward, similarity=similar, format_penalty=format_penalty and not empty)
    parts = {
        "resolved": float(report is not None and report.resolved),
        "f2p": report.f2p_ratio if report is not None and report.valid else 0.0,
        "p2p": report.p2p_ratio if report is not None and report.valid else 0.0,
        "applied": float(evidence.applied and not empty),
        "valid": float(report is not None and report.valid),
        "tampered": float(len(evidence.tampered)),
    }
    if similar is not None:
        parts["similarity"] = similar
    return Score(value, parts, bool(parts["resolved"]), not empty and evidence.applied, _words(report, evidence))


def similarity(reference: str, patch: str) -> float:
    """Likeness of two patches in [0, 1] (``swe.unidiff``)."""
    return registry.score("swe.unidiff", patch, {"patch": reference}).reward


def _words(report: GradeReport | None, evidence: Evidence) -> str:
    undone = f"; undone: {', '.join(evidence.tampered[:5])}" if evidence.tampered else ""
    if report is None:
        return f"the patch does not apply: {evidence.message}"[:300].replace("\n", " ")
    if not report.valid:
        return f"unresolved: {report.reason}{undone}"[:300].replace("\n", " ")
    mended, broken = len(report.f2p_success), len(report.p2p_failure)
    total = mended + len(report.f2p_failure)
    verdict = "resolved" if report.resolved else "unresolved"
    return f"{verdict}: {mended} of {total} tests mended, {broken} broken{undone}"[:300]


def _of_log(row: SweRow, report: Mapping[str, Any]) -> GradeReport:
    log, parser = str(report.get("log", "")), str(report.get("parser") or "pytest")
    if row.rules == "r2e-gym":
        statuses = {test: status.lower() for test, status in parse_log(log, "pytest").items()}
        return _expected(row, statuses, not statuses, ("no test outcome is in the log",))
    run = Run(row.instance_id, row.version)
    return grade_log(log, parser, row.fail_to_pass, row.pass_to_pass, style_of(row), run=run)


def style_of(row: SweRow) -> Style:
    """Whose rule of absent tests holds."""
    return "swe-smith" if row.rules == "swe-smith" else "swebench"


def _expected(row: SweRow, tests: Any, broken: bool, problems: Any) -> GradeReport:
    if broken:
        return invalid(str(problems[0]) if problems else "the run did not end", tuple(row.expected), ())
    return grade_expected(node_status(tests), row.expected)
