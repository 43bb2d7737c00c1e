"""Things at a known pose before a camera: azimuth, polar and rotation, set and measured again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing, render
from assay.envs.spatial_tree.engine.kinds import KINDS
from assay.envs.spatial_tree.engine.kinds.build import rod, slab
from assay.envs.spatial_tree.parts.seen import Array

UNCERTAINTY = {"azimuth": 10.0, "polar": 5.0, "rotation": 5.0}
"""Degrees off that still earn exp(-1/2)."""
FACING = (
    "chair", "sofa", "truck", "locomotive", "tractor", "aeroplane", "helicopter", "robot", "doll", "duck", "dog",
    "giraffe", "rabbit", "penguin", "fish", "toilet",
)  # fmt: skip
"""Kinds whose front nobody doubts, from whatever side they are seen."""
STOUT = tuple(
    name for name, kind in KINDS.items() if sorted(kind.size)[1] > 0.5 * max(kind.size) and name not in FACING
)
"""Kinds that are not as thin as a pole, so that they show well from every side."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How a thing stands to a camera that looks at its middle.

    Attributes:
        azimuth: degrees in 0..360: 0 its front is towards the camera, 90 to the right of the picture, 180 away.
        polar: degrees that the camera is above the thing's own level.
        rotation: degrees in 0..360 that the thing's upright is turned in the picture, clockwise.
    """

    azimuth: float
    polar: float
    rotation: float

    def off(self, other: Pose) -> float:
        """The greatest of the three differences, degrees."""
        gaps = np.array([self.azimuth - other.azimuth, self.polar - other.polar, self.rotation - other.rotation])
        return float(np.abs((gaps + 180) % 360 - 180).max())


def seen_from(
    pose: Pose, middle: float, away: float, yaw: float, size: int, vfov: float = 40.0
) -> tuple[Camera, float]:
    """A camera that sees a thing at the origin in this pose, and the yaw at which the thing stands then.

    Args:
        pose: what is wanted.
        middle: height of the middle of the thing, metres.
        away: from the camera to that middle, metres.
        yaw: of the camera, degrees: only what is behind the thing changes with it.
        size: width of the picture, pixels.
        vfov: degrees.
    """
    y, p = np.radians([yaw, -pose.polar])
    ahead = np.array([np.cos(p) * np.cos(y), np.cos(p) * np.sin(y), np.sin(p)])
    eye = np.array([0.0, 0.0, middle]) - away * ahead
    camera = Camera.heading(eye.tolist(), yaw, -pose.polar, -pose.rotation, vfov=vfov, width=size, height=size * 3 // 4,
                            far=900.0)  # fmt: skip
    return camera, (yaw + 180 + pose.azimuth) % 360


def frame_seen(what: Thing, camera: Camera) -> tuple[Array, Array, Array]:
    """Middle, front and up of a thing in the camera's frame (right, down, forward), from pixels and depth alone.

    Three small balls are put where the thing's frame says, each is rendered, and found in the picture.
    """
    fine = replace(camera, width=640, height=480)
    low, high = what.bounds()
    middle, reach = (low + high) / 2, float((high - low).max())
    across = 0.03 * reach
    found = []
    for step in ((0, 0, 0), (0.4 * reach, 0, 0), (0, 0, 0.4 * reach)):
        x, y, z = (middle + np.array(step)).tolist()
        ball = replace(what, parts=(Part("sphere", (across,) * 3, (x, y, z)),))
        view = render(Scene((ball,), Light(shadow=False)), fine)
        column, row = view.centroid(0)
        depth = float(view.depth[view.ids == 0].min()) + across / 2
        found.append(np.array([(column - 320) / fine.focal, (row - 240) / fine.focal, 1.0]) * depth)
    front, up = found[1] - found[0], found[2] - found[0]
    return found[0], front / np.linalg.norm(front), up / np.linalg.norm(up)


def pose_seen(what: Thing, camera: Camera) -> Pose:
    """The pose measured by :func:`frame_seen`."""
    middle, front, up = frame_seen(what, camera)
    sight = middle / np.linalg.norm(middle)
    polar = np.arcsin(np.clip(-sight @ up, -1, 1))
    near = -sight - (-sight @ up) * up
    right = np.cross(sight, up)
    azimuth = np.arctan2(front @ right / np.linalg.norm(right), front @ near / np.linalg.norm(near))
    rotation = np.arctan2(up[0], -up[1])
    return Pose(float(np.degrees(azimuth)) % 360, float(np.degrees(polar)), float(np.degrees(rotation)) % 360)


def arrow_cube(colour: tuple[float, float, float], yaw: float) -> Thing:
    """A cube of 0.6 m with a red arrow through it from back to front and a green pin on its top."""
    red, green = (0.85, 0.1, 0.1), (0.1, 0.6, 0.2)
    parts = (
        slab((-0.3, 0.3), (-0.3, 0.3), (0.0, 0.6), colour),
        rod((-0.62, 0.0, 0.3), (0.55, 0.0, 0.3), 0.13, red),
        Part("cone", (0.34, 0.0, 0.36), (0.7, 0.0, 0.3), (0.0, 90.0, 0.0), red),
        rod((0.0, 0.0, 0.6), (0.0, 0.0, 0.9), 0.1, green),
    )
    return Thing("cube", parts, (0.0, 0.0, 0.0), (0.0, 0.0, yaw))
