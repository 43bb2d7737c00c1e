"""What a video shows and what is asked about it: drawn first, so that the truth is known before a pixel is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from assay.envs.video_keyframes.events.signs import Sign

if TYPE_CHECKING:
    import random

PLACES = ("top left", "top right", "bottom left", "bottom right")
FULL = "full"
"""The place of a sign that takes the whole picture."""
RATE = 4
"""Frames a second of the videos."""
GAP = 2.0
"""Seconds without a sign between two of them, and at both ends."""
_TRIES = 4000


class Event(NamedTuple):
    """A sign that is on the screen from ``start`` up to, not including, ``end``, in seconds."""

    sign: Sign
    start: float
    end: float
    place: str


@dataclass(frozen=True, slots=True)
class Quiz:
    """A question about events.

    Attributes:
        kind: of question.
        question: without its options.
        options: in the order of their letters.
        answer: index of the right one.
        events: in time order.
        telling: of the events, those that the answer rests on, the most needed first.
        about: the sign that is asked about, if there is one.
    """

    kind: str
    question: str
    options: tuple[str, ...]
    answer: int
    events: tuple[Event, ...]
    telling: tuple[int, ...]
    about: Sign | None = None

    @property
    def letter(self) -> str:
        """The right letter."""
        return "ABCDEFGH"[self.answer]


class Timing(NamedTuple):
    """Length of a video in seconds, and the times at which no sign may be shown."""

    seconds: float
    hidden: tuple[float, ...] = ()


def uniform_times(seconds: float, count: int, fps: float = 1.0) -> tuple[float, ...]:
    """Times of ``count`` frames of a uniform sample among candidates at ``fps``; none for a count of 0."""
    from assay.envs.video_keyframes.tad import evenly

    return tuple(index / fps for index in evenly(int(seconds * fps), count)) if count else ()


def spread(rng: random.Random, lengths: list[float], timing: Timing, on_whole: bool = False) -> list[float]:
    """Starts of events of those lengths, in their order, on the video's frames.

    Starts are drawn uniformly among all that leave :data:`GAP` around each event and show none at a hidden time.

    Args:
        rng: draws.
        lengths: seconds.
        timing: of the video.
        on_whole: events begin half way between two whole seconds, so that one of n seconds is seen at n of them.

    Raises:
        ValueError: one line, if the video is too short for them.
    """
    step = 1.0 if on_whole else 1.0 / RATE
    first = GAP + (0.5 if on_whole else 0.0)
    for _ in range(_TRIES):
        starts = _one_try(rng, lengths, timing, first, step)
        if starts is not None:
            return starts
    raise ValueError(
        f"{len(lengths)} signs do not fit into a video of {timing.seconds:g} seconds: "
        "give longer videos (seconds) or a smaller hidden_from"
    )


def _one_try(rng: random.Random, lengths: list[float], timing: Timing, first: float, step: float) -> list[float] | None:
    """Free time is cut at random places: every arrangement is equally likely. None if one hits a hidden time."""
    free = timing.seconds - GAP - first - sum(lengths) - GAP * (len(lengths) - 1)
    slots = int(free / step)
    if slots < 0:
        return None
    cuts = sorted(rng.randint(0, slots) for _ in lengths)
    starts, at = [], first
    for cut, length in zip(cuts, lengths, strict=True):
        start = at + cut * step
        start = first + round((start - first) / step) * step
        if any(start - 1 / RATE <= time < start + length + 1 / RATE for time in timing.hidden):
            return None
        starts.append(start)
        at += length + GAP
    return starts
