"""Rotations: matrices from angles in degrees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def turned(angles: Sequence[float]) -> npt.NDArray[np.float64]:
    """The rotation matrix ``[3, 3]`` of roll, pitch, yaw in degrees: about the fixed axes x, then y, then z.

    >>> turned((0, 0, 90)).round().tolist()
    [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [-0.0, 0.0, 1.0]]
    """
    roll, pitch, yaw = np.radians(np.asarray(angles, dtype=float))
    cr, sr, cp, sp, cy, sy = np.cos(roll), np.sin(roll), np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw)
    return np.array([
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ])  # fmt: skip


def quaternion(rotation: npt.NDArray[np.float64]) -> tuple[float, float, float, float]:
    """The unit quaternion (x, y, z, w; w not negative) of a rotation matrix ``[3, 3]``."""
    m = rotation
    # The largest of the four squares is divided by, so that no small number is.
    squares = np.array([
        1 + m[0, 0] - m[1, 1] - m[2, 2], 1 - m[0, 0] + m[1, 1] - m[2, 2], 1 - m[0, 0] - m[1, 1] + m[2, 2],
        1 + m[0, 0] + m[1, 1] + m[2, 2],
    ])  # fmt: skip
    best = int(np.argmax(squares))
    rows = [
        [squares[0], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[2, 1] - m[1, 2]],
        [m[0, 1] + m[1, 0], squares[1], m[1, 2] + m[2, 1], m[0, 2] - m[2, 0]],
        [m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], squares[2], m[1, 0] - m[0, 1]],
        [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], squares[3]],
    ]
    found = np.array(rows[best]) / (2 * np.sqrt(squares[best]))
    x, y, z, w = (found if found[3] >= 0 else -found).tolist()
    return x, y, z, w


def unit_matrix(quaternion: Sequence[float]) -> npt.NDArray[np.float64]:
    """The rotation matrix ``[3, 3]`` of a quaternion (x, y, z, w), brought to length 1; the inverse of quaternion."""
    x, y, z, w = np.asarray(quaternion, dtype=float) / np.linalg.norm(quaternion)
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip


def angles_of(rotation: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Roll, pitch, yaw in degrees of a rotation matrix ``[3, 3]``, so that ``turned`` gives it back.

    Pitch is in -90..90; at its ends, where roll and yaw turn about one axis, roll is 0.
    """
    m = rotation
    level = float(np.hypot(m[0, 0], m[1, 0]))
    pitch = np.arctan2(-m[2, 0], level)
    if level > 1e-9:
        roll, yaw = np.arctan2(m[2, 1], m[2, 2]), np.arctan2(m[1, 0], m[0, 0])
    else:
        roll, yaw = 0.0, np.arctan2(-m[0, 1], m[1, 1])
    return float(np.degrees(roll)), float(np.degrees(pitch)), float(np.degrees(yaw))
