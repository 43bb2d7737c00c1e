"""How alike two maps of named things are, whichever way up they are drawn (MindCube, arXiv 2506.21458).

A map is things with a place (x to the right, y downwards) and a facing: up, right, down, left, inner, outer or none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Spot(NamedTuple):
    """Where a thing is, and which way it faces."""

    x: float
    y: float
    facing: str | None


@dataclass(frozen=True, slots=True)
class Likeness:
    """How well a map agrees under the rotation that suits it best; everything in [0, 1].

    Attributes:
        overall: 0.7 directional + 0.3 facing.
        directional: share of the ordered pairs of the truth that lie the same way.
        facing: share of the annotated facings that agree.
        isomorphic: whether every relation of the truth, absent ones too, is that of the map.
    """

    overall: float = 0.0
    directional: float = 0.0
    facing: float = 0.0
    isomorphic: bool = False


_ABOUT_X = {"up": "inner", "down": "outer", "inner": "down", "outer": "up"}
_ABOUT_Y = {"left": "inner", "right": "outer", "inner": "right", "outer": "left"}
_CLOCKWISE = ("up", "right", "down", "left")
_SIDE, _NEAR = 0.5, 0.2


def _about_z(quarters: int, exact: bool) -> Callable[[Spot], Spot]:
    cosine, sine = math.cos(quarters * math.pi / 2), math.sin(quarters * math.pi / 2)
    if exact:
        cosine, sine = round(cosine), round(sine)

    def turn(spot: Spot) -> Spot:
        facing = spot.facing
        if facing in _CLOCKWISE:
            facing = _CLOCKWISE[(_CLOCKWISE.index(facing) + quarters) % 4]
        return Spot(cosine * spot.x - sine * spot.y, sine * spot.x + cosine * spot.y, facing)

    return turn


def _rotations(exact: bool) -> tuple[Callable[[Spot], Spot], ...]:
    return (
        lambda spot: Spot(spot.x + 0.0 * spot.y, 0.0 * spot.x + spot.y, spot.facing),  # as a matrix does, also to NaN
        *(_about_z(quarters, exact) for quarters in (1, 2, 3)),
        lambda spot: Spot(
            spot.x + 0.0 * spot.y, 0.0 * spot.x + 0.0 * spot.y, _ABOUT_X.get(spot.facing or "", spot.facing)
        ),
        lambda spot: Spot(
            0.0 * spot.x + 0.0 * spot.y, 0.0 * spot.x + spot.y, _ABOUT_Y.get(spot.facing or "", spot.facing)
        ),
    )


_EXACT, _ROUNDED = _rotations(True), _rotations(False)


def relation(first: Spot, second: Spot) -> str | None:
    """Where ``second`` lies as seen from ``first``: right, left, down, up; inner or outer within half a unit."""
    dx, dy = second.x - first.x, second.y - first.y
    distance = math.sqrt(dx * dx + dy * dy)
    if distance < _SIDE:
        if first.facing == "inner" or second.facing == "outer":
            return "inner"
        if first.facing == "outer" or second.facing == "inner":
            return "outer"
        return "inner" if distance < _NEAR else None
    if abs(dx) > abs(dy):
        return "right" if dx > 0 else "left"
    return "down" if dy > 0 else "up"


def likeness(said: Mapping[str, Spot], truth: Mapping[str, Spot], parity: bool = False) -> Likeness:
    """The best of six rotations: none, 90, 180 and 270 degrees in the plane, 90 degrees about x and about y.

    A pair or a facing of the truth of which the map lacks a thing counts as missed; where no facing is annotated or no
    direction is right, directions are all that counts. ``parity`` leaves what is missing out of the count (two things
    of many can earn everything), gives facings that nobody annotated for free, and keeps the roundings of the
    program's cosines.
    """
    pairs = [(a, b, relation(truth[a], truth[b])) for a in truth for b in truth if a != b]
    faced = [name for name, spot in truth.items() if spot.facing]
    if parity:
        faced = [name for name in faced if name in said]
    best = Likeness()
    if not any(name in said for name in truth):
        return best
    for turn in _ROUNDED if parity else _EXACT:
        found = _compared({name: turn(said[name]) for name in truth if name in said}, truth, pairs, faced, parity)
        if found.overall > best.overall:
            best = found
    return best


def _compared(
    said: Mapping[str, Spot],
    truth: Mapping[str, Spot],
    pairs: Sequence[tuple[str, str, str | None]],
    faced: Sequence[str],
    parity: bool,
) -> Likeness:
    wanted = same = 0
    isomorphic = len(said) == len(truth)
    for a, b, way in pairs:
        both = a in said and b in said
        found = relation(said[a], said[b]) if both else None
        isomorphic = isomorphic and found == way
        if way is not None and (both or not parity):
            wanted += 1
            same += both and found == way
    directional = same / wanted if wanted else 0.0
    agree = sum(name in said and said[name].facing == truth[name].facing for name in faced)
    facing = agree / len(faced) if faced else 1.0
    overall = 0.7 * directional + 0.3 * facing
    if not parity and not (faced and directional):
        overall = directional
    return Likeness(overall, directional, facing, isomorphic)
