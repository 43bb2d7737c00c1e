"""Verifiers for software repair: similarity of patches, test reports and logs, and the choice among patches."""

from assay.verifiers.swe.report import ReportError, RunReport, Status, read_report

__all__ = ["ReportError", "RunReport", "Status", "read_report"]
