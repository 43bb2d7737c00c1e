"""An episode in which a body goes about a place and sees what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from PIL import Image

from assay.envs.spatial_tree.acting.body import HERE, Walk, World, walk
from assay.envs.spatial_tree.acting.orders import STOP, Action, UnreadableError, read
from assay.envs.spatial_tree.acting.stored import restored
from assay.envs.spatial_tree.activity import Sight
from assay.envs.spatial_tree.engine import Scene, render
from assay.verifiers.spatial.poses import Pose


class Tour:
    """A body with eyes; what it is to do there is up to those that inherit."""

    turns: ClassVar[int] = 6

    def __init__(self, start: Mapping[str, Any], size: int) -> None:
        self.start, self.size = start, size
        self.world = World.of(start)
        self.pose = HERE

    @cached_property
    def scene(self) -> Scene:
        """What there is to see."""
        return restored(self.start["scene"])

    def view(self) -> Image.Image:
        """What the body sees."""
        return Image.fromarray(render(self.scene, self.world.camera(self.pose, self.size)).rgb)

    def act(self, action: str, left: int) -> Sight:
        """Go, and see; an unreadable action costs the turn."""
        try:
            orders = read(action, self.start["layout"])
        except UnreadableError as error:
            return Sight(unreadable(error, left), over=left <= 0)
        went = walk(self.pose, orders, self.world)
        self.pose = went.pose
        if left <= 0 or orders[-1][0] == STOP:
            return Sight(over=True)
        return Sight(told(went, left), [self.view()])


def unreadable(error: Exception, left: int) -> str:
    """What is said to an action that cannot be read."""
    return f"Nothing was done: {error}. {turns_left(left)}"


def told(went: Walk, left: int) -> str:
    """What is said with a new view."""
    blocked = ""
    if went.blocked is not None:
        symbol, count = went.blocked
        blocked = f"Something solid stopped you after {went.made} of {count} steps of {symbol}; nothing after that was \
carried out. "
    return f"Your view now. {blocked}{turns_left(left)}"


def turns_left(left: int) -> str:
    """How long there still is."""
    return "This is your last turn." if left == 1 else f"{left} turns left."


def orders_of(actions: Sequence[str], start: Mapping[str, Any], hands: bool = False) -> list[list[Action]]:
    """What of an episode's actions can be read, up to the one that ends it."""
    found = []
    for action in actions:
        try:
            found.append(read(action, start["layout"], hands))
        except UnreadableError:
            continue
        if found[-1][-1][0] == STOP:
            break
    return found


def reached(orders: Sequence[Sequence[Action]], start: Mapping[str, Any]) -> Pose:
    """The pose after the orders of an episode; the same as in the episode."""
    world, pose = World.of(start), HERE
    for each in orders:
        pose = walk(pose, each, world).pose
    return pose
