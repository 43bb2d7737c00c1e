"""An environment of ours as a TRL environment: one tool, ``act``, and a reward at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from assay.envs.base import TaskEnv
from assay.envs.errors import InfraError, VerifierError
from assay.envs.tasks import Message
from assay.training.errors import UserError
from assay.training.interop.trl.dataset import text_env_class
from assay.training.interop.trl.version import require_trl
from assay.verifiers.score import Score

OVER = "The episode is over."


class ToolEnvironment:
    """One episode at a time, in the shape that ``GRPOTrainer(environment_factory=...)`` wants.

    Every public method but ``reset`` and ``get_reward`` is a tool that the model is offered, so there is one.
    """

    _make: ClassVar[Callable[[], TaskEnv]]

    def __init__(self) -> None:
        self._env = type(self)._make()
        self._over = True
        self._score: Score | None = None
        self._failed = False

    def reset(self, **row: Any) -> str | None:
        """Begin the episode of a dataset row.

        Args:
            row: must have ``task_id``: all rollouts of a prompt have to meet the same task.

        Returns:
            None if the row's prompt already is what the episode begins with, otherwise the text to add to it.

        Raises:
            UserError: if there is no ``task_id``.
        """
        task = row.get("task_id")
        if task is None:
            raise UserError("the dataset needs a task_id column: make it with prompt_dataset")
        self._score, self._failed, self._over = None, False, True
        try:
            observation, _ = self._env.reset(seed=0, options={"task_id": task})
        except InfraError:
            self._failed = True
            return None
        self._over = False
        given, opened = row.get("prompt"), observation["messages"]
        if isinstance(given, list) and [m["content"] for m in given] == [m["content"] for m in opened]:
            return None
        return _text(opened)

    def act(self, action: str) -> str:
        """Give your answer, or take your next action, in the task.

        Args:
            action: The answer or action, exactly as the task asks for it.

        Returns:
            What the task answers.
        """
        if self._over:
            return OVER
        try:
            observation, _, terminated, truncated, info = self._env.step(str(action))
        except (InfraError, VerifierError):
            self._over = self._failed = True
            return OVER
        self._over = terminated or truncated
        if self._over:
            self._score = info["score"]
        return _text(_since_last_action(observation["messages"])) or OVER

    def get_reward(self) -> float | None:
        """The reward of the episode: 0 while it is not over, None (left out by TRL) if it failed through no fault."""
        if self._failed:
            return None
        return self._score.reward if self._score is not None else 0.0


def environment_factory(env: str, **options: Any) -> Callable[[], ToolEnvironment]:
    """A factory for ``GRPOTrainer(environment_factory=...)``; the model must have a chat template with tools.

    Train it on :func:`~assay.training.interop.trl.prompt_dataset` of the same environment and options. All instances
    share one task set.

    Args:
        env: a name or id of ours.
        options: the environment's options.

    Raises:
        UserError: if TRL is missing or another version, or the environment shows images.
        ValueError: for an unknown environment or option.
    """
    require_trl()
    cls = text_env_class(env)
    tasks = cls(**options).tasks
    name = cls.__name__.removesuffix("Env") + "Tool"  # the name of its reward in TRL's logs
    made: type[ToolEnvironment] = type(name, (ToolEnvironment,), {"_make": lambda: cls(tasks=tasks, **options)})
    return made


def _since_last_action(messages: list[Message]) -> list[Message]:
    last = max(i for i, message in enumerate(messages) if message["role"] == "assistant")
    return messages[last + 1 :]


def _text(messages: list[Message]) -> str:
    return "\n\n".join(str(message["content"]) for message in messages)
