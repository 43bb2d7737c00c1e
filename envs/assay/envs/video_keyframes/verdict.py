"""What an episode earns: the answer, and in select mode how telling the named frames are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.verifiers import registry
from assay.verifiers.score import Score
from assay.verifiers.video.reward import RIGHT

VERIFIER = "video.answer"


def judged(actions: Sequence[str], truth: Mapping[str, Any]) -> Score:
    """The verdict on an episode.

    ``truth["evidence"]``, where the episode kept some, has ``saliency`` of the frames shown, or says why there was
    nothing to answer: ``lost`` (the video could not be read: wrong) or ``unread`` (no frames were named: wrong).

    The part ``saliency`` is paid ``truth["beta"]`` times in select mode, for right answers only: frames that look
    telling are worth nothing by themselves. The part ``lost`` is 1 where the video could not be read.
    """
    evidence = truth.get("evidence", {})
    problem = str(evidence.get("lost") or evidence.get("unread") or "")
    if problem:
        parts = {"accuracy": 0.0, "format": 0.0, "saliency": 0.0, "lost": float("lost" in evidence)}
        return Score(0.0, parts, False, False, problem)
    score = registry.score(str(truth.get("verifier", VERIFIER)), actions[-1], truth, **truth.get("options", {}))
    if "saliency" not in evidence:
        return score
    parts = {**score.parts, "saliency": float(evidence["saliency"]), "lost": 0.0}
    right = parts.get("accuracy", float(bool(score.correct))) > RIGHT
    extra = float(truth.get("beta", 0.0)) * parts["saliency"] if right else 0.0
    return Score(score.reward + extra, parts, score.correct, score.parsed, score.detail)
