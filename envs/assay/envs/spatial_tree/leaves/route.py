"""Route: ways through mazes and floor plans seen from above."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from PIL import ImageDraw

from assay.envs.spatial_tree.parts.drawing import chosen, lettered, middle, near, write
from assay.envs.spatial_tree.parts.floors import rooms_passed
from assay.envs.spatial_tree.parts.mazes import (
    GOAL,
    START,
    STEPS,
    THEMES,
    Cell,
    Frame,
    Passage,
    arrow,
    cells,
    distances,
    dot,
    draw,
    flooded,
    passages,
    read,
    square,
    trees,
)
from assay.envs.spatial_tree.parts.plans import WAYS, Plan, paced, passages_of, simple_plans, stopped, told, walked
from assay.envs.spatial_tree.question import LETTERS, Question, few

_SIDES = ("up", "right", "down", "left")


@few
def exit_reached(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four exits can be reached from the dot; at difficulty 1 only one corridor is there at all."""
    side = (5, 5, 5, 7, 9)[difficulty - 1]
    right = int(rng.integers(4))
    places = [int(rng.integers(1, side - 1)) for _ in range(4)]
    ends = [_edge(way, place, side) for way, place in zip(_SIDES, places, strict=True)]
    start = (int(rng.integers(1, side - 1)), int(rng.integers(1, side - 1)))
    if difficulty <= 2:
        open_ = _corridor(start, ends[right], _SIDES[right])
        floor = {cell for pair in open_ for cell in pair} | {start}
        doors = {right}
        if difficulty == 2:
            doors = {0, 1, 2, 3}
            if floor & {cell for k, cell in enumerate(ends) if k != right}:
                return None
            floor |= set(ends)
    else:
        open_ = trees(rng, side, side, roots=ends)
        far = distances(open_, ends[right])
        # At least so far from the exit: the side of the maze and a little more.
        starts = [cell for cell, steps in far.items() if steps >= side // 2 + difficulty - 2]
        if not starts:
            return None
        start, floor, doors = starts[int(rng.integers(len(starts)))], set(cells(side, side)), {0, 1, 2, 3}
    theme = THEMES[int(rng.integers(len(THEMES)))]
    frame = Frame.fitting(size, side, side, 0.13)
    image = draw(size, frame, side, side, open_, theme, floor, [(ends[k], _SIDES[k]) for k in sorted(doors)])
    pen = ImageDraw.Draw(image)
    dot(pen, frame, start, START)
    spots = []
    for k, (end, way) in enumerate(zip(ends, _SIDES, strict=True)):
        x, y = frame.middle(end)
        step = frame.pitch / 2 + frame.wall / 2 + size * 0.065
        spots.append((x + STEPS[way][0] * step, y + STEPS[way][1] * step))
        write(pen, spots[-1], LETTERS[k], size * 0.12, GOAL)

    def recheck() -> bool:
        return flooded(image, theme[1], spots) == [right]

    said = "The picture shows a maze from above. Which exit can be reached from the red dot?"
    return lettered(said, [image], "exit", right, 4, recheck)


def _edge(way: str, place: int, side: int) -> Cell:
    last = side - 1
    return {"up": (place, 0), "right": (last, place), "down": (place, last), "left": (0, place)}[way]


def _corridor(start: Cell, end: Cell, way: str) -> set[Passage]:
    """Along the edge's direction first, then straight out."""
    corner = (end[0], start[1]) if way in ("up", "down") else (start[0], end[1])
    path = [start]
    for goal in (corner, end):
        while path[-1] != goal:
            x, y = path[-1]
            path.append((x + int(np.sign(goal[0] - x)), y + int(np.sign(goal[1] - y))))
    return set(passages_of(path))


@few
def plan_arrives(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four lists of moves leads from the start to the square without meeting a wall."""
    side, moves, longest = ((4, 2, 3), (5, 3, 3), (5, 3, 3), (6, 4, 3), (7, 5, 3))[difficulty - 1]
    turning, same_end = difficulty >= 3, difficulty >= 4
    start = (int(rng.integers(side)), int(rng.integers(side)))
    heading = WAYS[int(rng.integers(4))]
    away = WAYS[(WAYS.index(heading) + 2) % 4]
    plans = [p for p in simple_plans(start, side, side, moves, longest) if not (turning and p[0][0] == away)]
    by_end: dict[Cell, list[Plan]] = defaultdict(list)
    for plan in plans:
        by_end[walked(start, plan)[-1]].append(plan)
    # The four plans are drawn before it is drawn which of them is right, so that words tell nothing.
    if same_end:
        many = [end for end, found in by_end.items() if len(found) >= 4]
        if not many:
            return None
        group = by_end[many[int(rng.integers(len(many)))]]
        four = [group[k] for k in rng.choice(len(group), 4, replace=False)]
    else:
        if len(by_end) < 4:
            return None
        ends = [list(by_end)[k] for k in rng.choice(len(by_end), 4, replace=False)]
        four = [by_end[end][int(rng.integers(len(by_end[end])))] for end in ends]
    right = int(rng.integers(4))
    path = walked(start, four[right])
    open_ = trees(rng, side, side, passages_of(path))
    theme = THEMES[int(rng.integers(len(THEMES)))]
    frame = Frame.fitting(size, side, side, 0.03)
    image = draw(size, frame, side, side, open_, theme)
    pen = ImageDraw.Draw(image)
    arrow(pen, frame, start, heading) if turning else dot(pen, frame, start, START)
    square(pen, frame, path[-1])

    def recheck() -> bool:
        shut, goal = near(image, theme[1], 24), frame.cell(middle(near(image, GOAL)))
        begin = frame.middle(frame.cell(middle(near(image, START))))
        ends = [paced(shut, frame, begin, plan, stop=False) for plan in four]
        return [end is not None and frame.cell(end) == goal for end in ends] == [k == right for k in range(4)]

    who = "red arrow, which points where you look" if turning else "red dot"
    how = (
        "'left 2' means: turn left, then go 2 squares; 'forward 2' means: go 2 squares without turning."
        if turning
        else "'left 2' means: go 2 squares to the left in the picture."
    )
    said = (
        f"The picture shows a maze from above. You start at the {who}. Which list of moves leads to the blue square "
        f"without meeting a wall? {how}"
    )
    return chosen(said, [image], [told(plan, heading if turning else None) for plan in four], right, recheck)


@few
def end_of_moves(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """At which of four letters one ends after a list of moves, where walls end a move early."""
    side, moves, share = ((4, 2, 0.0), (5, 3, 0.0), (5, 3, 0.25), (6, 4, 0.35), (7, 5, 0.4))[difficulty - 1]
    turning = difficulty >= 4
    start = (int(rng.integers(side)), int(rng.integers(side)))
    heading = WAYS[int(rng.integers(4))]
    plans = list(simple_plans(start, side, side, moves, 3))
    plan = plans[int(rng.integers(len(plans)))]
    open_ = trees(rng, side, side) | {pair for pair in passages(side, side) if rng.random() >= share}
    end = stopped(start, plan, open_)
    if end == start or (turning and plan[0][0] == WAYS[(WAYS.index(heading) + 2) % 4]):
        return None
    right = int(rng.integers(4))
    decoys = [cell for cell in _mistakes(rng, start, plan, open_, side) if cell not in (start, end)]
    rest = [cell for cell in cells(side, side) if cell not in (start, end)]
    decoys += [rest[k] for k in rng.permutation(len(rest))]
    wrong = list(dict.fromkeys(decoys))[:3]
    spots = [*wrong[:right], end, *wrong[right:]]
    theme = THEMES[int(rng.integers(len(THEMES)))]
    frame = Frame.fitting(size, side, side, 0.03)
    image = draw(size, frame, side, side, open_, theme)
    pen = ImageDraw.Draw(image)
    arrow(pen, frame, start, heading) if turning else dot(pen, frame, start, START)
    for k, cell in enumerate(spots):
        write(pen, frame.middle(cell), LETTERS[k], frame.pitch * 0.66, GOAL)

    def recheck() -> bool:
        begin = frame.middle(frame.cell(middle(near(image, START))))
        last = paced(near(image, theme[1], 24), frame, begin, plan, stop=True)
        return last is not None and spots.index(frame.cell(last)) == right

    who = "red arrow, which points where you look" if turning else "red dot"
    how = (
        "'left 2' means: turn left, then go 2 squares." if turning else "'left 2' means: 2 squares left in the picture."
    )
    said = (
        f"The picture shows squares from above. You start at the {who} and make these moves: "
        f"{told(plan, heading if turning else None)}. {how} A wall ends a move early, and you go on with the next. "
        "At which letter do you end?"
    )
    return lettered(said, [image], "letter", right, 4, recheck)


def _mistakes(rng: np.random.Generator, start: Cell, plan: Plan, open_: set[Passage], side: int) -> list[Cell]:
    """Where one ends who overlooks walls, mixes up left and right in one move, or leaves one out; in random order."""
    found = [walked(start, plan)[-1]]
    for k, (way, count) in enumerate(plan):
        turned = WAYS[(WAYS.index(way) + 2) % 4]
        found.append(stopped(start, (*plan[:k], (turned, count), *plan[k + 1 :]), open_))
        found.append(stopped(start, (*plan[:k], *plan[k + 1 :]), open_))
    inside = [cell for cell in found if 0 <= cell[0] < side and 0 <= cell[1] < side]
    return [inside[k] for k in rng.permutation(len(inside))]


@few
def steps_to_goal(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """How many steps the shortest way through a maze takes."""
    side, low, high = ((3, 1, 1), (4, 1, 3), (5, 2, 6), (7, 6, 12), (8, 9, 17))[difficulty - 1]
    # The four numbers come first and the right one is drawn among them, so that no number is likelier than another.
    least = int(rng.integers(low, high + 1))
    right = int(rng.integers(4))
    steps = least + 2 * right if difficulty > 1 else least + right
    found = _pair(rng, side, steps, extra=0.04 * (difficulty - 1))
    if found is None:
        return None
    open_, start, goal = found
    theme = THEMES[int(rng.integers(len(THEMES)))]
    frame = Frame.fitting(size, side, side, 0.03)
    image = draw(size, frame, side, side, open_, theme)
    pen = ImageDraw.Draw(image)
    dot(pen, frame, start, START)
    square(pen, frame, goal)

    def recheck() -> bool:
        seen = read(image, frame, side, side, theme[1])
        ends = [frame.cell(middle(near(image, ink))) for ink in (START, GOAL)]
        reached, count = {ends[0]}, 0
        while ends[1] not in reached and count < side * side:
            reached |= {b for a, b in seen if a in reached} | {a for a, b in seen if b in reached}
            count += 1
        return count == steps

    options = [str(least + (2 * k if difficulty > 1 else k)) for k in range(4)]
    said = (
        "The picture shows a maze from above. A step goes from a square to the next one. How many steps does the "
        "shortest way from the red dot to the blue square take?"
    )
    return chosen(said, [image], options, right, recheck)


def _pair(rng: np.random.Generator, side: int, steps: int, extra: float) -> tuple[set[Passage], Cell, Cell] | None:
    """A maze and two of its cells that are so far apart."""
    for _ in range(40):
        open_ = trees(rng, side, side) | {pair for pair in passages(side, side) if rng.random() < extra}
        start = (int(rng.integers(side)), int(rng.integers(side)))
        goals = [cell for cell, far in distances(open_, start).items() if far == steps]
        if goals:
            return open_, start, goals[int(rng.integers(len(goals)))]
    return None


TEMPLATES = (exit_reached, plan_arrives, end_of_moves, steps_to_goal, rooms_passed)
