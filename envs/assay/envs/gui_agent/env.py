"""The environment: a live application, one action a turn, and a verdict on the application's state."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from assay.envs.base import BaseOptions, Step, TaskEnv
from assay.envs.errors import InfraError
from assay.envs.gui_agent.actions import Action, Point, UnreadableActionError, parse_action
from assay.envs.gui_agent.expert import WAIT, Expert
from assay.envs.gui_agent.film import film
from assay.envs.gui_agent.guess import random_action
from assay.envs.gui_agent.options import Options
from assay.envs.gui_agent.prompt import after_action, after_failure
from assay.envs.gui_agent.session import Session, View
from assay.envs.gui_agent.states import score_of, solved
from assay.envs.gui_agent.tasks import build_tasks, protocol_of_agent
from assay.envs.results import Baseline, Baselines
from assay.envs.tasks import Message, Task, TaskSet
from assay.verifiers.score import Score


class GuiAgentEnv(TaskEnv):
    """Use a live application until it is in the state that a goal asks for.

    The application runs in a process of its own. An observation is a screenshot; an action is one JSON object, such as
    ``{"action": "click", "point_2d": [x, y]}``, after an optional ``<think>...</think>``: click, double_click,
    right_click, drag, scroll, type, key, wait, done. Coordinates follow the model family, as in ``gui-grounding-v0``.
    A response that is no action is answered in one line and counts as a turn.

    With ``finish="state"`` an episode ends as soon as the goal state holds; with ``finish="done"`` the agent must say
    ``done`` while it holds. Saying it too early ends the episode in failure, as does the last of ``max_turns``. The
    reward is 1 or 0 and comes from the application's state, never from pixels: all conditions of the goal hold, and
    nothing that it does not speak of was changed. Both states are kept as evidence, so stored episodes can be scored
    again without the application. An application that dies or hangs raises :class:`~assay.envs.InfraError`, never
    a reward; the next episode gets a new one.

    Needs PySide6 (``pip install 'assay[gui]'``), but not to score what was stored:

    >>> from assay.envs.gui_agent import GuiAgentEnv
    >>> goal = {"conditions": [{"at": ["applied", "Night light"], "is": True}], "free": [["page"]]}
    >>> before = {"page": "Sound", "applied": {"Night light": False}}
    >>> after = {"page": "Display", "applied": {"Night light": True}}
    >>> said = ['{"action": "click", "point_2d": [310, 205]}']
    >>> GuiAgentEnv.score(said, {"goal": goal, "evidence": {"start": before, "end": after}}).correct
    True
    >>> GuiAgentEnv.score(said, {"goal": goal, "evidence": {"start": before, "end": {**after, "more": 1}}}).detail
    'something else was changed as well'
    """

    Options: ClassVar[type[BaseOptions]] = Options
    blocking: bool = True
    has_images: ClassVar[bool] = True

    def __init__(self, *, tasks: TaskSet | None = None, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(tasks=tasks, render_mode=render_mode, **options)
        self.session = Session(self.options.patience)
        self.patience = 2 * self.options.patience + 120
        self.at_once = self.options.live
        self._start: dict[str, Any] = {}
        self._view: View | None = None
        self._expert: Expert | None = None
        weakref.finalize(self, self.session.close)

    @classmethod
    def load(cls, options: Any) -> TaskSet:
        """The goals of ``options.split``."""
        return build_tasks(options)

    @classmethod
    def score(cls, actions: Sequence[str], truth: Mapping[str, Any]) -> Score:
        """The verdict from the states that the episode kept; ``parsed`` is whether its last action could be read."""
        try:
            parse_action(actions[-1])
        except UnreadableActionError:
            return score_of(truth, parsed=False)
        return score_of(truth, parsed=True)

    @classmethod
    def baselines(cls) -> Baselines:
        """``random``: anywhere on the screen, anything of a small stock."""
        return {"random": Baseline(lambda task, _, seed: random_action(seed, task.meta["size"], task.meta["scale"]))}

    @classmethod
    def facts(cls, options: Any) -> dict[str, Any]:
        """The protocol."""
        return {"protocol": protocol_of_agent(options).to_dict()}

    @classmethod
    def picture(cls, task: Task, actions: Sequence[str], score: Score | None) -> Any:
        """The episode played again: its screenshots in rows of three, each with the action that followed it.

        Raises:
            InfraError: if the application dies.
        """
        session = Session()
        try:
            view = session.open(task.meta["window"])
            frames = [view]
            for action in actions:
                wanted = _readable(task, action)
                if wanted is not None:
                    view = session.act(*wanted)
                frames.append(view)
        finally:
            session.close()
        places = [_readable(task, action) for action in actions]
        return film(frames, [None if each is None else each[1:] for each in places], actions, score)

    @classmethod
    def answer_tokens(cls, options: Any) -> int:
        """Room for an action, and for a thought where one is asked for."""
        return 256 if options.think else 64

    @classmethod
    def reward_range(cls, options: Any) -> tuple[float, float]:
        """0 or 1."""
        return 0.0, 1.0

    def expert(self) -> str | None:
        """What the goal's script says next, resolved to what stands on the screen; None where nothing there fits it.

        Where the application is dead it waits, and the step will tell.
        """
        task = self.current_task
        if self._expert is None:
            self._expert = Expert(task.truth["script"], self.session, task.meta["scale"])
        try:
            return self._expert.next(len(self._actions))
        except InfraError:
            return WAIT
        except LookupError:
            return None

    def open_images(self, task: Task) -> list[Any]:
        """Starts the application anew; its first screenshot.

        Raises:
            InfraError: if that fails.
        """
        self._expert = None
        view = self._view = self.session.open(task.meta["window"])
        self._start = view.state
        if list(view.size) != list(task.meta["size"]):
            made, here = (" x ".join(map(str, size)) for size in (task.meta["size"], view.size))
            raise InfraError(f"the window of task {task.id} was {made} pixels and is {here} here: other fonts?")
        return [self._shown(task, view)]

    def act(self, task: Task, action: str) -> Step:
        """Carry out one action and see whether the goal state holds."""
        left = self.options.max_turns - len(self._actions)
        try:
            wanted = parse_action(action)
            points = _place(task, wanted.point), _place(task, wanted.to)
        except UnreadableActionError as error:
            return self._end(task, truncated=True) if left <= 0 else _told(after_failure(error, left))
        if wanted.kind == "done":
            return self._end(task, done=True)
        view = self._view = self.session.act(wanted, *points)
        if self.options.finish == "state" and solved(task.truth["goal"], self._start, view.state):
            return self._end(task)
        if left <= 0:
            return self._end(task, truncated=True)
        return _told(after_action(left), [self._shown(task, view)])

    def close(self) -> None:
        """End the application."""
        self.session.close()
        super().close()

    def _end(self, task: Task, *, done: bool = False, truncated: bool = False) -> Step:
        if self._view is None:
            raise InfraError("the application of this episode is gone")
        evidence = {"start": self._start, "end": self._view.state, "done": done}
        score = self.score(self._actions, {**task.truth, "evidence": evidence})
        return Step(score=score, terminated=not truncated, truncated=truncated, evidence=evidence)

    @staticmethod
    def _shown(task: Task, view: View) -> Any:
        from PIL import Image

        assert view.picture is not None
        shown = tuple(task.meta["shown"])
        return view.picture if view.size == shown else view.picture.resize(shown, Image.Resampling.BICUBIC)


def _told(messages: list[Message], images: Sequence[Any] = ()) -> Step:
    return Step(messages, 0.0, terminated=False, images=images)


def _place(task: Task, point: Point | None) -> Point | None:
    """A point that the agent named, in pixels of the window."""
    if point is None:
        return None
    (sx, sy), (width, height) = task.meta["scale"], task.meta["size"]
    x, y = point[0] * sx, point[1] * sy
    if not (0 <= x <= width and 0 <= y <= height):
        raise UnreadableActionError("the point is not on the screenshot")
    return min(x, width - 1), min(y, height - 1)


def _readable(task: Task, action: str) -> tuple[Action, Point | None, Point | None] | None:
    """An action with its points in pixels of the window; None if it is none."""
    try:
        wanted = parse_action(action)
        return wanted, _place(task, wanted.point), _place(task, wanted.to)
    except UnreadableActionError:
        return None
