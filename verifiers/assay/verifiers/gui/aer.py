"""``gui.aer``: the adaptive exploration reward, which pays for few points and an early hit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Literal

from assay.verifiers.gui.attacks import attacks, gold, guesses
from assay.verifiers.gui.points import Point, UnreadableError, after_thinking, listed_points
from assay.verifiers.gui.truth import Target, target_of
from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score

MOST = 10
"""Points that a response may list; more is scanning, not grounding."""
_MOST_COMPARED = 64

OPTIONS = {
    "reward_variant": Option("what a failure costs: code: -1, as in the authors' program; paper: 0", ("code", "paper")),
    "aer": Option("full: 1/sqrt(N k) for a hit; no_rank: 1/sqrt(N); naive: 1 or -1", ("full", "no_rank", "naive")),
    "collinear": Option("whether three points on a line are a failure", (True, False)),
    "multi_answer": Option("whether more than one point may be listed", (True, False)),
    "think": Option("whether the response must begin with a thought in <think> tags", (True, False)),
    "fmt_weight": Option("weight of the format part"),
    "acc_weight": Option("weight of the accuracy part"),
    "parity": Option("exactly as the authors' program: any number of points, any JSON number", (False, True)),
}
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"box": [100, 100, 200, 200]},
    {"box": [0, 0, 24, 18], "size": [1280, 720]},
    {"box": [640.5, 300, 700, 312.25], "scale": [1.28, 0.72]},
    {"box": [700, 20, 764, 52], "size": [800, 600]},
)


def on_a_line(points: Sequence[Point]) -> bool:
    """Whether any three points span a triangle without area, as the authors' program tells it.

    Two equal points and any third are on a line. Of more than 64 points it is taken for granted.
    """
    if len(points) > _MOST_COMPARED:
        return True
    return any(
        math.isclose((b[1] - a[1]) * (c[0] - a[0]), (c[1] - a[1]) * (b[0] - a[0]))
        for a, b, c in combinations(points, 3)
    )


def accuracy(hits: Sequence[bool], kind: Literal["full", "no_rank", "naive"] = "full", wanted: bool = True) -> float:
    """U / C of a list of points: +-1 over the geometric mean of what it cost to list them and to look through them.

    Args:
        hits: whether each point is in the box, in the order of the response.
        kind: ``full``: C = sqrt(N k) for a first hit at rank k, N for a miss; ``no_rank`` takes k for 1; ``naive`` C
            for 1.
        wanted: whether there is a box; where there is none, an empty list is a hit.

    Returns:
        In [-1, 1]; -1 for an empty list where there is a box.
    """
    if not wanted:
        return 1.0 if not hits else -1.0 if kind == "naive" else -1.0 / len(hits)
    if not any(hits):
        return -1.0 if kind == "naive" or not hits else -1.0 / len(hits)
    if kind == "naive":
        return 1.0
    rank = hits.index(True) + 1 if kind == "full" else 1
    return 1.0 / math.sqrt(len(hits) * rank)


def _points(response: str, think: bool, multi_answer: bool, parity: bool) -> list[Point]:
    points = listed_points(after_thinking(response, parity) if think else response, parity)
    if not multi_answer and len(points) != 1:
        raise UnreadableError(f"{len(points)} points where one is asked for")
    if not parity and len(points) > MOST:
        raise UnreadableError(f"{len(points)} points, more than {MOST}")
    return points


@verifier(
    "gui.aer",
    options=OPTIONS,
    truth_key="box",
    gold=gold,
    attacks=attacks,
    candidates=guesses,
    samples=SAMPLES,
    full=2.0,
    floor=1.0 - 1.0 / MOST,
    partial=True,
)
def aer(
    response: str,
    truth: Mapping[str, Any],
    *,
    reward_variant: Literal["code", "paper"] = "code",
    aer: Literal["full", "no_rank", "naive"] = "full",
    collinear: bool = True,
    multi_answer: bool = True,
    think: bool = True,
    fmt_weight: float = 1.0,
    acc_weight: float = 1.0,
    parity: bool = False,
) -> Score:
    """A list of points, likeliest first, against a box: a hit earns more the earlier it comes and the shorter the list.

    InfiGUI-G1 (arXiv:2508.05731), section 3.2. With N points of which the k-th is the first in the box (edges
    included): 1 + 1/sqrt(N k); with none, 1 - 1/N; three points on a line, or no list that can be read, -1 (``paper``:
    0). An empty list earns 0. ``correct`` is whether the first point is in the box.

    The response is ``<think>...</think>`` and then a JSON list ``[{"point_2d": [x, y]}, ...]``; other keys are ignored,
    text after the list too. Differences from the authors' program, which ``parity`` turns off: at most 10 points,
    finite numbers of at most a million, no booleans, no repeated keys, white space before ``<think>`` does not matter.
    With parity more than 64 points count as on a line.

    Args:
        response: what the model said.
        truth: ``box`` [x1, y1, x2, y2] in pixels, or ``nothing``: true where nothing on the screen is meant, so that
            only ``[]`` is right; ``scale`` [sx, sy], by which x and y of the response are multiplied first.
        reward_variant, aer, collinear, multi_answer, think, fmt_weight, acc_weight, parity: see the options.

    Raises:
        ValueError: if the truth has no such box.
    """
    target = target_of(truth)
    failed = -1.0 if reward_variant == "code" else 0.0
    try:
        points = _points(response, think, multi_answer, parity)
    except UnreadableError as problem:
        return Score(failed, _parts(0.0, 0.0, target, []), correct=False, parsed=False, detail=str(problem))
    hits = [target.holds(point) for point in points]
    if collinear and on_a_line(points):
        parts = _parts(0.0 if reward_variant == "code" else 1.0, -1.0, target, hits, line=True)
        return Score(failed, parts, correct=_right(target, hits), detail=f"three of {len(points)} points on a line")
    value = accuracy(hits, aer, target.box is not None)
    reward = fmt_weight + acc_weight * value
    return Score(reward, _parts(1.0, value, target, hits), correct=_right(target, hits), detail=_detail(target, hits))


def _right(target: Target, hits: Sequence[bool]) -> bool:
    return not hits if target.box is None else bool(hits) and hits[0]


def _parts(format_: float, value: float, target: Target, hits: Sequence[bool], line: bool = False) -> dict[str, float]:
    return {
        "format": format_,
        "accuracy": value,
        "num_pred": float(len(hits)),
        "has_correct": float(any(hits)),
        "first_correct": float(bool(hits) and hits[0]),
        "only_correct": float(len(hits) == 1 and hits[0]),
        "is_collinear": float(line),
    }


def _detail(target: Target, hits: Sequence[bool]) -> str:
    if target.box is None:
        return "nothing is meant, and nothing was listed" if not hits else f"{len(hits)} points where nothing is meant"
    if not any(hits):
        return f"none of {len(hits)} points in the box" if hits else "no point was listed"
    return f"hit by point {hits.index(True) + 1} of {len(hits)}"
