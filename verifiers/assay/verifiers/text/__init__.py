"""Plain text: ``text.regex`` and ``text.f1``."""

from assay.verifiers.text.f1 import f1
from assay.verifiers.text.increasing import increasing_share
from assay.verifiers.text.regex import regex

__all__ = ["f1", "increasing_share", "regex"]
