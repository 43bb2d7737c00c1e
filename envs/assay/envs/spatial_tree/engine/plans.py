"""Floor plans of several rooms: doors, furniture, and shortest ways through them."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.engine.kinds import COLOURS, KINDS, thing
from assay.envs.spatial_tree.engine.placing import Array, distance_between, footprint
from assay.envs.spatial_tree.engine.scene import Light, Part, Scene, Thing
from assay.envs.spatial_tree.engine.textures import light
from assay.envs.spatial_tree.engine.walls import FLOORS, HEIGHT, THICK, WALLS, wall

Point = tuple[float, float]
FURNISHED = {
    "kitchen": ("stove", "fridge", "table", "stool"),
    "bedroom": ("bed", "wardrobe", "chest of drawers"),
    "bathroom": ("toilet", "washing machine", "plant pot"),
    "living room": ("sofa", "bookshelf", "floor lamp"),
    "office": ("desk", "chair", "bin"),
    "hall": ("coat stand", "bench", "plant pot"),
}
"""Rooms by name, and what may stand in each."""
SHAPES: dict[int, tuple[tuple[int, int], ...]] = {2: ((1, 2),), 3: ((1, 3), (2, 2)), 4: ((2, 2),), 5: ((2, 3),),
                                                 6: ((2, 3),)}  # fmt: skip
SIDE = 3.6
"""Of a room, between the middles of its walls, metres."""
GAP = 1.0
"""Width of a doorway, metres."""
STEP = 0.1
"""Of the grid on which ways are found, metres."""
CLEARANCE = 0.22
"""From the middle of who walks to walls and furniture, metres."""


@dataclass(frozen=True, slots=True)
class Room:
    """A room of a plan: its name, and the least x, least y, greatest x, greatest y between the middles of its walls."""

    name: str
    box: tuple[float, float, float, float]

    @property
    def middle(self) -> Point:
        """Metres."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True, slots=True)
class Door:
    """A doorway between two rooms (places in ``Plan.rooms``) and its middle."""

    rooms: tuple[int, int]
    at: Point


