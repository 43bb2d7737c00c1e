"""Polyominoes: grown, turned, and squares that lack one (Golomb, Polyominoes, 1965)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from PIL import ImageDraw

from assay.envs.spatial_tree.parts.drawing import INK, Ink
from assay.envs.spatial_tree.parts.mazes import STEPS, Cell, moved

Shape = frozenset[Cell]
"""Cells, moved so that the least column and row are 0."""

Mask = npt.NDArray[np.bool_]


def placed(cells: Iterable[Cell]) -> Shape:
    """The shape of cells anywhere."""
    found = list(cells)
    left, top = min(x for x, _ in found), min(y for _, y in found)
    return frozenset((x - left, y - top) for x, y in found)


def quarter(shape: Shape, turns: int = 1) -> Shape:
    """Turned clockwise by quarters."""
    for _ in range(turns % 4):
        shape = placed((-y, x) for x, y in shape)
    return shape


def flipped(shape: Shape) -> Shape:
    """Turned over."""
    return placed((-x, y) for x, y in shape)


def turns_of(shape: Shape) -> set[Shape]:
    """The shape in all four positions."""
    return {quarter(shape, k) for k in range(4)}


def extent(shape: Iterable[Cell]) -> tuple[int, int]:
    """Columns and rows that it spans."""
    found = placed(shape)
    return max(x for x, _ in found) + 1, max(y for _, y in found) + 1


def grown(rng: np.random.Generator, count: int, side: int) -> Shape:
    """A random connected shape of ``count`` cells of at most ``side`` columns and rows, ``count <= side``**2."""
    found: set[Cell] = {(0, 0)}
    while len(found) < count:
        rim = sorted({moved(cell, way) for cell in found for way in STEPS} - found)
        fit = [cell for cell in rim if max(extent(found | {cell})) <= side]
        found.add(fit[int(rng.integers(len(fit)))])
    return placed(found)


def changed(rng: np.random.Generator, shape: Shape, side: int) -> Shape:
    """One cell taken elsewhere; still connected, and at most ``side`` wide and high."""
    order = sorted(shape)
    for k in rng.permutation(len(order)):
        rest = shape - {order[k]}
        if not connected(rest):
            continue
        rim = sorted({moved(cell, way) for cell in rest for way in STEPS} - shape)
        fit = [cell for cell in rim if max(extent(rest | {cell})) <= side]
        if fit:
            return placed(rest | {fit[int(rng.integers(len(fit)))]})
    return shape


def connected(cells: Iterable[Cell]) -> bool:
    """Whether one can go from each cell to each other over edges."""
    left = set(cells)
    stack = [left.pop()]
    while stack:
        here = stack.pop()
        for way in STEPS:
            there = moved(here, way)
            if there in left:
                left.remove(there)
                stack.append(there)
    return not left


def four_pieces(rng: np.random.Generator, shape: Shape, side: int, turning: bool, close: bool) -> list[Shape] | None:
    """The shape and three others of as many cells, none of which fits into its place.

    Args:
        rng: draws.
        shape: the right one.
        side: greatest extent.
        turning: pieces may be turned, so that no two may be equal in any position; else no two as they lie.
        close: the mirror image (where it differs) and shapes with one cell elsewhere, rather than any.
    """
    known = turns_of(shape) if turning else {shape}
    found = [shape]
    tries = [flipped(shape)] if close else []
    for _ in range(60):
        tries.append(changed(rng, shape, side) if close else grown(rng, len(shape), side))
        for other in tries:
            if len(found) < 4 and other not in known:
                found.append(other)
                known |= turns_of(other) if turning else {other}
        tries = []
        if len(found) == 4:
            return found
    return None


def grid(pen: ImageDraw.ImageDraw, at: tuple[int, int], pitch: int, cells: Iterable[Cell], ink: Ink) -> None:
    """Draw cells with a thin dark edge each; cell (0, 0) has its corner at ``at``."""
    for x, y in cells:
        box = (at[0] + x * pitch, at[1] + y * pitch, at[0] + (x + 1) * pitch - 1, at[1] + (y + 1) * pitch - 1)
        pen.rectangle(box, fill=ink, outline=INK, width=max(1, pitch // 24))


def sampled(painted: Mask, high: int, wide: int) -> Mask:
    """Which of ``high`` x ``wide`` equal cells have paint in their middle."""
    ys = ((np.arange(high) + 0.5) * painted.shape[0] / high).astype(int)
    xs = ((np.arange(wide) + 0.5) * painted.shape[1] / wide).astype(int)
    found: Mask = painted[np.ix_(ys, xs)]
    return found


def cells_in(painted: Mask, pitch: int) -> Mask:
    """The cells of the only shape among painted pixels, ``[rows, columns]``, without empty rows around."""
    rows, columns = np.nonzero(painted)
    crop = painted[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return sampled(crop, *(max(1, round(length / pitch)) for length in crop.shape))


def covers(gap: Mask, piece: Mask) -> bool:
    """Whether the piece, moved but not turned, is the gap; ``gap`` has a rim as wide as the piece at least."""
    high, wide = piece.shape
    for y in range(gap.shape[0] - high + 1):
        for x in range(gap.shape[1] - wide + 1):
            if (gap[y : y + high, x : x + wide] & piece).sum() == piece.sum() == gap.sum():
                return True
    return False
