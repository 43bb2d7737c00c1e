"""What stands in rooms."""

from __future__ import annotations

from collections.abc import Iterator

from assay.envs.spatial_tree.engine.kinds.build import (
    DARK,
    GOLD,
    LEAF,
    PALE,
    RED,
    STEEL,
    WOOD,
    Kind,
    ball,
    dim,
    legs,
    rod,
    slab,
)
from assay.envs.spatial_tree.engine.scene import Colour, Part


def _chair(colour: Colour) -> Iterator[Part]:
    yield from legs(0.19, 0.19, 0.42, 0.05, dim(colour))
    yield slab((-0.23, 0.23), (-0.23, 0.23), (0.42, 0.48), colour)
    yield slab((-0.23, -0.18), (-0.23, 0.23), (0.6, 0.95), colour)
    yield slab((-0.22, -0.19), (-0.2, -0.15), (0.48, 0.6), dim(colour))
    yield slab((-0.22, -0.19), (0.15, 0.2), (0.48, 0.6), dim(colour))


def _stool(colour: Colour) -> Iterator[Part]:
    for x, y in ((0.18, 0.0), (-0.09, 0.156), (-0.09, -0.156)):
        yield rod((x, y, 0), (x * 0.55, y * 0.55, 0.58), 0.045, dim(colour))
    yield rod((0, 0, 0.58), (0, 0, 0.66), 0.38, colour)


def _table(colour: Colour) -> Iterator[Part]:
    yield from legs(0.38, 0.63, 0.7, 0.07, dim(colour))
    yield slab((-0.45, 0.45), (-0.7, 0.7), (0.7, 0.76), colour)


def _desk(colour: Colour) -> Iterator[Part]:
    yield slab((-0.35, 0.35), (-0.7, 0.7), (0.7, 0.75), colour)
    yield slab((-0.33, 0.33), (-0.69, -0.65), (0, 0.7), dim(colour, 0.75))
    yield slab((-0.33, 0.32), (0.25, 0.69), (0.02, 0.7), dim(colour, 0.75))
    yield slab((-0.33, -0.3), (-0.65, 0.25), (0.25, 0.7), dim(colour, 0.75))
    for low in (0.05, 0.27, 0.49):
        yield slab((0.32, 0.34), (0.28, 0.66), (low, low + 0.19), colour)
        yield slab((0.34, 0.36), (0.4, 0.54), (low + 0.08, low + 0.11), DARK)


def _sofa(colour: Colour) -> Iterator[Part]:
    shade = dim(colour, 0.75)
    yield slab((-0.42, 0.42), (-0.95, 0.95), (0.08, 0.3), shade)
    yield slab((-0.45, -0.2), (-0.95, 0.95), (0.08, 0.85), shade)
    for side in (-1, 1):
        low, high = sorted((side * 0.75, side * 0.97))
        yield slab((-0.45, 0.44), (low, high), (0.08, 0.6), colour)
        near, far = sorted((side * 0.01, side * 0.74))
        yield slab((-0.2, 0.44), (near, far), (0.3, 0.45), colour)
        yield slab((-0.22, -0.1), (near, far), (0.45, 0.8), colour)
    for x in (-0.38, 0.36):
        for y in (-0.88, 0.88):
            yield rod((x, y, 0), (x, y, 0.08), 0.06, DARK)


def _bed(colour: Colour) -> Iterator[Part]:
    yield slab((-1.0, 1.0), (-0.75, 0.75), (0.12, 0.3), WOOD)
    yield slab((-1.06, -1.0), (-0.78, 0.78), (0, 0.95), dim(WOOD, 0.8))
    yield slab((1.0, 1.05), (-0.78, 0.78), (0, 0.45), dim(WOOD, 0.8))
    yield slab((-0.98, 0.98), (-0.72, 0.72), (0.3, 0.46), PALE)
    yield slab((-0.4, 1.0), (-0.76, 0.76), (0.3, 0.51), colour)
    for side in (-1, 1):
        low, high = sorted((side * 0.1, side * 0.65))
        yield slab((-0.95, -0.58), (low, high), (0.46, 0.58), PALE, (0, 8, 0))


