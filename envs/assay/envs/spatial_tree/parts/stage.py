"""Stages: a floor with things of the catalogue at spots, and a camera that looks down on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing
from assay.envs.spatial_tree.engine.kinds import COLOURS, KINDS, thing
from assay.envs.spatial_tree.parts.seen import GREYS, Array, floor, pick

PLAIN = tuple(
    name for name, kind in KINDS.items() if max(kind.size) < 4 * min(kind.size) and kind.family not in ("outdoors",)
)
"""Kinds that are neither very flat nor very long, so that they show from every side."""
FACED = (
    "chair", "sofa", "toilet", "car", "tractor", "locomotive", "duck", "dog", "rabbit", "penguin", "robot", "doll",
    "snowman",
)  # fmt: skip
"""Kinds whose front everybody can tell, from behind too."""

WAYS: Mapping[str, float] = {
    "left": 180.0, "right": 0.0, "up": 90.0, "down": 270.0, "up and to the left": 135.0, "up and to the right": 45.0,
    "down and to the left": 225.0, "down and to the right": 315.0,
}  # fmt: skip
"""Directions in a picture: degrees counter-clockwise from its right."""
LOOSE: Mapping[int, float] = {2: 10.0, 4: 25.0, 8: 11.0}
"""Degrees off the direction named at most, by how many are offered: half a sector is 45 or 22.5."""


def props(
    rng: np.random.Generator, spots: Array, across: float = 0.8, kinds: Sequence[str] = PLAIN,
    paints: Sequence[str] | None = None,
) -> list[Thing]:  # fmt: skip
    """Things at ``spots`` ``[n, 2]``, all of another kind and colour, turned at random, ``across`` metres in extent."""
    chosen = pick(rng, kinds, len(spots))
    return [
        thing(kind, paint, (float(x), float(y), 0.0), float(rng.uniform(0, 360)), fit=across)
        for kind, paint, (x, y) in zip(chosen, paints or pick(rng, COLOURS, len(spots)), spots, strict=True)
    ]


def moved(what: Thing, spot: Sequence[float] | Array, yaw: float | None = None) -> Thing:
    """The thing at another spot of the floor, turned to ``yaw`` degrees if that is given."""
    turn = what.turn if yaw is None else (0.0, 0.0, yaw)
    return replace(what, at=(float(spot[0]), float(spot[1]), what.at[2]), turn=turn)


def stage(rng: np.random.Generator, things: Sequence[Thing]) -> Scene:
    """A floor, the first thing of the scene, and ``things`` in their order behind it."""
    return Scene((floor(GREYS[int(rng.integers(len(GREYS)))]), *things), Light((-2.0, 1.0, 4.0), shadow=False))


def onlooker(rng: np.random.Generator, size: int, away: float = 4.0, height: float = 2.5) -> Camera:
    """A camera that looks along about +x down on the origin, from ``away`` metres before it and ``height`` above."""
    eye = (-away, float(rng.uniform(-0.4, 0.4)), height * float(rng.uniform(0.85, 1.15)))
    target = (0.0, float(rng.uniform(-0.1, 0.1)), 0.1)
    return Camera.looking(eye, target, vfov=45.0, width=size, height=size * 3 // 4)


def overhead(size: int, half: float) -> Camera:
    """A camera straight above the origin that sees ``half`` metres up and down; up in the picture is world +y."""
    away = half / np.tan(np.radians(20.0))
    axes = ((1, 0, 0), (0, -1, 0), (0, 0, -1))
    return Camera.posed((0, 0, away), axes, vfov=40.0, width=size, height=size * 3 // 4)


def heading_of(camera: Camera) -> float:
    """Degrees from world +x, counter-clockwise from above, of where the camera looks."""
    x, y = camera.axes[2][:2]
    return float(np.degrees(np.arctan2(y, x)))


def bearing(camera: Camera, move: Array) -> float:
    """Degrees of a horizontal ``move`` from where the camera looks, counter-clockwise from above."""
    return float(np.degrees(np.arctan2(move[1], move[0]))) - heading_of(camera)


def nearest_name(names: Mapping[str, float], degrees: float) -> str:
    """Which of the directions that ``names`` gives in degrees is nearest to an angle."""
    return min(names, key=lambda name: abs((names[name] - degrees + 180) % 360 - 180))


def first_names(names: Mapping[str, float], count: int) -> dict[str, float]:
    """The first ``count`` directions."""
    return dict(list(names.items())[:count])


def unit(degrees: float | Array) -> Array:
    """Vectors of length 1 at angles counter-clockwise from the first axis: ``[2]``, of many angles ``[2, n]``."""
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def arrow_on_floor(at: Sequence[float] | Array, yaw: float, length: float = 0.7) -> Thing:
    """A flat black arrow that starts at ``at`` and points along ``yaw`` degrees."""
    black, wing = (0.05, 0.05, 0.05), 0.45 * length
    # Each wing is turned by 45 degrees and ends at the tip.
    back, aside = length - wing * np.sqrt(0.125), wing * np.sqrt(0.125)
    shaft = Part("box", (length - 0.04, 0.09, 0.02), (length / 2, 0, 0.012), colour=black)
    wings = [
        Part("box", (wing, 0.09, 0.02), (float(back), side * float(aside), 0.012), (0, 0, -45.0 * side), black)
        for side in (-1, 1)
    ]
    return Thing("arrow", (shaft, *wings), (float(at[0]), float(at[1]), 0.0), (0.0, 0.0, yaw))


def told_camera(camera: Camera) -> str:
    """What a reader must know of a camera to go from space to pixels, whatever the size of the picture."""
    return (
        "Coordinates are the camera's, in metres: x to the right, y down, z forward. The camera is a pinhole: its "
        f"focal length is {camera.focal / camera.width:.2f} of the picture's width, its axis goes through its middle."
    )
