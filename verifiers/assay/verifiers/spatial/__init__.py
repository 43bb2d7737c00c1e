"""Spatial questions and actions: the ``spatial.*`` verifiers and the tree of abilities (arXiv 2512.20617)."""
