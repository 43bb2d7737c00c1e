"""Operation: which moves lead from one arrangement to another, and how many it takes."""

from __future__ import annotations

import numpy as np
from PIL import Image

from assay.envs.spatial_tree.engine import Camera, View
from assay.envs.spatial_tree.parts import blocks
from assay.envs.spatial_tree.parts.blocks import PAINTS, PILES, Move, State
from assay.envs.spatial_tree.parts.drawing import chosen
from assay.envs.spatial_tree.parts.sliding import TILES, Board, board_picture, distance_map, drawn_board, slid
from assay.envs.spatial_tree.question import Question, few

_RULES = (
    "A move takes the uppermost block of a pile and puts it on top of another pile, or on the grey plate there if that "
    "is empty."
)
_CAPTIONS = ("Now:", "Goal:")


def first_move(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four moves begins a shortest plan from one arrangement of blocks to another."""
    count, low, high = ((3, 1, 2), (3, 2, 3), (4, 3, 4), (5, 4, 5), (5, 5, 7))[difficulty - 1]
    names = _names(rng, count)
    # The four moves are drawn before it is drawn which of them is right, so that words tell nothing.
    every = [(name, pile) for name in names for pile in range(3)]
    four: list[Move] = [every[k] for k in rng.choice(len(every), 4, replace=False)]
    right = int(rng.integers(4))
    for _ in range(20):
        goal = blocks.scattered(rng, names)
        depth = blocks.depths(goal)
        starts = []
        for state, far in depth.items():
            if low <= far <= high:
                best = {move for move, there in blocks.moves(state) if depth[there] < far}
                if [move in best for move in four] == [k == right for k in range(4)]:
                    starts.append(state)
        if starts:
            start = sorted(starts)[int(rng.integers(len(starts)))]
            break
    else:
        return None
    views = [blocks.view_of(state, size, _tall(start, goal)) for state in (start, goal)]

    def recheck() -> bool:
        now, then = (blocks.read(view, camera, count) for view, camera in views)
        _, best = blocks.first_moves(now, then, high)
        return [move in best for move in four] == [k == right for k in range(4)]

    said = f"{_RULES} The goal is to be reached with as few moves as possible. Which move can come first?"
    return chosen(said, _pictures(views), [_told(move) for move in four], right, recheck, _CAPTIONS)


def plan_reaches(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four lists of moves turns one arrangement of blocks into another."""
    count, length = ((3, 2), (3, 2), (4, 3), (4, 4), (5, 5))[difficulty - 1]
    start = blocks.scattered(rng, _names(rng, count))
    four: dict[State, tuple[Move, ...]] = {}
    for _ in range(80):
        plan, state, seen = [], start, {start}
        for _ in range(length):
            ways = [(move, there) for move, there in blocks.moves(state) if there not in seen]
            if not ways:
                break
            move, state = ways[int(rng.integers(len(ways)))]
            plan.append(move)
            seen.add(state)
        if len(plan) == length:
            four.setdefault(state, tuple(plan))
        if len(four) == 4:
            break
    else:
        return None
    goals, plans = list(four), list(four.values())
    right = int(rng.integers(4))
    views = [blocks.view_of(state, size, _tall(start, goals[right])) for state in (start, goals[right])]

    def recheck() -> bool:
        now, then = (blocks.read(view, camera, count) for view, camera in views)
        return [blocks.after(now, plan) == then for plan in plans] == [k == right for k in range(4)]

    said = f"{_RULES} Which list of moves, made in this order, leads to the goal?"
    options = ["; ".join(_told(move) for move in plan) for plan in plans]
    return chosen(said, _pictures(views), options, right, recheck, _CAPTIONS)


def fewest_moves(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """How many moves it takes at least from one arrangement of blocks to another."""
    count, low, high = ((3, 1, 1), (3, 1, 2), (4, 1, 3), (5, 2, 4), (5, 3, 5))[difficulty - 1]
    names = _names(rng, count)
    # The four numbers come first and the right one is drawn among them, so that no number is likelier than another.
    least, right = int(rng.integers(low, high + 1)), int(rng.integers(4))
    for _ in range(20):
        goal = blocks.scattered(rng, names)
        starts = sorted(state for state, far in blocks.depths(goal).items() if far == least + right)
        if starts:
            start = starts[int(rng.integers(len(starts)))]
            break
    else:
        return None
    views = [blocks.view_of(state, size, _tall(start, goal)) for state in (start, goal)]

    def recheck() -> bool:
        now, then = (blocks.read(view, camera, count) for view, camera in views)
        return blocks.first_moves(now, then, 8)[0] == least + right

    said = f"{_RULES} How many moves does it take at least to reach the goal?"
    return chosen(said, _pictures(views), [str(least + k) for k in range(4)], right, recheck, _CAPTIONS)


@few
def slide_first(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which tile of a sliding puzzle is to be slid first, so that the goal is reached in as few moves as possible."""
    far = (1, 2, 4, 6, 8)[difficulty - 1]
    names = [TILES[k] for k in rng.permutation(8)]
    # In the middle of the puzzle the gap has four neighbours, all of which can be slid.
    start: Board = (*names[:4], "", *names[4:])
    four = [start[k] for k in (1, 3, 5, 7)]
    four = [four[k] for k in rng.permutation(4)]
    right = int(rng.integers(4))
    first = slid(start, four[right])
    depth = distance_map(start, far)
    others = [distance_map(slid(start, name), far - 1) for name in four if name != four[right]]
    goals = [board for board, steps in distance_map(first, far - 1).items() if steps == far - 1]
    goals = [board for board in goals if depth[board] == far and not any(board in other for other in others)]
    if not goals:
        return None
    goal = sorted(goals)[int(rng.integers(len(goals)))]
    pictures = [board_picture(board, size) for board in (start, goal)]

    def recheck() -> bool:
        now, then = (drawn_board(picture) for picture in pictures)
        back = distance_map(then, far)
        return [back.get(slid(now, name), far + 1) == far - 1 for name in four] == [k == right for k in range(4)]

    said = (
        "In this puzzle a tile beside the gap can be slid into it. The goal is to be reached with as few slides as "
        "possible. Which tile is slid first?"
    )
    return chosen(said, pictures, [f"tile {name}" for name in four], right, recheck, _CAPTIONS)


def _names(rng: np.random.Generator, count: int) -> list[str]:
    return [PAINTS[k] for k in rng.permutation(len(PAINTS))[:count]]


def _told(move: Move) -> str:
    return f"{move[0]} to the {PILES[move[1]]}"


def _tall(*states: State) -> int:
    return max(len(pile) for state in states for pile in state)


def _pictures(views: list[tuple[View, Camera]]) -> list[Image.Image]:
    return [Image.fromarray(view.rgb) for view, _ in views]


TEMPLATES = (first_move, plan_reaches, fewest_moves, slide_first)
