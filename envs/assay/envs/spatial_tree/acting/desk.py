"""A table with things on it and a gripper above: what actions do to them. Exact kinematics, nothing topples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.acting.body import HERE, World, axes_of
from assay.envs.spatial_tree.acting.hand import OPEN, drawn_hand, rpy, touch
from assay.envs.spatial_tree.acting.orders import Action
from assay.envs.spatial_tree.acting.solids import Solids
from assay.envs.spatial_tree.engine import Scene
from assay.envs.spatial_tree.engine.turning import turned
from assay.verifiers.spatial.poses import Pose

Array = npt.NDArray[np.float64]

REACH = ((-0.55, 0.55), (-0.3, 0.45), (0.0, 0.55))
"""Where the middle between the finger tips can go: x, y, z in the world, metres; the table's top is z = 0."""
SLACK = 0.003
"""How deep things may seem to be in each other, metres."""
ALIGNED = 15.0
"""Degrees by which the fingers may miss the faces of what they grasp."""
_ALIKE = {"P": "W", "L": "S"}


class Item(NamedTuple):
    """A thing that can be moved.

    Attributes:
        place: in the scene's things.
        size: extents, metres.
        round: it looks the same however it is turned.
    """

    place: int
    size: tuple[float, float, float]
    round: bool


class Lying(NamedTuple):
    """Where an item is: the middle of its base in the world, and its rotation matrix ``[3, 3]``."""

    at: Array
    turn: Array

    @property
    def yaw(self) -> float:
        """Degrees about the vertical."""
        return float(np.degrees(np.arctan2(self.turn[1, 0], self.turn[0, 0])))


@dataclass(frozen=True, eq=False)
class State:
    """The table at one moment.

    Attributes:
        pose: of the gripper.
        items: where each is.
        closed: whether the fingers are.
        held: the item between them.
        fingers: their inner faces, metres to the right of their middle.
    """

    pose: Pose
    items: tuple[Lying, ...]
    closed: bool = False
    held: int | None = None
    fingers: tuple[float, float] = (-OPEN / 2, OPEN / 2)


class Handled(NamedTuple):
    """What came of actions.

    Attributes:
        state: reached.
        path: the gripper's poses after each of them.
        made: steps of the last action that were made.
        blocked: the action at which something was in the way; nothing after it was carried out.
    """

    state: State
    path: tuple[Pose, ...]
    made: int = 0
    blocked: Action | None = None


