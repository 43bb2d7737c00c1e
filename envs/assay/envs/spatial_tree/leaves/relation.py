"""Relation: how things stand to each other that no picture shows together, by way of those between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from PIL import Image

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing, View, render
from assay.envs.spatial_tree.engine.kinds import COLOURS, KINDS, thing
from assay.envs.spatial_tree.engine.visibility import fair
from assay.envs.spatial_tree.parts.drawing import GREYS, chosen
from assay.envs.spatial_tree.question import Question, mcq

_APART = 1.6
"""Metres from one thing of a row or path to the next."""
_TALLER = 1.2
"""Each pole is at least so many times as high as the next lower one."""
_EXTENT = 0.85
"""Greatest extent of a thing, metres."""
_STOCK = tuple(name for name, kind in KINDS.items() if max(kind.size) < 3 * min(kind.size) and kind.family != "food")
_NEXT = {"left": (-1, 0), "right": (1, 0), "nearer": (0, -1), "farther": (0, 1)}


def row_end(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four things of a row, of which each picture shows a few, stands farthest to one side."""
    count, wide = ((4, 3), (4, 2), (5, 2), (6, 2), (7, 2))[difficulty - 1]
    things = _things(rng, [(k * _APART, 0.0) for k in range(count)])
    right, way = int(rng.integers(4)), str(rng.choice(["left", "right"]))
    # Names are drawn for places at random, so that the order of the options tells nothing.
    ranks = np.sort(rng.choice(count, 4, replace=False))
    best = int(ranks[0] if way == "left" else ranks[-1])
    windows = [list(range(first, first + wide)) for first in range(count - wide + 1)]
    windows = [windows[k] for k in rng.permutation(len(windows))]
    ground, turn = _ground(rng), float(rng.uniform(-0.15, 0.15))
    shots = [_shot([things[k] for k in window], ground, size, 0.9 * wide - 0.35, turn) for window in windows]
    if any(shot is None for shot in shots):
        return None
    views = [shot for shot in shots if shot is not None]
    names = [f"the {things[k].name}" for k in ranks]
    others = [names[k] for k in rng.permutation(4) if ranks[k] != best]
    options = [*others[:right], f"the {things[best].name}", *others[right:]]

    def recheck() -> bool:
        links = set()
        for window, (view, _) in zip(windows, views, strict=True):
            order = sorted(range(len(window)), key=lambda k: view.centroid(k)[0])
            links |= {(things[window[a]].name, things[window[b]].name) for a, b in pairwise(order)}
        asked = [option.removeprefix("the ") for option in options]
        line = _chain(links)
        ends = sorted(asked, key=line.index)
        return bool(ends[0 if way == "left" else -1] == things[best].name)

    said = (
        "The pictures show parts of one straight row of things, all from the same side; neighbours are always as far "
        f"apart. Which of these stands farthest to the {way} in the row?"
    )
    return chosen(said, _images(views), options, right, recheck, _captions(views))


