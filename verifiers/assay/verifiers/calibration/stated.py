"""The score of an environment joined with what the response stated about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from assay.verifiers.score import Score


def with_stated(score: Score, stated: Mapping[str, float], action: str) -> Score:
    """``score`` with ``stated`` among its parts, which replace parts of the same name.

    Where something was to be stated and the action is empty, no answer could be read out of the response: it earns 0,
    is wrong and was not parsed, whatever the environment makes of an empty action.

    Args:
        score: the environment's.
        stated: parts such as ``confidence`` and ``format``; empty where nothing was asked for.
        action: what the environment was told last.
    """
    if not stated:
        return score
    if action:
        return replace(score, parts={**score.parts, **stated})
    return Score(0.0, {**score.parts, **stated}, False, False, "no answer could be read out of the response")
