"""Verifiers for software repair: similarity of patches, test reports and logs, and the choice among patches."""

from assay.verifiers.swe.comparison import compare, predicted_contents, similarity_reward
from assay.verifiers.swe.diff import diffs, unified_diff
from assay.verifiers.swe.edit_verifier import gold_response, similarity
from assay.verifiers.swe.edits import Edit, FormatError, apply_edits, parse_edits, split_response
from assay.verifiers.swe.expected import grade_expected
from assay.verifiers.swe.grade_run import grade_report, node_status
from assay.verifiers.swe.patch_verifier import unidiff
from assay.verifiers.swe.patches import FilePatch, PatchError, file_diffs, parse_patch
from assay.verifiers.swe.render import render_edits, render_response
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
    "Edit",
    "FilePatch",
    "FormatError",
    "GradeReport",
    "PatchError",
    "ReportError",
    "Resolution",
    "RunReport",
    "Status",
    "Style",
    "apply_edits",
    "compare",
    "diffs",
    "file_diffs",
    "gold_response",
    "grade_expected",
    "grade_report",
    "grade_statuses",
    "node_status",
    "parse_edits",
    "parse_patch",
    "predicted_contents",
    "read_report",
    "render_edits",
    "render_response",
    "resolution",
    "similarity",
    "similarity_reward",
    "split_response",
    "unidiff",
    "unified_diff",
    "verdict_reward",
]
