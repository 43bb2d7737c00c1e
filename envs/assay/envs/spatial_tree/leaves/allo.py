"""Allo: how things move before a camera that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing, View, render
from assay.envs.spatial_tree.engine.kinds import COLOURS, thing
from assay.envs.spatial_tree.engine.visibility import UNOCCLUDED, framed
from assay.envs.spatial_tree.parts.seen import (
    GREYS,
    PAINTS,
    Array,
    ball,
    first,
    in_sight,
    pick,
    picture,
    seen_middle,
    seen_well,
    spread,
)
from assay.envs.spatial_tree.parts.stage import (
    LOOSE,
    WAYS,
    bearing,
    first_names,
    heading_of,
    moved,
    nearest_name,
    onlooker,
    overhead,
    props,
    stage,
    unit,
)
from assay.envs.spatial_tree.question import Question, mcq

FLOOR_WAYS = {"away from the camera": 0.0, "to the left": 90.0, "towards the camera": 180.0, "to the right": 270.0}
FRONTAL = Light((-1.0, -3.0, 2.0), ambient=0.6, diffuse=0.45, shadow=False)
"""Of what is seen straight on: from the camera's side, so that walls are bright."""
FLOOR_LOOSE = 18.0
"""Degrees that a movement over the floor may differ from the direction named; half a sector is 45."""
ASIDE = 17.0
"""Degrees from the camera's axis to the middle of a movement: beyond, towards the camera is not along its axis."""
STEADY = 0.85
"""Of the things that stand still: the share unhidden in every picture, so that none seems to move."""
GAP = 0.75
"""Metres between any two things at least."""
FARTHER = 1.5
"""How many times as far the answer has moved as any other thing."""
DRIVEN = ("car", "truck", "bus", "tractor", "locomotive")
TURNS = {"it turns left": 1.0, "it turns right": -1.0, "it goes straight on": 0.0}
LEAST_TURN = 40.0
"""Degrees that a thing which turns has turned at least."""


