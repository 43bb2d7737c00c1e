"""Stated confidence: reading it, rewarding it, measuring it. The verifier is ``calibration.rlcr``."""

from assay.verifiers.calibration.metrics import Bin, auroc, brier, ece, reliability
from assay.verifiers.calibration.parse import PATTERNS, Stated, read_lenient, read_strict
from assay.verifiers.calibration.reward import reward
from assay.verifiers.calibration.rlcr import rlcr
from assay.verifiers.calibration.stated import with_stated

__all__ = [
    "PATTERNS",
    "Bin",
    "Stated",
    "auroc",
    "brier",
    "ece",
    "read_lenient",
    "read_strict",
    "reliability",
    "reward",
    "rlcr",
    "with_stated",
]
