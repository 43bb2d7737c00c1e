"""Plans of moves on a grid: drawn, told in words, and carried out on the pixels of a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.parts.mazes import STEPS, Cell, Frame, Passage, joined, moved

Plan = tuple[tuple[str, int], ...]
"""Moves: a way of :data:`STEPS` and how many steps."""
WAYS = tuple(STEPS)
TURNS = ("forward", "right", "back", "left")
"""Of a new way against the one before, clockwise."""


def walked(start: Cell, plan: Plan) -> list[Cell]:
    """All cells on the way, the start first, as if there were no walls."""
    found = [start]
    for way, count in plan:
        for _ in range(count):
            found.append(moved(found[-1], way))
    return found


def simple_plans(start: Cell, width: int, height: int, moves: int, longest: int) -> Iterator[Plan]:
    """All plans of so many moves, each of at most ``longest`` steps, that stay on the grid and never meet themselves.

    No move goes on in the way of the one before, or straight back.
    """

    def grow(plan: Plan, path: tuple[Cell, ...]) -> Iterator[Plan]:
        if len(plan) == moves:
            yield plan
            return
        for way in WAYS:
            if plan and WAYS.index(way) % 2 == WAYS.index(plan[-1][0]) % 2:
                continue
            longer = path
            for count in range(1, longest + 1):
                there = moved(longer[-1], way)
                if there in path or not (0 <= there[0] < width and 0 <= there[1] < height):
                    break
                longer = (*longer, there)
                yield from grow((*plan, (way, count)), longer)

    yield from grow((), (start,))


def passages_of(path: Sequence[Cell]) -> list[Passage]:
    """What a path goes through."""
    return [joined(a, b) for a, b in pairwise(path)]


def stopped(start: Cell, plan: Plan, open_: Iterable[Passage]) -> Cell:
    """Where a plan ends when a wall ends a move early."""
    clear, here = set(open_), start
    for way, count in plan:
        for _ in range(count):
            there = moved(here, way)
            if joined(here, there) not in clear:
                break
            here = there
    return here


def told(plan: Plan, heading: str | None) -> str:
    """In words: by the ways of the picture, or by turns of somebody who looks towards ``heading`` first."""
    words = []
    for way, count in plan:
        if heading is None:
            words.append(f"{way} {count}")
        else:
            words.append(f"{TURNS[(WAYS.index(way) - WAYS.index(heading)) % 4]} {count}")
            heading = way
    return ", ".join(words)


def paced(
    blocked: npt.NDArray[np.bool_], frame: Frame, start: tuple[float, float], plan: Plan, stop: bool
) -> tuple[float, float] | None:
    """Carry a plan out on a picture, pixel by pixel.

    Args:
        blocked: pixels that are wall.
        frame: for the length of a step.
        start: pixel.
        plan: moves.
        stop: a wall ends the move (and one goes on from the last cell), instead of making the plan fail.

    Returns:
        The last pixel; None where a wall stood in the way and ``stop`` is not set.
    """
    x, y = start
    for way, count in plan:
        dx, dy = STEPS[way]
        for _ in range(count):
            if any(blocked[int(y + dy * k), int(x + dx * k)] for k in range(frame.pitch + 1)):
                if not stop:
                    return None
                break
            x, y = x + dx * frame.pitch, y + dy * frame.pitch
    return x, y
