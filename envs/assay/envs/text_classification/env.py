"""The environment: one text, one answer, one verdict."""

from __future__ import annotations

from typing import Any, ClassVar

from assay.envs.answers import THOUGHT, gold_answer, label_tokens, majority_answer, paid
from assay.envs.base import BaseOptions, TaskEnv
from assay.envs.tasks import Message, Task, TaskSet
from assay.envs.text_classification.options import Options, strategy_record
from assay.envs.text_classification.prompt import without_text
from assay.envs.text_classification.sources import longest_label
from assay.envs.text_classification.tasks import ClassificationTasks, build_tasks


class TextClassificationEnv(TaskEnv):
    """Classify a text by writing its label (GenCLS++, arXiv 2504.19898).

    One turn. The prompt holds the label list and whatever the strategy adds (definitions, numbers, demonstrations); the
    action is the label, or the number that stands for it; the reward is 1 for the right one. The verifier is
    ``classify.label``. Without options it serves sentences of Python's own documentation by topic, which needs no file
    and no network (:mod:`assay.envs.text_classification.docstrings` says what they are).

    >>> import gymnasium as gym
    >>> import assay.envs
    >>> env = gym.make("text-classification-v0", split="test")
    >>> obs, info = env.reset(seed=0)
    >>> [message["role"] for message in obs["messages"]]
    ['system', 'user']
    >>> obs, reward, terminated, truncated, info = env.step("no such label")
    >>> reward, terminated, info["score"].correct
    (0.0, True, False)
    """

    Options: ClassVar[type[BaseOptions]] = Options
    verifier: ClassVar[str] = "classify.label"

    @classmethod
    def load(cls, options: Any) -> ClassificationTasks:
        """The tasks of ``options.split``; their ``summary`` tells sizes, class balance and what was dropped."""
        return build_tasks(options)

    @classmethod
    def gold(cls, task: Task) -> str:
        """The response that earns full reward, in the form the prompt asks for; with the suffix on uncertain rows."""
        return gold_answer(task.truth, suffix=task.truth["options"]["uncertain"] if task.meta.get("uncertain") else "")

    @classmethod
    def without_content(cls, task: Task) -> list[Message] | None:
        """The prompt with an empty text: what a label costs whatever it is about."""
        return without_text(task.prompt)

    @classmethod
    def facts(cls, options: Any) -> dict[str, Any]:
        """``strategy``: how a task is put, the record of GenCLS++; with numeric labels also the seed of the mapping."""
        return {"strategy": strategy_record(options)}

    @classmethod
    def answer_tokens(cls, options: Any) -> int:
        """32, or more for the labels of a file: a token for each of their bytes; 224 more where thinking is on."""
        return label_tokens(longest_label(options)) + (THOUGHT if options.think_mode != "none" else 0)

    @classmethod
    def reward_range(cls, options: Any) -> tuple[float, float]:
        """0 to 1, and what the layout earns where thinking is on."""
        return paid(options.think_mode, options.parity, options.format_weight)

    @classmethod
    def trivial(cls, tasks: TaskSet) -> dict[str, str]:
        """``majority``: always the most frequent label of ``tasks`` (the first by name among equals)."""
        return {"majority": majority_answer(tasks)}
