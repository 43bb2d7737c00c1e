"""The base of every environment: one task is one episode, text goes in and a verified score comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import gymnasium as gym
from gymnasium.error import ResetNeeded

from assay.envs.errors import InfraError, VerifierError
from assay.envs.options import read_options
from assay.envs.registry import id_of
from assay.envs.results import Baselines, ResultTable
from assay.envs.spaces import Images, Messages, Text
from assay.envs.tasks import Message, Task, TaskSet
from assay.verifiers.score import Score

Observation = dict[str, Any]


class Step(NamedTuple):
    """What one action led to.

    Attributes:
        messages: new messages for the agent (an observation, a tool's answer); none after the last action.
        reward: of this action; ``None`` takes the score's reward.
        terminated: the task is over. A terminated or truncated step must carry a score.
        truncated: a limit of the environment ended it.
        score: the verdict on the whole episode.
        images: new images, in the order of their placeholders in ``messages``.
        evidence: JSON-serialisable data that the score rests on besides the actions, such as a test report; kept with
            the episode, so that :meth:`TaskEnv.score` can judge it again as ``truth["evidence"]``.
    """

    messages: Sequence[Message] = ()
    reward: float | None = None
    terminated: bool = True
    truncated: bool = False
    score: Score | None = None
    images: Sequence[Any] = ()
    evidence: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class BaseOptions:
    """What every environment can be told."""

    split: str = "train"
    """Part of the data: train, dev or test. Decided by the hash of a row, so no two share one."""


class TaskEnv(gym.Env[Observation, str]):
    """An environment whose episodes are verified tasks.

    Observations are dicts: ``messages`` (the whole conversation so far) and, where ``has_images``, ``images`` (PIL
    images in the order of their placeholders). Actions are strings; any string is legal, and one that cannot be read is
    a scored failure. ``info`` carries ``task_id`` and, on the last step, ``score``; the truth is in neither.
    Returned observations are copies: changing one changes nothing in the environment.

    A single-turn environment implements :meth:`load` and sets :attr:`verifier`; one with more turns also :meth:`act`.

    Everything random comes from the environment's own generator, seeded by ``reset``: the same seed, task and actions
    make the same episode, whatever runs beside it. ``gym.make_vec`` works as it is; in its ``async`` mode it needs
    ``vector_kwargs={"shared_memory": False}``, since text has no fixed size.

    Args:
        tasks: the tasks; default: what :meth:`load` makes of the options. Share one set between many environments.
        render_mode: ``None`` or ``"ansi"`` (:meth:`render` returns the conversation as text).
        options: the fields of :attr:`Options`.

    Raises:
        ValueError: one line, for an option that is unknown or has a wrong value, or data that cannot be used.
    """

    Options: ClassVar[type[BaseOptions]] = BaseOptions
    verifier: ClassVar[str] = ""
    """Registered name of the verifier."""
    blocking: bool = False
    """``reset`` or ``step`` may block for more than 1 ms: run it in a thread. An instance may know better."""
    patience: float | None = None
    """Seconds that one ``reset`` or ``step`` may rightly take, where that is more than a caller would expect."""
    at_once: int | None = None
    """Episodes that should be played at once in one process, where each holds something costly; None is no limit."""
    has_images: ClassVar[bool] = False
    """Observations have images."""
    views: ClassVar[tuple[str, ...]] = ()
    """Poorer ways to show a task, by name, for rollouts to compare with: ``reset(options={"view": name})``."""
    metadata: dict[str, Any] = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012 - gymnasium declares it on the class

    def __init__(self, *, tasks: TaskSet | None = None, render_mode: str | None = None, **options: Any) -> None:
        self.options: Any = read_options(self.Options, options, id_of(type(self)))
        self.tasks = self.load(self.options) if tasks is None else tasks
        self.render_mode = render_mode
        self.action_space = Text()
        spaces: dict[str, gym.Space[Any]] = {"messages": Messages()}
        if self.has_images:
            spaces["images"] = Images()
        self.observation_space = gym.spaces.Dict(spaces)
        self.view = ""
        self._task: Task | None = None
        self._over = True
        self._messages: list[Message] = []
        self._images: list[Any] = []
        self._actions: list[str] = []
        self._evidence: Mapping[str, Any] | None = None

    @classmethod
    def load(cls, options: Any) -> TaskSet:
        """The tasks that the options ask for."""
        raise NotImplementedError

    @classmethod
    def score(cls, actions: Sequence[str], truth: Mapping[str, Any]) -> Score:
        """The verdict on an episode; pure, so that stored episodes can be re-scored.

        Where the steps gave evidence, it is ``truth["evidence"]``.
        The default asks the verifier named :attr:`verifier` about the last action, with ``truth["options"]``.
        """
        from assay.verifiers import registry

        return registry.score(cls.verifier, actions[-1], truth, **truth.get("options", {}))

    @classmethod
    def gold(cls, task: Task) -> str | None:
        """A response that earns full reward in one turn, or None where none is known."""
        return None

    def expert(self) -> str | None:
        """What a scripted expert does next in the running episode, or None where none is known.

        The default knows :meth:`gold` only. Asked again in the same turn, it says the same.
        """
        return self.gold(self.current_task)

    @classmethod
    def answer_tokens(cls, options: Any) -> int:
        """Tokens that one answer of a language model may take where nobody says otherwise; the default suits a label.

        Args:
            options: an instance of :attr:`Options`.
        """
        return 32

    @classmethod
    def reward_range(cls, options: Any) -> tuple[float, float] | None:
        """Least and greatest reward of an episode, or None where nobody can say; a critic's bins lie between them.

        Args:
            options: an instance of :attr:`Options`.
        """
        return None

    @classmethod
    def predicted(cls, actions: Sequence[str], truth: Mapping[str, Any]) -> str | None:
        """The class that the actions answer, or None where none can be read; for confusion matrices only.

        The default is for truths with ``label`` and ``labels``: the label that would have made the answer right.
        """
        labels = truth.get("labels")
        if not labels:
            return None
        score = cls.score(actions, truth)
        if score.correct:
            return str(truth["label"])
        if not score.parsed:
            return None
        return next((str(each) for each in labels if cls.score(actions, {**truth, "label": each}).correct), None)

    @classmethod
    def answers(cls, task: Task) -> list[str] | None:
        """Every response there is to choose from, where a task's answers are a closed list; None: they are not.

        The default is for truths with ``label`` and ``labels``: the :meth:`gold` response of each, were it the right
        one.
        """
        labels = task.truth.get("labels")
        if not labels:
            return None
        told = [cls.gold(replace(task, truth={**task.truth, "label": label}, meta={})) for label in labels]
        known = [response for response in told if response is not None]
        return known if len(known) == len(told) else None

    @classmethod
    def without_content(cls, task: Task) -> list[Message] | None:
        """The task's prompt with nothing in the place of what is asked about; None where there is no such prompt."""
        return None

    @classmethod
    def counterparts(cls, task: Task) -> Mapping[str, Task]:
        """The task with something changed that must not matter, by what was changed; none by default.

        Every evaluation plays them beside the task and counts answers that differ. The set of the environment's tasks
        finds them by their id. Where nothing that a policy can see has changed, it is ``task`` itself.
        """
        return {}

    @classmethod
    def answer_key(cls, actions: Sequence[str], truth: Mapping[str, Any]) -> str:
        """A text that two episodes of a task share if they answer alike; the default is the last action, squeezed."""
        return " ".join(actions[-1].split())

    @classmethod
    def trivial(cls, tasks: TaskSet) -> dict[str, str]:
        """Constant responses that need no model, by name, chosen on ``tasks`` (the training split)."""
        return {}

    @classmethod
    def baselines(cls) -> Baselines:
        """Ways to answer that need no model and depend on the task, by name; they replace those drawn from training."""
        return {}

    @classmethod
    def facts(cls, options: Any) -> dict[str, Any]:
        """What a result depends on besides the options: JSON-serialisable, and kept with every evaluation.

        Args:
            options: an instance of :attr:`Options`.
        """
        return {}

    @classmethod
    def tables(cls, options: Any, tasks: Sequence[Task], scores: Sequence[Sequence[Score]]) -> list[ResultTable]:
        """Tables of an evaluation, such as a benchmark publishes; by default none.

        Args:
            options: an instance of :attr:`Options`.
            tasks: what was played.
            scores: of each task, one for each of its samples that was scored.
        """
        return []

    @classmethod
    def figures(cls, options: Any, tasks: Sequence[Task], scores: Sequence[Sequence[Score]]) -> Mapping[str, Any]:
        """Figures of an evaluation (matplotlib's ``Figure``) by the name of their file; by default none.

        Args:
            options, tasks, scores: as for :meth:`tables`.

        Raises:
            ImportError: one line that says what to install, without matplotlib.
        """
        return {}

    @classmethod
    def picture(cls, task: Task, actions: Sequence[str], score: Score | None) -> Any:
        """A PIL image that shows a person an episode, or None where there is nothing to see.

        Raises:
            InfraError: if it cannot be drawn.
        """
        return None

    def views_of(self, task: Task) -> Sequence[str]:
        """Those of :attr:`views` in which a task differs from itself: of a single picture none may be shuffled."""
        return self.views

    def open(self, task: Task) -> list[Message]:
        """The messages that begin the episode."""
        return task.prompt

    def open_images(self, task: Task) -> list[Any]:
        """The PIL images of :meth:`open`'s placeholders."""
        return []

    def act(self, task: Task, action: str) -> Step:
        """Carry out one action. The default ends the episode and scores it."""
        return Step(score=self.judge(task))

    def judge(self, task: Task) -> Score:
        """:meth:`score` of the actions so far.

        Raises:
            VerifierError: whatever the verifier raised.
        """
        try:
            return self.score(self._actions, task.truth)
        except (InfraError, VerifierError):
            raise
        except Exception as error:
            raise VerifierError(f"{self.verifier or type(self).__name__} on task {task.id}: {error!r}") from error

    @property
    def current_task(self) -> Task:
        """The task of the running (or just ended) episode, truth included: for oracles and records, not for agents.

        Raises:
            ResetNeeded: before the first reset.
        """
        if self._task is None:
            raise ResetNeeded("there is no task yet: call reset() first")
        return self._task

    @property
    def evidence(self) -> Mapping[str, Any] | None:
        """What the last step's score rests on besides the actions, or None; for records, not for agents."""
        return self._evidence

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: seeds the environment's own generator; None continues it.
            options: ``{"task_id": id}`` picks the task; otherwise the generator does. ``{"view": name}`` shows it in
                one of :attr:`views`; otherwise as usual.

        Raises:
            ValueError: for a task id that is not in the set, or a view that the environment does not have.
        """
        view = str((options or {}).get("view") or "")
        if view and view not in self.views:
            raise ValueError(f"there is no view {view!r} (there is: {', '.join(self.views) or 'none'})")
        if seed is not None:
            super().reset(seed=seed)
        # Drawn even if a task id is given, so that a replay by id meets the same random numbers afterwards.
        drawn = int(self.np_random.random() * len(self.tasks))
        if options and options.get("task_id") is not None:
            try:
                task: Task = self.tasks.get(options["task_id"])
            except KeyError as error:
                raise ValueError(error.args[0]) from None
        else:
            task = self.tasks[drawn]
        self.view = view
        self._task = task
        self._actions = []
        self._evidence = None
        self._over = True
        self._messages = copy_messages(self.open(task))
        if self.has_images:
            self._images = list(self.open_images(task))
        self._over = False
        return self._observe(), {"task_id": task.id}

    def step(self, action: str) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Act. Any string is legal.

        Raises:
            ResetNeeded: before a reset, or after the episode has ended.
            TypeError: if ``action`` is not a string.
            InfraError: if something around the task died.
            VerifierError: if the verifier raised.
        """
        task = self._task
        if self._over or task is None:
            raise ResetNeeded("the episode is over: call reset() before step()")
        if not isinstance(action, str):
            raise TypeError(f"an action is a string, got {type(action).__name__}")
        self._actions.append(action)
        self._over = True  # until the step is known to have worked
        outcome = self.act(task, action)
        self._messages.append({"role": "assistant", "content": action})
        if outcome.messages:
            self._messages.extend(copy_messages(outcome.messages))
            self._images.extend(outcome.images)
        info: dict[str, Any] = {"task_id": task.id}
        self._over = outcome.terminated or outcome.truncated
        score = outcome.score
        self._evidence = outcome.evidence
        if self._over:
            if score is None:
                raise VerifierError(f"the last step of task {task.id} carries no score")
            info["score"] = score
        reward = outcome.reward if outcome.reward is not None else score.reward if score is not None else 0.0
        return self._observe(), reward, outcome.terminated, outcome.truncated, info

    def render(self) -> Any:
        """The conversation so far as text, if ``render_mode`` is ``"ansi"``."""
        if self.render_mode != "ansi":
            return None
        return "\n\n".join(f"[{message['role']}]\n{text_of(message)}" for message in self._messages)

    def _observe(self) -> Observation:
        if self.has_images:
            return {"messages": copy_messages(self._messages), "images": [image.copy() for image in self._images]}
        return {"messages": copy_messages(self._messages)}


def copy_messages(messages: Sequence[Message]) -> list[Message]:
    """Copies of messages and their parts; the strings and images inside are shared."""
    copies = []
    for message in messages:
        copy = message.copy()
        content = copy["content"]
        if type(content) is list:
            copy["content"] = [part.copy() for part in content]
        copies.append(copy)
    return copies


def text_of(message: Message) -> str:
    """The text of a message; other parts as ``<image>`` and the like."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "".join(part["text"] if part["type"] == "text" else f"<{part['type']}>" for part in content)
