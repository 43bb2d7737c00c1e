"""Textures, drawn by us and written to the user's cache as the files that the renderer reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assay.envs.made_files import cache_folder, written_once
from assay.envs.spatial_tree.engine.scene import Light

Array = npt.NDArray[np.float64]
VERSION = 1
"""Goes up when a texture is drawn in another way."""
SIDE = 128
"""Pixels; a texture covers one metre and repeats without a seam."""


def _checks() -> Array:
    y, x = np.indices((SIDE, SIDE)) * 2 // SIDE
    return np.where((x + y) % 2, 1.0, 0.82)


def _tiles() -> Array:
    y, x = np.indices((SIDE, SIDE)) % (SIDE // 2)
    return np.where((x < 3) | (y < 3), 0.72, 1.0)


def _planks() -> Array:
    y, x = np.indices((SIDE, SIDE))
    board = y * 4 // SIDE
    shade = np.array([0.95, 0.84, 1.0, 0.88])[board]
    ends = np.array([10, 74, 42, 106])[board]
    joint = (y % (SIDE // 4) < 2) | (np.abs(x - ends) < 1)
    grain = 0.03 * np.sin(2 * np.pi * (6 * y / SIDE + 0.35 * np.sin(2 * np.pi * x / SIDE)) + board)
    return np.asarray(np.where(joint, 0.62, shade + grain), dtype=np.float64)


def _bricks() -> Array:
    y, x = np.indices((SIDE, SIDE))
    row = y * 8 // SIDE
    shifted = (x + row % 2 * SIDE // 8) % (SIDE // 4)
    mortar = (y % (SIDE // 8) < 2) | (shifted < 2)
    shade = 0.84 + 0.12 * ((row * 7 + (x + row % 2 * SIDE // 8) % SIDE * 4 // SIDE * 3) % 5) / 5
    return np.asarray(np.where(mortar, 1.0, shade), dtype=np.float64)


def _stripes() -> Array:
    x = np.indices((SIDE, SIDE))[1]
    return np.where(x * 4 // SIDE % 2, 1.0, 0.86)


def _speckles() -> Array:
    noise = np.random.default_rng(5).random((SIDE // 4, SIDE // 4))
    return 0.86 + 0.14 * noise.repeat(4, axis=0).repeat(4, axis=1)


_DRAWN: dict[str, Callable[[], Array]] = {
    "checks": _checks, "planks": _planks, "tiles": _tiles, "bricks": _bricks, "stripes": _stripes,
    "speckles": _speckles,
}  # fmt: skip
NAMES = tuple(_DRAWN)


def pattern(name: str) -> npt.NDArray[np.uint8]:
    """A texture in grey, ``uint8 [SIDE, SIDE]``, by which a part's own colour is multiplied.

    Raises:
        KeyError: if there is none of that name.
    """
    return np.round(np.clip(_DRAWN[name](), 0, 1) * 255).astype(np.uint8)


def texture_file(name: str) -> Path:
    """The picture of a texture.

    Raises:
        KeyError: if there is none of that name.
        OSError: if the cache cannot be written.
    """
    from PIL import Image

    image = Image.fromarray(pattern(name)).convert("RGB")
    return written_once(cache_folder("spatial") / "textures" / f"{name}-{VERSION}.png", image.save)


def light(rng: np.random.Generator) -> Light:
    """A light from somewhere above, with shadows, of a strength that leaves colours told apart."""
    angle = rng.uniform(0, 2 * np.pi)
    lean = rng.uniform(0.35, 0.9)
    ambient = rng.uniform(0.5, 0.62)
    towards = (float(3 * lean * np.cos(angle)), float(3 * lean * np.sin(angle)), 3.0)
    return Light(towards, float(ambient), float(1.02 - ambient), 0.05)
