"""An episode of choices: each turn one of a few actions, and whether the goal is reached with it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from assay.envs.spatial_tree.acting.body import HERE, World, axes_of, walk
from assay.envs.spatial_tree.acting.letters import letter_of
from assay.envs.spatial_tree.acting.orders import Action
from assay.envs.spatial_tree.acting.solids import Solids
from assay.envs.spatial_tree.acting.touring import Tour, turns_left
from assay.envs.spatial_tree.acting.verdicts import closing
from assay.envs.spatial_tree.activity import Sight
from assay.verifiers.score import Score
from assay.verifiers.spatial.layout import tagged
from assay.verifiers.spatial.poses import Pose

STEP, ANGLE = 0.25, 15.0
"""Metres and degrees of a step."""
MOVES: Mapping[str, tuple[Action, ...]] = {
    "turn left by 45 degrees": (("←", 3),),
    "turn right by 45 degrees": (("→", 3),),
    "walk 1 m ahead": (("W", 4),),
    "stay": (),
}
"""What an option does; walking stops before what is solid."""
GOES_ON, DONE = "; not done yet", "; then the goal is reached"
OPTIONS = tuple(move + flag for move in MOVES for flag in (GOES_ON, DONE) if (move, flag) != ("stay", GOES_ON))
"""An action and a done flag each."""
NEAR, AHEAD = 1.5, 22.5
"""Metres to a thing's box, and degrees between straight ahead and its middle, within which one stands before it."""
LETTERS = "ABCDEFG"


def options_at(order: int, turn: int) -> tuple[str, ...]:
    """The options of a turn (from 0) in the order of their letters."""
    drawn = list(OPTIONS)
    random.Random(f"{order}:{turn}").shuffle(drawn)
    return tuple(drawn)


class State(NamedTuple):
    """Where one is, and how many stages of the goal are behind."""

    pose: Pose
    stage: int = 0


class Goal:
    """Stages that are reached one after the other: in each, some things at once before one's eyes."""

    def __init__(self, data: Mapping[str, Any], world: World) -> None:
        self.stages: Sequence[Mapping[str, Any]] = data["stages"]
        self.world = world

    def holds(self, pose: Pose, stage: int) -> bool:
        """Whether a stage is reached: each of its boxes near enough and ahead, on the floor plan."""
        wanted = self.stages[stage]
        eye = self.world.point(pose[:3])
        ahead = axes_of(pose)[:, 2] @ self.world.rows
        for box in wanted["boxes"]:
            away = np.array(box[:2]) - eye[:2]
            turn = np.degrees(np.arctan2(ahead[0] * away[1] - ahead[1] * away[0], float(ahead[:2] @ away)))
            gap = Solids([[*box[:2], eye[2], *box[3:5], 1.0, box[6]]]).gap(eye[None])[0]
            if abs(turn) > wanted["ahead"] or gap > wanted["near"]:
                return False
        return True

    def after(self, state: State, move: str) -> State:
        """The state after a move."""
        pose = walk(state.pose, MOVES[move], self.world).pose
        stage = state.stage
        while stage < len(self.stages) - 1 and self.holds(pose, stage):
            stage += 1
        return State(pose, stage)

    def reached(self, state: State) -> bool:
        """Whether nothing is left."""
        return state.stage == len(self.stages) - 1 and self.holds(state.pose, state.stage)

    def shortest(self, state: State, most: int) -> list[str] | None:
        """The fewest moves that reach it, by breadth-first search; None if there are none of at most ``most``."""
        if self.reached(state):
            return []
        rank, known = [(state, list[str]())], {self._key(state)}
        for _ in range(most):
            following = []
            for here, way in rank:
                for move in list(MOVES)[:3]:
                    there = self.after(here, move)
                    if self.reached(there):
                        return [*way, move]
                    if (key := self._key(there)) not in known:
                        known.add(key)
                        following.append((there, [*way, move]))
            rank = following
        return None

    @staticmethod
    def _key(state: State) -> tuple[Any, ...]:
        ahead = axes_of(state.pose)[:, 2]
        return state.stage, *(round(float(each), 2) for each in (*state.pose[:3], *ahead))


class Deciding(Tour):
    """A tour by choices."""

    turns: ClassVar[int] = 10

    def __init__(self, start: Mapping[str, Any], size: int) -> None:
        super().__init__(start, size)
        self.goal = Goal(start["goal"], self.world)
        self.state = State(HERE)
        self.turn = 0

    @staticmethod
    def rules(start: Mapping[str, Any]) -> str:
        """How one acts."""
        count = start["turns"]
        return (
            f"You have {count} turns. Each turn you choose one option, an action and whether the goal is reached with "
            "it, and then see your new view. Walking stops before what is solid. To say that the goal is reached ends "
            "it; you are right if it is, and only then."
        )

    def act(self, action: str, left: int) -> Sight:
        """Carry the chosen option out."""
        letter = letter_of(action, self.start["layout"], options_at(self.start["order"], self.turn))
        option = None if letter is None else options_at(self.start["order"], self.turn)[LETTERS.index(letter)]
        self.turn += 1
        choices = options_at(self.start["order"], self.turn)
        listed = "\n".join(f"{name}. {each}" for name, each in zip(LETTERS, choices, strict=True))
        if option is None:
            told = f"Nothing was done: no single letter of an option. {turns_left(left)}\n{listed}"
            return Sight(told, over=left <= 0)
        move, _, _ = option.partition(";")
        self.state = self.goal.after(self.state, move)
        self.pose = self.state.pose
        if option.endswith(DONE) or left <= 0:
            return Sight(over=True)
        return Sight(f"Your view now. {turns_left(left)}\n{listed}", [self.view()])

    def expert(self) -> str:
        """The letter of the first of the fewest moves that reach the goal."""
        way = self.goal.shortest(self.state, int(self.start["turns"]) - self.turn) or []
        move = way[0] if way else "stay"
        option = move + (DONE if len(way) <= 1 else GOES_ON)
        letter = LETTERS[options_at(self.start["order"], self.turn).index(option)]
        return tagged(letter, self.start["layout"], self.start["format_weight"])

    @staticmethod
    def score(actions: Sequence[str], truth: Mapping[str, Any]) -> Score:
        """1 if the goal is reached when the agent says so, and it says so within its turns."""
        start = truth["start"]
        goal, state, readable = Goal(start["goal"], World.of(start)), State(HERE), 0
        for turn, action in enumerate(actions):
            choices = options_at(start["order"], turn)
            letter = letter_of(action, start["layout"], choices)
            if letter is None:
                continue
            readable += 1
            option = choices[LETTERS.index(letter)]
            state = goal.after(state, option.partition(";")[0])
            if option.endswith(DONE):
                right = goal.reached(state)
                detail = "the goal is reached" if right else "the goal is not reached where it was said to be"
                return closing(actions, start, float(right), right, True, detail)
        detail = "it was never said that the goal is reached" if readable else "no option could be read"
        return closing(actions, start, 0.0, False, readable > 0, detail)
