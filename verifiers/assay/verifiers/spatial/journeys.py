"""What the verifiers of actions compare with: the poses of a truth, and how large each segment's steps are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from assay.verifiers.spatial.actions import MOST_ACTIONS, MOST_STEPS, Action
from assay.verifiers.spatial.poses import ROTATION_STEP, TRANSLATION_STEP, Frame, Pose, Unit, discretise, moved, pose_of

MOST_POSES = 256


@dataclass(frozen=True, slots=True)
class Journey:
    """A checked truth.

    Attributes:
        poses: from the start to the goal.
        translation: metres of one step, for each segment.
        rotation: of one step, in ``unit``, for each segment.
        unit: degrees or radians.
        frame: how actions move.
        grips: whether the gripper should be closed after each segment; empty where that does not count.
    """

    poses: tuple[Pose, ...]
    translation: tuple[float, ...]
    rotation: tuple[float, ...]
    unit: Unit
    frame: Frame
    grips: tuple[bool, ...] = ()

    @property
    def segments(self) -> int:
        """How many segments there are to give actions for."""
        return len(self.translation)

    def step(self, pose: Pose, actions: Sequence[Action], segment: int, parity: bool = False) -> Pose:
        """The pose after the actions of a segment, -1 being the last."""
        frame: Frame = "parity" if parity else self.frame
        return moved(pose, actions, self.translation[segment], self.rotation[segment], frame, self.unit)

    def actions(self, here: Pose, there: Pose, segment: int) -> list[Action]:
        """Actions that lead from one pose to another, to the nearest whole step; large counts in several actions."""
        whole = discretise([here, there], math.inf, self.translation[segment], self.rotation[segment], self.frame,
                           self.unit, most=MOST_STEPS * MOST_ACTIONS)[0]  # fmt: skip
        return [
            (symbol, min(MOST_STEPS, count - done)) for symbol, count in whole for done in range(0, count, MOST_STEPS)
        ]


def journey_of(truth: Mapping[str, Any]) -> Journey:
    """The journey of a truth: ``poses``, ``translation_step``, ``rotation_step``, ``unit``, ``frame``, ``grip``.

    Raises:
        ValueError: one line, where something is missing or makes no sense.
    """
    poses = truth.get("poses")
    if not isinstance(poses, list | tuple) or not 2 <= len(poses) <= MOST_POSES:
        raise ValueError(f"the truth's poses are 2 to {MOST_POSES} of [x, y, z, qx, qy, qz, qw]")
    known = tuple(pose_of(pose) for pose in poses)
    unit, frame = truth.get("unit", "degrees"), truth.get("frame", "parity")
    if unit not in ("degrees", "radians"):
        raise ValueError("the truth's unit, of rotation_step, is degrees or radians")
    if frame not in ("parity", "body"):
        raise ValueError("the truth's frame is parity or body")
    turn = ROTATION_STEP if unit == "degrees" else math.radians(ROTATION_STEP)
    lengths = _steps(truth.get("translation_step", TRANSLATION_STEP), "translation_step", len(known) - 1)
    turns = _steps(truth.get("rotation_step", turn), "rotation_step", len(lengths))
    if len(turns) != len(lengths):
        raise ValueError("the truth's translation_step and rotation_step are for as many segments")
    grips = truth.get("grip", ())
    if not isinstance(grips, list | tuple) or not all(isinstance(grip, bool) for grip in grips):
        raise ValueError("the truth's grip is, for each segment, true where the gripper should be closed after it")
    if grips and len(grips) != len(lengths):
        raise ValueError(f"the truth's grip is for {len(grips)} segments of {len(lengths)}")
    return Journey(known, lengths, turns, unit, frame, tuple(grips))


def _steps(value: Any, key: str, segments: int) -> tuple[float, ...]:
    values = list(value) if isinstance(value, list | tuple) else [value] * segments
    for each in values:
        if isinstance(each, bool) or not isinstance(each, int | float) or not 0 < each < 1e3:
            raise ValueError(f"the truth's {key} is a number above 0, or one for each segment")
    if not 0 < len(values) < MOST_POSES:
        raise ValueError(f"the truth's {key} is a number above 0, or one for each segment")
    return tuple(float(each) for each in values)


def said(actions: Sequence[Action]) -> dict[str, list[Any]]:
    """Actions as they are answered."""
    return {"actions": [symbol for symbol, _ in actions], "step_nums": [count for _, count in actions]}


def best_single(journey: Journey) -> str:
    """The answer that comes nearest to going from the last pose but one to the last."""
    return json.dumps(said(journey.actions(journey.poses[-2], journey.poses[-1], -1)), ensure_ascii=False)


def best_segments(journey: Journey) -> dict[str, dict[str, list[Any]]]:
    """The answer, segment by segment, that follows the truth's poses as nearly as whole steps can."""
    found, here, closed = {}, journey.poses[0], False
    for segment, (_, there) in enumerate(pairwise(journey.poses)):
        if segment >= journey.segments:
            break
        actions = journey.actions(here, there, segment)
        here = journey.step(here, actions, segment)
        if journey.grips and journey.grips[segment] != closed:
            closed = journey.grips[segment]
            actions = [*actions, ("G" if closed else "H", 1)]
        found[f"step_{segment + 1}"] = said(actions)
    return found
