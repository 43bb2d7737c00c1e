"""Textures, drawn by us and written to the user's cache as the files that the renderer reads."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from assay.envs.spatial_tree.cache import cache_root, written_once

NAMES = ("checks", "planks", "tiles", "bricks", "stripes", "speckles")


@cache
def texture_file(name: str) -> Path:
    """The picture of a texture.

    Raises:
        KeyError: if there is none of that name.
    """
    raise NotImplementedError(name, cache_root, written_once)
