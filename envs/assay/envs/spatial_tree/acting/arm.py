"""An episode with a gripper above a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from assay.envs.spatial_tree.acting import rules
from assay.envs.spatial_tree.acting.desk import Desk, Handled
from assay.envs.spatial_tree.acting.handling import Goal, course
from assay.envs.spatial_tree.acting.orders import MOST_ACTIONS, STOP, Action, UnreadableError, read, said
from assay.envs.spatial_tree.acting.stored import restored
from assay.envs.spatial_tree.acting.tabletop import seen
from assay.envs.spatial_tree.acting.touring import orders_of, turns_left, unreadable
from assay.envs.spatial_tree.acting.verdicts import closing
from assay.envs.spatial_tree.activity import Sight
from assay.verifiers.score import Score
from assay.verifiers.spatial.navscore import manipulate_score, succeeded
from assay.verifiers.spatial.poses import pose_of

WHERE = (
    "You steer a gripper. Its front has an orange mark; at the start its front points away from you, its right is your "
    "right, and its fingers point down. The wrist camera looks down at the fingers; forward is up in its picture."
)
HANDS = (
    "G closes the fingers, on what is between them if they lie along its sides, and H opens them; what is let go falls "
    "straight down. P moves forward and takes along what the front of the hand touches, L moves back and takes it "
    "along. Table and things are solid: a step into one is not made, and the rest of that turn is dropped."
)


class Handling:
    """A gripper, a table, and something to be done."""

    turns: ClassVar[int] = 6

    def __init__(self, start: Mapping[str, Any], size: int) -> None:
        self.start, self.size = start, size
        self.desk = Desk.of(start, restored(start["scene"]))
        self.goal = Goal.of(start["goal"])
        self.state = self.desk.begin()

    @staticmethod
    def rules(start: Mapping[str, Any]) -> str:
        """The actions and what they do."""
        frame = rules.motion(start, own="the hand's")
        return f"{WHERE}\n{frame} {HANDS} STOP ends it all. {rules.turns(start)}"

    def act(self, action: str, left: int) -> Sight:
        """Carry an order out and look; an unreadable one costs the turn."""
        try:
            orders = read(action, self.start["layout"], hands=True)
        except UnreadableError as error:
            return Sight(unreadable(error, left), over=left <= 0)
        handled = self.desk.handle(self.state, orders)
        self.state = handled.state
        if left <= 0 or orders[-1][0] == STOP:
            return Sight(over=True)
        return Sight(self.told(handled, orders, left), seen(self.desk, self.state, self.size))

    def told(self, handled: Handled, orders: Sequence[Action], left: int) -> str:
        """What is said with the new views."""
        words = ["From the front and from the wrist."]
        if handled.blocked is not None:
            symbol, count = handled.blocked
            words.append(f"Something was in the way after {handled.made} of {count} steps of {symbol};")
            words.append("nothing after that was carried out.")
        return " ".join([*words, turns_left(left)])

    def expert(self) -> str:
        """What is left to do, as much of it as a turn takes."""
        todo = course(self.desk, self.state, self.goal).actions
        turn = [*todo, (STOP, 0)] if len(todo) < MOST_ACTIONS else todo[:MOST_ACTIONS]
        return said(turn, self.start["layout"], self.start["format_weight"])

    @staticmethod
    def score(actions: Sequence[str], truth: Mapping[str, Any]) -> Score:
        """Half for the pose reached, as ``spatial.manipulate`` pays it, a quarter each for the grip and for the thing.

        Right if the pose is a strict success, the thing is where it belongs, and it is held or let go as it should be.
        """
        start = truth["start"]
        desk, goal = Desk.of(start, restored(start["scene"])), Goal.of(start["goal"])
        state = desk.begin()
        path = [state.pose]
        orders = orders_of(actions, start, hands=True)
        if not orders:
            return closing(actions, start, 0.0, False, False, "no action could be read")
        for each in orders:
            handled = desk.handle(state, each)
            state = handled.state
            path += handled.path
        goals = [pose_of(pose) for pose in truth["poses"]]
        told = manipulate_score(goals, path)
        grip, thing = goal.gripped(state), goal.lies(state.items[goal.thing])
        metric = 0.5 * told["score"] + 0.25 * grip + 0.25 * thing
        off = float(((state.items[goal.thing].at - goal.at) ** 2).sum() ** 0.5)
        right = grip and thing and succeeded(goals[0], goals[-1], state.pose)
        detail = f"the thing is {off:.2f} m off, the hand {told['error_m']:.2f} m and {told['error_deg']:.0f} degrees"
        return closing(actions, start, metric, right, True, detail, pose=told["score"], grip=float(grip),
                       thing=float(thing))  # fmt: skip
