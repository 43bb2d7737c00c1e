"""Finding signs in a picture by what they look like: no times, places or answers go in.

The white border of a plate is found with sums over boxes, at every place and both sizes; then colour and shape are read
from what lies inside.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assay.envs.video_keyframes.events.plan import FULL
from assay.envs.video_keyframes.events.signs import COLOURS, SHAPES, Pixels, Sign, border_of, mask_of

SMALL, LARGE = 0.34, 0.8
"""Sides of a plate laid over the picture, and of one that takes it all, as shares of its shorter side."""
MARGIN = 0.06
"""Between a plate and the edges of the picture, as a share of its shorter side."""
_WHITE, _DARK = 185, 70
_RING, _INSIDE, _ALIKE = 0.8, 0.35, 0.8


class Seen(NamedTuple):
    """A sign on a picture, and in which corner, or full."""

    sign: Sign
    place: str


def sides_of(width: int, height: int) -> tuple[int, int]:
    """Sides of the two plates on a picture of that size, pixels."""
    short = min(width, height)
    return round(SMALL * short), round(LARGE * short)


def signs_in(rgb: Pixels) -> list[Seen]:
    """The signs on a picture, uint8 [height, width, 3], the surest of each size."""
    height, width = rgb.shape[:2]
    pale = np.minimum(np.minimum(rgb[:, :, 0], rgb[:, :, 1]), rgb[:, :, 2]) >= _WHITE
    most = np.count_nonzero(pale)
    white: npt.NDArray[np.int32] | None = None
    found = []
    for side in sides_of(width, height):
        edge = border_of(side)
        ring = side * side - (side - 2 * edge) ** 2
        if most < _RING * ring:
            continue
        white = _sums(pale) if white is None else white
        inside = _inner(white, side, edge)
        # A sky is white all over: what counts is a white ring with nothing white in it.
        framed = (_boxes(white, side) - inside) / ring - inside / (side - 2 * edge) ** 2
        top, left = np.unravel_index(int(framed.argmax()), framed.shape)
        if framed[top, left] < _RING:
            continue
        inner = rgb[top + edge : top + side - edge, left + edge : left + side - edge].max(axis=2)
        if (inner <= _DARK).mean() < _INSIDE:
            continue
        sign = _read(rgb[top : top + side, left : left + side].astype(np.float64), side)
        if sign is not None:
            found.append(Seen(sign, _place(left + side / 2, top + side / 2, width, height, side)))
    return found


def _read(plate: npt.NDArray[np.float64], side: int) -> Sign | None:
    """The shape whose outline fits best, in the colour that is nearest; None if nothing fits well."""
    edge = border_of(side) + 1
    inner = plate[edge:-edge, edge:-edge]
    ink = inner.max(axis=2).ravel() / 255
    ink = ink - ink.mean()
    names, masks = _templates(side, edge)
    length = float(np.linalg.norm(ink))
    if not length:
        return None
    fits = masks @ (ink / length)
    best = int(fits.argmax())
    if fits[best] < _ALIKE:
        return None
    covered = mask_of(names[best], side)[edge:-edge, edge:-edge] > 0.9
    colour = np.median(inner[covered], axis=0)
    return Sign(_nearest(colour), names[best])


@lru_cache(maxsize=32)
def _templates(side: int, edge: int) -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    rows = []
    for shape in SHAPES:
        row = mask_of(shape, side)[edge:-edge, edge:-edge].ravel()
        row = row - row.mean()
        rows.append(row / np.linalg.norm(row))
    return tuple(SHAPES), np.stack(rows)


def _nearest(colour: npt.NDArray[np.float64]) -> str:
    """The name of the colour of the closest direction, so that brightness counts for little."""
    unit = (colour - colour.min() * 0.5) / max(float(np.linalg.norm(colour)), 1.0)

    def apart(rgb: tuple[int, int, int]) -> float:
        other = np.array(rgb, np.float64)
        return float(np.abs((other - other.min() * 0.5) / np.linalg.norm(other) - unit).sum())

    return min(COLOURS, key=lambda name: apart(COLOURS[name]))


def _place(x: float, y: float, width: int, height: int, side: int) -> str:
    if side == sides_of(width, height)[1]:
        return FULL
    return f"{'top' if y < height / 2 else 'bottom'} {'left' if x < width / 2 else 'right'}"


def _sums(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Sums over all boxes from the corner: int32 [height + 1, width + 1]."""
    table = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int32)
    np.cumsum(np.cumsum(mask, axis=0, dtype=np.int32), axis=1, out=table[1:, 1:])
    return table


def _boxes(table: npt.NDArray[np.int32], side: int) -> npt.NDArray[np.int32]:
    """Sums over each box of that side, by its top left corner."""
    return table[side:, side:] - table[:-side, side:] - table[side:, :-side] + table[:-side, :-side]


def _inner(table: npt.NDArray[np.int32], side: int, edge: int) -> npt.NDArray[np.int32]:
    """Sums over each box without its border, by the box's top left corner."""
    size = side - 2 * edge
    inner = _boxes(table, size)
    return inner[edge : inner.shape[0] - edge, edge : inner.shape[1] - edge]
