"""Allo: how things move before a camera that stands still."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing, View, render
from assay.envs.spatial_tree.parts_seen import (
    GREYS,
    PAINTS,
    Array,
    ball,
    pick,
    picture,
    seen_middle,
    spread,
    told,
    whole,
)
from assay.envs.spatial_tree.question import Question, mcq

WAYS = {
    "left": 180.0, "right": 0.0, "up": 90.0, "down": 270.0, "up and to the left": 135.0, "up and to the right": 45.0,
    "down and to the left": 225.0, "down and to the right": 315.0,
}  # fmt: skip
"""Directions in a picture: degrees counter-clockwise from its right."""
LOOSE = {2: 0.0, 4: 25.0, 8: 11.0}
"""Degrees that a movement may differ from the direction named, by how many are offered: half a sector is 45 or 22.5."""
FLOOR_WAYS = ("to the right", "away from the camera", "to the left", "towards the camera")
FRONTAL = Light((-1.0, -3.0, 2.0), ambient=0.6, diffuse=0.45, shadow=False)
STEADY = 0.85
"""Of the things that stand still: the share unhidden in every picture, so that none seems to move."""
FARTHER = 1.5
"""How many times as far the answer has moved as any other thing."""
TURNS = {"it turns left": 1.0, "it turns right": -1.0, "it goes straight on": 0.0}
LEAST_TURN = 40.0
"""Degrees that a thing which turns has turned at least."""


def moving_direction(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """In which direction of the picture a ball in the air moves; at difficulty 5 the other balls move too."""
    names = list(WAYS)[: (2, 4, 4, 8, 8)[difficulty - 1]]
    paints = ["red"] if difficulty == 1 else pick(rng, PAINTS, max(1, difficulty - 1))
    across = (0.6, 0.5, 0.4, 0.32, 0.28)[difficulty - 1]
    step = (0.8, 0.6, 0.55, 0.5, 0.4)[difficulty - 1]
    frames = 2 if difficulty < 3 else 3
    right = names[int(rng.integers(len(names)))]
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
        return min(names, key=lambda name: abs((WAYS[name] - seen + 180) % 360 - 180)) == right

    return _asked(rng, f"In which direction does the {paints[0]} ball move?", views, right, names, recheck)


def _track(rng: np.random.Generator, angle: float, step: float, frames: int) -> Array:
    """Places ``[frames, 2]`` to the right and up, metres, on a straight way inside the picture; with two, from about
    its middle."""
    move = step * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    room = np.array([1.2, 0.8])
    start = rng.uniform(-room - np.minimum(move, 0), room - np.maximum(move, 0))
    if frames == 2:
        start = rng.uniform(-0.1, 0.1, 2)
    track: Array = start + np.linspace(0, 1, frames)[:, None] * move
    return track


def _asked(
    rng: np.random.Generator, text: str, views: Sequence[View], right: str, names: Sequence[str], recheck: object
) -> Question:
    captions = [f"Picture {number}:" for number in range(1, len(views) + 1)]
    images = [picture(view) for view in views]
    others = [name for name in names if name != right]
    told_first = "The pictures show one place, one moment after the other; the camera stands still."
    return mcq(rng, f"{told_first} {text}", images, right, others, recheck, captions)  # type: ignore[arg-type]


TEMPLATES = (moving_direction,)