def pole_heights(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four poles, shown two at a time from different distances, is the highest or the lowest."""
    count = (4, 4, 5, 6, 7)[difficulty - 1]
    paints = [list(COLOURS)[k] for k in rng.permutation(len(COLOURS))[:count]]
    heights = 0.7 * np.cumprod([1.0, *rng.uniform(_TALLER, _TALLER + 0.12, count - 1)])
    pairs = [(k, k + 1) for k in range(count - 1)]
    if difficulty == 1:
        pairs += [(0, 2), (1, 3)]
    pairs = [pairs[k] for k in rng.permutation(len(pairs))]
    right, most = int(rng.integers(4)), str(rng.choice(["highest", "lowest"]))
    ranks = np.sort(rng.choice(count, 4, replace=False))
    best = int(ranks[-1] if most == "highest" else ranks[0])
    ground = _ground(rng)
    views, sides = [], []
    for low, high in pairs:
        order = (low, high) if rng.random() < 0.5 else (high, low)
        sides.append(order)
        poles = [_pole(paints[k], float(heights[k]), x) for k, x in zip(order, (-0.6, 0.6), strict=True)]
        tall = float(heights[high])
        views.append(_look(poles, ground, size, (0.0, 0.0, tall / 2), tall * float(rng.uniform(0.62, 1.1)) + 0.15))
    rest = [f"the {paints[k]} pole" for k in rng.permutation(ranks) if k != best]
    options = [*rest[:right], f"the {paints[best]} pole", *rest[right:]]

    def recheck() -> bool:
        links = set()
        for order, (view, camera) in zip(sides, views, strict=True):
            tops = [float(_points(view, camera, place)[:, 2].max()) for place in (0, 1)]
            lower, higher = np.array(order)[np.argsort(tops)].tolist()
            links.add((f"the {paints[lower]} pole", f"the {paints[higher]} pole"))
        line = _chain(links)
        found: str = (max if most == "highest" else min)(options, key=line.index)
        return found == options[right]

    said = (
        "Each picture shows two of a number of poles, from nearer or farther away. Poles of the same colour are the "
        f"same pole. Which of these poles is the {most}?"
    )
    return chosen(said, _images(views), options, right, recheck, _captions(views))


def where_from(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Where one thing stands as seen from another, from pictures of the steps between them."""
    steps = (2, 2, 3, 4, 5)[difficulty - 1]
    across, along = str(rng.choice(["left", "right"])), str(rng.choice(["nearer", "farther"]))
    ways = [across, along, *(str(rng.choice([across, along])) for _ in range(steps - 2))]
    ways = [ways[k] for k in rng.permutation(steps)]
    spots = [np.zeros(2)]
    for way in ways:
        spots.append(spots[-1] + _APART * np.array(_NEXT[way]))
    things = _things(rng, [(float(x), float(y)) for x, y in spots])
    order = [int(k) for k in rng.permutation(steps)] if difficulty >= 2 else list(range(steps))
    ground, turn = _ground(rng), float(rng.uniform(-0.1, 0.1))
    shots = [_shot([things[k], things[k + 1]], ground, size, 1.5, turn) for k in order]
    if any(shot is None for shot in shots):
        return None
    views = [shot for shot in shots if shot is not None]

    def recheck() -> bool:
        total = np.zeros(2)
        for view, camera in views:
            first, second = (_points(view, camera, place)[:, :2].mean(axis=0) for place in (0, 1))
            total += np.round((second - first) / _APART)
        return (("right" if total[0] > 0 else "left"), ("farther" if total[1] > 0 else "nearer")) == (across, along)

    def told(side: str, depth: str) -> str:
        return f"to the {side} and {'nearer' if depth == 'nearer' else 'farther away'}"

    wrong = [told(side, depth) for side in ("left", "right") for depth in ("nearer", "farther")
             if (side, depth) != (across, along)]  # fmt: skip
    said = (
        "All pictures were taken in the same room, in the same direction of view; each shows two things. Compared with "
        f"the {things[0].name}, where is the {things[-1].name} for somebody who looks in that direction?"
    )
    return mcq(rng, said, _images(views), told(across, along), wrong, recheck, _captions(views))


def _things(rng: np.random.Generator, spots: Sequence[tuple[float, float]]) -> list[Thing]:
    """Things of different kinds and colours at spots of the floor, turned at random."""
    kinds = rng.permutation(len(_STOCK))[: len(spots)]
    paints = rng.permutation(len(COLOURS))[: len(spots)]
    return [
        thing(_STOCK[kind], list(COLOURS)[paint], (x, y, 0.0), float(rng.uniform(0, 360)), fit=_EXTENT)
        for kind, paint, (x, y) in zip(kinds, paints, spots, strict=True)
    ]


def _ground(rng: np.random.Generator) -> Thing:
    r, g, b = GREYS[int(rng.integers(len(GREYS)))]
    shade = 0.8 / 255
    return Thing("floor", (Part("box", (80, 80, 0.1), (0, 0, -0.05), colour=(r * shade, g * shade, b * shade)),))


def _pole(paint: str, height: float, x: float) -> Thing:
    parts = (
        Part("cylinder", (0.22, 0.22, height), (0, 0, height / 2), colour=COLOURS[paint]),
        Part("cylinder", (0.5, 0.5, 0.06), (0, 0, 0.03), colour=(0.25, 0.25, 0.28)),
    )
    return Thing(f"{paint} pole", parts, (x, 0.0, 0.0), colour=paint)


def _shot(things: Sequence[Thing], ground: Thing, size: int, half: float, turn: float) -> tuple[View, Camera] | None:
    """A picture of things only, if all show well; ``half`` metres to each side of their middle."""
    middle = np.mean([one.at for one in things], axis=0)
    found = _look(things, ground, size, (float(middle[0]), float(middle[1]), 0.3), half * 0.75, 5.0, turn)
    scene = Scene((*things, ground), Light(shadow=False))
    return found if fair(scene, found[1], range(len(things)), found[0]) else None


def _look(
    things: Sequence[Thing], ground: Thing, size: int, target: tuple[float, float, float], half: float,
    above: float = 1.2, turn: float = 0.0,
) -> tuple[View, Camera]:  # fmt: skip
    """From the front, along about +y, ``half`` metres up and down of the target."""
    away = 9.0
    x, y, z = target
    camera = Camera.looking((x + turn * away * 0.3, y - away, z + above), target, width=size, height=size * 3 // 4,
                            vfov=float(2 * np.degrees(np.arctan(half / float(np.hypot(away, above))))))  # fmt: skip
    return render(Scene((*things, ground), Light((-1.0, -2.0, 4.0), shadow=False)), camera), camera


def _points(view: View, camera: Camera, place: int) -> np.ndarray:
    rows, columns = np.nonzero(view.ids == place)
    return camera.unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])


def _chain(links: set[tuple[str, str]]) -> list[str]:
    """Names in the only order in which the first of every link comes before the second."""
    left = {name for link in links for name in link}
    found = []
    while left:
        free = [name for name in left if not any(b == name and a in left for a, b in links)]
        found.append(free[0])
        left.remove(free[0])
    return found


def _images(views: Sequence[tuple[View, Camera]]) -> list[Image.Image]:
    return [Image.fromarray(view.rgb) for view, _ in views]


def _captions(views: Sequence[object]) -> list[str]:
    return [f"Picture {number + 1}:" for number in range(len(views))]


TEMPLATES = (row_end, pole_heights, where_from)