class Desk:
    """What stays the same in an episode: the scene, the items and how far a step goes."""

    def __init__(self, scene: Scene, items: Sequence[Item], world: World) -> None:
        self.scene, self.items, self.world = scene, list(items), world

    @classmethod
    def of(cls, start: Mapping[str, Any], scene: Scene) -> Desk:
        """From the data of an episode."""
        items = [Item(place, (x, y, z), bool(round_)) for place, x, y, z, round_ in start["items"]]
        return cls(scene, items, World.of(start))

    def begin(self) -> State:
        """How it is at the start."""
        things = [self.scene.things[item.place] for item in self.items]
        return State(HERE, tuple(Lying(np.array(thing.at), turned(thing.turn)) for thing in things))

    def hand(self, pose: Pose) -> tuple[Array, Array]:
        """The middle between the finger tips in the world, and the hand's right, forward and up as columns."""
        right, down, forward = (self.world.rows.T @ axes_of(pose)).T
        return self.world.point(pose[:3]), np.stack([right, forward, -down], axis=1)

    def shown(self, state: State) -> Scene:
        """The scene at that moment, the gripper its last thing."""
        things = list(self.scene.things)
        for item, lying in zip(self.items, state.items, strict=True):
            x, y, z = lying.at.tolist()
            things[item.place] = replace(things[item.place], at=(x, y, z), turn=rpy(lying.turn))
        return Scene((*things, drawn_hand(*self.hand(state.pose), *state.fingers)), self.scene.light)

    def handle(self, state: State, actions: Sequence[Action]) -> Handled:
        """Carry out actions one step after the other; a step into something solid is not made, nor what comes after.

        In the frame of parity nothing is solid, and the moves and turns between two grips are added up.
        """
        if self.world.frame == "parity":
            state = self._in_parity(state, actions)
            return Handled(state, (state.pose,))
        path: list[Pose] = []
        for symbol, count in actions:
            if symbol in "GH":
                state = self.grip(state, symbol == "G") if count else state
            else:
                state, made = self._stepwise(state, symbol, count)
                if made < count:
                    return Handled(state, (*path, state.pose), made, (symbol, count))
            path.append(state.pose)
        return Handled(state, tuple(path))

    def _stepwise(self, state: State, symbol: str, count: int) -> tuple[State, int]:
        """One action, and how many of its steps were made."""
        for made in range(count):
            there = self.carried(state, self.world.moved(state.pose, [(_ALIKE.get(symbol, symbol), 1)]))
            if symbol in _ALIKE:
                there = self.taken_along(state, there)
            if not self.fits(there, state):
                return state, made
            state = there
        return state, count

    def _in_parity(self, state: State, actions: Sequence[Action]) -> State:
        some: list[Action] = []
        for symbol, count in [*actions, ("H" if not state.closed else "G", 0)]:
            if symbol in "GH":
                state = self.carried(state, self.world.moved(state.pose, some))
                some = []
                state = self.grip(state, symbol == "G") if count else state
            else:
                some.append((_ALIKE.get(symbol, symbol), count))
        return state

    def carried(self, state: State, pose: Pose) -> State:
        """The hand in another pose, with what it holds."""
        if state.held is None:
            return replace(state, pose=pose)
        (old, frame), (new, other) = self.hand(state.pose), self.hand(pose)
        lying = state.items[state.held]
        turn = other @ frame.T
        return self.put(replace(state, pose=pose), state.held, Lying(new + turn @ (lying.at - old), turn @ lying.turn))

    def taken_along(self, state: State, there: State) -> State:
        """What the front of the hand touches goes where the hand goes, unless something stands on it."""
        shift = (self.hand(there.pose)[0] - self.hand(state.pose)[0]) * (1, 1, 0)
        point, turn = self.hand(state.pose)
        probe = point + 0.02 * turn[:, 1] + touch(*state.fingers)[:, :1] * turn[:, 0]
        for number, lying in enumerate(state.items):
            if number == state.held or not Solids([self.box(number, lying)]).hit(probe, 0.0):
                continue
            if not self.bears(state, number):
                slid = self.put(there, number, Lying(lying.at + shift, lying.turn))
                there = self.put(slid, number, self.rest(slid, number))
        return there

    def grip(self, state: State, close: bool) -> State:
        """Close the fingers on what is between them, or open them and let what they hold fall straight down."""
        if not close:
            dropped = state if state.held is None else self.put(state, state.held, self.rest(state, state.held))
            return replace(dropped, closed=False, held=None, fingers=(-OPEN / 2, OPEN / 2))
        if state.held is not None:
            return state
        for number in range(len(self.items)):
            span = self.between(state, number)
            if span is not None:
                return replace(state, closed=True, held=number, fingers=span)
        return replace(state, closed=True, fingers=(-0.001, 0.001))

    def between(self, state: State, number: int) -> tuple[float, float] | None:
        """Left and right end of an item that the fingers would grasp, metres in the hand's frame; else None."""
        point, turn = self.hand(state.pose)
        lying, (length, width, height) = state.items[number], self.items[number].size
        level = np.degrees(np.arccos(np.clip(turn[2, 2], -1, 1)))
        apart = (lying.yaw - float(np.degrees(np.arctan2(turn[1, 0], turn[0, 0]))) + 45) % 180 - 45
        across, along = (length, width) if apart < 45 else (width, length)
        off = turn.T @ (lying.at + lying.turn @ (0, 0, height / 2) - point)
        askew = abs((apart + 45) % 90 - 45)
        if level > ALIGNED or (askew > ALIGNED and not self.items[number].round):
            return None
        if abs(off[0]) + across / 2 > OPEN / 2 or abs(off[1]) > along / 2 or abs(off[2]) > height / 2 + 0.005:
            return None
        if self.bears(state, number):
            return None
        return float(off[0] - across / 2), float(off[0] + across / 2)

    def bears(self, state: State, number: int) -> bool:
        """Whether another item stands on an item."""
        under = state.items[number]
        top = float(under.at[2]) + self.items[number].size[2]
        x, y, _, length, width, _, yaw = self.box(number, under)
        lid = Solids([[x, y, top, length, width, 0.01, yaw]])
        return any(
            abs(lying.at[2] - top) < SLACK and lid.hit(self.points(other, lying), SLACK)
            for other, lying in enumerate(state.items)
            if other not in (number, state.held)
        )

    def rest(self, state: State, number: int) -> Lying:
        """Where an item comes to lie that is let go: upright on the highest thing below it, as it was turned."""
        lying = state.items[number]
        angle = np.radians(lying.yaw)
        upright = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
        below = [0.0]
        for other, there in enumerate(state.items):
            top = float(there.at[2]) + self.items[other].size[2]
            if other == number or top > lying.at[2] + 0.02:
                continue
            feet = self.points(number, Lying(lying.at * (1, 1, 0) + (0, 0, top - 0.01), upright))
            if Solids([self.box(other, there)]).hit(feet, SLACK):
                below.append(top)
        return Lying(np.array([lying.at[0], lying.at[1], max(below)]), upright)

    def fits(self, state: State, before: State) -> bool:
        """Whether the hand is within reach and neither it nor what has moved since ``before`` is in something else."""
        point, turn = self.hand(state.pose)
        if any(not low - 1e-9 <= value <= high + 1e-9 for value, (low, high) in zip(point, REACH, strict=True)):
            return False
        hand = point + touch(*state.fingers) @ turn.T
        boxes = [self.box(number, lying) for number, lying in enumerate(state.items)]
        if hand[:, 2].min() < -1e-6 or Solids(self._but(boxes, state.held)).hit(hand, SLACK):
            return False
        for number, lying in enumerate(state.items):
            if lying is before.items[number]:
                continue
            points = self.points(number, lying)
            if points[:, 2].min() < -SLACK or Solids(self._but(boxes, number)).hit(points, SLACK):
                return False
        return True

    @staticmethod
    def _but(boxes: list[list[float]], number: int | None) -> list[list[float]]:
        return [box for place, box in enumerate(boxes) if place != number]

    def box(self, number: int, lying: Lying) -> list[float]:
        """The upright box around an item."""
        x, y, z = self.items[number].size
        return [*(lying.at + lying.turn @ (0, 0, z / 2)).tolist(), x / 2, y / 2, z / 2, lying.yaw]

    def points(self, number: int, lying: Lying) -> Array:
        """Points all over an item, in the world ``[n, 3]``."""
        x, y, z = self.items[number].size
        grid = np.stack(np.meshgrid(*(np.linspace(-side / 2, side / 2, 5) for side in (x, y, z))), axis=-1)
        found: Array = lying.at + (grid.reshape(-1, 3) + np.array([0, 0, z / 2])) @ lying.turn.T
        return found

    @staticmethod
    def put(state: State, number: int, lying: Lying) -> State:
        """The state with an item elsewhere."""
        return replace(state, items=(*state.items[:number], lying, *state.items[number + 1 :]))
