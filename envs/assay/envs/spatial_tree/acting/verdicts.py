"""The score of an episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.verifiers.score import Score
from assay.verifiers.spatial.layout import formatted


def closing(
    actions: Sequence[str], start: Mapping[str, Any], metric: float, correct: bool, parsed: bool, detail: str,
    **parts: float,
) -> Score:  # fmt: skip
    """The score of an episode; its layout counts as it should be only if that of all its actions is."""
    laid = float(all(formatted(action) for action in actions))
    weight = float(start["format_weight"])
    return Score(metric + weight * laid, {"score": metric, **parts, "format": laid}, correct, parsed, detail)
