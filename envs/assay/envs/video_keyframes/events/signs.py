"""Signs: a coloured shape on a dark plate with a white border, which no footage has by chance."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (225, 30, 30),
    "yellow": (245, 215, 25),
    "green": (25, 175, 60),
    "blue": (45, 95, 245),
    "pink": (250, 110, 205),
}
PLATE = (12, 12, 12)
BORDER = (250, 250, 250)
_SUPER = 8


class Sign(NamedTuple):
    """A shape and its colour, by name."""

    colour: str
    shape: str

    def __str__(self) -> str:
        return f"{self.colour} {self.shape}"


def _regular(corners: int, inner: float = 1.0, lift: float = 0.0) -> tuple[tuple[float, float], ...]:
    total = corners if inner == 1.0 else 2 * corners
    radii = [1.0 if inner == 1.0 or i % 2 == 0 else inner for i in range(total)]
    turns = [2 * math.pi * i / total - math.pi / 2 for i in range(total)]
    return tuple((r * math.cos(turn), r * math.sin(turn) + lift) for r, turn in zip(radii, turns, strict=True))


_THIN = 0.3
SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    "circle": _regular(48),
    "square": ((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
    "triangle": ((0.0, -0.95), (1.05, 0.85), (-1.05, 0.85)),
    "star": _regular(5, 0.4, 0.05),
    "cross": (
        (-_THIN, -1), (_THIN, -1), (_THIN, -_THIN), (1, -_THIN), (1, _THIN), (_THIN, _THIN),
        (_THIN, 1), (-_THIN, 1), (-_THIN, _THIN), (-1, _THIN), (-1, -_THIN), (-_THIN, -_THIN),
    ),
    "bar": ((-1.05, -0.3), (1.05, -0.3), (1.05, 0.3), (-1.05, 0.3)),
}  # fmt: skip
"""Corners of each shape within the unit circle or a little over, y down."""

SIGNS = tuple(Sign(colour, shape) for colour in COLOURS for shape in SHAPES)


def border_of(side: int) -> int:
    """Width of the white border of a plate of that side, pixels."""
    return max(2, round(side * 0.07))


@lru_cache(maxsize=64)
def mask_of(shape: str, side: int) -> npt.NDArray[np.float64]:
    """How much of each pixel of a plate the shape covers: float64 [side, side] in [0, 1]. Not to be changed."""
    from PIL import Image, ImageDraw

    large = side * _SUPER
    canvas = Image.new("L", (large, large), 0)
    radius, middle = 0.34 * large, large / 2
    ImageDraw.Draw(canvas).polygon([(middle + x * radius, middle + y * radius) for x, y in SHAPES[shape]], fill=255)
    small = canvas.resize((side, side), Image.Resampling.BOX)
    return np.asarray(small, np.float64) / 255


@lru_cache(maxsize=256)
def plate_of(sign: Sign, side: int) -> Pixels:
    """The sign's plate: uint8 [side, side, 3]. Not to be changed."""
    edge = border_of(side)
    plate = np.empty((side, side, 3))
    plate[:] = BORDER
    plate[edge:-edge, edge:-edge] = PLATE
    mask = mask_of(sign.shape, side)[:, :, None]
    return np.rint(plate * (1 - mask) + np.array(COLOURS[sign.colour]) * mask).astype(np.uint8)
