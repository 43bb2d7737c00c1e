"""Several rooms with things of one's own choice in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from assay.envs.spatial_tree.acting.places import Place, placed
from assay.envs.spatial_tree.acting.solids import Solids
from assay.envs.spatial_tree.engine import Thing
from assay.envs.spatial_tree.engine.placing import place
from assay.envs.spatial_tree.engine.plans import Plan, floor_plan

DOORWAY = 0.8
"""Metres around the middle of a doorway where nothing stands."""
_INSET = 0.1


class Home(NamedTuple):
    """A place of several rooms.

    Attributes:
        place: the scene, the things in the order of ``rooms`` at its end.
        plan: the rooms and doorways.
        rooms: for each thing put in, its room.
        first: place of the first of them in the scene.
    """

    place: Place
    plan: Plan
    rooms: tuple[int, ...]
    first: int


def home(rng: np.random.Generator, count: int, things: Sequence[Sequence[Thing]]) -> Home | None:
    """``count`` rooms; ``things[k]`` are put into room k. None if they find no room."""
    plan = floor_plan(rng, count, furnished=False)
    scene = plan.scene()
    first = len(scene.things)
    for room, some in zip(plan.rooms, things, strict=True):
        left, lower, right, upper = room.box
        within = (left + _INSET, lower + _INSET, right - _INSET, upper - _INSET)
        doors = [np.array(door.at) for door in plan.doors]

        def clear(thing: Thing, doors: Sequence[np.ndarray] = doors) -> bool:
            return all(np.linalg.norm(np.array(thing.at[:2]) - door) >= DOORWAY for door in doors)

        found = place(rng, scene, some, within=within, gap=0.35, tries=40, allowed=clear)
        if found is None:
            return None
        scene = found
    boxes = np.array([room.box for room in plan.rooms])
    limits = [float(v) for v in (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))]
    rooms = tuple(room for room, some in enumerate(things) for _ in some)
    return Home(placed(scene, limits), plan, rooms, first)


def stands_in(
    rng: np.random.Generator, here: Place, box: Sequence[float], gap: float = 0.25
) -> list[tuple[float, float]]:
    """Free places in a rectangle of the floor, the one nearest to its middle first."""
    solids = Solids(here.boxes)
    middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    points = np.stack([rng.uniform(box[k], box[k + 2], size=24) for k in (0, 1)], axis=1)
    points = np.concatenate([middle[None], points])
    free = solids.gap(np.concatenate([points, np.full((len(points), 1), 1.15)], axis=1)) >= gap
    free &= solids.gap(np.concatenate([points, np.full((len(points), 1), 0.4)], axis=1)) >= gap
    order = sorted(points[free].tolist(), key=lambda at: float(np.hypot(at[0] - middle[0], at[1] - middle[1])))
    return [(round(x, 3), round(y, 3)) for x, y in order[:1] + order[1::3][:4]]
