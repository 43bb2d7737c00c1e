"""Drawn images of up to 100 classes: a coloured shape on a noisy ground, turned, scaled and half hidden by specks.

An image is a pure function of seed, class and variant.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from assay.envs.candidates import seeded

if TYPE_CHECKING:
    import random

    from PIL.Image import Image

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "green": (46, 160, 67),
    "blue": (38, 84, 214),
    "yellow": (240, 212, 40),
    "purple": (136, 48, 178),
    "orange": (245, 130, 32),
    "white": (245, 245, 245),
    "black": (20, 20, 20),
    "pink": (245, 140, 180),
    "brown": (120, 72, 36),
}
_NATIVE = 192
_SPECKS = 14


def _regular(corners: int, inner: float = 1.0) -> tuple[tuple[float, float], ...]:
    """Corners on the unit circle, first one up; with ``inner`` < 1 every other one is pulled in (a star)."""
    total = corners if inner == 1.0 else 2 * corners
    radii = [1.0 if inner == 1.0 or i % 2 == 0 else inner for i in range(total)]
    angles = [2 * math.pi * i / total - math.pi / 2 for i in range(total)]
    return tuple((r * math.cos(a), r * math.sin(a)) for r, a in zip(radii, angles, strict=True))


def _outline(*half: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """A shape with a vertical mirror axis from its right half, top to bottom."""
    return half + tuple((-x, y) for x, y in reversed(half))


SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    "circle": _regular(48),
    "triangle": _regular(3),
    "square": tuple((x * 0.85, y * 0.85) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))),
    "star": _regular(5, 0.42),
    "hexagon": _regular(6),
    "cross": _outline((0.3, -1.0), (0.3, -0.3), (1.0, -0.3), (1.0, 0.3), (0.3, 0.3), (0.3, 1.0)),
    "arrow": _outline((0.0, -1.0), (0.8, -0.1), (0.3, -0.1), (0.3, 1.0)),
    "crescent": _regular(24)[:13] + tuple((0.55 * x, y) for x, y in reversed(_regular(24)[1:12])),
    "bar": ((-1.0, -0.22), (1.0, -0.22), (1.0, 0.22), (-1.0, 0.22)),
    "heart": _outline((0.0, -0.5), (0.3, -0.85), (0.65, -0.9), (0.95, -0.6), (0.95, -0.2), (0.6, 0.35), (0.0, 1.0)),
}
"""Corners of each shape within the unit circle or a little over, y down."""


def class_names(count: int) -> list[str]:
    """The first ``count`` of 100 class names, such as "red circle"; any ten in a row show ten shapes and ten colours.

    Raises:
        ValueError: unless 2 <= count <= 100.
    """
    if not 2 <= count <= len(SHAPES) * len(COLOURS):
        raise ValueError(f"the shapes source has 2 to {len(SHAPES) * len(COLOURS)} classes; got classes={count}")
    shapes, colours = list(SHAPES), list(COLOURS)
    return [f"{colours[(i + i // 10) % 10]} {shapes[i % 10]}" for i in range(count)]


def draw(seed: int, label: str, variant: int) -> Image:
    """The image of a class: RGB, 192 x 192 pixels. ``variant`` changes everything but the class."""
    from PIL import ImageDraw

    rng = seeded("shapes", seed, label, variant)
    colour, _, shape = label.partition(" ")
    ground = tuple(rng.randint(90, 170) for _ in range(3))
    image = _noise(rng, ground)
    pen = ImageDraw.Draw(image)
    ink = tuple(max(0, min(255, value + rng.randint(-14, 14))) for value in COLOURS[colour])
    size = rng.uniform(0.24, 0.40) * _NATIVE
    x, y = (rng.uniform(size, _NATIVE - size) for _ in range(2))
    turn = rng.uniform(-0.5, 0.5)
    pen.polygon(_place(SHAPES[shape], x, y, size, turn), fill=ink)
    for _ in range(_SPECKS):
        sx, sy, radius = rng.uniform(0, _NATIVE), rng.uniform(0, _NATIVE), rng.uniform(1.5, 5.0)
        grey = rng.randint(60, 200)
        pen.ellipse((sx - radius, sy - radius, sx + radius, sy + radius), fill=(grey, grey, grey))
    return image


def _place(
    points: tuple[tuple[float, float], ...], x: float, y: float, size: float, turn: float
) -> list[tuple[float, float]]:
    cos, sin = math.cos(turn) * size, math.sin(turn) * size
    return [(x + px * cos - py * sin, y + px * sin + py * cos) for px, py in points]


def _noise(rng: random.Random, ground: tuple[int, ...]) -> Image:
    """A ground of one colour with coarse noise of +-25."""
    import numpy as np
    from PIL import Image

    cells = _NATIVE // 8
    noise = np.frombuffer(rng.randbytes(cells * cells * 3), dtype=np.uint8).reshape(cells, cells, 3)
    coarse = np.asarray(ground, dtype=np.int16) + (noise.astype(np.int16) % 51 - 25)
    return Image.fromarray(coarse.clip(0, 255).astype(np.uint8)).resize((_NATIVE, _NATIVE), Image.Resampling.BICUBIC)
