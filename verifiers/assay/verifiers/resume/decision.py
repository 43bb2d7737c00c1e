"""``resume.decision``: the decision alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.verifiers.registry import verifier
from assay.verifiers.resume.attacks import SAMPLES, attacks, candidates, gold
from assay.verifiers.resume.reading import read
from assay.verifiers.resume.truth import SELECTED, truth_of
from assay.verifiers.score import Score


@verifier(
    "resume.decision",
    truth_key="label",
    gold=gold,
    attacks=attacks,
    candidates=candidates,
    samples=SAMPLES,
)
def decision(response: str, truth: Mapping[str, Any]) -> Score:
    """1 for the right decision, else 0; a response without a decision is wrong and unparsed.

    The response is read as by ``resume.rubric``. Parts: ``decision``, and ``accept``, 1 if it selects.

    Args:
        response: what the model wrote.
        truth: ``label``, SELECTED or REJECTED; ``gold`` is not needed.

    Raises:
        ValueError: malformed truth.
    """
    known = truth_of(truth)
    found = read(response)
    if found is None:
        return Score(0.0, {"decision": 0.0, "accept": 0.0}, False, False, "there is no decision in it")
    right = found.decision == known.label
    parts = {"decision": float(right), "accept": float(found.decision == SELECTED)}
    return Score(float(right), parts, right, True, f"{found.decision}, the label is {known.label}")
