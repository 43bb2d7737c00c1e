"""Rooms: floors and walls with windows and pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.envs.spatial_tree.engine.scene import Colour, Part, Scene, Thing
from assay.envs.spatial_tree.engine.textures import light

HEIGHT = 2.6
"""Of walls, metres."""
THICK = 0.12
"""Of walls, metres."""
FLOORS: tuple[Colour, ...] = ((0.62, 0.5, 0.38), (0.55, 0.57, 0.6), (0.7, 0.64, 0.54), (0.5, 0.55, 0.5))
WALLS: tuple[Colour, ...] = ((0.8, 0.77, 0.7), (0.7, 0.75, 0.78), (0.76, 0.8, 0.72), (0.8, 0.73, 0.7))
_LAID = ("planks", "tiles", "checks", "speckles")
_HUNG = ("", "stripes", "bricks", "speckles")
SIDES = ("+x", "-x", "+y", "-y")


def floor(width: float, depth: float, colour: Colour = FLOORS[0], texture: str = "") -> Thing:
    """A floor about the origin, its top at height 0: ``width`` along x, ``depth`` along y, metres."""
    return Thing("floor", (Part("box", (width, depth, 0.1), (0, 0, -0.05), colour=colour, texture=texture),),
                 kind="floor")  # fmt: skip


def wall(name: str, start: tuple[float, float], end: tuple[float, float], colour: Colour = WALLS[0],
         texture: str = "", height: float = HEIGHT, extra: Sequence[Part] = ()) -> Thing:  # fmt: skip
    """A wall between two points of the floor, its +x along it.

    Args:
        name: what it is called.
        start, end: of its middle line, metres.
        colour: of it.
        texture: on it.
        height: metres.
        extra: parts on it in its frame, such as a window; its origin is its middle on the floor.
    """
    (ax, ay), (bx, by) = start, end
    length = float(np.hypot(bx - ax, by - ay))
    body = Part("box", (length, THICK, height), (0, 0, height / 2), colour=colour, texture=texture)
    yaw = float(np.degrees(np.arctan2(by - ay, bx - ax)))
    return Thing(name, (body, *extra), ((ax + bx) / 2, (ay + by) / 2, 0.0), (0.0, 0.0, yaw), "wall")


def window(along: float, wide: float = 1.1, side: int = 1) -> tuple[Part, ...]:
    """A window on a wall, on its +y side (``side`` 1) or its -y side (-1)."""
    y = side * THICK / 2
    frame, glass = (0.95, 0.95, 0.93), (0.62, 0.8, 0.93)
    return (
        Part("box", (wide + 0.12, 0.04, 1.22), (along, y, 1.5), colour=frame),
        Part("box", (wide / 2 - 0.04, 0.06, 1.1), (along - wide / 4, y, 1.5), colour=glass),
        Part("box", (wide / 2 - 0.04, 0.06, 1.1), (along + wide / 4, y, 1.5), colour=glass),
    )


def picture(along: float, ink: Colour, side: int = 1) -> tuple[Part, ...]:
    """A framed picture on a wall."""
    y = side * THICK / 2
    return (
        Part("box", (0.8, 0.04, 0.6), (along, y, 1.55), colour=(0.3, 0.2, 0.12)),
        Part("box", (0.68, 0.06, 0.48), (along, y, 1.55), colour=(0.93, 0.91, 0.85)),
        Part("box", (0.3, 0.07, 0.24), (along - 0.1, y, 1.52), colour=ink),
    )


def room(
    rng: np.random.Generator, width: float = 5.0, depth: float = 5.0, walls: Sequence[str] = SIDES,
    decorated: bool = True, textured: bool = True,
) -> Scene:  # fmt: skip
    """A room about the origin, empty, lit: the floor is thing 0, the walls follow in the order of ``walls``.

    Args:
        rng: draws colours, textures, light, windows and pictures.
        width: inside, along x, metres.
        depth: inside, along y, metres.
        walls: which sides have one; leave out where a camera looks in from outside.
        decorated: whether walls may have windows and pictures.
        textured: whether floor and walls may have a texture.

    Raises:
        ValueError: if a side is not one of :data:`SIDES`.
    """
    if wrong := [side for side in walls if side not in SIDES]:
        raise ValueError(f"there is no side {wrong[0]!r}; there are: {', '.join(SIDES)}")
    paint = WALLS[rng.integers(len(WALLS))]
    laid = str(rng.choice(_LAID)) if textured else ""
    hung = str(rng.choice(_HUNG)) if textured else ""
    things = [floor(width + 2 * THICK, depth + 2 * THICK, FLOORS[rng.integers(len(FLOORS))], laid)]
    x, y = width / 2 + THICK / 2, depth / 2 + THICK / 2
    # Each runs with the room on its left, so that its inner side is +y.
    lines = {"+x": ((x, -y), (x, y)), "+y": ((x, y), (-x, y)), "-x": ((-x, y), (-x, -y)), "-y": ((-x, -y), (x, -y))}
    names = {"+x": "east wall", "-x": "west wall", "+y": "north wall", "-y": "south wall"}
    for side in walls:
        long = depth if side in ("+x", "-x") else width
        extra = _ornament(rng, long) if decorated else ()
        things.append(wall(names[side], *lines[side], paint, hung, extra=extra))
    return Scene(tuple(things), light(rng))


def _ornament(rng: np.random.Generator, long: float) -> tuple[Part, ...]:
    along = float(rng.uniform(-0.25, 0.25) * long)
    drawn = rng.random()
    if drawn < 0.4:
        return window(along)
    if drawn < 0.75:
        ink = (float(rng.uniform(0.1, 0.8)), float(rng.uniform(0.1, 0.8)), float(rng.uniform(0.1, 0.8)))
        return picture(along, ink)
    return ()
