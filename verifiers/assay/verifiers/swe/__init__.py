"""Verifiers for software repair: similarity of patches, test reports and logs, and the choice among patches."""

from assay.verifiers.swe.comparison import compare, predicted_contents, similarity_reward
from assay.verifiers.swe.diff import diffs, unified_diff
from assay.verifiers.swe.edit_verifier import gold_response, similarity
from assay.verifiers.swe.edits import Edit, FormatError, apply_edits, parse_edits, split_response
from assay.verifiers.swe.expected import grade_expected
from assay.verifiers.swe.grade_run import grade_report, node_status
from assay.verifiers.swe.infra import infra_sign
from assay.verifiers.swe.log_run import grade_log, read_log
from assay.verifiers.swe.logs import PARSERS, Run, parse_log
from assay.verifiers.swe.normal import normal_patch
from assay.verifiers.swe.patch_verifier import unidiff
from assay.verifiers.swe.patches import FilePatch, PatchError, file_diffs, parse_patch
from assay.verifiers.swe.render import render_edits, render_response
from assay.verifiers.swe.report import ReportError, RunReport, Status, read_report
from assay.verifiers.swe.run_verifier import swe_grade
from assay.verifiers.swe.verdict import (
    GradeReport,
    Resolution,
    Style,
    grade_statuses,
    resolution,
    verdict_reward,
)
from assay.verifiers.swe.vote import Candidate, rerank
from assay.verifiers.swe.vote_verifier import swe_rerank

__all__ = [
    "PARSERS",
    "Candidate",
    "Edit",
    "FilePatch",
    "FormatError",
    "GradeReport",
    "PatchError",
    "ReportError",
    "Resolution",
    "Run",
    "RunReport",
    "Status",
    "Style",
    "apply_edits",
    "compare",
    "diffs",
    "file_diffs",
    "gold_response",
    "grade_expected",
    "grade_log",
    "grade_report",
    "grade_statuses",
    "infra_sign",
    "node_status",
    "normal_patch",
    "parse_edits",
    "parse_log",
    "parse_patch",
    "predicted_contents",
    "read_log",
    "read_report",
    "render_edits",
    "render_response",
    "rerank",
    "resolution",
    "similarity",
    "similarity_reward",
    "split_response",
    "swe_grade",
    "swe_rerank",
    "unidiff",
    "unified_diff",
    "verdict_reward",
]
