"""``video.keyframes``: do the named frames show the events?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score
from assay.verifiers.video import layout as _layout
from assay.verifiers.video.frames import UnreadableError, covered, frames_in, inside
from assay.verifiers.video.reward import keyframe_saliency
from assay.verifiers.video.truth import Interval, clock, events_of, numbers, whole

OPTIONS = {
    **_layout.OPTIONS,
    "pays": Option(
        "coverage: share of the events that a frame shows; f1: of coverage and precision; saliency: of the frames",
        ("coverage", "f1", "saliency"),
    ),
}
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"events": [[2.0, 4.0], [10.0, 12.0]], "seconds": [float(t) for t in range(20)], "k": 4,
     "saliency": [float(2 <= t <= 4 or 10 <= t <= 12) for t in range(20)], "tolerance": 0.5},
    {"events": [[7.0, 7.0]], "seconds": [t / 2 for t in range(40)], "k": 2,
     "saliency": [float(t == 14) for t in range(40)], "tolerance": 0.5},
    {"events": [[15.0, 16.0], [17.5, 18.0], [1.0, 1.2]], "seconds": [t * 0.4 for t in range(50)], "k": 8,
     "saliency": [0.1 * (t % 3) for t in range(50)], "tolerance": 0.25},
)  # fmt: skip


class Wanted(NamedTuple):
    """What frames are compared with: see the truth of :func:`keyframes`."""

    events: list[Interval]
    seconds: list[float]
    k: int
    tolerance: float
    saliency: list[float] | None


def wanted_of(truth: Mapping[str, Any]) -> Wanted:
    """The truth of :func:`keyframes`, checked.

    Raises:
        ValueError: one line.
    """
    events, seconds, k = events_of(truth), list(clock(truth)), whole(truth, "k", 1)
    (tolerance,) = numbers([truth.get("tolerance", 0.0)], "the truth's tolerance, in seconds,", 1)
    if tolerance < 0:
        raise ValueError("the truth's tolerance is at least 0 seconds")
    saliency = truth.get("saliency")
    if saliency is not None:
        saliency = numbers(saliency, "the truth's saliency", len(seconds))
        if min(saliency) < 0:
            raise ValueError("the truth's saliency is at least 0")
    return Wanted(events, seconds, k, tolerance, saliency)


def named_frames(response: str, count: int, k: int, layout: _layout.Layout = "any") -> list[int]:
    """The frames that a response names, ascending; see :func:`~assay.verifiers.video.frames.frames_in`.

    Raises:
        UnreadableError: one line that says why there are none.
    """
    text, why = _layout.answer_in(response, layout)
    if text is None:
        raise UnreadableError(why)
    return frames_in(text, count, k)


def _said(frames: list[int], options: Mapping[str, Any]) -> str:
    return _layout.tagged(str(frames), options.get("layout", "any"), options.get("format_weight", 0.0))


def _best(truth: Mapping[str, Any]) -> list[int]:
    """A frame of each event, the most salient that shows it."""
    wanted = wanted_of(truth)
    salience = wanted.saliency or [0.0] * len(wanted.seconds)
    found = set()
    for event in wanted.events:
        shown = [i for i, second in enumerate(wanted.seconds) if inside(second, [event], wanted.tolerance)]
        if shown:
            found.add(max(shown, key=lambda i: (salience[i], -i)))
    return sorted(found)[: wanted.k]


def _gold(truth: Mapping[str, Any], **options: Any) -> str:
    return _said(_best(truth), options)


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    wanted = wanted_of(truth)
    away = [i for i, second in enumerate(wanted.seconds) if not inside(second, wanted.events, wanted.tolerance)]
    yield _gold(truth, **options)
    for i in away[:3]:
        yield _said([i], options)


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    wanted, best = wanted_of(truth), _best(truth)
    count = len(wanted.seconds)
    yield _said(list(range(count)), options)
    yield _said(list(range(wanted.k + 1)), options)
    yield _said([*best, count], options)
    yield _said([*best, best[0]], options)
    yield _said([*best, -1], options)
    yield _said([], options)
    listed = str(best)
    for text in (
        f"{listed} {listed}", f"[{listed}]", f"{listed[:-1]}, [0]]", f'{{"frames": {listed}, "frames": [0]}}',
        listed.replace("]", ".0]"), listed.replace("]", ", true]"), listed.replace("]", ", NaN]"), listed[1:-1],
        f'["{best[0]}"]', "[all]", "0-999", "[0:999]", listed[:-1], "[" * 5000 + "]" * 5000, "[1e1]", "[٣]",
        "[" + "9" * 5000 + "]",
    ):  # fmt: skip
        yield _layout.tagged(text, options.get("layout", "any"), options.get("format_weight", 0.0))
    yield f"<think><answer>{listed}</answer></think>"
    yield f"<answer>{listed}</answer><answer>{listed}</answer>"
    yield f"<think>{listed}"


@verifier(
    "video.keyframes", options=OPTIONS, truth_key="events", gold=_gold, attacks=_attacks, candidates=_candidates,
    samples=SAMPLES, partial=True,
)  # fmt: skip
def keyframes(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: _layout.Layout = "any",
    format_weight: float = 0.0,
    pays: Literal["coverage", "f1", "saliency"] = "coverage",
) -> Score:
    """The frames that a response names against the events of the video.

    The answer is one list of at most ``k`` frame numbers, ``[3, 17]``. Coverage is the share of the events that at
    least one of them shows; precision the share of them that show one; saliency their share of what the ``k`` most
    salient frames have. ``correct`` is full coverage. More than ``k`` frames, a repeated one, or one that does not
    exist earns nothing.

    Parts: ``accuracy`` (what ``pays`` names), ``format``, ``coverage``, ``precision``, ``named`` (how many), and
    ``saliency`` where the truth has it.

    Args:
        response: what the model said.
        truth: ``events`` [[begin, end], ...] and ``seconds`` [of each candidate frame], both in seconds; ``k``; and,
            optional, ``tolerance`` in seconds (0) and ``saliency`` [of each candidate].
        layout, format_weight, pays: see the options.

    Returns:
        A score with reward in [0, 1 + format_weight].

    Raises:
        ValueError: malformed truth, or ``pays="saliency"`` of a truth without it.
    """
    wanted, fmt = wanted_of(truth), _layout.formatted(response)
    if pays == "saliency" and wanted.saliency is None:
        raise ValueError("the truth needs a saliency for each candidate where that is paid")
    parts = {"accuracy": 0.0, "format": fmt, "coverage": 0.0, "precision": 0.0, "named": 0.0}
    parts |= {} if wanted.saliency is None else {"saliency": 0.0}
    try:
        named = named_frames(response, len(wanted.seconds), wanted.k, layout)
    except UnreadableError as problem:
        return Score(format_weight * fmt, parts, False, False, str(problem))
    moments = [wanted.seconds[i] for i in named]
    hits = covered(moments, wanted.events, wanted.tolerance)
    parts["coverage"] = hits / len(wanted.events)
    parts["precision"] = sum(inside(t, wanted.events, wanted.tolerance) for t in moments) / len(moments)
    parts["named"] = float(len(named))
    if wanted.saliency is not None:
        parts["saliency"] = keyframe_saliency(wanted.saliency, named, wanted.k)
    both = parts["coverage"] + parts["precision"]
    f1 = 2 * parts["coverage"] * parts["precision"] / both if both else 0.0
    parts["accuracy"] = f1 if pays == "f1" else parts[pays]
    detail = f"{len(named)} frames show {hits} of {len(wanted.events)} events"
    return Score(parts["accuracy"] + format_weight * fmt, parts, hits == len(wanted.events), True, detail)