def _wardrobe(colour: Colour) -> Iterator[Part]:
    yield slab((-0.3, 0.27), (-0.6, 0.6), (0.06, 2.0), dim(colour, 0.7))
    yield slab((-0.28, 0.25), (-0.57, 0.57), (0, 0.06), DARK)
    for side in (-1, 1):
        low, high = sorted((side * 0.012, side * 0.58))
        yield slab((0.27, 0.3), (low, high), (0.09, 1.97), colour)
        yield rod((0.33, side * 0.07, 0.9), (0.33, side * 0.07, 1.15), 0.035, GOLD)
    yield slab((-0.32, 0.32), (-0.63, 0.63), (2.0, 2.06), dim(colour, 0.85))


def _bookshelf(colour: Colour) -> Iterator[Part]:
    yield slab((-0.18, -0.15), (-0.5, 0.5), (0, 1.7), dim(colour, 0.7))
    for y in (-0.5, 0.46):
        yield slab((-0.18, 0.17), (y, y + 0.04), (0, 1.7), colour)
    for z in (0.03, 0.57, 1.11, 1.66):
        yield slab((-0.18, 0.17), (-0.5, 0.5), (z, z + 0.04), colour)
    inks = (RED, (0.15, 0.3, 0.7), GOLD, (0.15, 0.5, 0.3), PALE, (0.5, 0.25, 0.5))
    for row, (z, spans) in enumerate(((0.07, (-0.44, -0.2, 0.1)), (0.61, (-0.4, -0.1, 0.2)), (1.15, (-0.44, -0.1)))):
        for place, y in enumerate(spans):
            high = z + 0.3 + 0.05 * ((row + place) % 3)
            yield slab((-0.13, 0.12), (y, y + 0.2), (z, high), inks[(2 * row + place) % len(inks)])


def _drawers(colour: Colour) -> Iterator[Part]:
    yield slab((-0.25, 0.23), (-0.45, 0.45), (0.05, 0.9), dim(colour, 0.7))
    yield slab((-0.27, 0.26), (-0.48, 0.48), (0.9, 0.94), dim(colour, 0.85))
    yield slab((-0.22, 0.2), (-0.42, 0.42), (0, 0.05), DARK)
    for z in (0.08, 0.36, 0.64):
        yield slab((0.23, 0.26), (-0.43, 0.43), (z, z + 0.25), colour)
        for y in (-0.22, 0.22):
            yield ball((0.275, y, z + 0.13), 0.06, GOLD)


def _floor_lamp(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.04), 0.36, DARK)
    yield rod((0, 0, 0.04), (0, 0, 1.25), 0.045, DARK)
    for step in range(4):
        low = 1.2 + 0.09 * step
        yield rod((0, 0, low), (0, 0, low + 0.09), 0.52 - 0.07 * step, dim(colour, 1 - 0.06 * (step % 2)))


def _bench(colour: Colour) -> Iterator[Part]:
    for y in (-0.6, 0.6):
        yield slab((-0.22, -0.16), (y - 0.04, y + 0.04), (0, 0.85), DARK)
        yield slab((0.16, 0.22), (y - 0.04, y + 0.04), (0, 0.42), DARK)
        yield slab((-0.2, 0.22), (y - 0.04, y + 0.04), (0.37, 0.42), DARK)
    for x in (-0.16, -0.02, 0.12):
        yield slab((x, x + 0.11), (-0.8, 0.8), (0.42, 0.46), colour)
    for z in (0.52, 0.66, 0.8):
        yield slab((-0.16, -0.12), (-0.8, 0.8), (z, z + 0.1), colour)


