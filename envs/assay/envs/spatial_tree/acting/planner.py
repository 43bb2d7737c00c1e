"""The shortest way there for a body that knows the world: turn as one will stand, go on a lattice, then look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import groupby

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.acting.body import World, axes_of, walk
from assay.envs.spatial_tree.acting.orders import Action
from assay.verifiers.spatial.actions import MOST_STEPS
from assay.verifiers.spatial.poses import Pose
from assay.verifiers.spatial.quaternions import inverse, product, to_body, to_fixed

Array = npt.NDArray[np.float64]
Cell = tuple[int, int]
State = tuple[Cell, Cell]
"""A cell and the direction it was come to in."""

REACH = 16
"""Cells around the straight way that are searched."""
_SPARE = 0.005  # metres more room than is asked for, so that rounding never blocks a plan
_BEND = 2  # what a change of direction costs, in steps
_WAYS = {(0, 1): "W", (0, -1): "S", (1, 0): "D", (-1, 0): "A"}


def plan(pose: Pose, goal: Pose, world: World) -> list[Action] | None:
    """Actions that lead from a pose to another around what is in the way, to within half a step along each axis.

    None where nothing leads there.
    """
    if world.frame == "parity":
        return straight(pose, goal, world)
    first, last = levelled(pose, goal, world)
    upright = walk(pose, first, world).pose
    right, down, ahead = steps_to(upright, goal, world)
    rise = moves((0, down, 0))
    for rising in (True, False):
        risen = walk(upright, rise if rising else (), world)
        way = None if risen.blocked else path(risen.pose, (right, ahead), world)
        if way is None:
            continue
        steps = [*rise, *runs(way)] if rising else [*runs(way), *rise]
        if walk(upright, steps, world).blocked is None:
            return [*first, *steps, *last]
    return None


def straight(pose: Pose, goal: Pose, world: World) -> list[Action]:
    """Actions that lead from a pose to another if nothing is in the way, to within half a step along each axis."""
    if world.frame == "parity":
        shift = np.subtract(goal[:3], pose[:3]) / world.step
        return [*moves(shift), *turns(*np.degrees(to_fixed(product(goal[3:], inverse(pose[3:])))) / world.angle)]
    first, last = levelled(pose, goal, world)
    return [*first, *moves(steps_to(world.moved(pose, first), goal, world)), *last]


def levelled(pose: Pose, goal: Pose, world: World) -> tuple[list[Action], list[Action]]:
    """Turns that set a body upright and face it as the goal does, and those that then lean it as the goal does."""
    yaw, pitch, roll = np.degrees(to_body(pose[3:])) / world.angle
    wanted, lift, lean = np.degrees(to_body(goal[3:])) / world.angle
    whole = 360 / world.angle
    pan = (wanted - yaw + whole / 2) % whole - whole / 2
    return [*turns(0, 0, -roll), *turns(0, -pitch, 0), *turns(pan, 0, 0)], turns(0, lift, lean)


def steps_to(pose: Pose, goal: Pose, world: World) -> tuple[int, int, int]:
    """Whole steps to the right, down and ahead of a pose to where the goal is."""
    right, down, ahead = (np.array(goal[:3]) - np.array(pose[:3])) @ axes_of(pose) / world.step
    return round(float(right)), round(float(down)), round(float(ahead))


def path(pose: Pose, to: Cell, world: World) -> list[str] | None:
    """Symbols of single steps from a pose to the cell ``to`` (right, ahead) of its lattice, with few bends."""
    axes, room = axes_of(pose), world.radius + _SPARE
    known: dict[Cell, tuple[Array, float]] = {}

    def at(cell: Cell) -> tuple[Array, float]:
        """A cell in the world, and how much room there is around it, metres."""
        if cell not in known:
            steps = cell[0] * axes[:, 0] + cell[1] * axes[:, 2]
            point = world.point(np.array(pose[:3]) + world.step * steps)
            known[cell] = point, float(world.solids.gap(point[None])[0])
        return known[cell]

    def passable(cell: Cell, there: Cell) -> bool:
        if any(not min(0, to[k]) - REACH <= there[k] <= max(0, to[k]) + REACH for k in (0, 1)):
            return False
        (one, _), (two, gap) = at(cell), at(there)
        return gap >= room and (gap >= room + world.step or world.solids.clear(one, two, room))

    return _search(to, passable) if at(to)[1] >= room else None


def _search(to: Cell, passable: Callable[[Cell, Cell], bool]) -> list[str] | None:
    """A* from (0, 0) over cells and directions; a change of direction costs :data:`_BEND`."""
    first: State = (0, 0), (0, 0)
    queue: list[tuple[int, int, State]] = [(0, 0, first)]
    best, came = {first: 0}, dict[State, State]()
    known: dict[State, bool] = {}
    while queue:
        _, _, here = heappop(queue)
        cell, way = here
        if cell == to:
            return _back(came, here)
        for turn in _WAYS:
            there = (cell[0] + turn[0], cell[1] + turn[1]), turn
            if (cell, turn) not in known:
                known[cell, turn] = passable(cell, there[0])
            cost = best[here] + 1 + (_BEND if turn != way else 0)
            if known[cell, turn] and cost < best.get(there, 1 << 30):
                best[there], came[there] = cost, here
                # Of equals the latest first, which goes straight on.
                heappush(queue, (cost + abs(to[0] - there[0][0]) + abs(to[1] - there[0][1]), -len(came), there))
    return None


def _back(came: dict[State, State], at: State) -> list[str]:
    found = []
    while at in came:
        found.append(_WAYS[at[1]])
        at = came[at]
    return found[::-1]


def moves(steps: Sequence[float] | Array) -> list[Action]:
    """Actions for whole steps to the right, down and ahead."""
    return _signed(steps, (("D", "A"), ("shift", "space"), ("W", "S")))


def turns(pan: float, tilt: float, roll: float) -> list[Action]:
    """Actions for whole steps to the right, up and clockwise."""
    return _signed((pan, tilt, roll), (("→", "←"), ("↑", "↓"), ("↻", "↺")))


def _signed(steps: Sequence[float] | Array, symbols: Sequence[tuple[str, str]]) -> list[Action]:
    found = []
    for value, pair in zip(steps, symbols, strict=True):
        count = round(float(value))
        found += runs([pair[count < 0]] * abs(count))
    return found


def runs(symbols: Sequence[str]) -> list[Action]:
    """Single steps as actions of at most :data:`MOST_STEPS` steps."""
    found = []
    for symbol, same in groupby(symbols):
        count = len(list(same))
        found += [(symbol, min(MOST_STEPS, count - at)) for at in range(0, count, MOST_STEPS)]
    return found
