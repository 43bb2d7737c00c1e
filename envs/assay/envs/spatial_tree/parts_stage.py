"""Stages: a floor with things of the catalogue at spots, and a camera that looks down on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing
from assay.envs.spatial_tree.engine.kinds import COLOURS, KINDS, thing
from assay.envs.spatial_tree.parts_seen import GREYS, Array, floor, pick

PLAIN = tuple(
    name for name, kind in KINDS.items() if max(kind.size) < 4 * min(kind.size) and kind.family not in ("outdoors",)
)
"""Kinds that are neither very flat nor very long, so that they show from every side."""
FRONTED = tuple(name for name, kind in KINDS.items() if kind.fronted and name in PLAIN)


def props(rng: np.random.Generator, spots: Array, across: float = 0.8, kinds: Sequence[str] = PLAIN) -> list[Thing]:
    """Things at ``spots`` ``[n, 2]``, all of another kind and colour, turned at random, ``across`` metres in extent."""
    chosen, paints = pick(rng, kinds, len(spots)), pick(rng, COLOURS, len(spots))
    return [
        thing(kind, paint, (float(x), float(y), 0.0), float(rng.uniform(0, 360)), fit=across)
        for kind, paint, (x, y) in zip(chosen, paints, spots, strict=True)
    ]


def moved(what: Thing, spot: Sequence[float], yaw: float | None = None) -> Thing:
    """The thing at another spot of the floor, turned to ``yaw`` degrees if that is given."""
    turn = what.turn if yaw is None else (0.0, 0.0, yaw)
    return replace(what, at=(float(spot[0]), float(spot[1]), what.at[2]), turn=turn)


def stage(rng: np.random.Generator, things: Sequence[Thing]) -> Scene:
    """A floor, the first thing of the scene, and ``things`` in their order behind it."""
    return Scene((floor(GREYS[int(rng.integers(len(GREYS)))]), *things), Light((-2.0, 1.0, 4.0), shadow=False))


def onlooker(rng: np.random.Generator, size: int, away: float = 4.0, height: float = 2.5) -> Camera:
    """A camera that looks along about +x down on the origin, from ``away`` metres before it and ``height`` above."""
    eye = (-away, float(rng.uniform(-0.4, 0.4)), height * float(rng.uniform(0.85, 1.15)))
    target = (0.0, float(rng.uniform(-0.1, 0.1)), 0.1)
    return Camera.looking(eye, target, vfov=50.0, width=size, height=size * 3 // 4)


def overhead(size: int, half: float) -> Camera:
    """A camera straight above the origin that sees ``half`` metres up and down; up in the picture is world +y."""
    away = half / np.tan(np.radians(20.0))
    axes = ((1, 0, 0), (0, -1, 0), (0, 0, -1))
    return Camera.posed((0, 0, away), axes, vfov=40.0, width=size, height=size * 3 // 4)


def bearing(camera: Camera, move: Array) -> float:
    """Degrees of a horizontal ``move`` from the camera's right, counter-clockwise from above: 90 is away from it."""
    right = camera.rotation[0]
    ahead = np.cross((0.0, 0.0, 1.0), right)
    return float(np.degrees(np.arctan2(move @ ahead, move @ right)))


def sector(names: Sequence[str], degrees: float) -> str:
    """Which of ``names``, evenly round the circle from 0 degrees counter-clockwise, is nearest to an angle."""
    return names[round(degrees / (360 / len(names))) % len(names)]


def arrow_on_floor(
    at: Sequence[float], yaw: float, length: float = 0.8, colour: tuple[float, float, float] = (1.0, 0.9, 0.0)
) -> Thing:
    """A flat arrow that starts at ``at`` and points along ``yaw`` degrees."""
    wing = length * 0.42
    return Thing("arrow", (
        Part("box", (length * 0.85, 0.08, 0.02), (length * 0.45, 0, 0.012), colour=colour),
        *(Part("box", (wing, 0.08, 0.02), (length - 0.35 * wing, side * 0.31 * wing, 0.012), (0, 0, -side * 40.0), colour)
          for side in (-1, 1)),
    ), (float(at[0]), float(at[1]), 0.0), (0.0, 0.0, yaw))  # fmt: skip
