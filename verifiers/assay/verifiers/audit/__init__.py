"""The audit: whether a verifier, ours or anybody's, keeps its promises.

from assay.verifiers.audit import audit

report = audit("my.verifier")
assert report.ok, report.table()
"""

from assay.verifiers.audit.report import Check, Report
from assay.verifiers.audit.run import audit

__all__ = ["Check", "Report", "audit"]
