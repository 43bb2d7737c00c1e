"""What drives, flies and swims, and what stands outside."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from assay.envs.spatial_tree.engine.kinds.build import (
    DARK,
    GLASS,
    GOLD,
    PALE,
    RED,
    STEEL,
    WOOD,
    Kind,
    ball,
    cone,
    dim,
    rod,
    roof,
    slab,
    unlike,
    wheels,
)
from assay.envs.spatial_tree.engine.scene import Colour, Part


def _car(colour: Colour) -> Iterator[Part]:
    yield slab((-2.0, 2.0), (-0.85, 0.85), (0.35, 0.95), colour)
    yield slab((-1.35, 0.75), (-0.75, 0.75), (0.95, 1.35), GLASS)
    yield slab((-1.3, 0.6), (-0.78, 0.78), (1.35, 1.45), colour)
    for x in (-1.3, -0.3):
        yield slab((x, x + 0.1), (-0.78, 0.78), (0.95, 1.4), colour)
    yield from wheels((-1.25, 1.25), 0.9, 0.7, 0.22)
    for side in (-1, 1):
        low, high = sorted((side * 0.45, side * 0.78))
        yield slab((2.0, 2.03), (low, high), (0.65, 0.82), (1.0, 0.97, 0.7))
        yield slab((-2.03, -2.0), (low, high), (0.65, 0.82), RED)
    yield slab((1.98, 2.08), (-0.85, 0.85), (0.35, 0.48), DARK)


def _truck(colour: Colour) -> Iterator[Part]:
    yield slab((-3.0, 2.7), (-0.9, 0.9), (0.5, 0.75), DARK)
    yield slab((-3.0, 1.1), (-1.1, 1.1), (0.75, 2.8), dim(colour, 0.85))
    yield slab((1.3, 2.8), (-1.0, 1.0), (0.6, 2.2), colour)
    yield slab((2.79, 2.83), (-0.85, 0.85), (1.4, 2.0), GLASS)
    for side in (-1, 1):
        low, high = sorted((side * 0.99, side * 1.02))
        yield slab((1.7, 2.5), (low, high), (1.4, 2.0), GLASS)
        low, high = sorted((side * 0.6, side * 0.9))
        yield slab((2.8, 2.84), (low, high), (0.8, 1.0), (1.0, 0.97, 0.7))
    yield slab((-3.02, 1.12), (-1.12, 1.12), (1.5, 1.9), unlike(colour))
    yield from wheels((-2.2, -1.2, 2.0), 1.1, 0.95, 0.3)


def _bus(colour: Colour) -> Iterator[Part]:
    yield slab((-4.0, 4.0), (-1.2, 1.2), (0.4, 2.9), colour)
    yield slab((-3.7, 3.6), (-1.22, 1.22), (1.5, 2.35), GLASS)
    for x in (-2.5, -1.3, -0.1, 1.1, 2.3):
        yield slab((x, x + 0.18), (-1.23, 1.23), (1.45, 2.4), colour)
    yield slab((4.0, 4.04), (-1.05, 1.05), (1.2, 2.4), GLASS)
    yield slab((4.0, 4.05), (-0.7, 0.7), (2.5, 2.8), GOLD)
    yield slab((-4.04, -4.0), (-0.8, 0.8), (1.6, 2.3), GLASS)
    for side in (-1, 1):
        low, high = sorted((side * 0.75, side * 1.1))
        yield slab((4.0, 4.05), (low, high), (0.65, 0.9), (1.0, 0.97, 0.7))
        yield slab((-4.05, -4.0), (low, high), (0.65, 0.9), RED)
    yield from wheels((-2.5, 2.5), 1.25, 1.0, 0.3)


def _sailing_boat(colour: Colour) -> Iterator[Part]:
    yield slab((-1.6, 1.0), (-0.6, 0.6), (0.15, 0.75), colour)
    yield slab((-1.4, 1.0), (-0.45, 0.45), (0, 0.2), dim(colour, 0.7))
    yield Part("wedge", (0.6, 1.2, 1.0), (1.5, 0, 0.45), (0, 90, 0), colour)
    yield slab((-1.5, 0.9), (-0.5, 0.5), (0.74, 0.78), WOOD)
    yield rod((0.2, 0, 0.75), (0.2, 0, 3.6), 0.1, WOOD)
    yield rod((0.2, 0, 1.0), (-1.5, 0, 1.0), 0.07, WOOD)
    for step in range(6):
        low = 1.1 + 0.4 * step
        yield slab((0.1 - 1.5 * (1 - step / 6.3), 0.14), (-0.02, 0.02), (low, low + 0.4), colour)
    for step in range(4):
        low = 1.0 + 0.5 * step
        yield slab((0.27, 0.3 + 1.3 * (1 - step / 4.2)), (-0.02, 0.02), (low, low + 0.5), dim(colour, 0.85))


def _aeroplane(colour: Colour) -> Iterator[Part]:
    yield rod((-3.0, 0, 1.1), (2.4, 0, 1.1), 0.9, colour)
    yield ball((2.4, 0, 1.1), 0.9, colour)
    yield Part("cone", (0.9, 0.0, 1.4), (-3.7, 0, 1.1), (0, -90, 0), colour)
    yield slab((-0.6, 0.8), (-4.0, 4.0), (0.9, 1.02), dim(colour, 0.8))
    yield slab((-4.2, -3.5), (-1.4, 1.4), (1.2, 1.3), dim(colour, 0.8))
    yield slab((-4.3, -3.4), (-0.06, 0.06), (1.1, 2.4), dim(colour, 0.8))
    yield slab((2.3, 2.72), (-0.3, 0.3), (1.25, 1.45), DARK)
    for side in (-1, 1):
        yield rod((-0.3, side * 1.8, 0.7), (1.0, side * 1.8, 0.7), 0.45, STEEL)
        for x in (-2.0, -0.8, 0.4, 1.4):
            low, high = sorted((side * 0.4, side * 0.44))
            yield slab((x, x + 0.5), (low, high), (1.2, 1.38), DARK)
    for x, y in ((1.8, 0), (-0.4, 0.8), (-0.4, -0.8)):
        yield rod((x, y, 0.2), (x, y, 0.9), 0.08, STEEL)
        yield rod((x, y - 0.1, 0.2), (x, y + 0.1, 0.2), 0.4, DARK)


def _helicopter(colour: Colour) -> Iterator[Part]:
    yield ball((0.3, 0, 1.0), 1.4, colour)
    yield ball((0.55, 0, 1.05), 1.14, GLASS)
    yield rod((-0.2, 0, 1.1), (-2.6, 0, 1.3), 0.28, colour)
    yield slab((-2.75, -2.4), (-0.04, 0.04), (1.2, 2.0), dim(colour, 0.75))
    yield rod((-2.6, 0.08, 1.75), (-2.6, 0.12, 1.75), 0.6, DARK)
    yield rod((0.2, 0, 1.6), (0.2, 0, 1.95), 0.14, DARK)
    for turn in (35, 125):
        yield Part("box", (4.4, 0.16, 0.04), (0.2, 0, 1.97), (0, 0, turn), DARK)
    for side in (-1, 1):
        yield rod((-0.7, side * 0.6, 0.06), (1.2, side * 0.6, 0.06), 0.1, STEEL)
        for x in (-0.2, 0.7):
            yield rod((x, side * 0.6, 0.06), (x, side * 0.35, 0.6), 0.08, STEEL)


def _locomotive(colour: Colour) -> Iterator[Part]:
    yield slab((-1.8, 1.9), (-0.65, 0.65), (0.45, 0.7), DARK)
    yield rod((-0.6, 0, 1.2), (1.7, 0, 1.2), 1.05, colour)
    yield rod((1.7, 0, 1.2), (1.8, 0, 1.2), 0.9, DARK)
    yield slab((-1.8, -0.6), (-0.7, 0.7), (0.7, 2.1), colour)
    yield slab((-1.95, -0.45), (-0.8, 0.8), (2.1, 2.22), dim(colour, 0.6))
    yield slab((-1.5, -0.9), (-0.72, 0.72), (1.45, 1.95), GLASS)
    yield rod((1.3, 0, 1.6), (1.3, 0, 2.3), 0.28, DARK)
    yield rod((1.3, 0, 2.3), (1.3, 0, 2.45), 0.42, DARK)
    yield ball((0.4, 0, 1.75), 0.4, GOLD)
    yield from wheels((-1.2, -0.2, 0.7, 1.5), 0.72, 0.72, 0.12)
    yield Part("wedge", (0.4, 1.3, 0.4), (2.1, 0, 0.35), (0, 90, 0), RED)


def _tractor(colour: Colour) -> Iterator[Part]:
    yield slab((-0.3, 1.7), (-0.4, 0.4), (0.65, 1.2), colour)
    yield slab((-1.0, 0.1), (-0.55, 0.55), (0.6, 1.1), dim(colour, 0.8))
    for x in (-0.95, 0.0):
        for y in (-0.5, 0.46):
            yield slab((x, x + 0.06), (y, y + 0.05), (1.1, 2.0), DARK)
    yield slab((-1.05, 0.15), (-0.6, 0.6), (2.0, 2.1), colour)
    yield from wheels((-0.6,), 0.95, 1.4, 0.35)
    yield from wheels((1.35,), 0.7, 0.75, 0.25)
    for side in (-1, 1):
        yield rod((-0.6, side * 0.94, 0.7), (-0.6, side * 0.96, 0.7), 0.7, GOLD)
        yield rod((1.35, side * 0.69, 0.375), (1.35, side * 0.71, 0.375), 0.36, GOLD)
    yield rod((1.2, 0.2, 1.2), (1.2, 0.2, 1.8), 0.1, DARK)


def _bicycle(colour: Colour) -> Iterator[Part]:
    for x in (-0.5, 0.5):
        ends = [(x + 0.33 * math.cos(k * math.pi / 6), 0.0, 0.35 + 0.33 * math.sin(k * math.pi / 6)) for k in range(13)]
        for a, b in itertools.pairwise(ends):
            yield rod(a, b, 0.05, DARK, "capsule")
        for k in (0, 2, 4):
            yield rod(ends[k], ends[k + 6], 0.012, STEEL)
    for low, up in (((-0.5, 0.35), (-0.2, 0.8)), ((-0.5, 0.35), (-0.05, 0.33)), ((-0.05, 0.33), (-0.23, 0.9)),
                 ((-0.05, 0.33), (0.36, 0.75)), ((-0.2, 0.8), (0.36, 0.78)), ((0.5, 0.35), (0.32, 0.95))):  # fmt: skip
        yield rod((low[0], 0, low[1]), (up[0], 0, up[1]), 0.05, colour)
    yield slab((-0.36, -0.1), (-0.07, 0.07), (0.9, 0.96), DARK)
    yield rod((0.32, -0.26, 0.97), (0.32, 0.26, 0.97), 0.04, DARK)


def _house(colour: Colour) -> Iterator[Part]:
    yield slab((-2.0, 2.0), (-2.5, 2.5), (0, 2.4), colour)
    yield Part("wedge", (5.4, 4.6, 1.6), (0, 0, 3.2), (0, 0, 90), (0.5, 0.22, 0.16))
    yield slab((2.0, 2.06), (-0.45, 0.45), (0, 1.7), WOOD)
    for y in (-1.7, 1.1):
        yield slab((2.0, 2.05), (y, y + 0.7), (0.9, 1.7), GLASS)
        yield slab((2.0, 2.08), (y - 0.1, y + 0.8), (0.8, 0.9), PALE)
    yield slab((-1.3, -0.7), (1.2, 1.8), (3.0, 4.6), (0.55, 0.3, 0.25))


def _tree(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 1.8), 0.4, WOOD)
    for x, y, z, width in ((0, 0, 2.7, 2.0), (0.6, 0.2, 2.2, 1.4), (-0.6, -0.1, 2.3, 1.4), (0.1, -0.6, 2.2, 1.3),
                           (-0.1, 0.6, 2.2, 1.3)):  # fmt: skip
        yield ball((x, y, z), width, colour)


def _fir(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.7), 0.35, WOOD)
    for low, width, shade in ((0.5, 2.0, 0.75), (1.25, 1.6, 0.85), (2.0, 1.15, 1.0)):
        yield cone((0, 0, low), width, 1.3, dim(colour, shade))


def _snowman(colour: Colour) -> Iterator[Part]:
    for z, width in ((0.36, 0.8), (0.92, 0.58), (1.34, 0.42)):
        yield ball((0, 0, z), width, colour)
    yield Part("cone", (0.09, 0.0, 0.3), (0.33, 0, 1.34), (0, 90, 0), (0.95, 0.45, 0.1))
    for y in (-0.08, 0.08):
        yield ball((0.185, y, 1.42), 0.055, DARK)
    for z in (0.8, 0.93, 1.06):
        yield ball((0.28 - abs(z - 0.93) * 0.2, 0, z), 0.06, DARK)
    yield rod((0, 0, 1.14), (0, 0, 1.23), 0.42, STEEL)
    yield rod((0, 0, 1.5), (0, 0, 1.54), 0.56, DARK)
    yield rod((0, 0, 1.54), (0, 0, 1.82), 0.36, DARK)
    for side in (-1, 1):
        yield rod((0, side * 0.25, 0.98), (0.08, side * 0.65, 1.15), 0.04, WOOD)


def _barrel(colour: Colour) -> Iterator[Part]:
    for low, high, width in (
        (0, 0.2, 0.52),
        (0.2, 0.35, 0.58),
        (0.35, 0.55, 0.62),
        (0.55, 0.7, 0.58),
        (0.7, 0.9, 0.52),
    ):
        yield rod((0, 0, low), (0, 0, high), width, colour)
    for z in (0.14, 0.66):
        yield rod((0, 0, z), (0, 0, z + 0.07), 0.61, STEEL)
    yield rod((0, 0, 0.89), (0, 0, 0.905), 0.45, dim(colour))


def _crate(colour: Colour) -> Iterator[Part]:
    yield slab((-0.37, 0.37), (-0.37, 0.37), (0.03, 0.77), dim(colour, 0.65))
    for a in (-0.4, 0.32):
        for b in (-0.4, 0.32):
            yield slab((a, a + 0.08), (b, b + 0.08), (0, 0.8), colour)
            yield slab((a, a + 0.08), (-0.4, 0.4), (0.72 if b > 0 else 0, 0.8 if b > 0 else 0.08), colour)
            yield slab((-0.4, 0.4), (a, a + 0.08), (0.72 if b > 0 else 0, 0.8 if b > 0 else 0.08), colour)
    for side in (-1, 1):
        yield Part("box", (0.92, 0.02, 0.09), (0, side * 0.38, 0.4), (0, 45, 0), colour)
        yield Part("box", (0.02, 0.92, 0.09), (side * 0.38, 0, 0.4), (45, 0, 0), colour)


def _traffic_cone(colour: Colour) -> Iterator[Part]:
    yield slab((-0.2, 0.2), (-0.2, 0.2), (0, 0.04), DARK)
    steps = 9
    for step in range(steps):
        low, high = 0.04 + 0.6 * step / steps, 0.04 + 0.6 * (step + 1) / steps
        band = unlike(colour) if step in (3, 4, 6) else colour
        yield rod((0, 0, low), (0, 0, high), 0.32 - 0.028 * step, band)


def _mailbox(colour: Colour) -> Iterator[Part]:
    yield slab((-0.05, 0.05), (-0.05, 0.05), (0, 0.95), WOOD)
    yield slab((-0.28, 0.28), (-0.15, 0.15), (0.95, 1.15), colour)
    yield rod((-0.28, 0, 1.15), (0.28, 0, 1.15), 0.3, colour)
    yield slab((0.28, 0.29), (-0.13, 0.13), (0.97, 1.15), dim(colour, 0.6))
    yield rod((0.28, 0, 1.15), (0.29, 0, 1.15), 0.26, dim(colour, 0.6))
    yield ball((0.3, 0, 1.2), 0.05, GOLD)
    yield slab((0.02, 0.06), (-0.19, -0.16), (1.05, 1.45), DARK)
    yield slab((0.02, 0.2), (-0.19, -0.16), (1.35, 1.47), GOLD)


def _lighthouse(colour: Colour) -> Iterator[Part]:
    for step in range(6):
        band = colour if step % 2 == 0 else unlike(colour)
        yield rod((0, 0, 0.6 * step), (0, 0, 0.6 * (step + 1)), 1.6 - 0.13 * step, band)
    yield rod((0, 0, 3.6), (0, 0, 3.7), 1.3, DARK)
    yield rod((0, 0, 3.7), (0, 0, 4.2), 0.7, (1.0, 0.93, 0.55))
    yield cone((0, 0, 4.2), 1.1, 0.6, colour)


def _windmill(colour: Colour) -> Iterator[Part]:
    for step in range(5):
        yield rod((0, 0, 0.6 * step), (0, 0, 0.6 * (step + 1)), 1.6 - 0.14 * step, colour)
    yield cone((0, 0, 3.0), 1.3, 0.8, (0.4, 0.24, 0.18))
    yield slab((0.7, 0.82), (-0.25, 0.25), (0, 0.9), WOOD)
    yield rod((0.4, 0, 2.8), (0.9, 0, 2.8), 0.18, DARK)
    for turn in (30, 120):
        yield Part("box", (0.06, 3.4, 0.08), (0.85, 0, 2.8), (turn, 0, 0), WOOD)
    for turn in (30, 120, 210, 300):
        a = math.radians(turn)
        y, z = 1.05 * math.cos(a) - 0.17 * math.sin(a), 2.8 + 1.05 * math.sin(a) + 0.17 * math.cos(a)
        yield Part("box", (0.03, 1.2, 0.3), (0.85, y, z), (turn, 0, 0), PALE)


def _tent(colour: Colour) -> Iterator[Part]:
    yield roof((-1.0, 1.0), (-0.85, 0.85), (0, 1.25), colour)
    yield roof((0.98, 1.01), (-0.32, 0.32), (0, 0.95), DARK)
    yield rod((-1.02, 0, 1.25), (1.04, 0, 1.25), 0.05, dim(colour))
    for x in (-1.0, 1.0):
        for side in (-1, 1):
            yield rod((x, side * 0.8, 0.05), (x * 1.25, side * 1.1, 0.02), 0.03, WOOD)


def _cactus(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.16), 0.34, (0.72, 0.38, 0.22))
    yield rod((0, 0, 0.14), (0, 0, 0.2), 0.4, (0.65, 0.33, 0.2))
    yield rod((0, 0, 0.2), (0, 0, 0.95), 0.2, colour, "capsule")
    for side, low in ((-1, 0.45), (1, 0.6)):
        yield rod((0, 0, low), (0, side * 0.24, low), 0.12, colour, "capsule")
        yield rod((0, side * 0.24, low), (0, side * 0.24, low + 0.25), 0.12, colour, "capsule")
    yield ball((0, 0, 1.06), 0.09, (0.95, 0.4, 0.6))


def _street_lamp(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.3), 0.3, colour)
    yield rod((0, 0, 0.3), (0, 0, 2.6), 0.1, colour)
    yield slab((-0.3, 0.3), (-0.04, 0.04), (2.2, 2.25), colour)
    yield rod((0, 0, 2.6), (0, 0, 2.95), 0.3, (1.0, 0.95, 0.7))
    yield cone((0, 0, 2.95), 0.5, 0.25, colour)


OUTDOORS = (
    Kind("car", _car, "vehicle", fronted=True),
    Kind("truck", _truck, "vehicle", fronted=True),
    Kind("bus", _bus, "vehicle", fronted=True),
    Kind("sailing boat", _sailing_boat, "vehicle", fronted=True),
    Kind("aeroplane", _aeroplane, "vehicle", fronted=True),
    Kind("helicopter", _helicopter, "vehicle", fronted=True),
    Kind("locomotive", _locomotive, "vehicle", fronted=True),
    Kind("tractor", _tractor, "vehicle", fronted=True),
    Kind("bicycle", _bicycle, "vehicle", fronted=True),
    Kind("house", _house, "outdoors", fronted=True),
    Kind("tree", _tree, "outdoors"),
    Kind("fir tree", _fir, "outdoors"),
    Kind("snowman", _snowman, "outdoors", fronted=True),
    Kind("barrel", _barrel, "outdoors"),
    Kind("crate", _crate, "outdoors"),
    Kind("traffic cone", _traffic_cone, "outdoors"),
    Kind("mailbox", _mailbox, "outdoors", fronted=True),
    Kind("lighthouse", _lighthouse, "outdoors"),
    Kind("windmill", _windmill, "outdoors", fronted=True),
    Kind("tent", _tent, "outdoors", fronted=True),
    Kind("cactus", _cactus, "outdoors"),
    Kind("street lamp", _street_lamp, "outdoors"),
)
