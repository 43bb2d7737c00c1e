"""Things put on a floor without touching each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.engine.scene import Scene, Thing
from assay.envs.spatial_tree.engine.walls import THICK

Array = npt.NDArray[np.float64]
_LAYOUTS = 4  # beginnings anew where a thing found no room


def footprint(thing: Thing) -> Array:
    """The rectangle that it covers on the floor, counter-clockwise, ``[4, 2]`` in metres."""
    low, high = thing.bounds()
    corners = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    yaw = np.radians(thing.turn[2])
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    found: Array = corners @ turn.T + np.array(thing.at[:2])
    return found


def distance_between(one: Array, two: Array) -> float:
    """The gap between two convex polygons ``[n, 2]``, counter-clockwise, metres; 0 where they overlap or touch."""
    if not _apart(one, two):
        return 0.0
    return float(min(_to_edges(one, two).min(), _to_edges(two, one).min()))


def _apart(one: Array, two: Array) -> bool:
    """Whether a line separates them (the separating axis is normal to an edge of one of them)."""
    for shape, other in ((one, two), (two, one)):
        edges = np.roll(shape, -1, axis=0) - shape
        normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
        outer = np.einsum("ed,end->en", normals, other[None] - shape[:, None])
        if (outer.min(axis=1) > 0).any():
            return True
    return False


def _to_edges(points: Array, shape: Array) -> Array:
    """Distances of every point to every edge, ``[points, edges]``."""
    edges = np.roll(shape, -1, axis=0) - shape
    along = np.einsum("ped,ed->pe", points[:, None] - shape[None], edges) / np.maximum((edges**2).sum(axis=1), 1e-12)
    nearest = shape[None] + np.clip(along, 0, 1)[..., None] * edges[None]
    found: Array = np.linalg.norm(points[:, None] - nearest, axis=-1)
    return found


def place(
    rng: np.random.Generator,
    scene: Scene,
    things: Sequence[Thing],
    within: tuple[float, float, float, float] | None = None,
    gap: float = 0.15,
    turned: bool = True,
    tries: int = 60,
    allowed: Callable[[Thing], bool] = lambda thing: True,
) -> Scene | None:
    """The scene with the things put somewhere on the floor, apart from each other and from all but the floor.

    Args:
        rng: draws places and, where ``turned``, yaws.
        scene: what is there already.
        things: put in the order given: largest first finds room most often. Their ``at`` is drawn anew.
        within: least x, least y, greatest x, greatest y of what they may cover; the inside of the room if None.
        gap: between things, and to walls, metres.
        turned: whether the yaw is drawn too.
        tries: draws a thing; all begin anew a few times where one finds no room.
        allowed: a further condition on a thing where it would stand.

    Returns:
        The scene with ``things`` behind its own, or None if one found no room.
    """
    fixed = [footprint(thing) for thing in scene.things if "floor" not in (thing.kind, thing.name)]
    limits = within or inside(scene)
    low, high = np.array(limits[:2]), np.array(limits[2:])
    for _ in range(_LAYOUTS):
        taken, put = list(fixed), []
        for thing in things:
            moved = _spot(rng, thing, taken, low, high, gap, turned, tries, allowed)
            if moved is None:
                break
            taken.append(footprint(moved))
            put.append(moved)
        else:
            return scene.plus(put)
    return None


def _spot(
    rng: np.random.Generator, thing: Thing, taken: Sequence[Array], low: Array, high: Array, gap: float, turned: bool,
    tries: int, allowed: Callable[[Thing], bool],
) -> Thing | None:  # fmt: skip
    for _ in range(tries):
        yaw = float(rng.uniform(0, 360)) if turned else thing.turn[2]
        x, y = rng.uniform(low, high)
        moved = replace(thing, at=(float(x), float(y), thing.at[2]), turn=(*thing.turn[:2], yaw))
        shape = footprint(moved)
        if (shape < low).any() or (shape > high).any() or not allowed(moved):
            continue
        if all(distance_between(shape, other) >= gap for other in taken):
            return moved
    return None


def inside(scene: Scene) -> tuple[float, float, float, float]:
    """Least x, least y, greatest x, greatest y of the scene's floor, less the thickness of walls.

    Raises:
        ValueError: if it has no floor.
    """
    floors = [thing for thing in scene.things if "floor" in (thing.kind, thing.name)]
    if not floors:
        raise ValueError("a scene without a floor needs `within`")
    corners = np.concatenate([footprint(each) for each in floors])
    (ax, ay), (bx, by) = corners.min(axis=0) + THICK, corners.max(axis=0) - THICK
    return float(ax), float(ay), float(bx), float(by)
