"""Six kinds of question. Options are drawn first, and the answer is one of them with equal chance."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from assay.envs.video_keyframes.events.plan import FULL, PLACES, Event, Quiz, Timing, spread
from assay.envs.video_keyframes.events.signs import COLOURS, SHAPES, SIGNS, Sign

OPTIONS = 4
SHORT = (2.0, 2.5, 3.0)
"""Seconds that a sign stays, where the question is not about that: two candidate frames, one a second, see it."""


def write_quiz(kind: str, rng: random.Random, timing: Timing) -> Quiz:
    """A question of that kind, and the events it is about.

    Args:
        kind: one of :data:`KINDS`.
        rng: draws everything.
        timing: of the video.

    Raises:
        ValueError: one line; there is no such kind, or the video is too short.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no kind of question {kind!r}; there are {', '.join(KINDS)}")
    return KINDS[kind](rng, timing)


def _events(
    rng: random.Random, signs: Sequence[Sign], timing: Timing, overlay: bool = False, lengths: Sequence[float] = ()
) -> tuple[Event, ...]:
    """The signs in their order, all spliced in or each laid over the footage somewhere."""
    spliced = not overlay and rng.random() < 0.5
    stay = list(lengths) or [rng.choice(SHORT) for _ in signs]
    starts = spread(rng, stay, timing, on_whole=bool(lengths))
    places = [FULL if spliced else rng.choice(PLACES) for _ in signs]
    return tuple(
        Event(*each) for each in zip(signs, starts, map(sum, zip(starts, stay, strict=True)), places, strict=True)
    )


def _shown(rng: random.Random, timing: Timing) -> Quiz:
    colours, shapes = rng.sample(list(COLOURS), 2), rng.sample(list(SHAPES), 2)
    options = [Sign(colour, shape) for colour in colours for shape in shapes]
    rng.shuffle(options)
    answer = rng.randrange(OPTIONS)
    events = _events(rng, [options[answer]], timing)
    question = "Once in this video, a sign is shown for two or three seconds. What is on it?"
    return Quiz("shown", question, tuple(map(_a, options)), answer, events, (0,))


def _order(rng: random.Random, timing: Timing) -> Quiz:
    signs = rng.sample(SIGNS, 4)
    orders: list[tuple[Sign, ...]] = []
    while len(orders) < OPTIONS:
        drawn = tuple(rng.sample(signs, len(signs)))
        if drawn not in orders:
            orders.append(drawn)
    answer = rng.randrange(OPTIONS)
    question = "Four signs are shown in this video, one after the other. In which order?"
    options = tuple(", ".join(map(str, order)) for order in orders)
    return Quiz("order", question, options, answer, _events(rng, orders[answer], timing), (0, 1, 2, 3))


def _count(rng: random.Random, timing: Timing) -> Quiz:
    times = rng.sample(range(1, OPTIONS + 1), OPTIONS)
    answer = rng.randrange(OPTIONS)
    about, *others = rng.sample(SIGNS, 3)
    signs = [about] * times[answer] + others[: rng.randrange(3)]
    rng.shuffle(signs)
    telling = tuple(place for place, sign in enumerate(signs) if sign == about)
    question = f"How many times is the sign with {_a(about)} shown in this video? Other signs do not count."
    return Quiz("count", question, tuple(map(str, times)), answer, _events(rng, signs, timing), telling, about)


def _duration(rng: random.Random, timing: Timing) -> Quiz:
    seconds = rng.sample(range(1, OPTIONS + 1), OPTIONS)
    answer = rng.randrange(OPTIONS)
    signs = rng.sample(SIGNS, 2)
    about = rng.choice(signs)
    lengths = [float(seconds[answer] if sign == about else rng.randint(1, OPTIONS)) for sign in signs]
    events = _events(rng, signs, timing, lengths=lengths)
    question = f"For how long does the sign with {_a(about)} stay on the screen?"
    options = tuple(f"{each} second{'s' * (each > 1)}" for each in seconds)
    return Quiz("duration", question, options, answer, events, (signs.index(about),), about)


def _before(rng: random.Random, timing: Timing) -> Quiz:
    signs = rng.sample(SIGNS, OPTIONS + 1)
    place = rng.randrange(1, len(signs))
    about, before = signs[place], signs[place - 1]
    options = [sign for sign in signs if sign != about]
    rng.shuffle(options)
    others = tuple(each for each in range(len(signs)) if each not in (place - 1, place))
    question = f"Several signs are shown in this video. Which one is shown last before the sign with {_a(about)}?"
    answer = options.index(before)
    events = _events(rng, signs, timing)
    return Quiz("before", question, tuple(map(_a, options)), answer, events, (place - 1, place, *others), about)


def _where(rng: random.Random, timing: Timing) -> Quiz:
    options = rng.sample(PLACES, OPTIONS)
    answer = rng.randrange(OPTIONS)
    signs = rng.sample(SIGNS, 3)
    about = rng.randrange(len(signs))
    events = _events(rng, signs, timing, overlay=True)
    events = tuple(
        event._replace(place=options[answer]) if place == about else event for place, event in enumerate(events)
    )
    question = f"In which corner of the picture is the sign with {_a(signs[about])} shown?"
    return Quiz("where", question, tuple(options), answer, events, (about,), signs[about])


def _a(sign: Sign) -> str:
    return f"a {sign}"


KINDS: dict[str, Callable[[random.Random, Timing], Quiz]] = {
    "shown": _shown,
    "order": _order,
    "count": _count,
    "duration": _duration,
    "before": _before,
    "where": _where,
}
"""What is asked, by name: (generator, timing) -> quiz."""
