"""Maps from above: where things stand on them, and where they face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Light, Scene, Thing, render
from assay.envs.spatial_tree.parts.cast import put
from assay.envs.spatial_tree.parts.mapping import Array, heading

HALF = 2.5
"""The map's sides are 2 x 2 m from the middle."""
GRID = 10
FACINGS = {"up": 0.0, "left": 90.0, "down": 180.0, "right": -90.0}
"""Degrees counter-clockwise from where the first picture looks."""


def on_map(spot: Array) -> list[float]:
    """x to the right and y down on the map, up being the world's +x and left its +y."""
    scale = GRID / (2 * HALF)
    return [round(float(HALF - spot[1]) * scale, 1), round(float(HALF - spot[0]) * scale, 1)]


def way(first: Sequence[float], second: Sequence[float]) -> str:
    """Where the second lies from the first: right, left, down or up, whichever is farther."""
    dx, dy = second[0] - first[0], second[1] - first[1]
    if abs(dx) > abs(dy):
        return "right" if dx > 0 else "left"
    return "down" if dy > 0 else "up"


def faces(thing: Thing) -> str:
    """Where a thing's front shows most like the front of its kind: by pictures of it alone from all round."""
    light = Light(ambient=0.9, diffuse=0.1, shadow=False)
    model = put((thing.kind, thing.colour), (0, 0), 0.0, 0.75)
    front = _from_side(model, 0.0, light)
    # All round, since a thing may stand a little askew.
    seen = min(range(0, 360, 10), key=lambda yaw: float(np.abs(_from_side(thing, yaw, light) - front).mean()))
    return min(FACINGS, key=lambda name: abs((FACINGS[name] - seen + 180) % 360 - 180))


def _from_side(thing: Thing, yaw: float, light: Light) -> Array:
    middle = thing.middle()
    eye = middle + 2.5 * np.array([*heading(yaw), 0.2])
    camera = Camera.looking(eye.tolist(), middle.tolist(), vfov=35, width=112, height=112)
    found: Array = render(Scene((thing,), light), camera).rgb.astype(float)
    return found
