"""``spatial.manipulate``: actions, segment by segment, that lead a hand from one pose to another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from assay.verifiers.registry import verifier
from assay.verifiers.score import Score
from assay.verifiers.spatial.agentic_nav import OPTIONS, bad_actions
from assay.verifiers.spatial.journeys import Journey, best_segments, journey_of
from assay.verifiers.spatial.layout import Layout
from assay.verifiers.spatial.navscore import manipulate_score, paper_score, succeeded
from assay.verifiers.spatial.official_moves import ERRORS, loose_object, official_path
from assay.verifiers.spatial.poses import UnreadableError, grip_after, read_segments
from assay.verifiers.spatial.reading import laid, text_of, verdict
from assay.verifiers.video import attacks

_START = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"poses": [_START, [0.1, 0.0, 0.2, 0.0, 0.0, 0.0, 1.0]], "translation_step": 0.02, "rotation_step": 0.5,
     "unit": "degrees"},
    {"poses": [_START, [0.2, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], [0.2, -0.3, 0.1, 0.0, 0.0, 0.0, 1.0]],
     "translation_step": [0.02, 0.05], "rotation_step": [1.0, 1.0], "unit": "degrees", "grip": [True, False]},
)  # fmt: skip
FLOOR = 0.3
"""A hand that stays where it is earns less than this where the goal is far."""


def _gold(truth: Mapping[str, Any], **options: Any) -> str | None:
    journey = journey_of(truth)
    answer = _written(journey)
    exact = _judged(answer, journey, options.get("nav_score", "code"), False)["score"] >= 1 - 1e-9
    return laid(answer, options) if exact else None


def _written(journey: Journey) -> str:
    return json.dumps(best_segments(journey), ensure_ascii=False)


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    journey = journey_of(truth)
    answer = _written(journey)
    stop = '{"actions": ["STOP"], "step_nums": [1]}'
    still = json.dumps({f"step_{k + 1}": json.loads(stop) for k in range(journey.segments)})
    listed = [still, "{}", answer + answer, f"{still} {answer}", f"{answer} or {still}", f"[{answer}, {still}]"]
    listed += [answer[:-1], answer.replace("step_1", "step_0"), answer.replace("step_1", "step_01"), '{"step_1": []}']
    listed += [f'{{"step_1": {bad}}}' for bad in bad_actions()]
    for text in listed:
        yield laid(text, options)
    yield from attacks.tags(answer, still)


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    journey = journey_of(truth)
    yield laid(_written(journey), options)
    for symbol in ("S", "A", "↑"):
        step = {"actions": [symbol], "step_nums": [10]}
        said = {f"step_{k + 1}": step for k in range(journey.segments)}
        yield laid(json.dumps(said, ensure_ascii=False), options)


def _judged(text: str, journey: Journey, nav: str, parity: bool) -> dict[str, float]:
    """The parts of a text's score.

    Raises:
        UnreadableError: it holds no segments of actions.
    """
    return _official(text, journey) if parity else _strict(text, journey, nav)


def _strict(text: str, journey: Journey, nav: str) -> dict[str, float]:
    path, held, closed = [journey.poses[0]], [], False
    for segment, actions in enumerate(read_segments(text)[: journey.segments]):
        path.append(journey.step(path[-1], actions, segment))
        closed = grip_after(actions, closed)
        held.append(closed)
    found = manipulate_score(journey.poses, path)
    if nav == "paper":
        found.update(paper_score(journey.poses, path, journey.grips, held))
    whole = len(path) - 1 == journey.segments
    right = whole and succeeded(journey.poses[0], journey.poses[-1], path[-1])
    if journey.grips:
        same = whole and held[-1] == journey.grips[-1]
        right = right and same
        found["grip"] = sum(a == b for a, b in zip(journey.grips, held, strict=False)) / len(journey.grips)
    return {**found, "segments": float(len(path) - 1), "success": float(right)}


def _official(text: str, journey: Journey) -> dict[str, float]:
    data = loose_object(text)
    if data is None:
        raise UnreadableError("no dictionary")
    try:
        path = official_path(data, journey)
    except ERRORS as error:
        raise UnreadableError(f"the program fails: {type(error).__name__}") from None
    goal = journey.poses[: len(path)][-1]
    found = manipulate_score(journey.poses, path, goal)
    whole = len(path) - 1 == journey.segments
    right = whole and succeeded(journey.poses[0], goal, path[-1], floor=False)
    return {**found, "segments": float(len(path) - 1), "success": float(right)}


@verifier(
    "spatial.manipulate", options=OPTIONS, truth_key="poses", gold=_gold, attacks=_attacks, candidates=_candidates,
    samples=SAMPLES, floor=FLOOR, partial=True,
)  # fmt: skip
def manipulate(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: Layout = "any",
    format_weight: float = 0.0,
    parity: bool = False,
    nav_score: Literal["code", "paper"] = "code",
) -> Score:
    """How near the segments of a response lead a hand to its goal pose.

    The score is that of :func:`assay.verifiers.spatial.navscore.manipulate_score`: the terms of navigation, less where
    the hand hardly moved or turned. Segments beyond the truth's are dropped. ``correct``: all segments are given, the
    hand ends less than 0.2 m and 10 degrees off and less than half of what there was to go, and, where the truth says
    how the gripper ends, so does it. Malformed actions fail: score 0, not parsed.

    ``parity`` is the program: it reads as that of ``spatial.agentic_nav``, skips segments that are no objects, and
    where segments are missing takes the pose at the end of the last one given as the goal (none at all earns 1).

    With ``nav_score="paper"`` the score is :func:`assay.verifiers.spatial.navscore.paper_score`, segment by segment.

    Parts: ``score``; ``direction``, ``position``, ``rotation`` in [0, 1]; ``penalty``; ``error_m``, ``error_deg``;
    ``segments`` given; ``grip``, the share of segments after which it is right; ``success``; ``format``.

    Args:
        response: ``{"step_1": {"actions": ["W", "A"], "step_nums": [5, 2]}, "step_2": ...}``; G closes the gripper and
            H opens it, or a member ``"gripper": 1`` or 0 says how it is at the end of the segment.
        truth: as ``spatial.agentic_nav``; ``poses`` are the start and the end of each segment, ``translation_step`` and
            ``rotation_step`` a number or one for each segment; optionally ``"grip": [true, false]``, whether the
            gripper (open at first) should be closed after each.
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
