"""Poses that an agent moves through: carrying actions out, scoring the pose reached, and actions from a trajectory.

A pose is ``(x, y, z, qx, qy, qz, qw)``: where the camera (or the gripper) is, metres, and the unit quaternion that
turns its own axes into those of the world. Its axes are +x right, +y down, +z forward (right-handed).

The scores are those of SpatialTree (arXiv 2512.20617; ``rule_metrics.py`` of lmms-eval's spatialtreebench, 75571cf).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

from assay.verifiers.spatial.actions import Action, UnreadableError, grip_after, read_actions, read_segments
from assay.verifiers.spatial.quaternions import (
    X,
    Y,
    Z,
    about,
    from_fixed,
    inverse,
    length,
    product,
    rotated,
    to_body,
    to_fixed,
)
from assay.verifiers.spatial.quaternions import (
    unit as normed,
)

__all__ = [
    "Frame",
    "Pose",
    "Unit",
    "UnreadableError",
    "discretise",
    "grip_after",
    "moved",
    "pose_of",
    "read_actions",
    "read_segments",
]

Pose = tuple[float, float, float, float, float, float, float]
Frame = Literal["parity", "body"]
Unit = Literal["degrees", "radians"]

TRANSLATION_STEP = 0.02
"""Metres of one step, where a record says nothing else."""
ROTATION_STEP = 0.5
"""Degrees of one step, where a record says nothing else."""
SLOWEST_MOVE, SLOWEST_TURN = 0.01, 0.5
"""Below these speeds, m/s and deg/s, a trajectory counts as still."""

_ALONG = {"W": (2, 1), "S": (2, -1), "D": (0, 1), "A": (0, -1), "shift": (1, 1), "space": (1, -1)}
_TURNS = {"→": (0, 1), "←": (0, -1), "↑": (1, 1), "↓": (1, -1), "↻": (2, 1), "↺": (2, -1)}


def pose_of(values: Any) -> Pose:
    """A pose out of data, its quaternion at length 1.

    Raises:
        ValueError: if that is not seven finite numbers, or the quaternion has no length.
    """
    if not isinstance(values, list | tuple) or len(values) != 7:
        raise ValueError("a pose is seven numbers: x, y, z, qx, qy, qz, qw")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
            raise ValueError("a pose is seven finite numbers: x, y, z, qx, qy, qz, qw")
    turn = normed([float(value) for value in values[3:]])
    return (float(values[0]), float(values[1]), float(values[2]), *turn)


def moved(
    pose: Pose,
    actions: Sequence[Action],
    translation_step: float = TRANSLATION_STEP,
    rotation_step: float = ROTATION_STEP,
    frame: Frame = "parity",
    unit: Unit = "degrees",
) -> Pose:
    """The pose after some actions.

    Args:
        pose: where it starts.
        actions: canonical symbols and counts, as :func:`read_actions` gives them; those that do not move are skipped.
        translation_step: metres of one step.
        rotation_step: of one step, in ``unit``.
        frame: ``parity`` adds all moves up and does not turn them into the world, and turns by yaw, pitch and roll
            about the world's z, y and x, as the official scorer does. ``body`` carries the actions out one after the
            other as a camera would: moves go along its own axes, pan turns about its y, tilt about its x and roll
            about its z axis.
        unit: of ``rotation_step``.
    """
    step = math.radians(rotation_step) if unit == "degrees" else rotation_step
    return (
        _in_parity(pose, actions, translation_step, step)
        if frame == "parity"
        else _in_body(pose, actions, translation_step, step)
    )


def _in_parity(pose: Pose, actions: Sequence[Action], step: float, turn: float) -> Pose:
    shift, angles = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    for symbol, count in actions:
        if symbol in _ALONG:
            axis, sign = _ALONG[symbol]
            shift[axis] += sign * (step * count)
        elif symbol in _TURNS:
            axis, sign = _TURNS[symbol]
            angles[axis] += sign * (turn * count)
    q = normed(product(from_fixed(*angles), normed(pose[3:])))
    size = length(q) + 1e-12  # the program's guard against a length of 0
    x, y, z, w = (part / size for part in q)
    return (pose[0] + shift[0], pose[1] + shift[1], pose[2] + shift[2], x, y, z, w)


def _in_body(pose: Pose, actions: Sequence[Action], step: float, turn: float) -> Pose:
    place, q = list(pose[:3]), pose[3:]
    for symbol, count in actions:
        if symbol in _ALONG:
            axis, sign = _ALONG[symbol]
            local = [0.0, 0.0, 0.0]
            local[axis] = sign * step * count
            place = [old + new for old, new in zip(place, rotated(q, local), strict=True)]
        elif symbol in _TURNS:
            axis, sign = _TURNS[symbol]
            q = product(q, about((Y, X, Z)[axis], sign * turn * count))
    x, y, z, w = normed(q)
    return (place[0], place[1], place[2], x, y, z, w)


def discretise(
    trajectory: Sequence[Pose],
    fps: float = 10.0,
    translation_step: float = TRANSLATION_STEP,
    rotation_step: float = ROTATION_STEP,
    frame: Frame = "parity",
    unit: Unit = "degrees",
    most: int = 10,
) -> list[list[Action]]:
    """The actions from each pose to the next, which :func:`moved` in the same frame carries out again.

    Each relative pose is split into moves along the three axes and three angles; a part slower than 0.01 m/s or 0.5
    deg/s is still, the others are rounded to whole steps, at most ``fps`` of them and at most ``most``.

    Args:
        trajectory: poses, ``1 / fps`` seconds apart.
        fps: poses a second.
        translation_step, rotation_step, frame, unit: as in :func:`moved`. Under ``parity`` the move is the difference
            of positions, which is what the official scorer adds up again.
        most: most steps of one action.

    Raises:
        ValueError: if a step or ``fps`` is not above 0.
    """
    if not (fps > 0 and translation_step > 0 and rotation_step > 0):
        raise ValueError("fps and both steps must be above 0")
    turn = math.radians(rotation_step) if unit == "degrees" else rotation_step
    most = int(min(fps, most))
    found = []
    for here, there in pairwise(trajectory):
        shift = (there[0] - here[0], there[1] - here[1], there[2] - here[2])
        if frame == "parity":
            angles = to_fixed(product(there[3:], inverse(here[3:])))
        else:
            shift = rotated(inverse(here[3:]), shift)
            angles = to_body(product(inverse(here[3:]), there[3:]))
        still = (SLOWEST_MOVE / fps, math.radians(SLOWEST_TURN) / fps)
        found.append(
            [
                *_steps(shift, _ALONG, translation_step, still[0], most),
                *_steps(angles, _TURNS, turn, still[1], most),
            ]
        )
    return found


def _steps(
    parts: Sequence[float], symbols: dict[str, tuple[int, int]], step: float, still: float, most: int
) -> list[Action]:
    found = []
    for symbol, (axis, sign) in symbols.items():
        part = parts[axis] * sign
        if part >= still and (count := min(round(part / step), most)):
            found.append((symbol, count))
    return found
