"""An open yard paved with squares of one metre, and plain solids of known measures to stand on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing
from assay.envs.spatial_tree.engine.kinds import COLOURS
from assay.envs.spatial_tree.engine.scene import Colour

PAVINGS: tuple[tuple[Colour, Colour], ...] = (
    ((0.66, 0.66, 0.62), (0.54, 0.54, 0.5)), ((0.6, 0.57, 0.5), (0.49, 0.46, 0.4)),
    ((0.56, 0.6, 0.62), (0.45, 0.49, 0.52)), ((0.6, 0.64, 0.55), (0.49, 0.53, 0.44)),
)  # fmt: skip
"""Pairs of colours of the squares, darker than the sky and duller than the things."""
PAINTS: Mapping[str, Colour] = {name: colour for name, colour in COLOURS.items() if name not in ("white", "pink")}
FAR = 900.0
GROUND = 0
"""The place of the ground in the things of a yard; the darker squares come second."""
PAVING = 2
"""How many things are ground."""


def yard(
    rng: np.random.Generator, things: Sequence[Thing], towards: tuple[float, float, float] = (-2.0, 1.5, 4.0),
    shadow: bool = False, rows: tuple[int, int] = (-1, 11), columns: int = 6,
) -> Scene:  # fmt: skip
    """A level ground to the horizon with squares of 1 m, and ``things`` from place :data:`PAVING` on.

    Args:
        rng: draws the colours.
        things: what stands on it.
        towards: where the light comes from.
        shadow: whether things cast shadows.
        rows: where the squares begin and end along x, metres.
        columns: half their extent along y, metres.
    """
    light, dark = PAVINGS[int(rng.integers(len(PAVINGS)))]
    base = Part("box", (2 * FAR, 2 * FAR, 0.2), (0, 0, -0.1), colour=light)
    squares = tuple(
        Part("box", (1.0, 1.0, 0.01), (x + 0.5, y + 0.5, -0.004), colour=dark)
        for x in range(*rows)
        for y in range(-columns, columns)
        if (x + y) % 2
    )
    ground = (Thing("ground", (base,)), Thing("squares", squares))
    return Scene((*ground, *things), Light(towards, shadow=shadow))


def solid(kind: str, paint: str, across: float, height: float, at: tuple[float, float], yaw: float = 0.0) -> Thing:
    """A cube, box, pillar or ball of given measures on the ground; each is alike from opposite sides.

    Args:
        kind: ``"box"``, ``"pillar"`` (upright cylinder) or ``"ball"``.
        paint: of :data:`PAINTS`.
        across: metres, along its x and y.
        height: metres; ``across`` of a ball.
        at: the middle of its base on the ground, metres.
        yaw: degrees.
    """
    shape = {"box": "box", "pillar": "cylinder", "ball": "sphere"}[kind]
    part = Part(shape, (across, across, height), (0, 0, height / 2), colour=PAINTS[paint])  # type: ignore[arg-type]
    return Thing(f"{paint} {kind}", (part,), (at[0], at[1], 0.0), (0.0, 0.0, yaw), kind, paint)


def standing(size: int, height: float = 1.6, pitch: float = 0.0, roll: float = 0.0, vfov: float = 60.0,
             yaw: float = 0.0) -> Camera:  # fmt: skip
    """A camera above the origin of a yard that looks along +x; angles in degrees as :meth:`Camera.heading`."""
    return Camera.heading((0.0, 0.0, height), yaw, pitch, roll, vfov=vfov, width=size, height=size * 3 // 4, far=FAR)


def closely(camera: Camera, width: int = 640) -> Camera:
    """The same camera with smaller pixels, for measurements."""
    return replace(camera, width=width, height=width * 3 // 4)
