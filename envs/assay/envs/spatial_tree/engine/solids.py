"""Shapes of parts as triangles, at which the renderer is quicker and smoother than at its own round primitives."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.engine.scene import Colour, Part
from assay.envs.spatial_tree.engine.turning import turned

Array = npt.NDArray[np.float64]
_SIDES = {True: 24, False: 12}  # of a round part that makes up much of its thing, and of a small one
_RINGS = {True: 6, False: 3}  # of half a ball
_LARGE = 0.25  # of the greatest extent of the thing


class Triangles(NamedTuple):
    """A surface.

    Attributes:
        points: ``[n, 3]``, metres.
        normals: outwards, of length 1, ``[n, 3]``.
        spots: texture coordinates, one a metre, ``[n, 2]``.
        corners: places of each triangle's points, counter-clockwise seen from outside, ``[m, 3]``.
    """

    points: Array
    normals: Array
    spots: Array
    corners: npt.NDArray[np.int64]


class Solid(NamedTuple):
    """All parts of one colour and texture of a thing."""

    colour: Colour
    texture: str
    surface: Triangles


@lru_cache(maxsize=256)
def solids(parts: tuple[Part, ...]) -> tuple[Solid, ...]:
    """The parts of a thing in its frame, those of one colour and texture in one piece."""
    whole = max(max(part.size) for part in parts)
    groups: dict[tuple[Colour, str], list[Triangles]] = {}
    for part in parts:
        surface = placed(part, part.size[0] >= _LARGE * whole)
        groups.setdefault((part.colour, part.texture), []).append(surface)
    found = []
    for (colour, texture), pieces in groups.items():
        starts = np.cumsum([0, *(len(piece.points) for piece in pieces)])
        corners = np.concatenate([piece.corners + start for piece, start in zip(pieces, starts, strict=False)])
        points, normals, spots = (np.concatenate([piece[k] for piece in pieces]) for k in range(3))
        found.append(Solid(colour, texture, Triangles(points, normals, spots, corners)))
    return tuple(found)


def placed(part: Part, fine: bool = True) -> Triangles:
    """The surface of a part in the frame of its thing; ``fine`` with more triangles where it is round."""
    surface = _SHAPES[part.shape](*part.size, fine)
    frame = turned(part.turn)
    points = surface.points @ frame.T + np.array(part.at)
    return surface._replace(points=points, normals=surface.normals @ frame.T)


def _box(x: float, y: float, z: float, _: bool) -> Triangles:
    half = np.array([x, y, z]) / 2
    points, normals, spots = [], [], []
    for axis in range(3):
        # Texture runs upright on walls: its second coordinate is height wherever the face has one.
        u, v = ((1, 2), (0, 2), (0, 1))[axis]
        for side in (-1.0, 1.0):
            for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                point = np.zeros(3)
                point[axis], point[u], point[v] = side, a, b
                points.append(point * half)
                normals.append(np.eye(3)[axis] * side)
                spots.append((half[u] * (a + 1), half[v] * (b + 1)))
    corners = [[4 * face, 4 * face + one, 4 * face + two] for face in range(6) for one, two in ((1, 2), (2, 3))]
    return _outward(Triangles(np.array(points), np.array(normals), np.array(spots), np.array(corners)))


def _wedge(x: float, y: float, z: float, _: bool) -> Triangles:
    h = np.array([x, y, z]) / 2
    a, b, c, d, e, f = np.array([(-1, -1, -1), (1, -1, -1), (1, 1, -1), (-1, 1, -1), (-1, 0, 1), (1, 0, 1)]) * h
    faces = [(a, b, f), (a, f, e), (c, d, e), (c, e, f), (b, c, f), (d, a, e), (a, d, c), (a, c, b)]
    points = np.array(faces).reshape(-1, 3)
    flat = np.array([np.cross(two - one, three - one) for one, two, three in faces])
    normals = np.repeat(flat / np.linalg.norm(flat, axis=1, keepdims=True), 3, axis=0)
    corners = np.arange(len(points)).reshape(-1, 3)
    return _outward(Triangles(points, normals, np.zeros((len(points), 2)), corners))


def _cone(base: float, top: float, high: float, fine: bool) -> Triangles:
    sides = _SIDES[fine]
    angles = 2 * np.pi * np.arange(sides) / sides
    ring = np.stack([np.cos(angles), np.sin(angles), np.zeros(sides)], axis=1)
    low, up = np.array([0, 0, -high / 2]), np.array([0, 0, high / 2])
    # The side leans by half the difference of the widths over the height.
    lean = np.array([0, 0, (base - top) / 2])
    slant = ring * high + lean
    slant /= np.linalg.norm(slant, axis=1, keepdims=True)
    points = [ring * base / 2 + low, ring * top / 2 + up]
    normals = [slant, slant]
    nxt = np.roll(np.arange(sides), -1)
    here = np.arange(sides)
    corners = [np.stack([here, nxt, nxt + sides], axis=1), np.stack([here, nxt + sides, here + sides], axis=1)]
    for width, at, way in ((base, low, -1.0), (top, up, 1.0)):
        if width > 0:
            start = sum(len(each) for each in points)
            points.append(np.vstack([ring * width / 2 + at, at]))
            normals.append(np.tile([0.0, 0.0, way], (sides + 1, 1)))
            corners.append(np.stack([start + here, start + nxt, np.full(sides, start + sides)], axis=1))
    every = np.concatenate(points)
    return _outward(Triangles(every, np.concatenate(normals), np.zeros((len(every), 2)), np.concatenate(corners)))


def _capsule(width: float, long: float, fine: bool) -> Triangles:
    sides, half = _SIDES[fine], _RINGS[fine]
    heights = np.linspace(-np.pi / 2, np.pi / 2, 2 * half + 1)
    rings = [*heights[: half + 1], *heights[half if long > 0 else half + 1 :]]
    shifts = [-long / 2] * (half + 1) + [long / 2] * (len(rings) - half - 1)
    angles = 2 * np.pi * np.arange(sides) / sides
    points, normals = [], []
    for height, shift in zip(rings, shifts, strict=True):
        normal = np.stack([np.cos(angles) * np.cos(height), np.sin(angles) * np.cos(height),
                           np.full(sides, np.sin(height))], axis=1)  # fmt: skip
        normals.append(normal)
        points.append(normal * width / 2 + np.array([0, 0, shift]))
    here, nxt = np.arange(sides), np.roll(np.arange(sides), -1)
    corners = []
    for ring in range(len(rings) - 1):
        low, up = ring * sides, (ring + 1) * sides
        corners.append(np.stack([low + here, low + nxt, up + nxt], axis=1))
        corners.append(np.stack([low + here, up + nxt, up + here], axis=1))
    every = np.concatenate(points)
    return _outward(Triangles(every, np.concatenate(normals), np.zeros((len(every), 2)), np.concatenate(corners)))


def _outward(surface: Triangles) -> Triangles:
    """Triangles without area dropped, the others turned so that they are seen from outside."""
    a, b, c = (surface.points[surface.corners[:, k]] for k in range(3))
    faces = np.cross(b - a, c - a)
    outward = surface.normals[surface.corners].sum(axis=1)
    flip = (faces * outward).sum(axis=1) < 0
    corners = np.where(flip[:, None], surface.corners[:, ::-1], surface.corners)
    return surface._replace(corners=corners[np.linalg.norm(faces, axis=1) > 1e-14])


_SHAPES: dict[str, Callable[[float, float, float, bool], Triangles]] = {
    "box": _box,
    "wedge": _wedge,
    "cone": _cone,
    "cylinder": lambda x, y, z, fine: _cone(x, x, z, fine),
    "capsule": lambda x, y, z, fine: _capsule(x, z, fine),
    "sphere": lambda x, y, z, fine: _capsule(x, 0.0, fine),
}