@dataclass(frozen=True)
class Plan:
    """Rooms on a grid, joined by doorways.

    Attributes:
        rooms: each a square of side :data:`SIDE`.
        doors: every room can be reached from every other.
        floors: one a room.
        walls: with gaps where doorways are.
        furniture: against walls, its front to the room, never in a doorway.
        light: of the scene.
    """

    rooms: tuple[Room, ...]
    doors: tuple[Door, ...]
    floors: tuple[Thing, ...]
    walls: tuple[Thing, ...]
    furniture: tuple[Thing, ...]
    light: Light

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rooms, all different."""
        return tuple(room.name for room in self.rooms)

    def scene(self) -> Scene:
        """Floors, walls and furniture, in this order."""
        return Scene((*self.floors, *self.walls, *self.furniture), self.light)

    def room_of(self, xy: Sequence[float]) -> int | None:
        """The place of the room that a point is in; None outside."""
        x, y = float(xy[0]), float(xy[1])
        for number, room in enumerate(self.rooms):
            if room.box[0] <= x < room.box[2] and room.box[1] <= y < room.box[3]:
                return number
        return None

    def free(self, xy: Sequence[float], clearance: float = CLEARANCE) -> bool:
        """Whether somebody can stand there: in a room, ``clearance`` metres from walls and furniture."""
        if self.room_of(xy) is None:
            return False
        point = np.array([xy], dtype=float)
        return all(_gaps(point, shape)[0] >= clearance for shape in self.obstacles)

    @cached_property
    def obstacles(self) -> tuple[Array, ...]:
        """Footprints of walls and furniture, ``[4, 2]`` each."""
        return tuple(footprint(thing) for thing in (*self.walls, *self.furniture))

    @cached_property
    def _grid(self) -> tuple[Array, npt.NDArray[np.bool_]]:
        """The points of the grid ``[columns, rows, 2]`` and which of them are free."""
        boxes = np.array([room.box for room in self.rooms])
        low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
        x, y = (np.arange(low[axis] + STEP / 2, high[axis], STEP) for axis in (0, 1))
        points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
        flat = points.reshape(-1, 2)
        free = np.zeros(len(flat), dtype=bool)
        for left, lower, right, upper in boxes:
            free |= (flat[:, 0] >= left) & (flat[:, 0] < right) & (flat[:, 1] >= lower) & (flat[:, 1] < upper)
        for shape in self.obstacles:
            free &= _gaps(flat, shape) >= CLEARANCE
        return points, free.reshape(points.shape[:2])

    def path(self, start: Sequence[float], end: Sequence[float]) -> list[Point] | None:
        """The shortest way over the grid's 8 neighbours, ``start`` and ``end`` included; None if there is none.

        No step cuts the corner of a cell that is not free. Found by A* (Hart, Nilsson and Raphael 1968).
        """
        if not (self.free(start) and self.free(end)):
            return None
        points, free = self._grid
        origin = points[0, 0]
        first, last = (self._nearest(np.array(xy[:2], dtype=float), origin, free) for xy in (start, end))
        if first is None or last is None:
            return None
        cells = _shortest(free, first, last)
        if cells is None:
            return None
        way = [(float(points[cell][0]), float(points[cell][1])) for cell in cells]
        return [(float(start[0]), float(start[1])), *way, (float(end[0]), float(end[1]))]

    @staticmethod
    def _nearest(xy: Array, origin: Array, free: npt.NDArray[np.bool_]) -> tuple[int, int] | None:
        column, row = np.floor((xy - origin) / STEP + 0.5).astype(int).tolist()
        around = sorted(itertools.product((0, -1, 1), repeat=2), key=lambda step: abs(step[0]) + abs(step[1]))
        for dx, dy in around:
            cell = (column + dx, row + dy)
            if 0 <= cell[0] < free.shape[0] and 0 <= cell[1] < free.shape[1] and free[cell]:
                return cell
        return None


def length(path: Sequence[Point]) -> float:
    """The length of a way, metres."""
    return float(np.linalg.norm(np.diff(np.array(path), axis=0), axis=1).sum())


def _gaps(points: Array, shape: Array) -> Array:
    """Distances of points ``[n, 2]`` to a rectangle ``[4, 2]``, counter-clockwise; 0 inside."""
    middle = shape.mean(axis=0)
    edge, other = shape[1] - shape[0], shape[3] - shape[0]
    axes = np.stack([edge / np.linalg.norm(edge), other / np.linalg.norm(other)])
    half = np.array([np.linalg.norm(edge), np.linalg.norm(other)]) / 2
    beyond = np.maximum(np.abs((points - middle) @ axes.T) - half, 0)
    found: Array = np.hypot(beyond[:, 0], beyond[:, 1])
    return found


_STEPS = [step for step in itertools.product((-1, 0, 1), repeat=2) if step != (0, 0)]


def _shortest(
    free: npt.NDArray[np.bool_], first: tuple[int, int], last: tuple[int, int]
) -> list[tuple[int, int]] | None:
    open_cells = [(0.0, 0.0, first)]
    known = {first: 0.0}
    came: dict[tuple[int, int], tuple[int, int]] = {}
    grid = np.pad(free, 1).tolist()  # a rim that is not free, so that no step leaves it
    while open_cells:
        _, gone, cell = heapq.heappop(open_cells)
        if cell == last:
            way = [cell]
            while cell in came:
                cell = came[cell]
                way.append(cell)
            return way[::-1]
        if gone > known[cell]:
            continue
        x, y = cell
        for dx, dy in _STEPS:
            if not (grid[x + dx + 1][y + dy + 1] and grid[x + dx + 1][y + 1] and grid[x + 1][y + dy + 1]):
                continue
            there, total = (x + dx, y + dy), gone + (STEP if dx == 0 or dy == 0 else STEP * 2**0.5)
            if total < known.get(there, np.inf) - 1e-12:
                known[there] = total
                came[there] = cell
                far, near = sorted((abs(there[0] - last[0]), abs(there[1] - last[1])), reverse=True)
                heapq.heappush(open_cells, (total + STEP * (far + (2**0.5 - 1) * near), total, there))
    return None


def floor_plan(rng: np.random.Generator, rooms: int = 4, furnished: bool = True) -> Plan:
    """A plan of ``rooms`` rooms (2 to 6) whose lower left corner is the origin.

    Args:
        rng: draws the shape, the doors, the names, the furniture and its colours, and the light.
        rooms: how many.
        furnished: whether there is furniture.

    Raises:
        ValueError: if ``rooms`` is not from 2 to 6.
    """
    if rooms not in SHAPES:
        raise ValueError(f"a plan has from 2 to 6 rooms, got {rooms}")
    shapes = SHAPES[rooms]
    rows, columns = shapes[rng.integers(len(shapes))]
    cells = list(itertools.product(range(columns), range(rows)))
    while len(cells) > rooms:  # an L: one corner is left out
        corners = [cell for cell in cells if cell[0] in (0, columns - 1) and cell[1] in (0, rows - 1)]
        cells.remove(corners[rng.integers(len(corners))])
    names = [str(name) for name in rng.permutation(list(FURNISHED))[:rooms]]
    made = tuple(Room(name, (x * SIDE, y * SIDE, (x + 1) * SIDE, (y + 1) * SIDE))
                 for name, (x, y) in zip(names, cells, strict=True))  # fmt: skip
    doors = _doors(rng, cells, made)
    floors, walls = _floors(rng, made), _walls(rng, cells, doors)
    bare = Plan(made, doors, floors, walls, (), light(rng))
    for _ in range(5 if furnished else 0):
        things: list[Thing] = []
        for number in range(rooms):
            things += _furniture(rng, bare, number, things)
        plan = Plan(made, doors, floors, walls, tuple(things), bare.light)
        if all(plan.path(doors[0].at, door.at) is not None for door in doors[1:]):
            return plan
    return bare


def _doors(rng: np.random.Generator, cells: list[tuple[int, int]], rooms: tuple[Room, ...]) -> tuple[Door, ...]:
    """A random tree over the rooms, and now and then one doorway more."""
    pairs = [(a, b) for a, b in itertools.combinations(range(len(cells)), 2)
             if abs(cells[a][0] - cells[b][0]) + abs(cells[a][1] - cells[b][1]) == 1]  # fmt: skip
    group = list(range(len(cells)))
    doors = []
    for place in rng.permutation(len(pairs)).tolist():
        a, b = pairs[place]
        if group[a] == group[b] and rng.random() > 0.25:
            continue
        merged, kept = group[b], group[a]
        group = [kept if each == merged else each for each in group]
        (ax, ay), (bx, by) = rooms[a].middle, rooms[b].middle
        shift = float(rng.uniform(-0.25, 0.25)) * SIDE
        across = (0.0, shift) if ay == by else (shift, 0.0)
        doors.append(Door((a, b), ((ax + bx) / 2 + across[0], (ay + by) / 2 + across[1])))
    return tuple(doors)


def _floors(rng: np.random.Generator, rooms: tuple[Room, ...]) -> tuple[Thing, ...]:
    laid = ("planks", "tiles", "checks", "speckles", "")
    return tuple(
        Thing(f"{room.name} floor", (Part("box", (SIDE, SIDE, 0.1), (0, 0, -0.05),
                                          colour=FLOORS[rng.integers(len(FLOORS))],
                                          texture=laid[rng.integers(len(laid))]),),
              (*room.middle, 0.0), kind="floor")
        for room in rooms
    )  # fmt: skip


def _walls(rng: np.random.Generator, cells: list[tuple[int, int]], doors: tuple[Door, ...]) -> tuple[Thing, ...]:
    """One wall on every side of every cell, in two pieces beside a doorway."""
    paint = WALLS[rng.integers(len(WALLS))]
    sides = {((x, y), (x + 1, y)) for x, y in cells} | {((x, y + 1), (x + 1, y + 1)) for x, y in cells}
    sides |= {((x, y), (x, y + 1)) for x, y in cells} | {((x + 1, y), (x + 1, y + 1)) for x, y in cells}
    walls: list[Thing] = []
    for (ax, ay), (bx, by) in sorted(sides):
        along = np.array([bx - ax, by - ay], dtype=float)
        start, end = np.array([ax, ay]) * SIDE - along * THICK / 2, np.array([bx, by]) * SIDE + along * THICK / 2
        cuts = [start, end]
        for door in doors:
            at = np.array(door.at)
            off = at - start
            if abs(off[0] * along[1] - off[1] * along[0]) < 1e-9 and 0 < off @ along < (end - start) @ along:
                cuts = [start, at - along * GAP / 2, at + along * GAP / 2, end]
        for a, b in zip(cuts[::2], cuts[1::2], strict=True):
            ends = ((float(a[0]), float(a[1])), (float(b[0]), float(b[1])))
            walls.append(wall(f"wall {len(walls) + 1}", *ends, paint, height=HEIGHT))
    return tuple(walls)


def _furniture(rng: np.random.Generator, plan: Plan, number: int, others: Sequence[Thing]) -> list[Thing]:
    """What stands in a room, each piece with its back to a wall and away from doorways."""
    room = plan.rooms[number]
    left, lower, right, upper = (side + sign * THICK / 2 for side, sign in zip(room.box, (1, 1, -1, -1), strict=True))
    keep = [_around(door.at) for door in plan.doors if number in door.rooms]
    taken = [footprint(each) for each in others]
    put: list[Thing] = []
    used = {each.name for each in others}
    for kind in FURNISHED[room.name]:
        x_size, y_size, _ = KINDS[kind].size
        for _ in range(25):
            colour = str(rng.choice(list(COLOURS)))
            yaw = int(rng.integers(4)) * 90
            reach, half = x_size / 2 + 0.05, y_size / 2 + 0.05
            x = {0: left + reach, 180: right - reach}.get(yaw, 0.0) or float(rng.uniform(left + half, right - half))
            y = {90: lower + reach, 270: upper - reach}.get(yaw, 0.0) or float(rng.uniform(lower + half, upper - half))
            piece = thing(kind, colour, (x, y, 0.0), float(yaw))
            shape = footprint(piece)
            if piece.name in used or not _walkable(plan, shape, taken, keep):
                continue
            taken.append(shape)
            used.add(piece.name)
            put.append(piece)
            break
    return put


def _walkable(plan: Plan, shape: Array, taken: Sequence[Array], keep: Sequence[Array]) -> bool:
    """Whether a piece stands clear of all others, of doorways, and of the middle of the room."""
    clear = all(distance_between(shape, other) >= 0.1 for other in taken)
    return clear and all(distance_between(shape, zone) > 0 for zone in keep)


def _around(at: Point) -> Array:
    x, y = at
    return np.array([[x - 0.8, y - 0.8], [x + 0.8, y - 0.8], [x + 0.8, y + 0.8], [x - 0.8, y + 0.8]])