def moving_direction(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """In which direction of the picture a ball in the air moves; at difficulty 5 the other balls move too."""
    names = first_names(WAYS, (2, 4, 4, 8, 8)[difficulty - 1])
    paints = ["red"] if difficulty == 1 else pick(rng, PAINTS, max(1, difficulty - 1))
    across = (0.6, 0.5, 0.4, 0.32, 0.28)[difficulty - 1]
    step = (0.8, 0.6, 0.55, 0.5, 0.4)[difficulty - 1]
    frames = 2 if difficulty < 3 else 3
    right = pick(rng, names, 1)[0]
    angle = WAYS[right] + rng.uniform(-1, 1) * LOOSE[len(names)]
    tracks = [_track(rng, angle, step, frames)]
    for _ in range(60):
        if len(tracks) == len(paints):
            break
        other = _track(rng, rng.uniform(0, 360), step if difficulty == 5 else 0.0, frames)
        if all(np.linalg.norm(other - each, axis=1).min() > across * 1.15 for each in tracks):
            tracks.append(other)
    else:
        return None
    camera = Camera((0, 0, 0), ((1, 0, 0), (0, 0, -1), (0, 1, 0)), 60.0, size, size * 3 // 4)
    wall = Thing("wall", (Part("box", (30, 0.1, 30), (0, 4, 0), colour=GREYS[int(rng.integers(len(GREYS)))]),))
    views = []
    for at in range(frames):
        balls = [
            ball(paint, across, (float(track[at, 0]), 2.0, float(track[at, 1]) - across / 2))
            for paint, track in zip(paints, tracks, strict=True)
        ]
        views.append(render(Scene((wall, *balls), FRONTAL), camera))

    def recheck() -> bool:
        start, end = (np.array(view.centroid(1)) for view in (views[0], views[-1]))
        seen = np.degrees(np.arctan2(start[1] - end[1], end[0] - start[0]))
        return nearest_name(names, seen) == right

    return _asked(rng, f"In which direction does the {paints[0]} ball move?", views, right, names, recheck)


def _track(rng: np.random.Generator, angle: float, step: float, frames: int) -> Array:
    """Places ``[frames, 2]`` to the right and up, metres, on a straight way inside the picture; with two, from about
    its middle."""
    move = step * unit(angle)
    room = np.array([1.2, 0.8])
    start = rng.uniform(-room - np.minimum(move, 0), room - np.maximum(move, 0))
    if frames == 2:
        start = rng.uniform(-0.1, 0.1, 2)
    track: Array = start + np.linspace(0, 1, frames)[:, None] * move
    return track


def floor_direction(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which way over the floor a thing moves, as the camera sees it; at difficulties 4 and 5 other things move too."""
    camera = onlooker(rng, size)
    right = pick(rng, FLOOR_WAYS, 1)[0]
    step = (1.3, 1.1, 0.9, 0.8, 0.7)[difficulty - 1]
    angles = np.array([heading_of(camera) + FLOOR_WAYS[right] + rng.uniform(-1, 1) * FLOOR_LOOSE])
    angles = np.append(angles, rng.uniform(0, 360, difficulty - 1))
    moves = step * unit(angles).T
    if difficulty < 4:
        moves[1:] = 0

    def central(spots: Array) -> bool:
        x, _, z = camera.local((*(spots[0] + moves[0] / 2), 0.0))
        return bool(abs(np.degrees(np.arctan2(x, z))) <= ASIDE)

    found = _filmed(rng, camera, moves, 2 if difficulty < 3 else 3, allowed=central)
    if found is None:
        return None
    names, views = found

    def recheck() -> bool:
        return nearest_name(FLOOR_WAYS, bearing(camera, _gone(camera, views, 1))) == right

    return _asked(rng, f"Which way does the {names[0]} move?", views, right, FLOOR_WAYS, recheck)


def which_moved(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which one of several things is at another place in the second picture."""
    camera = onlooker(rng, size)
    count = difficulty + 2
    right = int(rng.integers(count))
    moves = np.zeros((count, 2))
    moves[right] = (1.2, 1.0, 0.8, 0.65, 0.5)[difficulty - 1] * unit(rng.uniform(0, 360))
    found = _filmed(rng, camera, moves, 2, 0.7, STEADY)
    if found is None:
        return None
    names, views = found
    places = range(1, count + 1)

    def recheck() -> bool:
        shifts = [np.hypot(*np.subtract(views[0].centroid(place), views[-1].centroid(place))) for place in places]
        return int(np.argmax(shifts)) == right

    options = [f"the {name}" for name in names]
    return _asked(rng, "Which thing has moved?", views, options[right], options, recheck)


def moved_farthest(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of several things that all move has moved farthest over the floor, in metres and not in pixels."""
    camera = onlooker(rng, size)
    count = (2, 2, 3, 3, 4)[difficulty - 1]
    right = int(rng.integers(count))
    longest = rng.uniform(0.9, 1.4)
    ratio = (3.5, 3.0, 2.4, 2.0, FARTHER)[difficulty - 1]
    steps = longest / ratio * rng.uniform(0.7, 1.0, count)
    steps[right] = longest
    moves = steps[:, None] * unit(rng.uniform(0, 360, count)).T
    found = _filmed(rng, camera, moves, 2 if difficulty < 4 else 3, 0.7, STEADY)
    if found is None:
        return None
    names, views = found

    def recheck() -> bool:
        lengths = [np.linalg.norm(_gone(camera, views, place)) for place in range(1, count + 1)]
        return int(np.argmax(lengths)) == right

    options = [f"the {name}" for name in names]
    return _asked(rng, "Which thing has moved farthest over the floor?", views, options[right], options, recheck)


def turned_which_way(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Whether something that drives over the floor turns to its own left or right or drives straight on."""
    right = pick(rng, TURNS, 1)[0]
    kind = pick(rng, DRIVEN, 1)[0]
    most = (90.0, 80.0, 70.0, 60.0, LEAST_TURN)[difficulty - 1]
    frames = (3, 3, 4, 4, 5)[difficulty - 1]
    # Upwards in the picture at first, where its left is the picture's; then any way.
    start = 90.0 + rng.uniform(-1, 1) * (20.0, 60.0, 120.0, 180.0, 180.0)[difficulty - 1]
    yaws = start + TURNS[right] * most * np.linspace(0, 1, 2 * frames - 1)
    legs = np.stack([np.cos(np.radians(yaws)), np.sin(np.radians(yaws))], axis=1)
    track = np.concatenate([np.zeros((1, 2)), np.cumsum((legs[1:] + legs[:-1]) / 2, axis=0)])[::2]
    track = (track - (track.max(axis=0) + track.min(axis=0)) / 2) * (2.2 / (2 * frames - 2))
    car = thing(kind, pick(rng, COLOURS, 1)[0], fit=1.1)
    camera = overhead(size, 1.7) if difficulty < 3 else onlooker(rng, size, height=3.2)
    if difficulty > 2:
        track = track @ np.array([[0.0, 1.0], [-1.0, 0.0]])
        yaws = yaws - 90.0
    ground = stage(rng, ())
    scenes = [ground.plus([moved(car, spot, yaw)]) for spot, yaw in zip(track, yaws[::2], strict=True)]
    if not all(framed(camera, scene.things[1]) for scene in scenes):
        return None
    views = [render(scene, camera) for scene in scenes]

    def recheck() -> bool:
        spots = [seen_middle(view, camera, 1)[:2] for view in views]
        first, last = spots[1] - spots[0], spots[-1] - spots[-2]
        turn = np.degrees(np.arctan2(first[0] * last[1] - first[1] * last[0], first @ last))
        return (0.0 if abs(turn) < LEAST_TURN / 4 else float(np.sign(turn))) == TURNS[right]

    return _asked(
        rng, f"The {car.name} drives forwards. Which way, as its driver sees it?", views, right, TURNS, recheck
    )


def _filmed(
    rng: np.random.Generator, camera: Camera, moves: Array, frames: int, across: float = 0.8,
    unhidden: float = UNOCCLUDED, allowed: Callable[[Array], bool] = lambda spots: True,
) -> tuple[list[str], list[View]] | None:  # fmt: skip
    """Names and views of things that go over the floor by ``moves`` ``[n, 2]`` and never meet, hide or leave."""
    things = props(rng, np.zeros_like(moves), across)

    def laid() -> list[list[Thing]] | None:
        spots = spread(rng, len(moves), (-1.5, -1.4), (1.7, 1.4), GAP)
        if spots is None or not allowed(spots):
            return None
        track = [spots + part * moves for part in np.linspace(0, 1, frames)]
        if any((np.linalg.norm(now[:, None] - now[None], axis=2) + 9 * np.eye(len(now))).min() < GAP for now in track):
            return None
        shots = [[moved(each, spot) for each, spot in zip(things, now, strict=True)] for now in track]
        return shots if all(in_sight(camera, shot) for shot in shots) else None

    shots = first(laid, 200)
    if shots is None:
        return None
    ground, views = stage(rng, ()), []
    for shot in shots:
        view = seen_well(ground.plus(shot), camera, range(1, len(things) + 1), unhidden)
        if view is None:
            return None
        views.append(view)
    return [each.name for each in things], views


def _gone(camera: Camera, views: Sequence[View], place: int) -> Array:
    """How far a thing has gone from the first view to the last, as their depth shows it: ``[3]``, metres."""
    gone: Array = seen_middle(views[-1], camera, place) - seen_middle(views[0], camera, place)
    return gone


def _asked(
    rng: np.random.Generator, text: str, views: Sequence[View], right: str, names: Iterable[str],
    recheck: Callable[[], bool],
) -> Question:  # fmt: skip
    captions = [f"Picture {number}:" for number in range(1, len(views) + 1)]
    others = [name for name in names if name != right]
    before = "The pictures show one place, one moment after the other; the camera stands still."
    return mcq(rng, f"{before} {text}", [picture(view) for view in views], right, others, recheck, captions)


TEMPLATES = (moving_direction, floor_direction, which_moved, moved_farthest, turned_which_way)
