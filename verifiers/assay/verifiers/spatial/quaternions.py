"""Unit quaternions as tuples (x, y, z, w), on floats alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

Quaternion = tuple[float, float, float, float]
Vector = tuple[float, float, float]

IDENTITY: Quaternion = (0.0, 0.0, 0.0, 1.0)
X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def about(axis: Vector, angle: float) -> Quaternion:
    """The rotation by ``angle`` radians about a unit vector, right-handed; NaN where the angle is not finite."""
    if not math.isfinite(angle):
        return (math.nan, math.nan, math.nan, math.nan)
    sine = math.sin(angle / 2)
    return (axis[0] * sine, axis[1] * sine, axis[2] * sine, math.cos(angle / 2))


def product(a: Quaternion, b: Quaternion) -> Quaternion:
    """The rotation that does ``b`` first and then ``a``, both about fixed axes."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    # The order of the terms is SciPy's, so that thresholds fall where its roundings put them.
    return (
        aw * bx + bw * ax + (ay * bz - az * by),
        aw * by + bw * ay + (az * bx - ax * bz),
        aw * bz + bw * az + (ax * by - ay * bx),
        aw * bw - ax * bx - ay * by - az * bz,
    )


def inverse(q: Quaternion) -> Quaternion:
    """The rotation back, of a unit quaternion."""
    return (-q[0], -q[1], -q[2], q[3])


def length(q: Sequence[float]) -> float:
    """The length of a quaternion."""
    return math.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3])


def unit(q: Sequence[float]) -> Quaternion:
    """``q`` at length 1; NaN stays NaN.

    Raises:
        ValueError: if it has no length.
    """
    size = length(q)
    if size < 1e-12:
        raise ValueError("a quaternion of length 0 is no rotation")
    return (q[0] / size, q[1] / size, q[2] / size, q[3] / size)


def rotated(q: Quaternion, vector: Sequence[float]) -> Vector:
    """``vector`` turned by a unit quaternion."""
    x, y, z, _ = product(product(q, (vector[0], vector[1], vector[2], 0.0)), inverse(q))
    return (x, y, z)


def angle(a: Quaternion, b: Quaternion) -> float:
    """The geodesic angle between two rotations, radians in [0, pi]; NaN if either is."""
    x, y, z, w = unit(product(inverse(unit(a)), unit(b)))
    return 2 * math.atan2(math.sqrt(x * x + y * y + z * z), abs(w))


def from_fixed(yaw: float, pitch: float, roll: float) -> Quaternion:
    """Radians about the fixed axes z, then y, then x: what ``Rotation.from_euler("zyx", ...)`` of SciPy makes."""
    return product(about(X, roll), product(about(Y, pitch), about(Z, yaw)))


def matrix(q: Quaternion) -> tuple[Vector, Vector, Vector]:
    """The rows of the rotation matrix of a unit quaternion."""
    columns = [rotated(q, axis) for axis in (X, Y, Z)]
    rows = [(columns[0][k], columns[1][k], columns[2][k]) for k in range(3)]
    return (rows[0], rows[1], rows[2])


def to_fixed(q: Quaternion) -> Vector:
    """Yaw, pitch and roll of :func:`from_fixed`, radians, pitch in [-pi/2, pi/2]."""
    m = matrix(q)  # Rx(roll) Ry(pitch) Rz(yaw)
    pitch = math.asin(max(-1.0, min(1.0, m[0][2])))
    return math.atan2(-m[0][1], m[0][0]), pitch, math.atan2(-m[1][2], m[2][2])


def to_body(q: Quaternion) -> Vector:
    """Pan, tilt, roll (radians) of a turn of the body about its own y, then x, then z axis; tilt in [-pi/2, pi/2]."""
    m = matrix(q)  # Ry(pan) Rx(tilt) Rz(roll)
    tilt = math.asin(max(-1.0, min(1.0, -m[1][2])))
    return math.atan2(m[0][2], m[2][2]), tilt, math.atan2(m[1][0], m[1][1])
