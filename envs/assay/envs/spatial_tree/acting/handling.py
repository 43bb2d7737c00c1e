"""What a planner that knows the truth does with a gripper: take a thing and put it where it belongs, or push it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.acting.desk import Desk, Lying, State
from assay.envs.spatial_tree.acting.hand import OPEN
from assay.envs.spatial_tree.acting.orders import Action
from assay.envs.spatial_tree.acting.planner import runs, straight
from assay.envs.spatial_tree.engine.turning import turned
from assay.verifiers.spatial.poses import Pose, pose_of
from assay.verifiers.spatial.quaternions import Y, about

Array = npt.NDArray[np.float64]
Way = Literal["lift", "place", "push"]

SAFE = 0.32
"""Height at which the hand passes over everything, metres above the table."""
CLOSE, FLAT = 0.03, 0.012
"""How far a thing may be from where it belongs, along the table and in height, metres."""
LOW = 0.03
"""Least height of the middle between the finger tips when they grasp or push, metres."""


@dataclass(frozen=True, eq=False)
class Goal:
    """How it is when the task is done.

    Attributes:
        way: how it comes about: lifted and held; put down and let go; pushed.
        thing: the item that matters.
        at: the middle of its base, metres.
        yaw: how it is turned, degrees.
        pose: of the gripper.
    """

    way: Way
    thing: int
    at: Array
    yaw: float
    pose: Pose

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Goal:
        """From the data of an episode."""
        return cls(data["way"], data["thing"], np.array(data["at"], dtype=float), data["yaw"], pose_of(data["pose"]))

    def lies(self, lying: Lying) -> bool:
        """Whether the thing is where it belongs, however it is turned."""
        off = lying.at - self.at
        return bool(np.hypot(off[0], off[1]) <= CLOSE and abs(off[2]) <= FLAT)

    def gripped(self, state: State) -> bool:
        """Whether the gripper holds the thing, or nothing where it was to let go (or to push with closed fingers)."""
        if self.way == "lift":
            return state.held == self.thing
        return state.held is None and state.closed == (self.way == "push")


class Course:
    """Actions in the making, carried out as they are added."""

    def __init__(self, desk: Desk, state: State) -> None:
        self.desk, self.state = desk, state
        self.actions: list[Action] = []
        self.ends: list[tuple[Pose, bool]] = []
        self.blocked = False

    def do(self, actions: Sequence[Action]) -> None:
        """Carry out actions, unless something has been in the way before."""
        if self.blocked:
            return
        handled = self.desk.handle(self.state, actions)
        self.blocked = handled.blocked is not None
        self.state = handled.state
        self.actions += actions

    def end(self) -> None:
        """A segment ends here, with the fingers as they are."""
        self.ends.append((self.state.pose, self.state.closed))

    def go(self, point: Array, yaw: float) -> None:
        """Upright to a point of the world, the hand's right in the direction of ``yaw`` degrees."""
        world = self.desk.world
        place = (point - world.eye) @ world.rows.T
        goal = (*place.tolist(), *about(Y, -np.radians(yaw)))
        self.do(straight(self.state.pose, goal, world))

    def here(self) -> tuple[Array, float]:
        """Where the hand is, and the direction of its right, degrees."""
        point, turn = self.desk.hand(self.state.pose)
        return point, float(np.degrees(np.arctan2(turn[1, 0], turn[0, 0])))

    def rise(self) -> None:
        """Upright to the safe height."""
        point, yaw = self.here()
        self.go(np.array([point[0], point[1], SAFE]), yaw)


def course(desk: Desk, state: State, goal: Goal, final: bool = True) -> Course:
    """All that is left to do; ``final``: and then to the goal's own pose."""
    made = Course(desk, state)
    lying = state.items[goal.thing]
    if not (goal.lies(lying) and goal.gripped(state)):
        if goal.way == "push":
            _push(made, goal)
        else:
            _take(made, goal)
            _bring(made, goal)
    if final:
        made.do(straight(made.state.pose, goal.pose, desk.world))
        made.end()
    return made


def _take(made: Course, goal: Goal) -> None:
    if made.state.held == goal.thing:
        return
    if made.state.closed:
        made.do([("H", 1)])
    made.rise()
    lying, item = made.state.items[goal.thing], made.desk.items[goal.thing]
    quarter = 0.0 if item.size[0] <= min(OPEN - 0.005, item.size[1]) else 90.0
    yaw = _near(lying.yaw + quarter, made.here()[1], 90.0 if item.size[0] == item.size[1] else 180.0)
    made.go(np.array([*lying.at[:2], SAFE]), yaw)
    made.end()
    made.go(lying.at + np.array([0, 0, max(item.size[2] / 2, LOW)]), yaw)
    made.do([("G", 1)])
    made.end()
    made.blocked |= made.state.held != goal.thing


def _bring(made: Course, goal: Goal) -> None:
    lying = made.state.items[goal.thing]
    point, yaw = made.here()
    turn = _near(goal.yaw - lying.yaw, 0.0, 360.0)
    there = goal.at + turned((0, 0, turn)) @ (point - lying.at)
    made.rise()
    made.go(np.array([there[0], there[1], max(SAFE, there[2])]), yaw + turn)
    made.end()
    if goal.way == "lift":
        made.go(there, yaw + turn)
    else:
        made.go(there + np.array([0, 0, made.desk.world.step / 2]), yaw + turn)
        made.do([("H", 1)])
        made.end()
        made.rise()


def _push(made: Course, goal: Goal) -> None:
    if not made.state.closed or made.state.held is not None:
        made.do([*([("H", 1)] if made.state.held is not None else []), ("G", 1)])
    lying, item = made.state.items[goal.thing], made.desk.items[goal.thing]
    away = (goal.at - lying.at)[:2]
    far = float(np.linalg.norm(away))
    ahead = float(np.degrees(np.arctan2(away[1], away[0])))
    angle = made.desk.world.angle
    ahead = round((ahead - lying.yaw) / angle) * angle + lying.yaw
    forward = turned((0, 0, ahead))[:, 0]
    made.rise()
    back = max(item.size[0], item.size[1]) / 2 + 0.03
    made.go(np.array([*(lying.at - back * forward)[:2], SAFE]), ahead - 90)
    made.end()
    made.go(lying.at * (1, 1, 0) - back * forward + np.array([0, 0, LOW]), ahead - 90)
    made.end()
    touched = _steps_to_touch(made, goal.thing)
    made.do(runs(["P"] * (touched + round(far / made.desk.world.step))))
    made.end()
    made.rise()


def _steps_to_touch(made: Course, thing: int) -> int:
    """Steps of a push before the thing moves."""
    at = made.state.items[thing].at
    for count in range(1, 11):
        there = made.desk.handle(made.state, [("P", count)]).state
        if np.linalg.norm(there.items[thing].at - at) > 1e-6:
            return count - 1
    made.blocked = True
    return 0


def _near(angle: float, to: float, period: float) -> float:
    """The angle among ``angle + k period`` that is nearest to ``to``, degrees."""
    return to + (angle - to + period / 2) % period - period / 2
