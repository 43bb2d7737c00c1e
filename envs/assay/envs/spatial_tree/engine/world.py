"""PyBullet's world: one a process, guarded by a lock, and what is loaded into it at the moment.

Any number of environments share it, and none holds more than its scene's data.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from assay.envs.spatial_tree.engine.scene import Part, Scene, Thing
from assay.envs.spatial_tree.engine.solids import Solid, Triangles, solids
from assay.envs.spatial_tree.engine.textures import texture_file
from assay.envs.spatial_tree.engine.turning import quaternion, turned

LOCK = threading.RLock()
"""Held by whoever uses the simulator."""
MISSING = "scenes need PyBullet: pip install 'assay[spatial]'"


@dataclass(slots=True)
class World:
    """What is loaded: the parts of every thing in order, and the bodies and the pose of each."""

    parts: tuple[tuple[Part, ...], ...] = ()
    bodies: list[tuple[int, ...]] = field(default_factory=list)
    poses: list[tuple[Any, Any]] = field(default_factory=list)


_WORLD = World()


@contextmanager
def simulator() -> Iterator[tuple[Any, int]]:
    """PyBullet and an empty world of it, for one thread at a time.

    Raises:
        ImportError: one line, without PyBullet.
    """
    with LOCK:
        bullet, client = connection(os.getpid())
        _empty(bullet, client)
        yield bullet, client


@contextmanager
def stage(scene: Scene) -> Iterator[tuple[Any, int, World]]:
    """PyBullet with the scene in its world, as things that do not move, for one thread at a time.

    If the things of the last scene had the same parts they are only moved: building them costs more than a picture.
    The bodies have the same numbers either way, so that the picture does not depend on what was shown before.

    Raises:
        ImportError: one line, without PyBullet.
    """
    with LOCK:
        bullet, client = connection(os.getpid())
        parts = tuple(thing.parts for thing in scene.things)
        if parts != _WORLD.parts:
            _empty(bullet, client)
            files = _textures(bullet, client, scene)
            for thing in scene.things:
                bodies = [_build(bullet, client, solid, files) for solid in solids(thing.parts)]
                _WORLD.bodies.append(tuple(bodies))
            _WORLD.poses = [((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))] * len(parts)
            _WORLD.parts = parts
        for place, thing in enumerate(scene.things):
            if _WORLD.poses[place] != (thing.at, thing.turn):
                move(bullet, client, place, thing)
        yield bullet, client, _WORLD


def move(bullet: Any, client: int, place: int, thing: Thing) -> None:
    """Put the bodies of the thing at ``place`` where ``thing`` is."""
    turn = quaternion(turned(thing.turn))
    for body in _WORLD.bodies[place]:
        bullet.resetBasePositionAndOrientation(body, thing.at, turn, physicsClientId=client)
    _WORLD.poses[place] = (thing.at, thing.turn)


def _empty(bullet: Any, client: int) -> None:
    bullet.resetSimulation(physicsClientId=client)
    _WORLD.parts, _WORLD.bodies, _WORLD.poses = (), [], []


def _textures(bullet: Any, client: int, scene: Scene) -> dict[str, int]:
    names = dict.fromkeys(part.texture for thing in scene.things for part in thing.parts if part.texture)
    return {name: int(bullet.loadTexture(str(texture_file(name)), physicsClientId=client)) for name in names}


class _Rows:
    """Lists that are handed to PyBullet again and again.

    It never lets go of the lists that it was given, of their rows, nor of the numbers in a list of places: with fresh
    ones every scene would cost megabytes for good. Here only the outer lists are new, and they are emptied afterwards.
    """

    def __init__(self) -> None:
        self.points: list[list[float]] = []
        self.normals: list[list[float]] = []
        self.spots: list[list[float]] = []
        self.places: list[int] = []

    def take(self, surface: Triangles) -> dict[str, list[Any]]:
        """The surface in these lists, as arguments of createVisualShape."""
        count = len(surface.points)
        while len(self.points) < count:
            self.places.append(len(self.points))
            self.points.append([0.0, 0.0, 0.0])
            self.normals.append([0.0, 0.0, 0.0])
            self.spots.append([0.0, 0.0])
        for row, values in zip(self.points, surface.points.tolist(), strict=False):
            row[:] = values
        for row, values in zip(self.normals, surface.normals.tolist(), strict=False):
            row[:] = values
        spots = [_NOWHERE] * count
        if surface.spots.any():
            for row, values in zip(self.spots, surface.spots.tolist(), strict=False):
                row[:] = values
            spots = self.spots[:count]
        places = self.places
        return {
            "vertices": self.points[:count], "normals": self.normals[:count], "uvs": spots,
            "indices": [places[corner] for corner in surface.corners.ravel().tolist()],
        }  # fmt: skip


_NOWHERE = [0.0, 0.0]
_ROWS = _Rows()


def _build(bullet: Any, client: int, solid: Solid, files: dict[str, int]) -> int:
    lists = _ROWS.take(solid.surface)
    shape = bullet.createVisualShape(
        bullet.GEOM_MESH, **lists, rgbaColor=[*solid.colour, 1.0], specularColor=[0.1] * 3,
        physicsClientId=client,
    )  # fmt: skip
    for each in lists.values():
        each.clear()
    body = int(bullet.createMultiBody(0, -1, shape, physicsClientId=client))
    if solid.texture:
        texture = files[solid.texture]
        bullet.changeVisualShape(body, -1, textureUniqueId=texture, physicsClientId=client)
    return body


@cache
def connection(process: int) -> tuple[Any, int]:
    """PyBullet and the number of this process's world.

    Raises:
        ImportError: one line, without PyBullet.
    """
    try:
        with _quiet():
            import pybullet
    except ImportError as error:
        raise ImportError(MISSING) from error
    return pybullet, int(pybullet.connect(pybullet.DIRECT))


@contextmanager
def _quiet() -> Iterator[None]:
    """PyBullet greets from C on standard error, in the middle of whatever a program says there."""
    kept, void = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(void)


def size_of(scene: Scene) -> tuple[np.ndarray[Any, np.dtype[np.float64]], float]:
    """The middle of what casts shadows in a scene and the radius of a ball around it, metres."""
    corners = [thing.corners() for thing in scene.things if casts(thing)]
    if not corners:
        return np.zeros(3), 0.0
    every = np.concatenate(corners)
    middle = (every.min(axis=0) + every.max(axis=0)) / 2
    return middle, float(np.linalg.norm(every - middle, axis=1).max())


def casts(thing: Thing) -> bool:
    """Whether it casts a shadow: floors cannot, and walls would darken whole rooms."""
    return thing.kind not in ("floor", "wall") and thing.name not in ("floor", "ground")
