"""Blocks on three piles: states, moves, shortest plans, pictures, and states read back from pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing, View, render
from assay.envs.spatial_tree.parts.drawing import COLOURS

State = tuple[tuple[str, ...], ...]
"""Piles from left to right, each from the floor up, blocks by colour."""
Move = tuple[str, int]
"""A block and the pile it goes to."""
PAINTS = ("red", "blue", "green", "yellow", "orange", "purple")
PILES = ("left", "middle", "right")
EDGE = 0.6
"""Of a block, metres."""
_APART = 1.15


def moves(state: State) -> Iterator[tuple[Move, State]]:
    """Every move that can be made and what it leads to."""
    for source, pile in enumerate(state):
        if not pile:
            continue
        for goal in range(len(state)):
            if goal != source:
                after = list(state)
                after[source], after[goal] = pile[:-1], (*state[goal], pile[-1])
                yield (pile[-1], goal), tuple(after)


def after(state: State, plan: tuple[Move, ...]) -> State | None:
    """Where a plan leads; None if one of its moves cannot be made."""
    for move in plan:
        reached = dict(moves(state)).get(move)
        if reached is None:
            return None
        state = reached
    return state


def depths(goal: State) -> dict[State, int]:
    """Moves that every state is away from ``goal`` (breadth first; every move can be taken back)."""
    found, queue = {goal: 0}, deque([goal])
    while queue:
        here = queue.popleft()
        for _, there in moves(here):
            if there not in found:
                found[there] = found[here] + 1
                queue.append(there)
    return found


def first_moves(start: State, goal: State, deepest: int) -> tuple[int, set[Move]]:
    """The least number of moves from start to goal and all moves that begin so short a plan, by deepening search.

    Returns:
        The number and the moves; -1 and none if it takes more than ``deepest``.
    """

    def solved(state: State, left: int) -> bool:
        if state == goal:
            return True
        # Every block that does not lie where it will must move once at least.
        wrong = sum(len(pile) - _alike(pile, goal[k]) for k, pile in enumerate(state))
        return wrong <= left and any(solved(there, left - 1) for _, there in moves(state))

    for depth in range(deepest + 1):
        if solved(start, depth):
            return depth, {move for move, there in moves(start) if depth and solved(there, depth - 1)}
    return -1, set()


def _alike(pile: tuple[str, ...], goal: tuple[str, ...]) -> int:
    """How many blocks from the floor up are the same."""
    count = 0
    while count < min(len(pile), len(goal)) and pile[count] == goal[count]:
        count += 1
    return count


def scattered(rng: np.random.Generator, names: list[str]) -> State:
    """The blocks on piles at random."""
    piles: list[list[str]] = [[], [], []]
    for place in rng.permutation(len(names)):
        piles[int(rng.integers(3))].append(names[place])
    return tuple(tuple(pile) for pile in piles)


def view_of(state: State, size: int, tall: int) -> tuple[View, Camera]:
    """The piles from the front and a little above; block ``k`` of the view is the ``k``-th from the left and below.

    Args:
        state: the piles.
        size: width, pixels.
        tall: blocks that the picture has room for above each other.
    """
    size_of = (EDGE * 0.96, EDGE * 0.96, EDGE * 0.97)
    things = [
        Thing(f"{name} block", (Part("box", size_of, (0, 0, EDGE / 2), colour=_paint(name)),),
              ((pile - 1) * _APART, 0.0, level * EDGE))
        for pile, names in enumerate(state) for level, name in enumerate(names)
    ]  # fmt: skip
    pads = [Thing(f"place {pile}", (Part("box", (EDGE * 1.4, EDGE * 1.4, 0.04), colour=(0.35, 0.36, 0.4)),),
                  ((pile - 1) * _APART, 0.0, -0.02)) for pile in range(3)]  # fmt: skip
    floor = Thing("floor", (Part("box", (60, 90, 0.1), (0, 0, -0.09), colour=(0.84, 0.82, 0.78)),))
    light = Light((-1.0, -3.0, 4.0), ambient=0.6, diffuse=0.45, shadow=False)
    high = tall * EDGE
    far = 12.0
    half = max(high / 2 + 0.35, (_APART + EDGE) * 0.75)
    camera = Camera.looking((0.0, -far, high / 2 + 3.0), (0.0, 0.0, high / 2 - 0.05), width=size, height=size * 3 // 4,
                            vfov=float(2 * np.degrees(np.arctan(half / far))))  # fmt: skip
    return render(Scene((*things, *pads, floor), light), camera), camera


def read(view: View, camera: Camera, blocks: int) -> State:
    """The state that a picture shows, from the segmentation, the depth and the colours of its pixels.

    Args:
        view: of :func:`view_of`.
        camera: it.
        blocks: how many there are.
    """
    found: list[list[tuple[float, str]]] = [[], [], []]
    for place in range(blocks):
        rows, columns = np.nonzero(view.ids == place)
        points = camera.unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])
        front = points[:, 1] < -EDGE * 0.4
        x, z = (float(np.median(points[front, axis])) for axis in (0, 2))
        found[round(x / _APART) + 1].append((z, _name(view.rgb[rows, columns][front].mean(axis=0))))
    return tuple(tuple(name for _, name in sorted(pile)) for pile in found)


def _paint(name: str) -> tuple[float, float, float]:
    r, g, b = COLOURS[name]
    return r / 255, g / 255, b / 255


def _name(seen: np.ndarray) -> str:
    """The paint of that hue, whatever the light."""

    def hue(rgb: np.ndarray) -> np.ndarray:
        return np.asarray(rgb / np.linalg.norm(rgb))

    return min(PAINTS, key=lambda name: float(np.linalg.norm(hue(seen) - hue(np.array(COLOURS[name], dtype=float)))))
