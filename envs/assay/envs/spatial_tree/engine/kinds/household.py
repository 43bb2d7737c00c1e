"""What is held, and what is plugged in."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from assay.envs.spatial_tree.engine.kinds.build import (
    DARK,
    GLASS,
    GOLD,
    LEAF,
    PALE,
    RED,
    STEEL,
    WOOD,
    Kind,
    ball,
    cone,
    dim,
    rod,
    slab,
    unlike,
)
from assay.envs.spatial_tree.engine.scene import Colour, Part


def _loop(x: float, low: float, high: float, out: float, width: float, colour: Colour) -> Iterator[Part]:
    """A handle in the shape of a bow on the +x side."""
    inset = (high - low) * 0.25
    yield rod((x, 0, high), (x + out * 0.75, 0, high), width, colour, "capsule")
    yield rod((x + out * 0.75, 0, high), (x + out, 0, high - inset), width, colour, "capsule")
    yield rod((x + out, 0, high - inset), (x + out, 0, low + inset), width, colour, "capsule")
    yield rod((x + out, 0, low + inset), (x + out * 0.75, 0, low), width, colour, "capsule")
    yield rod((x + out * 0.75, 0, low), (x, 0, low), width, colour, "capsule")


def _mug(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.1), 0.085, colour)
    yield rod((0, 0, 0.09), (0, 0, 0.101), 0.072, (0.3, 0.18, 0.1))
    yield from _loop(0.04, 0.025, 0.08, 0.035, 0.014, colour)


def _teapot(colour: Colour) -> Iterator[Part]:
    yield ball((0, 0, 0.09), 0.19, colour)
    yield rod((0, 0, 0), (0, 0, 0.02), 0.12, dim(colour))
    yield rod((0, 0, 0.165), (0, 0, 0.19), 0.1, dim(colour, 0.8))
    yield ball((0, 0, 0.2), 0.03, dim(colour))
    yield rod((-0.07, 0, 0.06), (-0.13, 0, 0.1), 0.045, colour, "capsule")
    yield rod((-0.13, 0, 0.1), (-0.165, 0, 0.16), 0.03, colour, "capsule")
    yield from _loop(0.075, 0.05, 0.14, 0.07, 0.02, dim(colour, 0.8))


def _pan(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.05), 0.26, colour)
    yield rod((0, 0, 0.045), (0, 0, 0.052), 0.23, DARK)
    yield rod((0.12, 0, 0.035), (0.36, 0, 0.065), 0.03, WOOD, "capsule")


def _bottle(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.17), 0.075, colour)
    yield ball((0, 0, 0.17), 0.075, colour)
    yield rod((0, 0, 0.18), (0, 0, 0.27), 0.03, colour)
    yield rod((0, 0, 0.265), (0, 0, 0.29), 0.036, DARK)
    yield rod((0, 0, 0.05), (0, 0, 0.13), 0.077, unlike(colour))


def _vase(colour: Colour) -> Iterator[Part]:
    for low, high, width in ((0, 0.03, 0.11), (0.03, 0.06, 0.14), (0.17, 0.2, 0.12), (0.2, 0.26, 0.075)):
        yield rod((0, 0, low), (0, 0, high), width, colour)
    yield rod((0, 0, 0.06), (0, 0, 0.17), 0.16, dim(colour, 0.85))
    yield rod((0, 0, 0.26), (0, 0, 0.275), 0.1, colour)
    for x, y, z in ((0.06, 0.0, 0.44), (-0.04, 0.06, 0.47), (-0.03, -0.06, 0.41)):
        yield rod((0, 0, 0.27), (x, y, z), 0.012, LEAF)
        yield ball((x, y, z), 0.06, (0.98, 0.97, 0.9))
        yield ball((x * 1.2, y * 1.2, z + 0.015), 0.035, GOLD)


def _bucket(colour: Colour) -> Iterator[Part]:
    for step in range(4):
        yield rod((0, 0, 0.07 * step), (0, 0, 0.07 * (step + 1)), 0.22 + 0.025 * step, colour)
    yield rod((0, 0, 0.28), (0, 0, 0.295), 0.32, dim(colour, 0.75))
    yield rod((0, 0, 0.293), (0, 0, 0.3), 0.27, (0.2, 0.2, 0.22))
    ends = [(0.0, -0.15, 0.28), (0.0, -0.13, 0.4), (0.0, -0.06, 0.48), (0.0, 0.06, 0.48), (0.0, 0.13, 0.4),
            (0.0, 0.15, 0.28)]  # fmt: skip
    for a, b in itertools.pairwise(ends):
        yield rod(a, b, 0.018, STEEL, "capsule")


def _umbrella(colour: Colour) -> Iterator[Part]:
    yield cone((0, 0, 0.78), 1.0, 0.26, colour)
    for step in range(4):
        a = step * 1.5708 + 0.4
        x, y = 0.44 * math.cos(a), 0.44 * math.sin(a)
        yield rod((0, 0, 1.03), (x, y, 0.8), 0.025, dim(colour))
    yield rod((0, 0, 0.2), (0, 0, 1.1), 0.025, STEEL)
    yield rod((0, 0, 0.05), (0, 0, 0.3), 0.045, WOOD, "capsule")
    yield rod((0, 0, 0.05), (0.05, 0, 0.02), 0.045, WOOD, "capsule")
    yield rod((0.05, 0, 0.02), (0.1, 0, 0.06), 0.045, WOOD, "capsule")


def _suitcase(colour: Colour) -> Iterator[Part]:
    yield slab((-0.12, 0.12), (-0.24, 0.24), (0.05, 0.66), colour)
    for z in (0.16, 0.33, 0.5):
        yield slab((-0.13, 0.13), (-0.22, 0.22), (z, z + 0.05), dim(colour, 0.75))
    for x in (-0.09, 0.09):
        for y in (-0.2, 0.2):
            yield rod((x, y - 0.015, 0.03), (x, y + 0.015, 0.03), 0.06, DARK)
    for y in (-0.11, 0.11):
        yield rod((0, y, 0.66), (0, y, 0.92), 0.025, STEEL)
    yield rod((0, -0.13, 0.92), (0, 0.13, 0.92), 0.04, DARK)


def _hammer(colour: Colour) -> Iterator[Part]:
    yield slab((0.27, 0.32), (-0.06, 0.08), (0.015, 0.06), STEEL)
    yield rod((0.295, -0.1, 0.038), (0.295, -0.05, 0.038), 0.066, STEEL)
    yield Part("wedge", (0.05, 0.045, 0.07), (0.295, 0.11, 0.038), (-90, 0, 0), STEEL)
    yield rod((0.0, 0, 0.035), (0.28, 0, 0.035), 0.042, colour, "capsule")


def _watering_can(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.24), 0.24, colour)
    yield rod((0, 0, 0.238), (0, 0, 0.245), 0.19, dim(colour, 0.4))
    yield rod((-0.1, 0, 0.07), (-0.32, 0, 0.28), 0.05, colour)
    yield rod((-0.31, 0, 0.27), (-0.36, 0, 0.32), 0.12, dim(colour, 0.75))
    yield from _loop(0.1, 0.04, 0.24, 0.12, 0.03, dim(colour, 0.75))


def _broom(colour: Colour) -> Iterator[Part]:
    yield Part("wedge", (0.12, 0.5, 0.42), (0, 0, 0.21), (0, 0, 0), colour)
    yield slab((-0.065, 0.065), (-0.255, 0.255), (0, 0.05), dim(colour, 0.7))
    yield rod((0, 0, 0.3), (0, 0, 1.35), 0.045, WOOD)


def _spade(colour: Colour) -> Iterator[Part]:
    yield slab((-0.015, 0.015), (-0.13, 0.13), (0.08, 0.34), colour)
    yield Part("wedge", (0.03, 0.26, 0.1), (0, 0, 0.05), (180, 0, 0), colour)
    yield rod((0, 0, 0.3), (0, 0, 0.95), 0.04, WOOD)
    yield rod((0, 0, 0.95), (0, -0.08, 1.03), 0.03, WOOD)
    yield rod((0, 0, 0.95), (0, 0.08, 1.03), 0.03, WOOD)
    yield rod((0, -0.1, 1.04), (0, 0.1, 1.04), 0.04, dim(WOOD, 0.7))


def _axe(colour: Colour) -> Iterator[Part]:
    yield slab((0.5, 0.58), (-0.05, 0.05), (0.01, 0.05), dim(colour, 0.7))
    yield slab((0.46, 0.62), (0.05, 0.12), (0.015, 0.045), colour)
    yield slab((0.42, 0.66), (0.11, 0.17), (0.02, 0.04), STEEL)
    yield rod((0.0, 0, 0.03), (0.6, 0, 0.03), 0.045, WOOD, "capsule")


def _bin(colour: Colour) -> Iterator[Part]:
    for step in range(4):
        yield rod((0, 0, 0.12 * step), (0, 0, 0.12 * (step + 1)), 0.3 + 0.02 * step, colour)
    yield rod((0, 0, 0.48), (0, 0, 0.52), 0.4, dim(colour, 0.7))
    yield rod((0, 0, 0.518), (0, 0, 0.525), 0.33, DARK)
    for x, y, z in ((0.05, 0.05, 0.54), (-0.07, 0.02, 0.53), (0.02, -0.08, 0.54)):
        yield ball((x, y, z), 0.11, PALE)


def _candle(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.015), 0.16, GOLD)
    yield rod((0, 0, 0.015), (0, 0, 0.05), 0.07, GOLD)
    yield rod((0, 0, 0.05), (0, 0, 0.22), 0.05, colour)
    yield rod((0, 0, 0.22), (0, 0, 0.24), 0.008, DARK)
    yield ball((0, 0, 0.248), 0.026, (1.0, 0.75, 0.2))
    yield cone((0, 0, 0.255), 0.022, 0.04, (1.0, 0.6, 0.1))


def _desk_lamp(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.03), 0.2, dim(colour, 0.7))
    yield rod((0, 0, 0.03), (-0.12, 0, 0.25), 0.025, STEEL)
    yield ball((-0.12, 0, 0.25), 0.04, DARK)
    yield rod((-0.12, 0, 0.25), (0.1, 0, 0.45), 0.025, STEEL)
    yield Part("cone", (0.2, 0.0, 0.17), (0.14, 0, 0.4), (0, -35, 0), colour)
    yield ball((0.175, 0, 0.35), 0.09, (1.0, 0.95, 0.7))


def _fridge(colour: Colour) -> Iterator[Part]:
    yield slab((-0.33, 0.28), (-0.35, 0.35), (0.04, 1.75), dim(colour, 0.8))
    yield slab((-0.3, 0.25), (-0.33, 0.33), (0, 0.04), DARK)
    for low, high, grip in ((0.06, 1.13, 0.7), (1.16, 1.74, 1.25)):
        yield slab((0.28, 0.33), (-0.35, 0.35), (low, high), colour)
        yield rod((0.37, -0.28, grip), (0.37, -0.28, grip + 0.32), 0.04, DARK)


def _washing_machine(colour: Colour) -> Iterator[Part]:
    yield slab((-0.3, 0.3), (-0.3, 0.3), (0.02, 0.85), colour)
    yield slab((0.3, 0.31), (-0.29, 0.29), (0.71, 0.83), dim(colour, 0.5))
    yield rod((0.3, 0, 0.37), (0.325, 0, 0.37), 0.44, STEEL)
    yield rod((0.3, 0, 0.37), (0.335, 0, 0.37), 0.32, (0.15, 0.22, 0.3))
    yield rod((0.3, 0.2, 0.77), (0.34, 0.2, 0.77), 0.08, PALE)
    yield slab((0.3, 0.32), (-0.22, 0.0), (0.74, 0.8), GLASS)


def _stove(colour: Colour) -> Iterator[Part]:
    yield slab((-0.3, 0.3), (-0.3, 0.3), (0, 0.85), colour)
    yield slab((-0.3, 0.31), (-0.3, 0.3), (0.85, 0.88), DARK)
    yield slab((0.3, 0.31), (-0.24, 0.24), (0.15, 0.55), (0.12, 0.14, 0.18))
    yield rod((0.34, -0.24, 0.62), (0.34, 0.24, 0.62), 0.035, STEEL)
    for place, (x, y) in enumerate(((-0.13, -0.14), (-0.13, 0.14), (0.13, -0.14), (0.13, 0.14))):
        yield rod((x, y, 0.88), (x, y, 0.895), 0.2, STEEL)
        yield rod((x, y, 0.895), (x, y, 0.9), 0.12, (0.75, 0.2, 0.1))
        yield rod((0.3, -0.21 + 0.14 * place, 0.76), (0.33, -0.21 + 0.14 * place, 0.76), 0.07, DARK)


def _toilet(colour: Colour) -> Iterator[Part]:
    yield slab((-0.35, -0.16), (-0.21, 0.21), (0.38, 0.78), colour)
    yield slab((-0.36, -0.15), (-0.22, 0.22), (0.78, 0.82), dim(colour, 0.8))
    yield rod((0.05, 0, 0), (0.05, 0, 0.3), 0.22, dim(colour, 0.85))
    yield slab((-0.3, 0.05), (-0.1, 0.1), (0, 0.38), dim(colour, 0.85))
    yield rod((0.08, 0, 0.26), (0.08, 0, 0.38), 0.38, colour)
    yield rod((0.08, 0, 0.38), (0.08, 0, 0.42), 0.44, dim(colour, 0.85))
    yield rod((0.09, 0, 0.415), (0.09, 0, 0.425), 0.28, (0.3, 0.4, 0.5))
    yield rod((-0.16, 0.14, 0.7), (-0.12, 0.14, 0.7), 0.05, STEEL)


def _monitor(colour: Colour) -> Iterator[Part]:
    yield rod((-0.02, 0, 0), (-0.02, 0, 0.02), 0.24, dim(colour, 0.7))
    yield rod((-0.03, 0, 0.02), (-0.03, 0, 0.2), 0.05, dim(colour, 0.7))
    yield slab((-0.03, 0.02), (-0.32, 0.32), (0.14, 0.54), colour)
    yield slab((0.02, 0.025), (-0.285, 0.285), (0.175, 0.505), (0.1, 0.14, 0.2))
    yield slab((0.025, 0.028), (-0.24, 0.02), (0.34, 0.46), (0.45, 0.7, 0.85))
    for z in (0.22, 0.27):
        yield slab((0.025, 0.028), (-0.24, 0.2), (z, z + 0.02), (0.8, 0.82, 0.85))


def _laptop(colour: Colour) -> Iterator[Part]:
    yield slab((-0.12, 0.14), (-0.19, 0.19), (0, 0.02), colour)
    yield slab((-0.09, 0.04), (-0.17, 0.17), (0.02, 0.024), DARK)
    yield slab((0.06, 0.12), (-0.05, 0.05), (0.02, 0.023), dim(colour, 0.7))
    yield slab((-0.175, -0.16), (-0.19, 0.19), (0.01, 0.26), colour, (0, -17, 0))
    yield slab((-0.164, -0.159), (-0.17, 0.17), (0.03, 0.24), (0.5, 0.75, 0.9), (0, -17, 0))


def _clock(colour: Colour) -> Iterator[Part]:
    for y in (-0.09, 0.09):
        yield rod((0, y, 0), (0, y * 0.5, 0.1), 0.03, dim(colour))
        yield ball((0, y * 1.1, 0.33), 0.1, GOLD)
    yield rod((-0.05, 0, 0.19), (0.05, 0, 0.19), 0.3, colour)
    yield rod((0.05, 0, 0.19), (0.055, 0, 0.19), 0.25, (0.97, 0.96, 0.92))
    yield rod((0.06, 0, 0.19), (0.06, 0, 0.285), 0.014, DARK)
    yield rod((0.06, 0, 0.19), (0.06, 0.065, 0.16), 0.018, DARK)
    for y, z in ((0, 0.3), (0, 0.08), (0.11, 0.19), (-0.11, 0.19)):
        yield rod((0.055, y, z), (0.06, y, z), 0.02, RED)


def _fan(colour: Colour) -> Iterator[Part]:
    yield rod((0, 0, 0), (0, 0, 0.04), 0.26, colour)
    yield rod((-0.03, 0, 0.04), (-0.03, 0, 0.35), 0.04, colour)
    yield rod((-0.09, 0, 0.38), (0.02, 0, 0.38), 0.1, colour)
    yield rod((0.02, 0, 0.38), (0.05, 0, 0.38), 0.07, DARK)
    for angle in (90, 210, 330):
        y, z = 0.11 * math.cos(math.radians(angle)), 0.38 + 0.11 * math.sin(math.radians(angle))
        yield Part("box", (0.012, 0.16, 0.1), (0.03, y, z), (angle, 0, 0), dim(colour, 0.8))


HOUSEHOLD = (
    Kind("mug", _mug, "household", grips=5),
    Kind("teapot", _teapot, "household", grips=5),
    Kind("frying pan", _pan, "household", grips=1),
    Kind("bottle", _bottle, "household"),
    Kind("vase", _vase, "household"),
    Kind("bucket", _bucket, "household", grips=5),
    Kind("umbrella", _umbrella, "household", grips=3),
    Kind("suitcase", _suitcase, "household", grips=1),
    Kind("hammer", _hammer, "household", grips=1),
    Kind("watering can", _watering_can, "household", grips=5),
    Kind("broom", _broom, "household", grips=1),
    Kind("spade", _spade, "household", grips=1),
    Kind("axe", _axe, "household", grips=1),
    Kind("bin", _bin, "household"),
    Kind("candle", _candle, "household"),
    Kind("desk lamp", _desk_lamp, "household"),
    Kind("clock", _clock, "household", fronted=True),
    Kind("fan", _fan, "household", fronted=True),
    Kind("fridge", _fridge, "appliance", fronted=True),
    Kind("washing machine", _washing_machine, "appliance", fronted=True),
    Kind("stove", _stove, "appliance", fronted=True),
    Kind("toilet", _toilet, "appliance", fronted=True),
    Kind("monitor", _monitor, "appliance", fronted=True),
    Kind("laptop", _laptop, "appliance", fronted=True),
)
