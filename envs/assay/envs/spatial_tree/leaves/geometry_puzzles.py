"""Geometry puzzles: pieces that complete a square, nets that fold to cubes, figures turned, hidden cubes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from PIL import Image, ImageDraw

from assay.envs.spatial_tree.engine import Part, Thing, render
from assay.envs.spatial_tree.parts import cubes
from assay.envs.spatial_tree.parts.cubes import Figure
from assay.envs.spatial_tree.parts.drawing import COLOURS, GREYS, INK, chosen, colour_at, lettered, near, sheet, write
from assay.envs.spatial_tree.parts.mazes import Cell, distances, passages
from assay.envs.spatial_tree.parts.nets import corners, draw_cube, net, opposites, rolled, spots_of_cube
from assay.envs.spatial_tree.parts.pieces import (
    Shape,
    cells_in,
    covers,
    extent,
    four_pieces,
    grid,
    grown,
    quarter,
    sampled,
)
from assay.envs.spatial_tree.question import LETTERS, Question, few, mcq

_FACES = ("red", "blue", "green", "yellow", "orange", "purple")
_CUBE = 0.01
"""Least share of the picture of every cube of a figure."""


@few
def missing_piece(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four pieces completes a square; from difficulty 3 they have been turned."""
    side, count, span = ((3, 3, 3), (4, 5, 4), (4, 5, 4), (5, 6, 4), (5, 7, 4))[difficulty - 1]
    turning = difficulty >= 3
    shape = grown(rng, count, span)
    found = four_pieces(rng, shape, span, turning, close=difficulty >= 4)
    if found is None:
        return None
    right = int(rng.integers(4))
    pieces = [*found[1 : right + 1], shape, *found[right + 1 :]]
    if turning:
        pieces = [quarter(piece, int(rng.integers(4))) for piece in pieces]
    wide, high = extent(shape)
    dx, dy = int(rng.integers(side - wide + 1)), int(rng.integers(side - high + 1))
    hole = {(x + dx, y + dy) for x, y in shape}
    ink = COLOURS[_FACES[int(rng.integers(len(_FACES)))]]
    ground = GREYS[int(rng.integers(len(GREYS)))]
    image, pen = sheet(size, size, ground)
    big = int(size * 0.54 / side)
    left, top = (size - big * side) // 2, int(size * 0.02)
    grid(pen, (left, top), big, {(x, y) for x in range(side) for y in range(side)} - hole, ink)
    edge = max(1, size // 120)
    pen.rectangle((left - edge, top - edge, left + big * side, top + big * side), outline=INK, width=edge)
    small = int(size * 0.235 / span)
    for k, piece in enumerate(pieces):
        w, h = extent(piece)
        grid(pen, (int(size * (k + 0.5) / 4 - small * w / 2), int(size * 0.72 - small * h / 2)), small, piece, ink)
        write(pen, (size * (k + 0.5) / 4, size * 0.93), LETTERS[k], size * 0.11)

    def recheck() -> bool:
        painted = near(image, ink, 40)
        gap = np.pad(~sampled(painted[top : top + big * side, left : left + big * side], side, side), span)
        parts = np.array_split(painted[int(size * 0.58) :], 4, axis=1)
        fits = [any(covers(gap, np.rot90(cells_in(part, small), k)) for k in range(4 if turning else 1))
                for part in parts]  # fmt: skip
        return fits == [k == right for k in range(4)]

    how = "It may be turned, but not flipped over." if turning else "No piece is turned."
    said = f"A piece of the square is missing. Which of the four pieces below, drawn smaller, fills the gap? {how}"
    return lettered(said, [image], "piece", right, 4, recheck)


@few
def net_opposite(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which colour is opposite to a given one when a net is folded to a cube."""
    shape = net(rng, plain=difficulty <= 2)
    painted = {cell: _FACES[k] for cell, k in zip(sorted(shape), rng.permutation(6), strict=True)}
    facing = opposites(painted)
    fit = [name for name in _FACES if _folding(shape, painted, name, facing[name], difficulty)]
    if not fit:
        return None
    asked = fit[int(rng.integers(len(fit)))]
    truth = facing[asked]
    others = [name for name in _FACES if name not in (asked, truth)]
    wrong = [others[k] for k in rng.permutation(4)[:3]]
    image, spots = _drawn_net(rng, painted, size, size, 0.9)

    def recheck() -> bool:
        seen = {cell: colour_at(image, at) for cell, at in spots.items()}
        return rolled(seen)[0][asked] == truth

    said = f"The net is folded to a cube. Which colour is on the side opposite to the {asked} one?"
    return mcq(rng, said, [image], truth, wrong, recheck)


def _folding(shape: Shape, painted: dict[Cell, str], name: str, other: str, difficulty: int) -> bool:
    """Whether two opposite sides are as hard to tell as they should be: where they lie in the net."""
    here, there = (next(cell for cell in shape if painted[cell] == each) for each in (name, other))
    dx, dy = abs(here[0] - there[0]), abs(here[1] - there[1])
    # In a straight row of three the ends are opposite at a glance; elsewhere one has to fold, more so far apart.
    straight = sorted((dx, dy)) == [0, 2]
    far = distances([pair for pair in passages(6, 6) if set(pair) <= shape], here)[there]
    return (straight, True, True, not straight, far >= 4)[difficulty - 1]


@few
def net_folds(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four cubes can be folded from a net."""
    shape = net(rng, plain=difficulty <= 2)
    painted = {cell: _FACES[k] for cell, k in zip(sorted(shape), rng.permutation(6), strict=True)}
    good, facing = corners(painted), opposites(painted)
    right = int(rng.integers(4))
    every = [(a, b, c) for a in _FACES for b in _FACES for c in _FACES if len({a, b, c}) == 3]
    # Wrong cubes show two sides that are opposite (easy), or three that meet, but the other way round (hard).
    clash = [view for view in every if any(facing[a] in view for a in view)]
    mirror = [view for view in every if view not in good and view not in clash]
    hard = (0, 1, 1, 2, 3)[difficulty - 1]
    wrong = [mirror[k] for k in rng.choice(len(mirror), hard, replace=False)]
    wrong += [clash[k] for k in rng.choice(len(clash), 3 - hard, replace=False)]
    wrong = [wrong[k] for k in rng.permutation(3)]
    truth = sorted(good)[int(rng.integers(len(good)))]
    views = [*wrong[:right], truth, *wrong[right:]]
    image, spots = _drawn_net(rng, painted, size, int(size * 0.6), 0.9)
    pen = ImageDraw.Draw(image)
    edge = size * 0.115
    middles = [(size * (k + 0.5) / 4, size * 0.74) for k in range(4)]
    for k, (at, view) in enumerate(zip(middles, views, strict=True)):
        draw_cube(pen, at, edge, (COLOURS[view[0]], COLOURS[view[1]], COLOURS[view[2]]))
        write(pen, (at[0], size * 0.935), LETTERS[k], size * 0.1)

    def recheck() -> bool:
        folded = rolled({cell: colour_at(image, at) for cell, at in spots.items()})[1]
        seen = [tuple(colour_at(image, at) for at in spots_of_cube(middle, edge)) for middle in middles]
        return [view in folded for view in seen] == [k == right for k in range(4)]

    said = "The net above is folded to a cube, with the colours outside. Which of the four cubes can it be?"
    return lettered(said, [image], "cube", right, 4, recheck)


def _drawn_net(
    rng: np.random.Generator, painted: dict[Cell, str], size: int, height: int, fill: float
) -> tuple[Image.Image, dict[Cell, tuple[float, float]]]:
    """A square picture with a net in its upper ``height`` pixels, and the middle of each of its cells."""
    image, pen = sheet(size, size, GREYS[int(rng.integers(len(GREYS)))])
    wide, high = extent(painted)
    pitch = int(min(size * fill / wide, height * fill / high, size * 0.2))
    left, top = (size - pitch * wide) // 2, (height - pitch * high) // 2
    low = min(x for x, _ in painted), min(y for _, y in painted)
    spots = {}
    for cell, name in painted.items():
        x, y = cell[0] - low[0], cell[1] - low[1]
        grid(pen, (left, top), pitch, {(x, y)}, COLOURS[name])
        spots[cell] = (left + (x + 0.5) * pitch, top + (y + 0.5) * pitch)
    return image, spots


def turned_figure(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four figures of cubes is the first one, turned; from difficulty 3 one is its mirror image."""
    count = (5, 5, 6, 6, 7)[difficulty - 1]
    first = cubes.grown(rng, count)
    others = [] if difficulty < 3 else [cubes.reflected(first)]
    while len(others) < 3:
        base = (first, first, first, first, others[0] if others else first)[difficulty - 1]
        others.append(cubes.grown(rng, count) if difficulty <= 2 else cubes.changed(rng, base))
    if any(cubes.same(a, b) for a, b in combinations([first, *others], 2)):
        return None
    right = int(rng.integers(4))
    others = [others[k] for k in rng.permutation(3)]
    figures = [first, *others[:right], first, *others[right:]]
    turns = cubes.UPRIGHT if difficulty == 1 else cubes.TURNS
    side = max(48, size // 2)
    azimuth, height = float(rng.uniform(-62, -28)), float(rng.uniform(28, 40))
    eye = cubes.towards(azimuth, height)
    tones = int(rng.integers(len(cubes.TONES)))
    shown: list[Figure] = []
    for figure in figures:
        poses = [cubes.spun(figure, turns[k]) for k in rng.permutation(len(turns))]
        fit = next((each for each in poses if each not in shown and cubes.all_show(each, eye)), None)
        if fit is None:
            return None
        shown.append(fit)
    views = []
    for figure in shown:
        camera = cubes.camera_at(figure, azimuth, height, side, side, 0.06)
        view = render(cubes.scene_of(figure, tones, int(rng.integers(2))), camera)
        if any(view.share(k) < _CUBE for k in range(count)):
            return None
        views.append((view, camera))

    def recheck() -> bool:
        hands = [cubes.handed_shape(cubes.cubes_seen(view, camera)) for view, camera in views]
        return [hand == hands[0] for hand in hands[1:]] == [k == right for k in range(4)]

    said = "The first picture shows a figure of cubes. Which of the figures A to D is the same figure, turned?"
    captions = ("The figure:", *(f"{LETTERS[k]}:" for k in range(4)))
    return lettered(said, [Image.fromarray(view.rgb) for view, _ in views], "figure", right, 4, recheck, captions)


def cubes_in_pile(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """How many cubes a pile has, with those that nothing but the cubes above them shows."""
    low, high, side, top = ((3, 5, 3, 2), (5, 8, 3, 3), (8, 12, 3, 4), (12, 18, 4, 4), (18, 28, 5, 5))[difficulty - 1]
    # The four numbers come first and the right one is drawn among them, so that no number is likelier than another.
    least = int(rng.integers(low, high + 1))
    right = int(rng.integers(4))
    heights = np.zeros((side, side), dtype=int)
    for _ in range(least + right):
        # Nowhere higher than behind, so that every column shows its top.
        fit = [(i, j) for i in range(side) for j in range(side)
               if heights[i, j] < top and (i == 0 or heights[i - 1, j] > heights[i, j])
               and (j == 0 or heights[i, j - 1] > heights[i, j])]  # fmt: skip
        i, j = fit[int(rng.integers(len(fit)))]
        heights[i, j] += 1
    # The corner away from the eye is at the back: x grows towards it, y grows away from it.
    pile = frozenset((i, side - 1 - j, z) for i in range(side) for j in range(side) for z in range(heights[i, j]))
    floor = Thing("floor", (Part("box", (40, 40, 0.1), (0, 0, -0.05), colour=(0.82, 0.82, 0.8)),))
    azimuth, height = float(rng.uniform(-55, -35)), float(rng.uniform(32, 42))
    camera = cubes.camera_at(pile, azimuth, height, size, size * 3 // 4, 0.08)
    view = render(cubes.scene_of(pile, int(rng.integers(len(cubes.TONES))), 0, [floor]), camera)

    def recheck() -> bool:
        return cubes.counted_from_above(view, camera, len(pile)) == least + right

    said = (
        "A pile of cubes of equal size stands on the floor; every cube stands on the floor or on another cube, and "
        "there are none behind the pile that cannot be seen. How many cubes has it in all, those below others included?"
    )
    return chosen(said, [Image.fromarray(view.rgb)], [str(least + k) for k in range(4)], right, recheck)


TEMPLATES = (missing_piece, net_opposite, net_folds, turned_figure, cubes_in_pile)
