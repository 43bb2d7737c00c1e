"""Pieces of a kind in the words it is thought in: a slab between limits, a rod from here to there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from assay.envs.spatial_tree.engine.scene import Colour, Part, Shape, Thing, Vector

WOOD: Colour = (0.62, 0.43, 0.25)
STEEL: Colour = (0.62, 0.64, 0.67)
DARK: Colour = (0.14, 0.14, 0.16)
PALE: Colour = (0.92, 0.91, 0.88)
GLASS: Colour = (0.55, 0.72, 0.82)
SKIN: Colour = (0.93, 0.76, 0.62)
LEAF: Colour = (0.16, 0.45, 0.16)
GOLD: Colour = (0.95, 0.75, 0.2)
RED: Colour = (0.8, 0.12, 0.1)

Span = tuple[float, float]
Makes = Callable[[Colour], Iterable[Part]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing.

    Attributes:
        name: what people call it.
        makes: its parts for a main colour; those of the handle, if any, come last.
        family: ``furniture``, ``appliance``, ``household``, ``vehicle``, ``outdoors``, ``animal``, ``toy`` or ``food``.
        fronted: whether a person can tell its front (+x) from its back and sides.
        grips: how many parts the handle has.
    """

    name: str
    makes: Makes
    family: str
    fronted: bool = False
    grips: int = 0

    def parts(self, colour: Colour) -> tuple[Part, ...]:
        """Its parts at its natural size, metres, with ``colour`` as the colour of most of it.

        The origin is the middle of its base.
        """
        made = tuple(self.makes(colour))
        low, high = Thing(self.name, made).bounds()
        x, y, z = float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2, float(low[2])
        return tuple(replace(each, at=(each.at[0] - x, each.at[1] - y, each.at[2] - z)) for each in made)

    @property
    def handle(self) -> tuple[int, ...] | None:
        """Places in ``parts`` of what it is held by; None without a handle."""
        count = len(self.parts(PALE))
        return tuple(range(count - self.grips, count)) if self.grips else None

    @property
    def size(self) -> Vector:
        """Extents along its x, y, z at its natural size, metres."""
        low, high = Thing(self.name, self.parts(PALE)).bounds()
        x, y, z = (high - low).tolist()
        return x, y, z


def dim(colour: Colour, factor: float = 0.6) -> Colour:
    """The colour darker, or lighter where ``factor`` is above 1."""
    red, green, blue = (min(1.0, channel * factor) for channel in colour)
    return red, green, blue


def unlike(colour: Colour) -> Colour:
    """A colour for stripes on it: pale, or grey where it is pale itself."""
    return STEEL if min(colour) > 0.7 else PALE


def slab(x: Span, y: Span, z: Span, colour: Colour, turn: Vector = (0.0, 0.0, 0.0)) -> Part:
    """A box between limits along each axis, turned about its middle."""
    spans = (x, y, z)
    size = tuple(high - low for low, high in spans)
    at = tuple((high + low) / 2 for low, high in spans)
    return Part("box", size, at, turn, colour)  # type: ignore[arg-type]


def rod(start: Vector, end: Vector, width: float, colour: Colour, shape: Shape = "cylinder") -> Part:
    """A cylinder (or capsule, or cone with its tip at ``end``) of a diameter, from one point to another."""
    a, b = np.array(start), np.array(end)
    length = float(np.linalg.norm(b - a))
    x, y, z = (b - a) / length
    turn = (0.0, float(np.degrees(np.arccos(np.clip(z, -1, 1)))), float(np.degrees(np.arctan2(y, x))))
    middle = tuple(((a + b) / 2).tolist())
    return Part(shape, (width, width, length), middle, turn, colour)


def ball(at: Vector, width: float, colour: Colour) -> Part:
    """A sphere of a diameter."""
    return Part("sphere", (width, width, width), at, (0.0, 0.0, 0.0), colour)


def cone(at: Vector, width: float, height: float, colour: Colour, top: float = 0.0) -> Part:
    """A cone that stands on ``at``, cut off where it is ``top`` wide."""
    x, y, z = at
    return Part("cone", (width, top, height), (x, y, z + height / 2), (0.0, 0.0, 0.0), colour)


def roof(x: Span, y: Span, z: Span, colour: Colour) -> Part:
    """A prism with its ridge along x, between limits."""
    return replace(slab(x, y, z, colour), shape="wedge")


def legs(x: float, y: float, top: float, width: float, colour: Colour) -> list[Part]:
    """Four round legs at ``(+-x, +-y)`` from the floor to ``top``."""
    return [rod((a, b, 0), (a, b, top), width, colour) for a in (-x, x) for b in (-y, y)]


def wheels(xs: Iterable[float], y: float, width: float, thick: float) -> list[Part]:
    """A wheel on each side at every x."""
    return [rod((x, s * (y - thick), width / 2), (x, s * y, width / 2), width, DARK) for x in xs for s in (-1, 1)]
