"""A gripper with two fingers: its shape, where it can touch, what it looks like and what it sees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.engine import Camera, Part, Thing
from assay.envs.spatial_tree.engine.scene import Vector

Array = npt.NDArray[np.float64]

OPEN = 0.1
"""Between the fingers when they are open, metres."""
_FINGER, _BELOW, _PALM = 0.014, 0.015, 0.07  # thickness; how far they reach below their middle; where the palm begins
_GREY, _DARK, _FRONT = (0.45, 0.47, 0.5), (0.2, 0.2, 0.22), (1.0, 0.45, 0.0)

# The hand's own frame: x right, y forward, z up (out of the palm's back); its origin is between the finger tips.


def touch(left: float, right: float) -> Array:
    """Points of the hand at which it meets things ``[n, 3]``; ``left`` and ``right`` are the fingers' inner faces."""
    sides = (left - _FINGER, left, right, right + _FINGER)
    fingers = [(x, y, z) for x in sides for y in (-0.01, 0.01) for z in (-_BELOW, 0.012, 0.04)]
    palm = [(x, y, z) for x in (-0.06, -0.03, 0.0, 0.03, 0.06) for y in (-0.02, 0.02) for z in (_PALM, 0.1)]
    return np.array([*fingers, *palm])


def drawn_hand(point: Array, turn: Array, left: float, right: float) -> Thing:
    """The gripper as a thing; ``turn`` has the directions of its right, forward and up as columns."""
    parts = [
        Part("box", (0.13, 0.045, 0.035), (0, 0, _PALM + 0.0175), colour=_GREY),
        Part("box", (0.05, 0.012, 0.02), (0, 0.0265, _PALM + 0.0175), colour=_FRONT),
        Part("cylinder", (0.05, 0.05, 0.3), (0, 0, _PALM + 0.185), colour=_GREY),
    ]
    high = _PALM + _BELOW
    for x in (left - _FINGER / 2, right + _FINGER / 2):
        parts.append(Part("box", (_FINGER, 0.02, high), (x, 0, high / 2 - _BELOW), colour=_DARK))
        parts.append(Part("box", (_FINGER, 0.004, 0.03), (x, 0.012, 0.0), colour=_FRONT))
    return Thing("gripper", tuple(parts), _three(point), rpy(turn), "gripper", "grey")


def wrist_camera(point: Array, turn: Array, size: int) -> Camera:
    """What the camera on the wrist sees: forward is up in the picture, right is right."""
    right, forward, up = turn.T
    eye = point + 0.22 * up + 0.13 * forward
    ahead = point + 0.03 * forward - eye
    ahead /= np.linalg.norm(ahead)
    return Camera.posed(_three(eye), np.stack([right, np.cross(ahead, right), ahead]), vfov=70.0, width=size,
                        height=size * 3 // 4, near=0.02)  # fmt: skip


def rpy(turn: Array) -> Vector:
    """Roll, pitch and yaw (degrees, as :func:`turned` takes them) of a rotation matrix ``[3, 3]``."""
    roll = np.arctan2(turn[2, 1], turn[2, 2])
    pitch = -np.arcsin(np.clip(turn[2, 0], -1, 1))
    yaw = np.arctan2(turn[1, 0], turn[0, 0])
    return _three(np.degrees([roll, pitch, yaw]))


def _three(values: Array) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
