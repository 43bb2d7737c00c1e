"""Toys, animals and food."""

from __future__ import annotations

import math
from collections.abc import Iterator

from assay.envs.spatial_tree.engine.kinds.build import (
    DARK,
    GOLD,
    LEAF,
    PALE,
    RED,
    SKIN,
    STEEL,
    WOOD,
    Kind,
    ball,
    cone,
    dim,
    rod,
    slab,
    unlike,
    wheels,
)
from assay.envs.spatial_tree.engine.scene import Colour, Part


def _robot(colour: Colour) -> Iterator[Part]:
    yield slab((-0.14, 0.14), (-0.22, 0.22), (0.35, 0.8), colour)
    yield slab((-0.13, 0.13), (-0.16, 0.16), (0.86, 1.12), dim(colour, 0.85))
    yield rod((0, 0, 0.8), (0, 0, 0.86), 0.1, STEEL)
    for side in (-1, 1):
        yield rod((0.13, side * 0.07, 1.02), (0.15, side * 0.07, 1.02), 0.08, (1.0, 0.95, 0.4))
        low, high = sorted((side * 0.05, side * 0.16))
        yield slab((-0.08, 0.08), (low, high), (0.05, 0.35), STEEL)
        yield slab((-0.1, 0.16), (low, high), (0, 0.07), DARK)
        yield rod((0, side * 0.26, 0.76), (0.06, side * 0.28, 0.42), 0.09, STEEL, "capsule")
    yield slab((0.13, 0.145), (-0.08, 0.08), (0.89, 0.93), DARK)
    yield slab((0.14, 0.15), (-0.13, 0.13), (0.52, 0.72), PALE)
    yield rod((0, 0, 1.12), (0, 0, 1.26), 0.02, STEEL)
    yield ball((0, 0, 1.27), 0.06, RED)


def _duck(colour: Colour) -> Iterator[Part]:
    yield rod((-0.08, 0, 0.14), (0.05, 0, 0.14), 0.28, colour, "capsule")
    yield Part("cone", (0.16, 0.0, 0.16), (-0.24, 0, 0.22), (0, -60, 0), colour)
    yield ball((0.14, 0, 0.35), 0.19, colour)
    yield slab((0.21, 0.32), (-0.05, 0.05), (0.325, 0.355), (0.98, 0.55, 0.1))
    for side in (-1, 1):
        yield ball((0.2, side * 0.06, 0.39), 0.035, DARK)
        yield rod((-0.1, side * 0.13, 0.17), (0.03, side * 0.13, 0.15), 0.1, dim(colour, 0.8), "capsule")


def _dog(colour: Colour) -> Iterator[Part]:
    yield rod((-0.25, 0, 0.42), (0.2, 0, 0.42), 0.24, colour, "capsule")
    for x in (-0.27, 0.22):
        for y in (-0.08, 0.08):
            yield rod((x, y, 0.04), (x, y, 0.38), 0.08, colour, "capsule")
    yield ball((0.4, 0, 0.62), 0.24, colour)
    yield rod((0.45, 0, 0.58), (0.58, 0, 0.56), 0.12, dim(colour, 0.8), "capsule")
    yield ball((0.65, 0, 0.58), 0.06, DARK)
    yield rod((0.22, 0, 0.46), (0.36, 0, 0.58), 0.15, colour, "capsule")
    for side in (-1, 1):
        yield rod((0.38, side * 0.11, 0.7), (0.36, side * 0.15, 0.54), 0.07, dim(colour, 0.55), "capsule")
        yield ball((0.5, side * 0.06, 0.67), 0.04, DARK)
    yield rod((-0.36, 0, 0.48), (-0.52, 0, 0.7), 0.06, colour, "capsule")


