"""Where the answer stands in a response: as in questions on videos."""

from assay.verifiers.video.layout import OPTIONS, Layout, answer_in, formatted, tagged

__all__ = ["OPTIONS", "Layout", "answer_in", "formatted", "tagged"]
