"""What a body cannot go through: upright boxes, and whether a ball fits between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.engine import Thing
from assay.envs.spatial_tree.engine.turning import turned

Array = npt.NDArray[np.float64]
Box = list[float]
"""Middle x, y, z and half extents along its own axes, metres; turn about the vertical, degrees."""


def box_of(thing: Thing) -> Box:
    """The box around an upright thing."""
    low, high = thing.bounds()
    middle = turned(thing.turn) @ ((low + high) / 2) + np.array(thing.at)
    return [round(float(value), 4) for value in (*middle, *((high - low) / 2), thing.turn[2])]


def part_boxes(thing: Thing) -> list[Box]:
    """A box for each part of a thing whose parts are upright, such as a wall with a door in it."""
    found = []
    for part in thing.parts:
        middle = turned(thing.turn) @ np.array(part.at) + np.array(thing.at)
        half = np.array(part.size) / 2
        found.append([round(float(v), 4) for v in (*middle, *half, thing.turn[2] + part.turn[2])])
    return found


class Solids:
    """Boxes that can be asked about many points at once."""

    def __init__(self, boxes: Iterable[Sequence[float]]) -> None:
        table = np.array(list(boxes), dtype=float).reshape(-1, 7)
        self._middle, self._half = table[:, :3], table[:, 3:6]
        angle = np.radians(table[:, 6])
        self._cos, self._sin = np.cos(angle), np.sin(angle)

    def gap(self, points: Array) -> Array:
        """Distance of points ``[n, 3]`` to the nearest box, metres ``[n]``; 0 inside, infinite without boxes."""
        if not len(self._middle):
            return np.full(len(points), np.inf)
        found: Array = np.linalg.norm(np.maximum(self._local(points), 0.0), axis=-1).min(axis=1)
        return found

    def clear(self, start: Array, end: Array, radius: float) -> bool:
        """Whether a ball of ``radius`` metres can go straight from ``start`` to ``end``, both ``[3]``."""
        count = 1 + int(np.ceil(float(np.linalg.norm(end - start)) / (radius / 2)))
        share = np.linspace(0.0, 1.0, count + 1)[1:, None]
        return bool((self.gap(start + share * (end - start)) >= radius).all())

    def hit(self, points: Array, margin: float) -> bool:
        """Whether any of the points ``[n, 3]`` is more than ``margin`` metres inside a box."""
        if not len(self._middle):
            return False
        return bool((self._local(points) < -margin).all(axis=-1).any())

    def _local(self, points: Array) -> Array:
        """How far points are beyond the faces of each box along its axes, metres ``[n, boxes, 3]``; inside below 0."""
        away = points[:, None, :] - self._middle
        x = self._cos * away[..., 0] + self._sin * away[..., 1]
        y = self._cos * away[..., 1] - self._sin * away[..., 0]
        found: Array = np.abs(np.stack([x, y, away[..., 2]], axis=-1)) - self._half
        return found
