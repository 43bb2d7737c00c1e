"""Where bodies go about: a furnished room, or several with doorways, and what of them is solid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.acting.body import VFOV, World
from assay.envs.spatial_tree.acting.solids import Box, Solids, box_of
from assay.envs.spatial_tree.acting.stored import restored, stored
from assay.envs.spatial_tree.engine import Camera, Scene
from assay.envs.spatial_tree.engine.kinds import COLOURS, KINDS, thing
from assay.envs.spatial_tree.engine.placing import place
from assay.envs.spatial_tree.engine.plans import Plan
from assay.envs.spatial_tree.engine.walls import HEIGHT, room

Array = npt.NDArray[np.float64]

RADIUS = 0.15
"""Of the ball that a body is, metres."""
WIDE = 75.0
"""Vertical field of view of a body that looks around, degrees: wide enough for what stands on the floor nearby."""
OPEN = 0.9
"""Metres that must lie in front of half of a view that begins an episode."""
EYES = 1.15
"""Height of a body's eyes at the start, metres."""
STANDING = (
    "chair", "stool", "table", "desk", "side table", "sofa", "bed", "wardrobe", "bookshelf", "chest of drawers",
    "floor lamp", "bench", "plant pot", "coat stand", "fridge", "washing machine", "stove", "toilet", "suitcase", "bin",
)  # fmt: skip
"""Kinds of which rooms are furnished."""


class Place(NamedTuple):
    """Somewhere to go about in.

    Attributes:
        scene: rounded as it is stored.
        boxes: what is solid: walls, furniture, and a floor and a ceiling.
        limits: least x, least y, greatest x, greatest y, metres.
    """

    scene: Scene
    boxes: tuple[Box, ...]
    limits: tuple[float, float, float, float]

    def start(self, camera: Camera, step: float, angle: float, vfov: float = VFOV) -> dict[str, Any]:
        """The data of an episode that starts where a camera is."""
        return {
            "scene": stored(self.scene), "eye": list(camera.eye), "rows": [list(row) for row in camera.axes],
            "step": step, "angle": angle, "radius": RADIUS, "solids": [list(box) for box in self.boxes],
            "vfov": vfov,
        }  # fmt: skip

    def world(self, camera: Camera, step: float, angle: float, vfov: float = VFOV) -> World:
        """The world of such an episode."""
        eye, rows = np.array(camera.eye), np.array(camera.axes)
        return World(eye, rows, step, angle, RADIUS, "body", Solids(self.boxes), vfov)

    def inside(self, at: Sequence[float]) -> bool:
        """Whether a point of the world is within the limits."""
        left, lower, right, upper = self.limits
        return left <= at[0] <= right and lower <= at[1] <= upper

    def eye(self, rng: np.random.Generator, gap: float = 0.35) -> tuple[float, float, float] | None:
        """Somewhere to stand with at least ``gap`` metres to everything; None if there is hardly any."""
        solids = Solids(self.boxes)
        for _ in range(30):
            x, y = (round(float(rng.uniform(self.limits[k], self.limits[k + 2])), 3) for k in (0, 1))
            if solids.gap(np.array([[x, y, EYES]]))[0] >= gap:
                return x, y, EYES
        return None


def furnished(rng: np.random.Generator, width: float, depth: float, count: int) -> Place | None:
    """A room about the origin with ``count`` things in it; None if they found no room."""
    kinds = sorted(
        rng.choice(STANDING, count, replace=False), key=lambda kind: -KINDS[kind].size[0] * KINDS[kind].size[1]
    )
    things = [thing(kind, str(rng.choice(list(COLOURS)))) for kind in kinds]
    scene = place(rng, room(rng, width, depth), things, gap=0.3, tries=30)
    return None if scene is None else placed(scene, (-width / 2, -depth / 2, width / 2, depth / 2))


def planned(plan: Plan) -> Place:
    """The place of a floor plan."""
    boxes = np.array([each.box for each in plan.rooms])
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return placed(plan.scene(), (float(low[0]), float(low[1]), float(high[0]), float(high[1])))


def placed(scene: Scene, limits: Sequence[float]) -> Place:
    """The place of a scene in which all but floors is solid."""
    kept = restored(stored(scene))
    left, lower, right, upper = limits
    middle, half = ((left + right) / 2, (lower + upper) / 2), ((right - left) / 2 + 1, (upper - lower) / 2 + 1)
    flat = [[*middle, height, *half, 0.1, 0.0] for height in (-0.1, HEIGHT + 0.1)]
    boxes = [box_of(each) for each in kept.things if each.kind != "floor" and each.name != "floor"]
    return Place(kept, (*boxes, *flat), (left, lower, right, upper))
