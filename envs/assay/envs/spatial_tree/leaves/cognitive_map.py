"""Cognitive map: a map of what several pictures show, and a question that it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Scene, Thing, render
from assay.envs.spatial_tree.engine.rooms import room
from assay.envs.spatial_tree.parts.cast import around, cast, put, stage
from assay.envs.spatial_tree.parts.map import FACINGS, GRID, faces, on_map, way
from assay.envs.spatial_tree.parts.mapping import (
    SHARE,
    Array,
    clear,
    flat,
    from_above,
    heading,
    listed,
    picture,
    quick,
    side,
    spots,
    the,
)
from assay.envs.spatial_tree.question import LETTERS, Question

DIAGONAL = (14, 12, 10, 9, 8)
"""By difficulty: least degrees between any line through two things and the map's diagonals, where left of and above
would meet."""
WITHIN = 28.0
"""How far from the middle of its sector an answer such as left or behind may lie, degrees; sectors meet at 45."""
CLEAR_FRONTS = (
    "chair", "sofa", "bench", "monitor", "laptop", "washing machine", "toilet", "car", "truck", "tractor", "locomotive",
    "dog", "duck", "rabbit", "penguin", "robot", "doll",
)  # fmt: skip
INSIDE = 32.0
"""A thing around the camera is at most so many degrees from the middle of a picture; pictures end at 45."""
_SIDES = {"to the left": 90.0, "to the right": -90.0, "straight ahead": 0.0, "behind": 180.0}
_SPAN = (3, 4, 4, 5, 6)


def map_two_views(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """A map of things seen from two sides, and where one stands as seen from a second towards a third."""
    found = _layout(rng, _SPAN[difficulty - 1], difficulty, alike=int(difficulty > 3))
    if found is None:
        return None
    names = ["to the left", "to the right", "behind"][: 2 + (difficulty >= 3)]
    truth = names[int(rng.integers(len(names)))]
    triples = [(a, b, c) for a in range(len(found)) for b in range(len(found)) for c in range(len(found))
               if len({a, b, c}) == 3 and _sector(found, a, found[b] - found[a], c) == truth]  # fmt: skip
    if not triples:
        return None
    a, b, c = triples[int(rng.integers(len(triples)))]
    turn = float(rng.uniform(*((60, 90), (90, 120), (120, 150), (150, 180), (165, 195))[difficulty - 1]))
    things, scene = _staged(rng, found, alike=int(difficulty > 3))
    cameras = [_first(size), around(180 + turn * float(rng.choice((-1, 1))), size)]
    if not all(clear(scene, camera, range(len(things))) for camera in cameras):
        return None
    text = (f"Two pictures of the same things, from two sides. If one stands where {the(things[a])} is and looks "
            f"towards {the(things[b])}, where is {the(things[c])}?")  # fmt: skip
    options = [names[k] for k in rng.permutation(len(names))]

    def answer(at: Array) -> str | None:
        return _sector(at, a, at[b] - at[a], c, 45)

    return _question(rng, text, things, scene, cameras, options, truth, answer)


def map_turning(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """A map of what stands around a camera that turns on the spot, and what is opposite a thing."""
    count = (4, 4, 5, 5, 6)[difficulty - 1]
    step = (90, 90, 90, 72, 72)[difficulty - 1] * float(rng.choice((-1, 1)))
    looks = [step * k for k in range(round(360 / abs(step)))]
    ring = next(
        (found for found in (_ring(rng, count, looks, difficulty) for _ in range(800)) if found is not None), None
    )
    if ring is None:
        return None
    found, right = ring
    cameras = [
        Camera.heading((0.0, 0.0, 1.35), look, -14, vfov=74.0, width=size, height=size * 3 // 4) for look in looks
    ]
    base = room(rng, 7.0, 7.0)
    things = _things(rng, found, int(difficulty > 3))
    scene = Scene((*things, *base.things), base.light)
    views = [render(flat(scene), quick(camera)) for camera in cameras]
    if any(max(view.share(place) for view in views) < SHARE for place in range(count)):
        return None
    turned = "left" if step > 0 else "right"
    text = (f"A camera in the middle of a room turns on the spot: each picture is taken {abs(step):.0f} degrees "
            f"further to the {turned} than the one before. When one stands there and looks at {the(things[0])}, what "
            f"is behind one's back?")  # fmt: skip
    others = [k for k in range(1, count) if k != right]
    picked = [right, *(others[k] for k in rng.permutation(len(others))[:3])]
    options = [the(things[picked[k]]) for k in rng.permutation(len(picked))]

    def answer(at: Array) -> str | None:
        return the(things[1 + int(np.argmin([abs(side(-at[0], spot)) for spot in at[1:]]))])

    return _question(rng, text, things, scene, cameras, options, the(things[right]), answer)


def _ring(rng: np.random.Generator, count: int, looks: Sequence[float], difficulty: int) -> tuple[Array, int] | None:
    """Places around the middle, each well within a picture, and which of them is opposite the first."""
    angles = float(rng.uniform(0, 360)) + np.cumsum(rng.dirichlet(np.full(count, 4.0)) * (360 - 38 * count) + 38)
    found = rng.uniform(1.7, 2.3, (count, 1)) * np.array([heading(angle) for angle in angles])
    found = found[rng.permutation(count)]
    off = [abs(side(-found[0], spot)) for spot in found[1:]]
    near = np.argsort(off)
    if off[near[0]] > WITHIN or off[near[1]] < off[near[0]] + 25 or not _told(found, DIAGONAL[difficulty - 1]):
        return None
    if any(min(abs(side(heading(look), spot)) for look in looks) > INSIDE for spot in found):
        return None
    return found, int(near[0]) + 1


def map_with_facing(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """A map of things and where they face, and on which side of one of them another is."""
    found = _layout(rng, (3, 3, 4, 4, 5)[difficulty - 1], difficulty)
    if found is None:
        return None
    facings = [list(FACINGS)[k] for k in rng.integers(4, size=len(found))]
    yaws = [FACINGS[facing] for facing in facings]
    truth = list(_SIDES)[int(rng.integers(4))]
    pairs = [(a, c) for a in range(len(found)) for c in range(len(found))
             if a != c and _sector(found, a, heading(yaws[a]), c) == truth]  # fmt: skip
    if not pairs:
        return None
    a, c = pairs[int(rng.integers(len(pairs)))]
    loose = [float(yaw + rng.uniform(-8, 8)) for yaw in yaws]
    things, scene = _staged(rng, found, yaws=loose)
    cameras = [_first(size), around(float(rng.choice((-1, 1)) * rng.uniform(30, 90)), size)]
    if not all(clear(scene, camera, range(len(things))) for camera in cameras):
        return None
    text = (f"Two pictures of the same things, from two sides. A thing faces where its front points. Seen from "
            f"{the(things[a])}, as it faces, where is {the(things[c])}?")  # fmt: skip
    options = [list(_SIDES)[k] for k in rng.permutation(4)]

    def answer(at: Array) -> str | None:
        return _sector(at, a, heading(FACINGS[faces(things[a])]), c, 45)

    return _question(rng, text, things, scene, cameras, options, truth, answer, facings)


def _layout(rng: np.random.Generator, count: int, difficulty: int, alike: int = 0) -> Array | None:
    for _ in range(60):
        found = spots(rng, count, (1.6, 1.6), 1.15)
        if found is not None and _told(found, DIAGONAL[difficulty - 1]):
            return found
    return None


def _told(found: Array, least: float) -> bool:
    """Whether no two things lie nearly along a diagonal of the map."""
    pairs = [found[i] - found[j] for i in range(len(found)) for j in range(i)]
    return all(abs(np.degrees(np.arctan2(y, x)) % 90 - 45) >= least for x, y in pairs)


def _sector(at: Array, a: int, ahead: Array, c: int, within: float = WITHIN) -> str | None:
    angle = side(ahead, at[c] - at[a])
    near = [name for name, middle in _SIDES.items() if abs((angle - middle + 180) % 360 - 180) <= within]
    return near[0] if near else None


def _first(size: int) -> Camera:
    return around(180, size)  # it looks along +x, which is up on the map


def _things(rng: np.random.Generator, found: Array, alike: int, yaws: Sequence[float] | None = None) -> list[Thing]:
    who = cast(rng, len(found), alike, (lambda kind: kind.name in CLEAR_FRONTS) if yaws is not None else None)
    who = [who[k] for k in rng.permutation(len(who))]
    turns = list(yaws) if yaws is not None else rng.uniform(0, 360, len(found)).tolist()
    things = [put(each, (0, 0), turn, 0.75) for each, turn in zip(who, turns, strict=True)]
    # The middle of a thing, not its origin, is what stands on its spot.
    return [put(each, spot - thing.middle()[:2], turn, 0.75)
            for each, thing, spot, turn in zip(who, things, found, turns, strict=True)]  # fmt: skip


def _staged(
    rng: np.random.Generator, found: Array, alike: int = 0, yaws: Sequence[float] | None = None
) -> tuple[list[Thing], Scene]:
    things = _things(rng, found, alike, yaws)
    return things, stage(rng, things)


def _question(
    rng: np.random.Generator, text: str, things: Sequence[Thing], scene: Scene, cameras: Sequence[Camera],
    options: Sequence[str], truth: str, answer: Callable[[Array], str | None], facings: Sequence[str] | None = None,
) -> Question:  # fmt: skip
    order = rng.permutation(len(things))
    names = [things[k].name for k in order]
    places = {things[k].name: on_map(things[k].middle()) for k in order}
    entries = {
        things[k].name: {"position": places[things[k].name], "facing": facings[k] if facings else None} for k in order
    }
    letter = LETTERS[list(options).index(truth)]

    def recheck() -> bool:
        above = from_above(scene, range(len(things)))
        at = np.array([above[k] for k in range(len(things))])
        again = {thing.name: on_map(spot) for thing, spot in zip(things, at, strict=True)}
        ways = all(way(places[p], places[q]) == way(again[p], again[q]) for p in names for q in names if p != q)
        faced = facings is None or [faces(thing) for thing in things] == list(facings)
        return ways and faced and answer(at) == truth

    facing = ', "facing": "up"' if facings else ""
    meant = " (facing is up, down, left or right)" if facings else ""
    ask = (f"Draw a map from above of {listed([f'the {name}' for name in names])}: x from 0 on the left to {GRID} on "
           f"the right, y from 0 at the top to {GRID} at the bottom, and up is where the first picture looks. Answer "
           f'with the map as one JSON object such as {{"{names[0]}": {{"position": [x, y]{facing}}}, ...}}{meant}, '
           f"and then the letter of the right option, such as: Answer: A")  # fmt: skip
    written = entries if facings else {name: {"position": place} for name, place in places.items()}
    gold = f"{json.dumps(written)}\nAnswer: {letter}"
    captions = [f"Picture {number}:" for number in range(1, len(cameras) + 1)]
    images = [picture(render(scene, camera)) for camera in cameras]
    return Question(text, images, {"answer": letter, "choices": list(options), "map": entries}, gold, ask, recheck,
                    tuple(options), "cogmap", tuple(captions))  # fmt: skip


TEMPLATES = (map_two_views, map_turning, map_with_facing)
