"""``spatial.agentic_nav``: actions that lead from one pose to another."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score
from assay.verifiers.spatial.journeys import Journey, best_single, journey_of
from assay.verifiers.spatial.layout import Layout
from assay.verifiers.spatial.navscore import nav_score, paper_move, succeeded
from assay.verifiers.spatial.official_moves import ERRORS, FIRST, loose_object, official_reached
from assay.verifiers.spatial.poses import Pose, UnreadableError, read_actions
from assay.verifiers.spatial.reading import OPTIONS as COMMON
from assay.verifiers.spatial.reading import laid, text_of, verdict
from assay.verifiers.video import attacks

OPTIONS = {
    **COMMON,
    "nav_score": Option(
        "code: as the released program scores; paper: max(0, 1 - |made - wanted| / |wanted|) times the cosine",
        ("code", "paper"),
    ),
}
_ORIGIN = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"poses": [_ORIGIN, [0.1, 0.0, 0.2, 0.0, 0.0, 0.0, 1.0]], "translation_step": 0.02, "rotation_step": 0.5,
     "unit": "degrees"},
    {"poses": [_ORIGIN, [-0.36, -0.2, 0.6, 0.0, math.sin(math.pi / 18), 0.0, math.cos(math.pi / 18)]],
     "translation_step": 0.04, "rotation_step": math.pi / 90, "unit": "radians", "frame": "body"},
)  # fmt: skip
FLOOR = 0.3
"""Standing still where the goal is far earns less than this, for pointing the right way."""


def _gold(truth: Mapping[str, Any], **options: Any) -> str | None:
    answer = best_single(journey_of(truth))
    exact = _judged(answer, journey_of(truth), options.get("nav_score", "code"), False)["score"] >= 1 - 1e-9
    return laid(answer, options) if exact else None


def bad_actions() -> Iterator[str]:
    """Objects that are no actions: wrong lengths, counts that are none, symbols that there are not."""
    for count in (
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-5",
        "11",
        "1e6",
        "2.5",
        "true",
        "null",
        '"5"',
        "9" * 400,
        "[5]",
    ):
        yield f'{{"actions": ["W"], "step_nums": [{count}]}}'
    for symbols, counts in (
        ('["W", "D"]', "[5]"), ('["W"]', "[5, 5]"), ('"W"', "[5]"), ('["W"]', "5"), ("[]", "[1]"), ('["fly"]', "[5]"),
        ("[1]", "[5]"), ("null", "null"), ('[["W"]]', "[5]"), (json.dumps(["W"] * 999), json.dumps([5] * 999)),
    ):  # fmt: skip
        yield f'{{"actions": {symbols}, "step_nums": {counts}}}'


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    answer = best_single(journey_of(truth))
    still = '{"actions": ["STOP"], "step_nums": [1]}'
    listed = [still, answer + answer, f"{still} {answer}", f"{answer} or {still}", f"[{answer}, {still}]", answer[:-1]]
    listed += [answer.replace('"step_nums"', '"step_nums": [], "step_nums"'), answer.replace('"actions"', '"action"')]
    listed += ['{"actions": [], "step_nums": []}', '{"step_1": ' + answer + "}", '{"reached": true}', *bad_actions()]
    for text in listed:
        yield laid(text, options)
    yield from attacks.tags(answer, still)


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    yield laid(best_single(journey_of(truth)), options)
    for symbol in ("S", "A", "↑"):
        yield laid(json.dumps({"actions": [symbol], "step_nums": [10]}, ensure_ascii=False), options)


def _goal(journey: Journey, parity: bool) -> Pose:
    return journey.poses[:FIRST][-1] if parity else journey.poses[-1]


def _judged(text: str, journey: Journey, nav: str, parity: bool) -> dict[str, float]:
    """The parts of a text's score and ``reached``.

    Raises:
        UnreadableError: it holds no actions.
    """
    start, goal = journey.poses[-2], _goal(journey, parity)
    if parity:
        data = loose_object(text)
        if data is None:
            raise UnreadableError("no dictionary")
        try:
            reached = official_reached(data, journey)
        except ERRORS as error:
            raise UnreadableError(f"the program fails: {type(error).__name__}") from None
    else:
        reached = journey.step(start, read_actions(text), -1)
    found = nav_score(start, goal, reached)
    if nav == "paper":
        wanted = [b - a for a, b in zip(start[:3], goal[:3], strict=True)]
        found["score"] = min(1.0, paper_move(wanted, [b - a for a, b in zip(start[:3], reached[:3], strict=True)]))
    return {**found, "success": float(succeeded(start, goal, reached, floor=not parity))}


@verifier(
    "spatial.agentic_nav", options=OPTIONS, truth_key="poses", gold=_gold, attacks=_attacks, candidates=_candidates,
    samples=SAMPLES, floor=FLOOR, partial=True,
)  # fmt: skip
def agentic_nav(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: Layout = "any",
    format_weight: float = 0.0,
    parity: bool = False,
    nav_score: Literal["code", "paper"] = "code",
) -> Score:
    """How near the actions of a response lead to a goal pose.

    The score is that of :func:`assay.verifiers.spatial.navscore.nav_score`: 0.40 direction + 0.35 position + 0.25
    rotation, in [0, 1]. ``correct``: less than 0.2 m and 10 degrees off, and less than half of what there was to go
    (:func:`~assay.verifiers.spatial.navscore.succeeded`). Lists of different lengths, counts that are not whole numbers
    from 0 to 10 and symbols that there are not fail: score 0, not parsed.

    ``parity`` is the program: it starts at the last pose but one, takes the last of the first seven as the goal, reads
    fences, Python dictionaries and NaN (a move by which earns 1), skips unknown symbols, and counts 1 where no count
    is given.

    Parts: ``score``; ``direction``, ``position``, ``rotation`` in [0, 1]; ``error_m``, ``error_deg``; ``success``;
    ``format``.

    Args:
        response: ``{"actions": ["D", "W"], "step_nums": [5, 10]}``, alone or in text.
        truth: ``poses`` (the last two are start and goal; x, y, z in metres and a quaternion x, y, z, w),
            ``translation_step`` metres, ``rotation_step`` in ``unit`` (degrees or radians; each step may be a list, of
            which the last counts), ``frame`` (parity, the default, or body; see
            :func:`assay.verifiers.spatial.poses.moved`).
        layout, format_weight, parity, nav_score: see the options.

    Raises:
        ValueError: malformed truth.
    """
    journey = journey_of(truth)
    text, problem = text_of(response, layout, parity)
    try:
        if text is None:
            raise UnreadableError(problem)
        found = _judged(text, journey, nav_score, parity)
    except UnreadableError as reason:
        return verdict(response, 0.0, format_weight, False, False, str(reason), success=0.0)
    score, right = found.pop("score"), bool(found["success"])
    detail = f"{found['error_m']:.3f} m and {found['error_deg']:.1f} degrees from the goal"
    return verdict(response, score, format_weight, right, True, detail, **found)
