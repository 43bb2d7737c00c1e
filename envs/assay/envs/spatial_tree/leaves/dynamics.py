"""Dynamics: what will happen, seen before it does; the truth is what the simulator made of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Thing
from assay.envs.spatial_tree.engine.marks import arrow
from assay.envs.spatial_tree.engine.physics import Body, Course
from assay.envs.spatial_tree.parts.drawing import lettered
from assay.envs.spatial_tree.parts.dynamics import (
    PAINTS,
    WOOD,
    ball,
    box,
    from_front,
    labelled,
    outcome,
    shot,
    spans,
    surroundings,
)
from assay.envs.spatial_tree.parts.marbles import marble_bin
from assay.envs.spatial_tree.question import Question

_BLOCK = (0.7, 0.5, 0.36)
"""A block of a tower, metres."""
_MOVED = 0.05
"""A block that moves so far, metres, does not come to rest where it was."""


def tower_falls(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four towers of blocks will fall over; or which one will stay, where the others fall."""
    storeys = (2, 3, 3, 4, 5)[difficulty - 1]
    margin = (0.16, 0.13, 0.1, 0.08, 0.07)[difficulty - 1]
    falling = bool(rng.integers(2))
    right = int(rng.integers(4))
    things, paints = [], rng.permutation(len(PAINTS))
    for number in range(4):
        offsets = _tower(rng, storeys, margin, falls=(number == right) == falling)
        if offsets is None:
            return None
        for storey, offset in enumerate(offsets):
            at = ((number - 1.5) * 1.75 + offset, 0.0, (storey + 0.5) * _BLOCK[2])
            things.append(box(f"block {number} {storey}", at, _BLOCK, PAINTS[paints[(storey + number) % len(PAINTS)]]))
    # Each is tried by itself: far from the others, so that none falls on the next.
    bodies = [Body(replace(thing, at=(thing.at[0] + 10.0 * (place // storeys), 0.0, thing.at[2])), friction=0.9)
              for place, thing in enumerate(things)]  # fmt: skip

    def read(course: Course) -> int | None:
        moved = np.linalg.norm(course.places[-1] - course.places[0], axis=1).reshape(4, storeys).max(axis=1)
        fell = [bool(far > _MOVED) for far in moved]
        odd = [number for number in range(4) if fell[number] == falling]
        return odd[0] if len(odd) == 1 else None

    if outcome(bodies, 1.0, read) != right:
        return None
    camera = from_front(7.0, 3.4, size)
    view = shot(things, surroundings(rng), camera)
    image = labelled(view, camera, [(number - 1.5) * 1.75 for number in range(4)])

    def recheck() -> bool:
        seen = spans(view, camera, range(len(things)), -_BLOCK[1] / 2)[:, [0, 2]].mean(axis=1).reshape(4, storeys)
        lean = [_overhang(row) > 0 for row in seen]
        odd = [number for number in range(4) if lean[number] == falling]
        return odd == [right] and outcome(bodies, 2.5, read, fine=True) == right

    said = "Four towers of loose wooden blocks are held. Each is let go by itself and cannot hit another. " + (
        "One of them falls over, the others stay. Which one falls?" if falling else
        "Three of them fall over, one stays. Which one stays?"
    )  # fmt: skip
    return lettered(said, [image], "tower", right, 4, recheck)


def _tower(rng: np.random.Generator, storeys: int, margin: float, falls: bool) -> list[float] | None:
    """Places (x, metres) of blocks from the floor up, that fall or stand by at least ``margin``."""
    for _ in range(60):
        steps = rng.uniform(-0.3, 0.3, storeys - 1) if storeys > 2 else rng.uniform(-0.63, 0.63, 1)
        offsets = [0.0, *np.cumsum(steps * (1.5 if falls and storeys > 2 else 1.0)).tolist()]
        # Each block must touch the one below, or it is no tower at all.
        if max(abs(a - b) for a, b in pairwise(offsets)) > _BLOCK[0] * 0.9:
            continue
        over = _overhang(np.array(offsets))
        if max(abs(offset) for offset in offsets) < 0.8 and (over > margin if falls else over < -margin):
            middle = (max(offsets) + min(offsets)) / 2
            return [offset - middle for offset in offsets]
    return None


def _overhang(places: np.ndarray) -> float:
    """How far the middle of mass of the upper blocks is beyond the edge of the block that bears them, at the worst."""
    return max(abs(float(places[level:].mean() - places[level - 1])) - _BLOCK[0] / 2 for level in range(1, len(places)))


def ramp_race(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four balls, let go together on four ramps, comes to the foot of its ramp first, or last."""
    apart = (1.4, 1.3, 1.2, 1.15, 1.1)[difficulty - 1]
    first = bool(rng.integers(2))
    radius, thick = 0.11, 0.06
    slopes = _slopes(rng, apart, first)
    if slopes is None:
        return None
    things: list[Thing] = []
    balls = []
    for number, (base, high) in enumerate(slopes):
        low = (number - 1.5) * 1.75 - base / 2 - 0.05
        tilt = float(np.degrees(np.arctan2(high, base)))
        along = np.array([np.cos(np.radians(tilt)), 0, -np.sin(np.radians(tilt))])
        normal = np.array([np.sin(np.radians(tilt)), 0, np.cos(np.radians(tilt))])
        length = float(np.hypot(base, high))
        top = np.array([low, 0.0, high])
        plank = top + along * length / 2 - normal * thick / 2
        things.append(box(f"ramp {number}", _spot(plank), (length, 0.5, thick), WOOD, tilt))
        stop = top + along * length
        things.append(box(f"stop {number}", (float(stop[0]) + 0.06, 0.0, 0.15), (0.08, 0.5, 0.3), (0.3, 0.3, 0.34)))
        post = max(0.05, high - 0.1)
        things.append(box(f"post {number}", (low + 0.03, 0.35, post / 2), (0.06, 0.1, post), (0.5, 0.38, 0.26)))
        balls.append(ball(f"ball {number}", _spot(top + along * radius * 1.2 + normal * radius), radius))
    bodies = [Body(thing, mass=0.0, friction=1.0) for thing in things]
    bodies += [Body(each, mass=0.5, friction=1.0) for each in balls]

    def arrivals(course: Course) -> list[float]:
        return [course.touched.get((3 * number + 1, 12 + number), np.inf) for number in range(4)]

    def read(course: Course) -> int | None:
        times = sorted(arrivals(course), reverse=not first)
        ratio = times[1] / times[0] if first else times[0] / times[1]
        return arrivals(course).index(times[0]) if np.isfinite(times).all() and ratio >= apart else None

    right = outcome(bodies, 2.5, read, contacts=True)
    if right is None:
        return None
    camera = from_front(7.2, 3.4, size, above=1.0)
    view = shot([*things, *balls], surroundings(rng), camera)
    image = labelled(view, camera, [(number - 1.5) * 1.75 for number in range(4)])

    def recheck() -> bool:
        planks = spans(view, camera, range(0, 12, 3), -0.25)
        wide, high = planks[:, 2] - planks[:, 0], planks[:, 3] - planks[:, 1]
        # A ball that rolls from rest along a slope takes a time in proportion to this.
        slow = (wide**2 + high**2) / high
        same = int(slow.argmin() if first else slow.argmax()) == right
        return same and outcome(bodies, 2.5, read, fine=True, contacts=True) == right

    said = (
        "Four balls are let go at the same moment and roll down their ramps, each to the grey block at the foot. "
        f"Which ball is the {'first' if first else 'last'} to reach its block?"
    )
    return lettered(said, [image], "ball", right, 4, recheck)


def _slopes(rng: np.random.Generator, apart: float, first: bool) -> list[tuple[float, float]] | None:
    """Bases and heights of four ramps (metres), one of which is quicker (or slower) than the others by a factor."""
    for _ in range(60):
        found = [(float(rng.uniform(0.55, 1.25)), float(rng.uniform(0.35, 1.6))) for _ in range(4)]
        # A ball that rolls from rest takes a time in proportion to the root of this; the simulator has the last word.
        slow = sorted((base**2 + high**2) / high for base, high in found)
        if (slow[1] / slow[0] if first else slow[3] / slow[2]) > (apart * 1.03) ** 2:
            return found
    return None


def _spot(at: np.ndarray) -> tuple[float, float, float]:
    return float(at[0]), float(at[1]), float(at[2])


def dominoes(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four lettered dominoes of a row is the last to fall when the first is pushed over."""
    count = (6, 8, 9, 10, 11)[difficulty - 1]
    wide = (1.5, 1.4, 1.32, 1.26, 1.22)[difficulty - 1]
    close = (0.5, 0.55, 0.6, 0.65, 0.7)[difficulty - 1]
    high, thick = 0.9, 0.12
    right = int(rng.integers(4))
    last = int(rng.integers(1 + right, count - 4 + right))
    # The last to fall stands before a gap that is wider than a domino is high.
    gaps = [wide * high if k == last else float(rng.uniform(0.3, close)) * high for k in range(count - 1)]
    if difficulty >= 3 and last + 2 < count:
        gaps[int(rng.integers(last + 1, count - 1))] = wide * high
    before = rng.choice(np.arange(1, last), right, replace=False)
    after = rng.choice(np.arange(last + 1, count), 3 - right, replace=False)
    marked = sorted([*before.tolist(), last, *after.tolist()])
    places = np.concatenate([[0.0], np.cumsum(np.array(gaps) + thick)])
    places -= places.mean()
    mirror = -1 if rng.random() < 0.5 else 1
    things = [box(f"domino {k}", (mirror * float(x), 0.0, high / 2), (thick, 0.45, high), PAINTS[k % len(PAINTS)])
              for k, x in enumerate(places)]  # fmt: skip
    bodies = [Body(each, friction=0.6) for each in things]
    bodies[0] = replace(bodies[0], spin=(0.0, mirror * 2.6, 0.0), velocity=(mirror * 0.6, 0.0, 0.0))

    def read(course: Course) -> int | None:
        fell = [k for k in range(count) if course.turns[-1, k, 2, 2] < 0.8]
        return marked.index(max(fell)) if fell == list(range(len(fell))) and fell and max(fell) in marked else None

    if outcome(bodies, 2.0 + 0.12 * count, read) != right:
        return None
    broad = float(np.ptp(places)) + 1.6
    camera = from_front(broad, max(2.3, 0.46 * broad), size)
    view = shot(things, surroundings(rng), camera)
    image = labelled(view, camera, sorted(mirror * float(places[k]) for k in marked))
    # Letters go from left to right, so a row that is pushed from the right has them the other way round.
    place = right if mirror > 0 else 3 - right
    image = arrow(image, _above(camera, mirror * float(places[0]) - mirror * 0.75, high),
                  _above(camera, mirror * float(places[0]) - mirror * 0.12, high))  # fmt: skip

    def recheck() -> bool:
        seen = spans(view, camera, range(count), -0.225)
        clear = [float(b[0] - a[2]) if mirror > 0 else float(a[0] - b[2]) for a, b in pairwise(seen)]
        stops = next(k for k, gap in enumerate(clear) if gap > seen[k, 3] - seen[k, 1])
        return stops == marked[right] and outcome(bodies, 3.0 + 0.12 * count, read, fine=True) == right

    said = (
        "The arrow pushes over the first domino of the row, at its top. Which of the lettered dominoes is the last one "
        "of the row to fall?"
    )
    return lettered(said, [image], "domino", place, 4, recheck)


def _above(camera: Camera, x: float, z: float) -> tuple[float, float]:
    found = camera.project((x, 0.0, z * 0.85))
    return float(found[0]), float(found[1])


TEMPLATES = (tower_falls, ramp_race, dominoes, marble_bin)
