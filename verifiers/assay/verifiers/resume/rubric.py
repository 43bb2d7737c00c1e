"""``resume.rubric``: four weighted criteria and penalties (arXiv 2511.16073)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from assay.verifiers.registry import Option, verifier
from assay.verifiers.resume.attacks import SAMPLES, attacks, candidates, gold, ladder
from assay.verifiers.resume.parts import adequacy_part, decision_part, skills_part, structure_part
from assay.verifiers.resume.presets import preset_of
from assay.verifiers.resume.reading import Reading, read
from assay.verifiers.resume.truth import SELECTED, Truth, truth_of
from assay.verifiers.score import Score

OPTIONS: dict[str, Option | str] = {
    "preset": Option(
        "gentle: a false accept or reject costs .1, an unreadable response earns -.2; aggressive: 2, .2 and -2, which "
        "teaches a model to reject everyone",
        ("gentle", "aggressive"),
    ),
    "weights": "of decision, skills, adequacy and structure; they sum to 1; empty: .5, .2, .15, .15",
    "penalties": "of a false accept, a false reject and an unreadable response; empty: the preset's",
}


@verifier(
    "resume.rubric",
    options=OPTIONS,
    truth_key="label",
    gold=gold,
    attacks=attacks,
    candidates=candidates,
    monotone=ladder,
    samples=SAMPLES,
    floor=0.4,  # a wrong decision with all else right, gentle: .2 + .15 + .15 - .1
    partial=True,
)
def rubric(
    response: str,
    truth: Mapping[str, Any],
    *,
    preset: Literal["gentle", "aggressive"] = "gentle",
    weights: Sequence[float] = (),
    penalties: Sequence[float] = (),
) -> Score:
    """A screening decision with its grounds: .5 decision + .2 skills + .15 adequacy + .15 structure - penalty.

    The response is one JSON object ``{"decision": "SELECTED"|"REJECTED", "score": 0-100, "matched_skills": [...],
    "missing_skills": [...], "reason": "..."}``, optionally after ``<think>...</think>``; the last object with a
    decision counts. A bare SELECTED or REJECTED is a decision without grounds. Anything else is unreadable.
    ``correct`` is the decision alone.

    Parts: ``decision``, ``skills`` (F1 of the matched skills, spellings folded), ``adequacy`` (the score on the right
    side of 50, and the reason naming experience or education where that is what fails), ``structure`` (1 for all five
    keys, .5 for the decision alone), each before weighting; ``penalty``, what was taken off; ``accept``, 1 if it
    selects. Where the truth has no ``gold``, ``skills`` is absent and its weight is shared among the others.

    Args:
        response: what the model wrote.
        truth: ``label``; ``gold`` with ``matched`` (skills), ``years_ok`` and ``degree_ok`` where known; ``aliases``,
            further spellings of skills.
        preset, weights, penalties: see the options.

    Returns:
        A score with reward in [-max penalty, 1].

    Raises:
        ValueError: malformed truth, or weights or penalties that are not what they should be.
    """
    chosen = preset_of(preset, weights, penalties)
    known = truth_of(truth)
    found = read(response)
    if found is None:
        cost = chosen.penalties.unparsable
        parts = dict.fromkeys(("decision", "skills", "adequacy", "structure"), 0.0)
        parts |= {"penalty": cost, "accept": 0.0}
        return Score(-cost, parts, False, False, "there is no decision in it")
    parts = _parts(found, known)
    of = chosen.weights._asdict()
    earned = sum(of[name] * value for name, value in parts.items())
    weighed = sum(of[name] for name in parts)
    right = found.decision == known.label
    accepts = found.decision == SELECTED
    cost = 0.0 if right else chosen.penalties.false_accept if accepts else chosen.penalties.false_reject
    reward = (earned / weighed if weighed else 0.0) - cost
    detail = f"{found.decision}, the label is {known.label}"
    return Score(reward, {**parts, "penalty": cost, "accept": float(accepts)}, right, True, detail)


def _parts(found: Reading, known: Truth) -> dict[str, float]:
    skills = skills_part(found, known)
    return {
        "decision": decision_part(found, known),
        **({} if skills is None else {"skills": skills}),
        "adequacy": adequacy_part(found, known),
        "structure": structure_part(found),
    }


def resume_reward(
    response: str,
    record: Mapping[str, Any],
    preset: str = "gentle",
    weights: Sequence[float] = (),
    penalties: Sequence[float] = (),
) -> tuple[float, dict[str, float]]:
    """The reward of ``resume.rubric`` and its four parts, for a record that has ``label`` and ``gold``.

    Raises:
        ValueError: as :func:`rubric`.
    """
    score = rubric(response, record, preset=preset, weights=weights, penalties=penalties)  # type: ignore[arg-type]
    names = ("decision", "skills", "adequacy", "structure")
    return score.reward, {name: score.parts[name] for name in names if name in score.parts}
