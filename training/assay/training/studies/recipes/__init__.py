"""``assay-study recipes``: recipes on one task from one start, with equal samples and equal updates."""
