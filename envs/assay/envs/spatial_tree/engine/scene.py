"""What is in a scene: things made of parts. Plain data; the same data give the same pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.engine.turning import turned

Vector = tuple[float, float, float]
Colour = tuple[float, float, float]
Shape = Literal["box", "sphere", "cylinder", "capsule", "cone", "wedge"]


@dataclass(frozen=True, slots=True)
class Part:
    """A convex piece, in the frame of its thing.

    Attributes:
        shape: what it is.
        size: metres; extents along x, y, z of a box or a wedge (a prism with its ridge along x, on top); of a
            cone (diameter at the base, diameter at the top, height); of a sphere, cylinder or capsule (diameter,
            diameter, length along its own z, to which a capsule adds its two round ends).
        at: the middle of its extents, metres.
        turn: roll, pitch, yaw in degrees, about its own middle (fixed axes x, then y, then z).
        colour: RGB in 0..1.
        texture: name of a texture, or "" for plain colour.
    """

    shape: Shape
    size: Vector
    at: Vector = (0.0, 0.0, 0.0)
    turn: Vector = (0.0, 0.0, 0.0)
    colour: Colour = (0.7, 0.7, 0.7)
    texture: str = ""


@dataclass(frozen=True, slots=True)
class Thing:
    """An object that the segmentation tells apart.

    Attributes:
        name: what people call it, such as "red chair"; unique in a scene where a question names it.
        parts: in its own frame, whose origin is the middle of its base on the floor and whose +x is its front.
        at: the origin in the world, metres.
        turn: roll, pitch, yaw in degrees, about the origin (fixed axes x, then y, then z).
        kind: its kind without the colour, such as "chair".
        colour: the name of its colour.
    """

    name: str
    parts: tuple[Part, ...]
    at: Vector = (0.0, 0.0, 0.0)
    turn: Vector = (0.0, 0.0, 0.0)
    kind: str = ""
    colour: str = ""

    def corners(self) -> npt.NDArray[np.float64]:
        """The 8 corners of its own box (axes of its own frame) in the world: ``[8, 3]``, metres.

        Corner ``k`` is at the upper end of axis ``a`` where bit ``a`` of ``k`` is set.
        """
        low, high = self.bounds()
        picks = np.array([[k >> axis & 1 for axis in range(3)] for k in range(8)], dtype=bool)
        found: npt.NDArray[np.float64] = np.where(picks, high, low) @ turned(self.turn).T + np.array(self.at)
        return found

    def bounds(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Least and greatest x, y, z of its parts in its own frame, metres, exact."""
        low, high = _bounds(self.parts)
        return low.copy(), high.copy()

    def middle(self) -> npt.NDArray[np.float64]:
        """The middle of its box in the world, metres ``[3]``."""
        found: npt.NDArray[np.float64] = self.corners().mean(axis=0)
        return found


@dataclass(frozen=True, slots=True)
class Light:
    """A light from far away, and what there is without it.

    Attributes:
        towards: from the scene to the light.
        ambient, diffuse, specular: strengths in 0..1.
        shadow: whether things cast shadows; costs about as much again as a picture without.
        smooth: whether edges are smoothed; costs about as much again.
    """

    towards: Vector = (2.0, 1.0, 4.0)
    ambient: float = 0.55
    diffuse: float = 0.5
    specular: float = 0.05
    shadow: bool = True
    smooth: bool = True


@dataclass(frozen=True, slots=True)
class Scene:
    """Things and a light. ``ids`` of a view are places in ``things``."""

    things: tuple[Thing, ...]
    light: Light = field(default_factory=Light)

    def find(self, name: str) -> int:
        """The place of the thing of that name.

        Raises:
            KeyError: if there is not exactly one.
        """
        places = [place for place, thing in enumerate(self.things) if thing.name == name]
        if len(places) != 1:
            raise KeyError(f"{len(places)} things are called {name!r}")
        return places[0]

    def plus(self, things: Sequence[Thing]) -> Scene:
        """The scene with more things behind its own, so that places stay."""
        return Scene((*self.things, *things), self.light)


@lru_cache(4096)
def _bounds(parts: tuple[Part, ...]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    # Kept: a template tries the same thing at many places before one is fair.
    ends = np.array([_extent(part) for part in parts])
    return ends[:, 0].min(axis=0), ends[:, 1].max(axis=0)


def _extent(part: Part) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Least and greatest x, y, z of a part in the frame of its thing."""
    turn, at = turned(part.turn), np.array(part.at)
    x, y, z = (side / 2 for side in part.size)
    axis = turn[:, 2]
    if part.shape == "sphere":
        return at - x, at + x
    if part.shape == "capsule":
        reach = np.abs(axis) * z + x
        return at - reach, at + reach
    if part.shape in ("cylinder", "cone"):
        # The hull of two discs across the axis.
        disc = np.sqrt(np.maximum(0.0, 1 - axis**2))
        ends = ((-z, x), (z, x if part.shape == "cylinder" else y))
        low = np.minimum(*(along * axis - wide * disc for along, wide in ends))
        high = np.maximum(*(along * axis + wide * disc for along, wide in ends))
        return at + low, at + high
    signs = np.array(_RIDGE if part.shape == "wedge" else _CORNERS, dtype=float)
    points = (signs * (x, y, z)) @ turn.T
    return at + points.min(axis=0), at + points.max(axis=0)


_CORNERS = [[1 if k >> axis & 1 else -1 for axis in range(3)] for k in range(8)]
_RIDGE = [(-1, -1, -1), (1, -1, -1), (1, 1, -1), (-1, 1, -1), (-1, 0, 1), (1, 0, 1)]
