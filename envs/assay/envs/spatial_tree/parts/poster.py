"""A poster of random shapes, and its picture from aside."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from assay.envs.spatial_tree.parts.seen import PAINTS, Array

CELLS = 3
"""Patches of a poster along each side."""
SIDE = 480
"""Pixels of a poster along each side."""


def poster(rng: np.random.Generator, shapes: int, colours: int) -> Image.Image:
    """A square of ``shapes`` shapes a patch, in few colours at random; the fewer, the more alike its patches."""
    paints = [tuple(round(255 * part) for part in PAINTS[name]) for name in _colours(rng, colours + 1)]
    image = Image.new("RGB", (SIDE, SIDE), paints[0])
    pen = ImageDraw.Draw(image)
    cell = SIDE / CELLS
    # As many about every patch, so that none is told by being empty.
    for number in rng.permutation(CELLS * CELLS * shapes):
        middle = (np.array(divmod(int(number) % (CELLS * CELLS), CELLS)) + rng.uniform(0, 1, 2)) * cell
        paint = paints[1 + int(rng.integers(colours))]
        reach, angle = cell * rng.uniform(0.12, 0.3), rng.uniform(0, 2 * np.pi)
        corners = int(rng.integers(2, 6))
        if corners == 2:
            pen.ellipse((*(middle - reach), *(middle + reach)), fill=paint)
            continue
        turns = angle + np.sort(rng.uniform(0, 2 * np.pi, corners))
        points = middle + reach * 1.3 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        pen.polygon([(float(x), float(y)) for x, y in points], fill=paint)
    return image


def homography(source: Array, target: Array) -> Array:
    """The matrix ``[3, 3]`` that takes four points ``[4, 2]`` to four others (direct linear transformation)."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    found = np.linalg.solve(np.array(rows, dtype=float), target.reshape(-1))
    matrix: Array = np.append(found, 1.0).reshape(3, 3)
    return matrix


def mapped(matrix: Array, points: Array) -> Array:
    """Points ``[n, 2]`` through a homography."""
    found = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    pixels: Array = found[:, :2] / found[:, 2:]
    return pixels


def seen_from_aside(image: Image.Image, corners: Array, size: tuple[int, int]) -> tuple[Image.Image, Array]:
    """The poster where its corners (clockwise from its upper left) fall on ``corners``, and the homography to there."""
    square = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]], dtype=float)
    forth = homography(square, corners)
    zoom = 2
    # PIL asks where in the source a pixel comes from.
    back = np.linalg.inv(forth @ np.eye(3)) @ np.diag([1 / zoom, 1 / zoom, 1])
    back /= back[2, 2]
    large = image.transform(
        (size[0] * zoom, size[1] * zoom), Image.Transform.PERSPECTIVE, tuple(back.reshape(-1)[:8]),
        Image.Resampling.BICUBIC, fillcolor=(128, 128, 128),
    )  # fmt: skip
    return large.resize(size, Image.Resampling.BOX), forth


def patch(cell: int, inset: float = 0.0) -> Array:
    """Corners ``[4, 2]`` of a patch of the poster, clockwise from its upper left, pixels of the poster."""
    row, column = divmod(cell, CELLS)
    side = SIDE / CELLS
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=float)
    corners: Array = (np.array([column, row]) + inset + unit * (1 - 2 * inset)) * side
    return corners


def unwarped(image: Image.Image, corners: Array, side: int) -> Array:
    """What a quadrilateral of a picture shows, as a square: ``[side, side, 3]``."""
    # PIL's order: upper left, lower left, lower right, upper right.
    order = corners[[0, 3, 2, 1]].reshape(-1)
    return np.asarray(
        image.transform((side, side), Image.Transform.QUAD, tuple(order), Image.Resampling.BILINEAR), float
    )


def _colours(rng: np.random.Generator, count: int) -> list[str]:
    return [list(PAINTS)[int(place)] for place in rng.choice(len(PAINTS), count, replace=False)]
