"""Tables with blocks and cans on them, and the cameras that look at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from assay.envs.spatial_tree.acting.desk import Desk, Item, State
from assay.envs.spatial_tree.acting.hand import wrist_camera
from assay.envs.spatial_tree.acting.stored import restored, stored
from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing, render
from assay.envs.spatial_tree.engine.kinds import COLOURS

KINDS = {
    "cube": (0.065, 0.065, 0.065), "bar": (0.06, 0.14, 0.06), "can": (0.06, 0.06, 0.12), "slab": (0.07, 0.11, 0.04),
}  # fmt: skip
"""Extents of what can be grasped, metres."""
PAD = 0.13
"""Side of a pad, metres."""
FIELD = ((-0.34, 0.34), (-0.14, 0.26))
"""Where things are put: x and y, metres."""
_WOODS = ((0.66, 0.52, 0.38), (0.72, 0.7, 0.66), (0.5, 0.44, 0.4), (0.62, 0.64, 0.6))


class Spot(NamedTuple):
    """A thing to be put on the table: what it is, where, and its yaw in degrees."""

    kind: str
    colour: str
    x: float
    y: float
    yaw: float

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.colour} {self.kind}"


def tabletop(rng: np.random.Generator, spots: Sequence[Spot]) -> tuple[Scene, list[Item]]:
    """A table with things; pads are no items. Rounded as it is stored."""
    wood = _WOODS[rng.integers(len(_WOODS))]
    legs = [Part("box", (0.07, 0.07, 0.7), (x, y, -0.39), colour=wood) for x in (-0.65, 0.65) for y in (-0.4, 0.5)]
    things = [
        Thing("floor", (Part("box", (6, 6, 0.1), (0, 1.2, -0.79), colour=(0.5, 0.5, 0.52)),), kind="floor"),
        Thing("table", (Part("box", (1.5, 1.1, 0.04), (0, 0.05, -0.02), colour=wood), *legs), kind="table"),
    ]
    items = []
    for spot in spots:
        if spot.kind != "pad":
            x, y, z = KINDS[spot.kind]
            items.append(Item(len(things), (x, y, z), spot.kind == "can"))
        things.append(_thing(spot))
    turn = float(rng.uniform(-1, 1))
    return restored(stored(Scene(tuple(things), Light((turn, -1.0, 3.0))))), items


def _thing(spot: Spot) -> Thing:
    colour = COLOURS[spot.colour]
    parts: tuple[Part, ...]
    if spot.kind == "pad":
        parts = (Part("box", (PAD, PAD, 0.004), (0, 0, 0.0), colour=colour),)
    elif spot.kind == "can":
        x, _, z = KINDS["can"]
        lid = Part("cylinder", (x * 0.8, x * 0.8, 0.002), (0, 0, z), colour=(0.8, 0.8, 0.8))
        parts = (Part("cylinder", (x, x, z - 0.002), (0, 0, z / 2), colour=colour), lid)
    else:
        size = KINDS[spot.kind]
        parts = (Part("box", size, (0, 0, size[2] / 2), colour=colour),)
    return Thing(spot.name, parts, (spot.x, spot.y, 0.0), (0.0, 0.0, spot.yaw), spot.kind, spot.colour)


def front_camera(size: int) -> Camera:
    """In front of the table, looking across it."""
    return Camera.looking((0, -0.92, 0.68), (0, 0.07, 0.11), vfov=39.0, width=size, height=size * 3 // 4)


def seen(desk: Desk, state: State, size: int) -> list[Image.Image]:
    """The table from the front, and from the wrist."""
    scene = desk.shown(state)
    wrist = wrist_camera(*desk.hand(state.pose), size)
    return [Image.fromarray(render(scene, camera).rgb) for camera in (front_camera(size), wrist)]


def start_of(scene: Scene, items: Sequence[Item], eye: Sequence[float], step: float, angle: float) -> dict[str, Any]:
    """The data of an episode, but for its goal; the gripper starts upright at ``eye`` with its front to the back."""
    return {
        "scene": stored(scene), "items": [[item.place, *item.size, item.round] for item in items], "eye": list(eye),
        "rows": [[1, 0, 0], [0, 0, -1], [0, 1, 0]], "step": step, "angle": angle, "radius": 0.0, "solids": [],
    }  # fmt: skip
