"""The catalogue: kinds of things by name, colours by name, and things of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from assay.envs.spatial_tree.engine.kinds.build import Kind
from assay.envs.spatial_tree.engine.kinds.furniture import FURNITURE
from assay.envs.spatial_tree.engine.kinds.household import HOUSEHOLD
from assay.envs.spatial_tree.engine.kinds.outdoors import OUTDOORS
from assay.envs.spatial_tree.engine.kinds.toys import TOYS
from assay.envs.spatial_tree.engine.scene import Colour, Part, Thing, Vector

__all__ = ["COLOURS", "FAMILIES", "KINDS", "Kind", "scaled", "thing"]

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in (*FURNITURE, *HOUSEHOLD, *OUTDOORS, *TOYS)})
"""Every kind by name."""
FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        family: tuple(kind.name for kind in KINDS.values() if kind.family == family)
        for family in dict.fromkeys(kind.family for kind in KINDS.values())
    }
)
"""The names of the kinds of each family."""
COLOURS: Mapping[str, Colour] = MappingProxyType({
    "red": (0.85, 0.1, 0.1),
    "orange": (0.98, 0.5, 0.05),
    "yellow": (0.98, 0.86, 0.12),
    "green": (0.12, 0.6, 0.2),
    "blue": (0.12, 0.3, 0.88),
    "purple": (0.5, 0.16, 0.68),
    "pink": (0.98, 0.55, 0.75),
    "white": (0.93, 0.93, 0.93),
})  # fmt: skip
"""Colours that people tell apart in light and in shade."""


def thing(
    kind: str,
    colour: str,
    at: Vector = (0.0, 0.0, 0.0),
    yaw: float = 0.0,
    scale: float = 1.0,
    name: str | None = None,
    fit: float | None = None,
) -> Thing:
    """A thing of a kind and colour.

    Args:
        kind: of :data:`KINDS`.
        colour: of :data:`COLOURS`; of most of it.
        at: the middle of its base in the world, metres.
        yaw: where its front looks, degrees: 0 is world +x, counter-clockwise seen from above.
        scale: how many times its natural size.
        name: what it is called; "red chair" if None.
        fit: its greatest extent, metres, in place of ``scale``: so that a bus and a mug can stand side by side as toys.

    Raises:
        KeyError: if there is no such kind or colour.
    """
    parts = KINDS[kind].parts(COLOURS[colour])
    factor = scale if fit is None else fit / max(KINDS[kind].size)
    called = f"{colour} {kind}" if name is None else name
    return Thing(called, scaled(parts, factor), at, (0.0, 0.0, yaw), kind, colour)


def scaled(parts: tuple[Part, ...], factor: float) -> tuple[Part, ...]:
    """The parts ``factor`` times as large about the origin."""
    return tuple(replace(part, size=_times(part.size, factor), at=_times(part.at, factor)) for part in parts)


def _times(vector: Vector, factor: float) -> Vector:
    x, y, z = vector
    return x * factor, y * factor, z * factor
