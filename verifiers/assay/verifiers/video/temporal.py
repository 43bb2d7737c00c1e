"""``video.temporal_iou``: when does it happen?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score
from assay.verifiers.video import layout as _layout
from assay.verifiers.video.frames import UnreadableError, intervals_in, merged, overlap
from assay.verifiers.video.truth import Interval, events_of, numbers

OPTIONS = {
    **_layout.OPTIONS,
    "threshold": Option("intersection over union from which the response counts as correct"),
}
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"events": [[12.0, 15.5]], "duration": 60.0},
    {"events": [[3.0, 4.0], [30.0, 36.0]], "duration": 90.0},
    {"events": [[0.0, 2.0], [1.5, 5.0]], "duration": 600.0},
    {"events": [[70.25, 71.0]]},
)


def _wanted(truth: Mapping[str, Any]) -> tuple[list[Interval], float]:
    latest = math.inf
    if truth.get("duration") is not None:
        (latest,) = numbers([truth["duration"]], "the truth's duration, in seconds,", 1)
    wanted = merged(events_of(truth), latest)
    if not wanted:
        raise ValueError("no event of the truth lasts any time within the duration")
    return wanted, latest


def _said(intervals: Any, options: Mapping[str, Any]) -> str:
    return _layout.tagged(str(intervals), options.get("layout", "any"), options.get("format_weight", 0.0))


def _gold(truth: Mapping[str, Any], **options: Any) -> str:
    return _said([list(event) for event in _wanted(truth)[0]], options)


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    wanted, _ = _wanted(truth)
    yield _gold(truth, **options)
    for offset in (1.0, 2.0, 3.0):
        begin = wanted[-1][1] + 10 * offset
        yield _said([[begin, begin + 4.0]], options)


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    (begin, end), *_ = _wanted(truth)[0]
    good = f"[{begin}, {end}]"
    yield _said([[0, truth.get("duration") or 1e6]], options)
    yield _said([[0, 1e9]], options)
    yield _said([[t, t + 0.01] for t in range(200)], options)
    yield _said([[i / 8, 900 + i / 8] for i in range(200)], options)
    for text in (
        f"{good} or [0, 1]", f"[{good}, [0, 1]] [{good}]", f"[{good}, [0, 1e999]]", f"[{good}, [NaN, NaN]]",
        f"[{good}, [9, 3]]", f"[{good}, [-5, 3]]", f"[{good}, [true, 3]]", f"[[{good}]]", f"[{begin}]",
        f"[{end}, {begin}]", f"[{begin}, {end}, 1]", f'{{"a": {good}, "a": [0, 1]}}', f"{begin} - {end}",
        "[" * 5000 + "]" * 5000, "[[0, " + "9" * 4000 + "]]", "[]", "[[]]", "[null, null]", "[NaN, NaN]",
    ):  # fmt: skip
        yield _said(text, options)
    yield f"<think><answer>{good}</answer></think>"
    yield f"<answer>{good}</answer><answer>{good}</answer>"
    yield f"<think>{good}"


@verifier(
    "video.temporal_iou", options=OPTIONS, truth_key="events", gold=_gold, attacks=_attacks, candidates=_candidates,
    samples=SAMPLES, floor=0.5, partial=True,
)  # fmt: skip
def temporal_iou(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: _layout.Layout = "any",
    format_weight: float = 0.0,
    threshold: float = 0.5,
) -> Score:
    """Intersection over union, in time, of the intervals that a response names and those of the events.

    The answer is one list ``[[begin, end], ...]`` or ``[begin, end]`` in seconds. Overlapping intervals count once on
    both sides, so repeating one earns nothing; what lies behind the end of the video is cut off.

    Parts: ``accuracy`` (the intersection over union), ``format``, ``named`` (how many intervals).

    Args:
        response: what the model said.
        truth: ``events`` [[begin, end], ...] in seconds and, optional, ``duration`` of the video in seconds.
        layout, format_weight, threshold: see the options.

    Returns:
        A score with reward in [0, 1 + format_weight]; ``correct`` is whether the value reaches ``threshold``.

    Raises:
        ValueError: malformed truth, or events that last no time.
    """
    wanted, latest = _wanted(truth)
    fmt = _layout.formatted(response)
    text, why = _layout.answer_in(response, layout)
    try:
        named = [] if text is None else intervals_in(text)
    except UnreadableError as problem:
        text, why, named = None, str(problem), []
    if text is None:
        return Score(format_weight * fmt, {"accuracy": 0.0, "format": fmt, "named": 0.0}, False, False, why)
    value = overlap(merged(named, latest), wanted)
    parts = {"accuracy": value, "format": fmt, "named": float(len(named))}
    detail = f"{len(named)} intervals overlap the events by {value:.2f}"
    return Score(value + format_weight * fmt, parts, value >= threshold, True, detail)
