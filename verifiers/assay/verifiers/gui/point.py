"""``gui.point_in_box``: is the first point in the box?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from assay.verifiers.gui.aer import MOST, SAMPLES
from assay.verifiers.gui.attacks import attacks, gold, guesses
from assay.verifiers.gui.points import Point, UnreadableError, after_thinking, listed_points, loose_point
from assay.verifiers.gui.truth import target_of
from assay.verifiers.parse.tags import after_think
from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score

OPTIONS = {
    "layout": Option(
        "json: a list of objects with a point_2d; any: the first point in brackets, of a box its centre",
        ("json", "any"),
    ),
    "think": Option("whether the response must begin with a thought in <think> tags (json)", (False, True)),
}


def _gold(truth: Mapping[str, Any], **options: Any) -> str:
    return gold(truth, think=options.get("think", False))


def _guesses(truth: Mapping[str, Any], **options: Any) -> Any:
    return guesses(truth, think=options.get("think", False))


def _attacks(truth: Mapping[str, Any], **options: Any) -> Any:
    x, y = target_of(truth).centre or (50.0, 50.0)
    hit = f'{{"point_2d": [{x}, {y}]}}'
    for response in attacks(truth, think=options.get("think", False)):
        if hit not in response.replace(".0,", ",") or response.startswith("["):
            yield response


@verifier(
    "gui.point_in_box",
    options=OPTIONS,
    truth_key="box",
    gold=_gold,
    attacks=_attacks,
    candidates=_guesses,
    samples=SAMPLES,
)
def point_in_box(
    response: str, truth: Mapping[str, Any], *, layout: Literal["json", "any"] = "json", think: bool = False
) -> Score:
    """1 if the first point of a response (of at most 10) is in the box, edges included, else 0: what benchmarks report.

    Args:
        response: what the model said.
        truth: ``box`` [x1, y1, x2, y2] in pixels, or ``nothing``: true where nothing on the screen is meant, so that
            only an empty list is right; ``scale`` [sx, sy], by which x and y of the response are multiplied first.
        layout, think: see the options. With ``any`` whatever precedes ``</think>`` is passed over.

    Raises:
        ValueError: if the truth has no such box.
    """
    target = target_of(truth)
    try:
        points = _read(response, layout, think)
    except UnreadableError as problem:
        return Score(0.0, {"hit": 0.0}, correct=False, parsed=False, detail=str(problem))
    if target.box is None:
        right = not points
        return Score(float(right), {"hit": float(right)}, correct=right, detail="nothing on the screen is meant")
    right = bool(points) and target.holds(points[0])
    where = f"({points[0][0]:g}, {points[0][1]:g})" if points else "no point"
    return Score(
        float(right), {"hit": float(right)}, correct=right, detail=f"{where} is {'' if right else 'not '}in it"
    )


def _read(response: str, layout: str, think: bool) -> list[Point]:
    if layout == "any":
        text = after_think(response)
        if text is None:
            raise UnreadableError("<think> is never closed")
        return [] if text.strip() == "[]" else [loose_point(text)]
    points = listed_points(after_thinking(response) if think else response)
    if len(points) > MOST:
        raise UnreadableError(f"{len(points)} points, more than {MOST}")
    return points