def _door(colour: Colour) -> Iterator[Part]:
    for y in (-0.5, 0.42):
        yield slab((-0.06, 0.06), (y, y + 0.08), (0, 2.1), PALE)
    yield slab((-0.06, 0.06), (-0.5, 0.5), (2.05, 2.15), PALE)
    yield slab((-0.03, 0.03), (-0.42, 0.42), (0, 2.05), colour)
    for side in (-1, 1):
        for low, high in ((0.2, 0.9), (1.1, 1.85)):
            near, far = sorted((side * 0.03, side * 0.045))
            yield slab((near, far), (-0.3, 0.3), (low, high), dim(colour, 0.75))
        yield rod((side * 0.045, -0.36, 1.0), (side * 0.09, -0.36, 1.0), 0.04, GOLD)
        yield rod((side * 0.09, -0.38, 1.0), (side * 0.09, -0.24, 1.0), 0.03, GOLD)


def _plant_pot(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.26), 0.28, colour)
    yield rod((0, 0, 0.24), (0, 0, 0.3), 0.34, dim(colour, 0.8))
    yield rod((0, 0, 0.3), (0, 0, 0.31), 0.3, (0.3, 0.2, 0.12))
    for x, y, z in ((0.2, 0, 0.72), (-0.2, 0.06, 0.74), (0.02, 0.2, 0.78), (0, -0.21, 0.7), (0.02, 0.01, 0.9)):
        yield rod((0, 0, 0.3), (x, y, z - 0.12), 0.03, LEAF)
        yield rod((x * 0.6, y * 0.6, z - 0.25), (x * 1.25, y * 1.25, z), 0.13, LEAF, "capsule")


def _coat_stand(colour: Colour) -> Iterator[Part]:
    for x, y in ((0.24, 0.0), (-0.12, 0.21), (-0.12, -0.21)):
        yield rod((x, y, 0.015), (0, 0, 0.22), 0.045, dim(colour))
    yield rod((0, 0, 0.1), (0, 0, 1.75), 0.06, colour)
    yield ball((0, 0, 1.77), 0.1, colour)
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        yield rod((0, 0, 1.5), (0.22 * x, 0.22 * y, 1.68), 0.04, colour)
        yield ball((0.22 * x, 0.22 * y, 1.68), 0.06, colour)


def _side_table(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.03), 0.4, dim(colour))
    yield rod((0, 0, 0.03), (0, 0, 0.52), 0.08, dim(colour))
    yield rod((0, 0, 0.52), (0, 0, 0.57), 0.75, colour)


def _ladder(colour: Colour) -> Iterator[Part]:
    for side in (-1, 1):
        y = 0.24 * side
        yield rod((0.4, y, 0), (0, y * 0.7, 1.6), 0.05, colour)
        yield rod((-0.4, y, 0), (0, y * 0.7, 1.6), 0.04, STEEL)
    for step in range(1, 6):
        x, z = 0.4 - 0.07 * step, 0.28 * step
        yield slab((x - 0.06, x + 0.04), (-0.22 + 0.01 * step, 0.22 - 0.01 * step), (z - 0.02, z + 0.02), colour)
    yield slab((-0.07, 0.07), (-0.19, 0.19), (1.58, 1.63), DARK)


FURNITURE = (
    Kind("chair", _chair, "furniture", fronted=True),
    Kind("stool", _stool, "furniture"),
    Kind("table", _table, "furniture"),
    Kind("desk", _desk, "furniture"),
    Kind("side table", _side_table, "furniture"),
    Kind("sofa", _sofa, "furniture", fronted=True),
    Kind("bed", _bed, "furniture"),
    Kind("wardrobe", _wardrobe, "furniture", fronted=True),
    Kind("bookshelf", _bookshelf, "furniture", fronted=True),
    Kind("chest of drawers", _drawers, "furniture", fronted=True),
    Kind("floor lamp", _floor_lamp, "furniture"),
    Kind("bench", _bench, "furniture", fronted=True),
    Kind("door", _door, "furniture"),
    Kind("plant pot", _plant_pot, "furniture"),
    Kind("coat stand", _coat_stand, "furniture"),
    Kind("ladder", _ladder, "furniture"),
)
