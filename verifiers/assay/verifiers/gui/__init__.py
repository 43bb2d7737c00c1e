"""Points on screenshots: ``gui.point_in_box`` and ``gui.aer``."""

from assay.verifiers.gui.aer import aer
from assay.verifiers.gui.point import point_in_box

__all__ = ["aer", "point_in_box"]
