"""Nets of the cube: drawn by lot, folded in two ways, and pictures of cubes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import ImageDraw

from assay.envs.spatial_tree.parts.drawing import INK, Ink
from assay.envs.spatial_tree.parts.mazes import STEPS, Cell, moved
from assay.envs.spatial_tree.parts.pieces import Shape, grown, quarter

Vector = tuple[int, int, int]
CROSS: Shape = frozenset({(1, 0), (0, 1), (1, 1), (2, 1), (1, 2), (1, 3)})
Corner = tuple[str, str, str]
"""What the top, the left and the right side of a cube seen from a corner show."""


def net(rng: np.random.Generator, plain: bool) -> Shape:
    """A net of the cube: the cross in one of four positions, or (not ``plain``) any of the eleven in any."""
    if plain:
        return quarter(CROSS, int(rng.integers(4)))
    while True:
        shape = grown(rng, 6, 5)
        if len(set(normals(shape).values())) == 6:
            return shape


def normals(shape: Shape) -> dict[Cell, Vector]:
    """Outward direction of every cell when the net is folded away from the viewer.

    The frame is that of the first cell as it lies: x right, y up, z towards the viewer.
    """
    start = min(shape)
    frames = {start: (np.array((0, 0, 1)), np.array((1, 0, 0)), np.array((0, 1, 0)))}
    stack = [start]
    while stack:
        here = stack.pop()
        out, right, up = frames[here]
        for way in STEPS:
            there = moved(here, way)
            if there not in shape or there in frames:
                continue
            frames[there] = {
                "right": (right, -out, up), "left": (-right, out, up),
                "up": (up, right, -out), "down": (-up, right, out),
            }[way]  # fmt: skip
            stack.append(there)
    return {cell: (int(out[0]), int(out[1]), int(out[2])) for cell, (out, _, _) in frames.items()}


def corners(painted: Mapping[Cell, str]) -> set[Corner]:
    """All 24 corner views of the folded cube, the paint outside.

    Args:
        painted: what each cell of the net shows.
    """
    facing = {out: painted[cell] for cell, out in normals(frozenset(painted)).items()}
    found = set()
    for top in facing:
        for left in facing:
            if np.dot(top, left) == 0:
                right = np.cross(top, left)
                found.add((facing[top], facing[left], facing[int(right[0]), int(right[1]), int(right[2])]))
    return found


def opposites(painted: Mapping[Cell, str]) -> dict[str, str]:
    """What is opposite to what on the folded cube."""
    facing = {out: painted[cell] for cell, out in normals(frozenset(painted)).items()}
    return {name: facing[-out[0], -out[1], -out[2]] for out, name in facing.items()}


def rolled(painted: Mapping[Cell, str]) -> tuple[dict[str, str], set[Corner]]:
    """Opposites and corner views by rolling a die along the net, which needs no vectors.

    The die lies below the net, which wraps it: what comes up on a cell is that cell's side of the die.
    """
    # A die by its sides: top, bottom, north, south, east, west; the numbers name the sides.
    start = min(painted)
    dice: dict[Cell, tuple[int, ...]] = {start: (1, 6, 2, 5, 3, 4)}
    stack = [start]
    while stack:
        here = stack.pop()
        for way in STEPS:
            there = moved(here, way)
            if there in painted and there not in dice:
                dice[there] = _roll(dice[here], way)
                stack.append(there)
    shown = {die[0]: painted[cell] for cell, die in dice.items()}
    poses, rim = {dice[start]}, [dice[start]]
    while rim:
        die = rim.pop()
        for way in STEPS:
            other = _roll(die, way)
            if other not in poses:
                poses.add(other)
                rim.append(other)
    views = {(shown[top], shown[south], shown[east]) for top, _, _, south, east, _ in poses}
    return {shown[side]: shown[7 - side] for side in shown}, views


def _roll(die: tuple[int, ...], way: str) -> tuple[int, ...]:
    """The die turned so that its side on that side comes up (up is north)."""
    top, bottom, north, south, east, west = die
    return {
        "right": (east, west, north, south, bottom, top), "left": (west, east, north, south, top, bottom),
        "up": (north, south, bottom, top, east, west), "down": (south, north, top, bottom, east, west),
    }[way]  # fmt: skip


def draw_cube(pen: ImageDraw.ImageDraw, at: tuple[float, float], side: float, inks: tuple[Ink, Ink, Ink]) -> None:
    """A cube seen from a corner: top, left and right side, its middle at ``at``, its edges ``side`` pixels."""
    x, y = at
    dx, dy = side * 0.866, side * 0.5
    hub = (x, y)
    upper = [(x, y - side), (x + dx, y - dy), hub, (x - dx, y - dy)]
    left = [(x - dx, y - dy), hub, (x, y + side), (x - dx, y + dy)]
    right = [hub, (x + dx, y - dy), (x + dx, y + dy), (x, y + side)]
    for outline, ink in zip((upper, left, right), inks, strict=True):
        pen.polygon(outline, fill=ink)
        pen.line([*outline, outline[0]], fill=INK, width=max(1, round(side / 14)), joint="curve")


def spots_of_cube(at: tuple[float, float], side: float) -> tuple[tuple[float, float], ...]:
    """The middles of the top, left and right side of such a cube."""
    x, y = at
    return (x, y - side / 2), (x - side * 0.433, y + side / 4), (x + side * 0.433, y + side / 4)