def _giraffe(colour: Colour) -> Iterator[Part]:
    yield rod((-0.3, 0, 1.0), (0.25, 0, 1.1), 0.4, colour, "capsule")
    for x in (-0.32, 0.3):
        for y in (-0.12, 0.12):
            yield rod((x, y, 0.05), (x, y, 1.0), 0.1, dim(colour, 0.85), "capsule")
    yield rod((0.3, 0, 1.15), (0.6, 0, 2.05), 0.17, colour, "capsule")
    yield rod((0.58, 0, 2.12), (0.85, 0, 2.02), 0.19, colour, "capsule")
    for side in (-1, 1):
        yield rod((0.56, side * 0.05, 2.15), (0.54, side * 0.06, 2.33), 0.035, DARK, "capsule")
        yield ball((0.7, side * 0.08, 2.14), 0.05, DARK)
        for x, z in ((-0.25, 1.1), (0.0, 1.08), (0.2, 1.2)):
            yield ball((x, side * 0.15, z), 0.15, (0.4, 0.22, 0.1))
    yield rod((-0.5, 0, 1.05), (-0.62, 0, 0.7), 0.05, DARK, "capsule")


def _penguin(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0.2), (0, 0, 0.45), 0.36, colour, "capsule")
    yield rod((0.05, 0, 0.2), (0.05, 0, 0.42), 0.3, (0.97, 0.97, 0.97), "capsule")
    yield ball((0.01, 0, 0.72), 0.26, colour)
    yield Part("cone", (0.08, 0.0, 0.14), (0.19, 0, 0.71), (0, 90, 0), (0.98, 0.6, 0.1))
    for side in (-1, 1):
        yield ball((0.115, side * 0.06, 0.77), 0.05, (0.98, 0.98, 0.98))
        yield ball((0.135, side * 0.06, 0.77), 0.03, DARK)
        yield rod((0, side * 0.18, 0.5), (0, side * 0.27, 0.25), 0.08, dim(colour, 0.8), "capsule")
        yield slab((-0.02, 0.2), (side * 0.09 - 0.06, side * 0.09 + 0.06), (0, 0.04), (0.98, 0.6, 0.1))


def _rabbit(colour: Colour) -> Iterator[Part]:
    yield ball((-0.05, 0, 0.19), 0.36, colour)
    yield ball((0.12, 0, 0.42), 0.24, colour)
    yield ball((-0.23, 0, 0.17), 0.12, (0.98, 0.98, 0.98))
    for side in (-1, 1):
        yield rod((0.08, side * 0.06, 0.52), (0.02, side * 0.1, 0.78), 0.08, colour, "capsule")
        yield rod((0.105, side * 0.065, 0.55), (0.05, side * 0.1, 0.75), 0.05, (0.98, 0.7, 0.75), "capsule")
        yield ball((0.21, side * 0.06, 0.46), 0.04, DARK)
        yield rod((0.05, side * 0.11, 0.04), (0.17, side * 0.11, 0.04), 0.08, dim(colour, 0.8), "capsule")
    yield ball((0.24, 0, 0.41), 0.035, (0.95, 0.45, 0.5))


def _fish(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.02), 0.14, DARK)
    yield rod((0, 0, 0.02), (0, 0, 0.2), 0.02, STEEL)
    yield rod((-0.08, 0, 0.28), (0.1, 0, 0.28), 0.2, colour, "capsule")
    yield Part("wedge", (0.03, 0.26, 0.18), (-0.24, 0, 0.28), (90, 90, 0), dim(colour, 0.75))
    yield Part("wedge", (0.14, 0.03, 0.1), (0.0, 0, 0.41), (0, 0, 0), dim(colour, 0.75))
    for side in (-1, 1):
        yield ball((0.14, side * 0.08, 0.31), 0.045, (0.98, 0.98, 0.98))
        yield ball((0.15, side * 0.095, 0.31), 0.028, DARK)


def _doll(colour: Colour) -> Iterator[Part]:
    for side in (-1, 1):
        yield rod((0, side * 0.1, 0.08), (0, side * 0.1, 0.8), 0.16, (0.2, 0.24, 0.36), "capsule")
        yield slab((-0.08, 0.18), (side * 0.1 - 0.06, side * 0.1 + 0.06), (0, 0.08), DARK)
        yield rod((0, side * 0.26, 1.35), (0.06, side * 0.33, 0.9), 0.11, colour, "capsule")
        yield ball((0.07, side * 0.34, 0.82), 0.11, SKIN)
        yield ball((0.105, side * 0.045, 1.66), 0.035, DARK)
    yield rod((0, 0, 0.9), (0, 0, 1.28), 0.4, colour, "capsule")
    yield ball((0, 0, 1.63), 0.26, SKIN)
    yield ball((-0.03, 0, 1.68), 0.26, (0.3, 0.18, 0.1))
    yield ball((0.13, 0, 1.61), 0.05, dim(SKIN, 0.9))


