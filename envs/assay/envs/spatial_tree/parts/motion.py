"""How a camera moves in its own frame, what then moves in its pictures, and how well two depths fit a movement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Scene, View
from assay.envs.spatial_tree.engine.kinds import COLOURS, KINDS, thing
from assay.envs.spatial_tree.engine.rooms import place, room
from assay.envs.spatial_tree.parts.seen import Array, pick


@dataclass(frozen=True, slots=True)
class Move:
    """A movement along or about one axis of the camera (x right, y down, z forward).

    Attributes:
        shift: the way that the camera goes, along its own axes.
        turn: the axis that it turns about, right-handed.
        little, much: least and greatest amount in a question: metres of a shift, degrees of a turn.
    """

    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    little: float = 0.4
    much: float = 0.8


MOVES: Mapping[str, Move] = {
    "turned left": Move(turn=(0, -1, 0), little=12, much=20),
    "turned right": Move(turn=(0, 1, 0), little=12, much=20),
    "moved forwards": Move((0, 0, 1), little=0.6, much=1.0),
    "moved backwards": Move((0, 0, -1), little=0.6, much=1.0),
    "moved upwards": Move((0, -1, 0), little=0.35, much=0.55),
    "moved downwards": Move((0, 1, 0), little=0.35, much=0.55),
    "moved to its left": Move((-1, 0, 0), little=0.4, much=0.7),
    "moved to its right": Move((1, 0, 0), little=0.4, much=0.7),
    "tilted upwards": Move(turn=(1, 0, 0), little=9, much=14),
    "tilted downwards": Move(turn=(-1, 0, 0), little=9, much=14),
}
"""What a camera did; shifts in metres, turns in degrees, both by the amount times the vector."""
OFFERED: Mapping[int, tuple[str, ...]] = {
    1: tuple(MOVES)[:4],
    2: tuple(MOVES)[:6],
    3: tuple(MOVES)[2:8],
    4: (*tuple(MOVES)[:2], *tuple(MOVES)[4:]),
    5: tuple(MOVES),
}
"""What is offered at each difficulty: turns beside shifts, which only parallax tells apart, from 4 on."""


def turning(vector: Array) -> Array:
    """The rotation matrix ``[3, 3]`` about a vector by its length in radians (Rodrigues' formula)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    found: Array = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return found


def gone(camera: Camera, name: str, amount: float) -> Camera:
    """The camera after a movement of :data:`MOVES` by metres or degrees."""
    move = MOVES[name]
    eye = np.array(camera.eye) + amount * np.array(move.shift) @ camera.rotation
    axes = turning(np.radians(amount) * np.array(move.turn)).T @ camera.rotation
    more = {"vfov": camera.vfov, "width": camera.width, "height": camera.height}
    return Camera.posed(eye.tolist(), axes, **more, near=camera.near, far=camera.far)


def misfit(camera: Camera, before: View, after: View, name: str, amount: float) -> float:
    """How far two depth pictures are from each other if the camera moved so between them.

    Every fourth pixel of the first is put into space in the first camera's own frame, moved, and compared with the
    depth of the pixel of the second that it falls on. Knows neither pose.

    Returns:
        The mean difference of inverse depth (1 / metres), each at most 0.3; 0.3 where less than a third falls inside.
    """
    rows, columns = np.mgrid[2 : camera.height : 4, 2 : camera.width : 4]
    depth = before.depth[rows, columns]
    known = np.isfinite(depth)
    rows, columns, depth = rows[known] + 0.5, columns[known] + 0.5, depth[known]
    middle = np.array([camera.width / 2, camera.height / 2])
    rays = np.stack(
        [(columns - middle[0]) / camera.focal, (rows - middle[1]) / camera.focal, np.ones_like(depth)], axis=1
    )
    move = MOVES[name]
    # A point that stands still moves against the camera.
    points = (rays * depth[:, None] - amount * np.array(move.shift)) @ turning(np.radians(amount) * np.array(move.turn))
    ahead = points[:, 2] > camera.near
    pixels = np.floor(points[ahead, :2] / points[ahead, 2:] * camera.focal + middle).astype(int)
    inside = ((pixels >= 0) & (pixels < (camera.width, camera.height))).all(axis=1)
    if inside.sum() < len(depth) / 3:
        return 0.3
    found = after.depth[pixels[inside, 1], pixels[inside, 0]]
    return float(np.minimum(np.abs(1 / found - 1 / points[ahead][inside, 2]), 0.3).mean())


def amounts(name: str, count: int = 9) -> Array:
    """Amounts from half the least to one and a half times the greatest, metres or degrees."""
    move = MOVES[name]
    return np.linspace(move.little * 0.5, move.much * 1.5, count)


def furnished(rng: np.random.Generator, count: int, size: int) -> tuple[Scene, Camera] | None:
    """A room with ``count`` things and a camera in it that looks at them from its western end; None if it is full."""
    kinds = pick(rng, [name for name, kind in KINDS.items() if kind.family != "outdoors"], count)
    things = [thing(kind, pick(rng, COLOURS, 1)[0], fit=float(rng.uniform(0.6, 1.1))) for kind in kinds]
    scene = place(rng, room(rng, 6.4, 5.0), things, within=(-1.2, -2.2, 2.8, 2.2))
    if scene is None:
        return None
    eye = (-2.1, float(rng.uniform(-0.5, 0.5)), float(rng.uniform(1.2, 1.5)))
    target = (1.0, float(rng.uniform(-0.4, 0.4)), float(rng.uniform(0.4, 0.7)))
    return scene, Camera.looking(eye, target, vfov=58.0, width=size, height=size * 3 // 4)
