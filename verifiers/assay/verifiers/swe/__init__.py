"""Verifiers for software repair: similarity of patches, test reports and logs, and the choice among patches."""

from assay.verifiers.swe.expected import grade_expected
from assay.verifiers.swe.grade_report import grade_report, node_status
from assay.verifiers.swe.report import ReportError, RunReport, Status, read_report
from assay.verifiers.swe.verdict import (
    GradeReport,
    Resolution,
    Style,
    grade_statuses,
    resolution,
    verdict_reward,
)

__all__ = [
    "GradeReport",
    "ReportError",
    "Resolution",
    "RunReport",
    "Status",
    "Style",
    "grade_expected",
    "grade_report",
    "grade_statuses",
    "node_status",
    "read_report",
    "resolution",
    "verdict_reward",
]
