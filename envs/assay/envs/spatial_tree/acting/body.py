"""A body that moves among solid things: its pose, and what actions do to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.acting.orders import MOVES, Action
from assay.envs.spatial_tree.acting.solids import Solids
from assay.envs.spatial_tree.engine import Camera
from assay.verifiers.spatial.poses import Frame, Pose, moved
from assay.verifiers.spatial.quaternions import matrix

Array = npt.NDArray[np.float64]

HERE: Pose = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
"""Where every body starts: poses are in the frame of the start."""
VFOV = 60.0
"""Of a body's eyes where nothing else is said, degrees from top to bottom."""


def axes_of(pose: Pose) -> Array:
    """``[3, 3]``; the columns are the body's right, down and forward in the frame of the start."""
    return np.array(matrix(pose[3:]))


@dataclass(frozen=True, eq=False)
class World:
    """Where a body starts, what stands in its way, and how far a step goes.

    Attributes:
        eye: of the camera at the start, in the world, metres.
        rows: the camera's right, down and forward there.
        step: of a move, metres.
        angle: of a turn, degrees.
        radius: of the ball that must fit, metres.
        frame: ``body``, or ``parity``, where nothing is solid.
        solids: what is in the way.
        vfov: of its eyes, degrees.
    """

    eye: Array
    rows: Array
    step: float
    angle: float
    radius: float = 0.15
    frame: Frame = "body"
    solids: Solids = field(default_factory=lambda: Solids(()))
    vfov: float = VFOV

    @classmethod
    def of(cls, start: Mapping[str, Any]) -> World:
        """From the data of an episode."""
        return cls(np.array(start["eye"], dtype=float), np.array(start["rows"], dtype=float), float(start["step"]),
                   float(start["angle"]), float(start["radius"]), start["frame"], Solids(start["solids"]),
                   start.get("vfov", VFOV))  # fmt: skip

    def point(self, place: Any) -> Array:
        """Places ``[..., 3]`` in the frame of the start as points of the world."""
        found: Array = self.eye + np.asarray(place) @ self.rows
        return found

    def camera(self, pose: Pose, size: int) -> Camera:
        """What looks out of the body's eyes; ``size`` is the picture's width, pixels."""
        rows = axes_of(pose).T @ self.rows
        return Camera.posed(self.point(pose[:3]).tolist(), rows, vfov=self.vfov, width=size, height=size * 3 // 4)

    def clear(self, one: Any, two: Any) -> bool:
        """Whether the body fits all the way between two places in the frame of the start."""
        return self.solids.clear(self.point(one), self.point(two), self.radius)

    def moved(self, pose: Pose, actions: Sequence[Action]) -> Pose:
        """The pose after actions, were there nothing in the way."""
        return moved(pose, actions, self.step, self.angle, self.frame)


class Walk(NamedTuple):
    """What came of actions.

    Attributes:
        pose: reached.
        made: steps of the last action that were made.
        blocked: the action at which something was in the way; nothing after it was carried out.
    """

    pose: Pose
    made: int = 0
    blocked: Action | None = None


def walk(pose: Pose, actions: Sequence[Action], world: World) -> Walk:
    """Carry out actions one step after the other.

    A step that would run into something solid is not made, and neither is what comes after it. In the frame of parity
    nothing is solid.
    """
    if world.frame == "parity":
        return Walk(world.moved(pose, actions))
    for symbol, count in actions:
        if symbol not in MOVES:
            pose = world.moved(pose, [(symbol, count)])
            continue
        for made in range(count):
            there = world.moved(pose, [(symbol, 1)])
            if not world.clear(pose[:3], there[:3]):
                return Walk(pose, made, (symbol, count))
            pose = there
    return Walk(pose)