def _rocket(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0.3), (0, 0, 1.5), 0.5, colour)
    yield cone((0, 0, 1.5), 0.5, 0.55, dim(colour, 0.75))
    yield rod((0, 0, 0.15), (0, 0, 0.3), 0.35, DARK)
    for x, y, turn in ((0.3, 0, 0), (-0.3, 0, 180), (0, 0.3, 90), (0, -0.3, 270)):
        yield Part("wedge", (0.04, 0.5, 0.7), (x, y, 0.35), (0, 0, turn + 90), dim(colour, 0.75))
    yield rod((0.2, 0, 1.15), (0.265, 0, 1.15), 0.22, (0.4, 0.65, 0.85))
    yield rod((0, 0, 0.62), (0, 0, 0.74), 0.51, unlike(colour))


def _tower(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 1.3), 0.8, colour)
    yield rod((0, 0, 1.3), (0, 0, 1.45), 1.0, colour)
    for k in range(6):
        a = k * math.pi / 3
        yield Part("box", (0.16, 0.24, 0.2), (0.4 * math.cos(a), 0.4 * math.sin(a), 1.54), (0, 0, math.degrees(a)),
                   colour)  # fmt: skip
    yield slab((0.36, 0.42), (-0.14, 0.14), (0, 0.42), DARK)
    for z in (0.75, 1.02):
        yield slab((0.36, 0.41), (-0.05, 0.05), (z, z + 0.17), DARK)


def _wagon(colour: Colour) -> Iterator[Part]:
    yield slab((-0.35, 0.35), (-0.2, 0.2), (0.25, 0.4), colour)
    yield from wheels((-0.22, 0.22), 0.22, 0.2, 0.05)
    yield rod((-0.35, 0, 0.33), (-0.72, 0, 0.62), 0.03, STEEL)
    yield rod((-0.72, -0.14, 0.62), (-0.72, 0.14, 0.62), 0.05, DARK)


def _ball(colour: Colour) -> Iterator[Part]:
    yield ball((0, 0, 0.15), 0.3, colour)


def _cube(colour: Colour) -> Iterator[Part]:
    yield slab((-0.15, 0.15), (-0.15, 0.15), (0, 0.3), colour)


def _cylinder(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.36), 0.28, colour)


def _cone(colour: Colour) -> Iterator[Part]:
    yield cone((0, 0, 0), 0.34, 0.4, colour)


def _die(colour: Colour) -> Iterator[Part]:
    yield slab((-0.15, 0.15), (-0.15, 0.15), (0, 0.3), colour)
    ink = DARK if sum(colour) > 1.2 else PALE
    for x, y in ((0.0, 0.0), (0.08, 0.08), (0.08, -0.08), (-0.08, 0.08), (-0.08, -0.08)):
        yield rod((x, y, 0.3), (x, y, 0.303), 0.06, ink)
    for y, z in ((0.07, 0.22), (0.0, 0.15), (-0.07, 0.08)):
        yield rod((0.15, y, z), (0.153, y, z), 0.06, ink)
        yield rod((-0.15, y, z), (-0.153, y, z), 0.06, ink)
    for side in (-1, 1):
        for x in (-0.07, 0.07):
            yield rod((x, side * 0.15, 0.15 + x), (x, side * 0.153, 0.15 + x), 0.06, ink)


def _rings(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.03), 0.3, WOOD)
    for place, shade in enumerate((1.0, 0.7, 1.0, 0.7)):
        low = 0.03 + 0.065 * place
        yield rod((0, 0, low), (0, 0, low + 0.06), 0.3 - 0.055 * place, dim(colour, shade))
    yield rod((0, 0, 0.03), (0, 0, 0.34), 0.035, WOOD)
    yield ball((0, 0, 0.35), 0.07, GOLD)


