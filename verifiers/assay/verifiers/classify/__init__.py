"""Classification: ``classify.label`` and ``classify.calibrated``."""

from assay.verifiers.classify.calibrated import calibrated
from assay.verifiers.classify.label import label

__all__ = ["calibrated", "label"]
