"""Grading a structured report: first whether the run can be believed at all, then the rule of the data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.verifiers.swe.report import RunReport
from assay.verifiers.swe.verdict import GradeReport, Style, fails, grade_statuses, invalid

_RAN_TO_ITS_END = (0, 1)


def grade_report(
    report: RunReport,
    fail_to_pass: Iterable[str],
    pass_to_pass: Iterable[str],
    style: Style = "swebench",
    *,
    exit_code: int | None = None,
) -> GradeReport:
    """Judge a run by its structured report.

    A run is not valid, and so resolves nothing, if its session did not end, no test ran, pytest was interrupted or
    broke, it exits with a failure but reports none, or the process's own exit status is another than the report's.

    Args:
        report: what :func:`~assay.verifiers.swe.report.read_report` returned for this run's nonce.
        fail_to_pass: node ids that the fix must turn green.
        pass_to_pass: node ids that must stay green.
        style: the rule of the data set, see :func:`~assay.verifiers.swe.verdict.grade_statuses`.
        exit_code: the exit status of the test process as its parent saw it; None where it is not known.
    """
    f2p, p2p = list(fail_to_pass), list(pass_to_pass)
    reason = _why_invalid(report, exit_code)
    if reason:
        return invalid(reason, f2p, p2p)
    return grade_statuses(report.tests, f2p, p2p, style, uncollectable=report.uncollectable)


def _why_invalid(report: RunReport, exit_code: int | None) -> str:
    if not report.complete:
        return "the test session did not come to its end"
    if exit_code is not None and report.exit is not None and exit_code != report.exit:
        return f"the test process exited with {exit_code}, its report says {report.exit}"
    if not report.tests:
        files = len(report.uncollectable)
        return f"no test ran; {files} file(s) could not be imported" if files else "no test ran"
    code = report.exit if report.exit is not None else exit_code
    if code is None:
        return ""
    if code not in _RAN_TO_ITS_END:
        return f"the test session was interrupted (exit status {code})"
    if code and not report.uncollectable and not any(fails(status) for status in report.tests.values()):
        return f"exit status {code}, yet no test is reported as failed"
    return ""


def node_status(tests: Mapping[str, str]) -> dict[str, str]:
    """Statuses under R2E-Gym's names: the parts of a node id after the file, joined by dots."""
    return {".".join(name.split("::")[1:]) or name: status for name, status in tests.items()}