def _drum(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0.02), (0, 0, 0.28), 0.4, colour)
    for z in (0, 0.26):
        yield rod((0, 0, z), (0, 0, z + 0.04), 0.43, GOLD)
    yield rod((0, 0, 0.295), (0, 0, 0.305), 0.38, PALE)
    yield rod((-0.2, -0.05, 0.32), (0.2, -0.12, 0.33), 0.025, WOOD)
    yield rod((-0.2, 0.05, 0.32), (0.2, 0.12, 0.33), 0.025, WOOD)
    for x, y in ((0.2, -0.12), (0.2, 0.12)):
        yield ball((x, y, 0.33), 0.05, WOOD)


def _gift(colour: Colour) -> Iterator[Part]:
    ink = GOLD if colour[2] > 0.4 or colour[1] < 0.4 else RED
    yield slab((-0.2, 0.2), (-0.2, 0.2), (0, 0.3), colour)
    yield slab((-0.035, 0.035), (-0.205, 0.205), (0, 0.305), ink)
    yield slab((-0.205, 0.205), (-0.035, 0.035), (0, 0.305), ink)
    for side in (-1, 1):
        yield rod((0, side * 0.02, 0.32), (0, side * 0.11, 0.37), 0.07, ink, "capsule")
    yield ball((0, 0, 0.32), 0.07, dim(ink, 0.85))


def _cake(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.015), 0.42, PALE)
    yield rod((0, 0, 0.015), (0, 0, 0.16), 0.36, colour)
    yield rod((0, 0, 0.16), (0, 0, 0.185), 0.37, (0.98, 0.94, 0.88))
    for x, y in ((0.1, 0.0), (-0.05, 0.09), (-0.05, -0.09)):
        yield rod((x, y, 0.18), (x, y, 0.26), 0.02, RED)
        yield cone((x, y, 0.26), 0.025, 0.035, (1.0, 0.65, 0.1))


def _ice_cream(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.01), 0.09, STEEL)
    yield Part("cone", (0.11, 0.0, 0.2), (0, 0, 0.11), (180, 0, 0), (0.85, 0.62, 0.32))
    yield ball((0, 0, 0.235), 0.12, colour)
    yield ball((0, 0, 0.31), 0.095, dim(colour, 0.85))
    yield ball((0, 0, 0.365), 0.03, RED)


def _mushroom(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.14), 0.1, PALE)
    for low, width in ((0.12, 0.3), (0.15, 0.29), (0.18, 0.25), (0.21, 0.18)):
        yield rod((0, 0, low), (0, 0, low + 0.03), width, colour)
    for x, y, z in ((0.12, 0.04, 0.19), (-0.09, 0.08, 0.195), (0.0, -0.12, 0.19), (0.03, 0.01, 0.24)):
        yield ball((x, y, z), 0.05, (0.97, 0.96, 0.93))


def _apple(colour: Colour) -> Iterator[Part]:
    yield ball((0, 0, 0.045), 0.09, colour)
    yield rod((0, 0, 0.085), (0.008, 0, 0.115), 0.008, WOOD)
    yield rod((0.01, 0, 0.1), (0.035, 0.01, 0.108), 0.016, LEAF, "capsule")


TOYS = (
    Kind("robot", _robot, "toy", fronted=True),
    Kind("doll", _doll, "toy", fronted=True),
    Kind("rocket", _rocket, "toy"),
    Kind("castle tower", _tower, "toy"),
    Kind("wagon", _wagon, "toy"),
    Kind("ball", _ball, "toy"),
    Kind("cube", _cube, "toy"),
    Kind("cylinder", _cylinder, "toy"),
    Kind("cone", _cone, "toy"),
    Kind("die", _die, "toy"),
    Kind("ring tower", _rings, "toy"),
    Kind("drum", _drum, "toy"),
    Kind("gift", _gift, "toy"),
    Kind("duck", _duck, "animal", fronted=True),
    Kind("dog", _dog, "animal", fronted=True),
    Kind("giraffe", _giraffe, "animal", fronted=True),
    Kind("penguin", _penguin, "animal", fronted=True),
    Kind("rabbit", _rabbit, "animal", fronted=True),
    Kind("fish", _fish, "animal", fronted=True),
    Kind("cake", _cake, "food"),
    Kind("ice cream", _ice_cream, "food"),
    Kind("mushroom", _mushroom, "food"),
    Kind("apple", _apple, "food"),
)
