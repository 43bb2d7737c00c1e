"""Answers from frames alone: signs are read in the pixels, and what was not seen is guessed among what is left."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import NamedTuple

from assay.envs.video_keyframes.events.detect import Seen, signs_in
from assay.envs.video_keyframes.events.plan import GAP
from assay.envs.video_keyframes.events.signs import Pixels, Sign


class Glimpse(NamedTuple):
    """A sign on the frame of that second."""

    at: float
    seen: Seen


class Asked(NamedTuple):
    """The question, as the prompt has it: its kind, the sign it is about (empty if none) and the options."""

    kind: str
    about: str
    options: Sequence[str]


def glimpses_of(frames: Sequence[Pixels], seconds: Sequence[float]) -> list[Glimpse]:
    """The signs on frames, uint8 [height, width, 3], in the order of their times."""
    found = [Glimpse(at, seen) for at, rgb in zip(seconds, frames, strict=True) for seen in signs_in(rgb)]
    return sorted(found, key=lambda each: each.at)


def answered(asked: Asked, glimpses: Sequence[Glimpse], seconds: Sequence[float], rng: random.Random) -> int:
    """Index of the option that fits best what was seen; at random among equals.

    Args:
        asked: the question.
        glimpses: signs that were seen, in time order.
        seconds: times of all frames that were shown, ascending.
        rng: breaks ties.
    """
    fits = {
        "shown": _shown, "order": _order, "count": _count, "duration": _duration, "before": _before, "where": _where,
    }  # fmt: skip
    worth = fits[asked.kind](asked, glimpses, seconds) if asked.kind in fits else [0.0] * len(asked.options)
    best = max(worth)
    return rng.choice([index for index, value in enumerate(worth) if value >= best - 1e-9])


def _episodes(glimpses: Sequence[Glimpse]) -> list[list[Glimpse]]:
    """Glimpses of one appearance together: the same sign at times as near as two appearances never are."""
    groups: list[list[Glimpse]] = []
    for glimpse in glimpses:
        if groups and groups[-1][-1].seen == glimpse.seen and glimpse.at - groups[-1][-1].at <= GAP:
            groups[-1].append(glimpse)
        else:
            groups.append([glimpse])
    return groups


def _is(sign: Sign, about: str) -> bool:
    return str(sign) == about


def _shown(asked: Asked, glimpses: Sequence[Glimpse], seconds: Sequence[float]) -> list[float]:
    names = {f"a {each.seen.sign}" for each in glimpses}
    return [float(option in names) for option in asked.options]


def _order(asked: Asked, glimpses: Sequence[Glimpse], seconds: Sequence[float]) -> list[float]:
    names = [str(each.seen.sign) for each in glimpses]
    pairs = [(a, b) for a, b in itertools.combinations(dict.fromkeys(names), 2)]
    worth = []
    for option in asked.options:
        place = {name: number for number, name in enumerate(option.split(", "))}
        worth.append(float(sum(place.get(a, 99) < place.get(b, -1) for a, b in pairs)))
    return worth


def _count(asked: Asked, glimpses: Sequence[Glimpse], seconds: Sequence[float]) -> list[float]:
    """What was seen is a lower bound; the smallest number that is left fits best."""
    times = len([each for each in _episodes(glimpses) if _is(each[0].seen.sign, asked.about)])
    return [-float(int(option)) if int(option) >= times else -100.0 for option in asked.options]


def _duration(asked: Asked, glimpses: Sequence[Glimpse], seconds: Sequence[float]) -> list[float]:
    """How much of the stays that agree with the frames each option has."""
    on = [each.at for each in glimpses if _is(each.seen.sign, asked.about)]
    if not on:
        return [0.0] * len(asked.options)
    before = max((at for at in seconds if at < on[0]), default=on[0] - 1e3)
    after = min((at for at in seconds if at > on[-1]), default=on[-1] + 1e3)
    return [_room(float(option.split()[0]), on[0], on[-1], before, after) for option in asked.options]


def _room(length: float, first: float, last: float, before: float, after: float) -> float:
    """Seconds in which a stay of ``length`` may begin, if it is seen at ``first`` and ``last``, not beside them."""
    return max(0.0, min(first, after - length) - max(before, last - length))


def _before(asked: Asked, glimpses: Sequence[Glimpse], seconds: Sequence[float]) -> list[float]:
    at = next((each.at for each in glimpses if _is(each.seen.sign, asked.about)), None)
    named = {f"a {each.seen.sign}": each.at for each in glimpses}
    if at is None:
        return [0.0] * len(asked.options)
    earlier = {name: when for name, when in named.items() if when < at}
    latest = max(earlier.values(), default=None)
    return [
        2.0 if option in earlier and earlier[option] == latest else 0.0 if option in named else 1.0
        for option in asked.options
    ]


def _where(asked: Asked, glimpses: Sequence[Glimpse], seconds: Sequence[float]) -> list[float]:
    places = {each.seen.place for each in glimpses if _is(each.seen.sign, asked.about)}
    return [float(option in places) for option in asked.options]
