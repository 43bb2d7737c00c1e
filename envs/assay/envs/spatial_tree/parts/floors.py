"""Floor plans of lettered rooms: ways through doors."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import ImageDraw

from assay.envs.spatial_tree.parts.drawing import chosen, write
from assay.envs.spatial_tree.parts.mazes import (
    GOAL,
    STEPS,
    THEMES,
    Cell,
    Frame,
    Passage,
    cells,
    distances,
    draw,
    joined,
    moved,
    passages,
    read,
)
from assay.envs.spatial_tree.parts.plans import passages_of
from assay.envs.spatial_tree.question import Question

_NAMES = "EFGHJKLMNPQRSTUVWXYZ"
"""Of rooms: no letter of an option, and none that people take for a numeral."""


def rooms_passed(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Through which rooms of a floor plan the way with the fewest doors leads."""
    wide, high, share = ((3, 3, 0.3), (3, 3, 0.8), (4, 3, 0.8), (4, 4, 0.8), (5, 4, 0.9))[difficulty - 1]
    names = dict(zip(cells(wide, high), (_NAMES[k] for k in rng.permutation(len(_NAMES))), strict=False))
    start, goal = [((0, 0), (wide - 1, high - 1)), ((0, high - 1), (wide - 1, 0))][int(rng.integers(2))]
    if rng.random() < 0.5:
        start, goal = goal, start
    ways = shortest(passages(wide, high), start, goal)
    # Which ways are offered is drawn before which of them has doors, so that letters tell nothing.
    offered = [ways[k] for k in rng.choice(len(ways), 4, replace=False)]
    right = int(rng.integers(4))
    doors = set(passages_of(offered[right]))
    every = passages(wide, high)
    for k in rng.permutation(len(every)):
        more = doors | {every[k]}
        if rng.random() < share and shortest(more, start, goal) == [offered[right]]:
            doors = more
    theme = THEMES[int(rng.integers(len(THEMES)))]
    frame = Frame.fitting(size, wide, high, 0.03, thick=0.12, gap=0.4)
    image = draw(size, frame, wide, high, doors, theme)
    pen = ImageDraw.Draw(image)
    for cell, name in names.items():
        write(pen, frame.middle(cell), name, frame.pitch * 0.45, GOAL)

    def recheck() -> bool:
        seen = read(image, frame, wide, high, theme[1])
        fits = [set(passages_of(way)) <= seen for way in offered]
        return fits == [k == right for k in range(4)] and distances(seen, start)[goal] == len(offered[right]) - 1

    said = (
        f"The picture is a floor plan; gaps in the walls are doors. You go from room {names[start]} to room "
        f"{names[goal]} through as few doors as possible. Which rooms do you come through on the way, in this order?"
    )
    options = [", ".join(names[cell] for cell in way[1:-1]) for way in offered]
    return chosen(said, [image], options, right, recheck)


def shortest(doors: Iterable[Passage], start: Cell, goal: Cell) -> list[list[Cell]]:
    """All ways from start to goal through as few doors as possible."""
    open_ = set(doors)
    left = distances(open_, goal)
    ways = [[start]] if start in left else []
    for far in range(left.get(start, 0) - 1, -1, -1):
        ways = [
            [*way, there]
            for way in ways
            for there in (moved(way[-1], step) for step in STEPS)
            if left.get(there) == far and joined(way[-1], there) in open_
        ]
    return ways
