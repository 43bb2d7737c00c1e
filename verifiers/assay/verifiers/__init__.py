"""Verifiers: named pure functions that say what a response is worth.

``score(name, response, truth, **options)`` scores one response, ``get(name)`` finds a verifier, ``names()`` lists them.
Domains load on first use, so importing this package costs little and needs only the standard library.
"""

from assay.verifiers.registry import Option, Verifier, get, names, score, score_group, verifier
from assay.verifiers.score import Score

__all__ = ["Option", "Score", "Verifier", "get", "names", "score", "score_group", "verifier"]
