"""Boxes in space: round a thing, drawn on a picture, told in numbers, and tested against the depth of a render."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from assay.envs.spatial_tree.engine import Camera, Thing
from assay.envs.spatial_tree.engine.turning import turned
from assay.envs.spatial_tree.parts.seen import Array

EDGES = tuple((a, a | 1 << axis) for a in range(8) for axis in range(3) if not a >> axis & 1)
"""The twelve edges of a box by its corners: corner ``k`` is at the upper end of axis ``a`` where bit ``a`` is set."""


@dataclass(frozen=True, slots=True)
class Box:
    """An upright box.

    Attributes:
        middle: of the box in the world, metres.
        size: along its own x, y, z, metres.
        yaw: degrees counter-clockwise from above.
    """

    middle: tuple[float, float, float]
    size: tuple[float, float, float]
    yaw: float = 0.0

    @classmethod
    def round(cls, thing: Thing) -> Box:
        """The box of an upright thing."""
        low, high = thing.bounds()
        x, y, z = thing.middle().tolist()
        a, b, c = (high - low).tolist()
        return cls((x, y, z), (a, b, c), thing.turn[2])

    def corners(self) -> Array:
        """In the world ``[8, 3]``, metres, in the order of :data:`EDGES`."""
        signs = np.array([[(k >> axis & 1) - 0.5 for axis in range(3)] for k in range(8)])
        found: Array = (signs * self.size) @ turned((0, 0, self.yaw)).T + np.array(self.middle)
        return found

    def within(self, points: Array) -> Array:
        """World points ``[n, 3]`` in the box's own axes, in half sizes: inside is from -1 to 1."""
        local = (points - np.array(self.middle)) @ turned((0, 0, self.yaw))
        found: Array = local / (np.array(self.size) / 2)
        return found

    def fits(self, points: Array, slack: float = 0.03) -> float:
        """How well points ``[n, 3]`` fill the box: the share inside, times the share of its extents that they span.

        Args:
            points: of a surface, in the world, metres.
            slack: metres that a point may be outside.
        """
        local = self.within(points)
        inside = (np.abs(local) <= 1 + slack / (np.array(self.size) / 2)).all(axis=1)
        if not inside.any():
            return 0.0
        spans = (local[inside].max(axis=0) - local[inside].min(axis=0)) / 2
        return float(inside.mean() * np.minimum(spans, 1).mean())


def outlined(image: Image.Image, camera: Camera, box: Box, colour: tuple[int, int, int] = (255, 235, 0)) -> Image.Image:
    """The picture with the edges of a box drawn over it; the edges of its base are thicker."""
    drawn = image.copy()
    pen = ImageDraw.Draw(drawn)
    ends = camera.project(box.corners())[:, :2]
    thin = max(1, round(camera.width / 160))
    # A dark seam first, so that the lines show on any ground.
    for paint, more in (((0, 0, 0), 2 if camera.width >= 160 else 0), (colour, 0)):
        for a, b in EDGES:
            base = not (a & 4 or b & 4)
            pen.line([tuple(ends[a]), tuple(ends[b])], fill=paint, width=thin * (2 if base else 1) + more)
    return drawn


def silhouette(camera: Camera, box: Box) -> Array:
    """Where the box would show, as 0 or 1 ``[height, width]``."""
    mask = Image.new("L", (camera.width, camera.height), 0)
    points = camera.project(box.corners())[:, :2]
    ImageDraw.Draw(mask).polygon([tuple(point) for point in _hull(points)], fill=1)
    return np.asarray(mask, dtype=float)


def overlap(one: Array, two: Array) -> float:
    """Intersection over union of two masks."""
    union = np.maximum(one, two).sum()
    return float(np.minimum(one, two).sum() / union) if union else 0.0


def _hull(points: Array) -> list[tuple[float, float]]:
    """The corners of the convex hull of points ``[n, 2]`` in turn (Andrew's monotone chain)."""
    ordered = sorted((float(x), float(y)) for x, y in points)
    ends: list[tuple[float, float]] = []
    for run in (ordered, ordered[::-1]):
        chain: list[tuple[float, float]] = []
        for point in run:
            while len(chain) > 1 and _left(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        ends += chain[:-1]
    return ends


def _left(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
