"""The tasks of an environment as a dataset that TRL trains on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assay.envs.base import TaskEnv
from assay.envs.registry import env_class
from assay.envs.tasks import Message, Task
from assay.training.errors import MissingExtraError, UserError

if TYPE_CHECKING:
    from datasets import Dataset


def text_env_class(env: str) -> type[TaskEnv]:
    """The class of an environment, by name or id.

    Raises:
        UserError: if it shows images, which these adapters do not carry.
        ValueError: if there is none of that name.
    """
    found = env_class(env)
    if found.has_images:
        raise UserError(f"{env} shows images, which TRL's rollout hooks do not carry: use train-agent")
    return found


def prompt_dataset(env: str, **options: Any) -> Dataset:
    """One row a task of an environment.

    Args:
        env: a name or id of ours.
        options: the environment's options, such as ``split="test"``.

    Returns:
        A ``datasets.Dataset`` with ``prompt`` (chat messages), ``task_id``, and ``truth``: JSON, because a column of
        mappings would give every row the keys of all others. It is for :func:`reward_func`, and never in the prompt.

    Raises:
        UserError: if ``datasets`` is not installed or the environment shows images.
        ValueError: for an unknown environment or option.
    """
    try:
        from datasets import Dataset
    except ImportError:
        raise MissingExtraError("datasets", "trl") from None
    made = text_env_class(env)(**options)
    rows = [
        {"prompt": opening(made, task), "task_id": task.id, "truth": json.dumps(dict(task.truth), ensure_ascii=False)}
        for task in made.tasks
    ]
    return Dataset.from_list(rows)


def opening(env: TaskEnv, task: Task) -> list[Message]:
    """The messages that a task's episode begins with: role and text of each."""
    observation, _ = env.reset(seed=0, options={"task_id": task.id})
    return [{"role": message["role"], "content": message["content"]} for message in observation["messages"]]


def prompt_key(messages: Any) -> str:
    """A hashable form of chat messages, equal for equal roles and texts."""
    return json.dumps([[message["role"], message["content"]] for message in messages], ensure_ascii=False)
