"""Shapes that PyBullet has no primitive for, as triangles, and the boxes of the mesh files that we use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from assay.envs.spatial_tree.engine.scene import Vector

BOXES: Mapping[str, tuple[Vector, Vector]] = MappingProxyType({})
"""Least and greatest x, y, z of the vertices of each file below pybullet_data that a part may name."""
_SIDES = 24


class Triangles(NamedTuple):
    """Every three rows of ``points`` and of ``normals`` are a triangle, counter-clockwise seen from outside."""

    points: list[Vector]
    normals: list[Vector]


@cache
def cone() -> Triangles:
    """A cone of diameter 1 and height 1 about the origin, its tip on +z."""
    points: list[Vector] = []
    normals: list[Vector] = []
    slope = math.sqrt(0.8)
    for side in range(_SIDES):
        one, two = (2 * math.pi * (side + step) / _SIDES for step in (0, 1))
        a: Vector = (math.cos(one) / 2, math.sin(one) / 2, -0.5)
        b: Vector = (math.cos(two) / 2, math.sin(two) / 2, -0.5)
        points += [a, b, (0.0, 0.0, 0.5), b, a, (0.0, 0.0, -0.5)]
        for angle in (one, two, (one + two) / 2):
            normals.append((math.cos(angle) * slope, math.sin(angle) * slope, slope / 2))
        normals += [(0.0, 0.0, -1.0)] * 3
    return Triangles(points, normals)


@cache
def wedge() -> Triangles:
    """A prism within the unit cube about the origin, its ridge along x on top."""
    h = 0.5
    a, b, c, d = (-h, -h, -h), (h, -h, -h), (h, h, -h), (-h, h, -h)
    e, f = (-h, 0.0, h), (h, 0.0, h)
    faces = [(a, b, f), (a, f, e), (c, d, e), (c, e, f), (b, c, f), (d, a, e), (a, d, c), (a, c, b)]
    points = [point for face in faces for point in face]
    normals: list[Vector] = []
    for one, two, three in faces:
        normal = np.cross(np.subtract(two, one), np.subtract(three, one))
        x, y, z = (normal / np.linalg.norm(normal)).tolist()
        normals += [(x, y, z)] * 3
    return Triangles(points, normals)
