"""The environment: one image, one answer, one verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from assay.envs.answers import THOUGHT, gold_answer, label_tokens, majority_answer, paid
from assay.envs.base import BaseOptions, TaskEnv
from assay.envs.image_classification.options import Options
from assay.envs.image_classification.pictures import open_picture
from assay.envs.image_classification.rollup import accuracy_table
from assay.envs.image_classification.tasks import ImageTasks, build_tasks
from assay.envs.results import ResultTable
from assay.envs.tasks import Message, Task, TaskSet
from assay.verifiers.score import Score


class ImageClassificationEnv(TaskEnv):
    """Classify an image by writing its label (CLS-RL, arXiv 2503.16188).

    One turn. The prompt holds the image and a closed list of candidate classes that is drawn once for each image; the
    action is the class name, laid out as the think mode asks. The verifier is ``classify.label``: without thinking the
    answer must equal the name but for outer whitespace, which is what keeps a policy from thinking. Without options it
    serves drawn shapes, which need no file and no network; ``source="digits"`` has real scans.

    >>> import gymnasium as gym
    >>> import assay.envs
    >>> env = gym.make("image-classification-v0", classes=20, split="test")
    >>> obs, info = env.reset(seed=0)
    >>> obs["images"][0].size
    (384, 384)
    >>> obs, reward, terminated, truncated, info = env.step("no such class")
    >>> reward, terminated, info["score"].correct
    (0.0, True, False)
    """

    Options: ClassVar[type[BaseOptions]] = Options
    verifier: ClassVar[str] = "classify.label"
    blocking: bool = True  # reading and resizing a picture takes milliseconds
    has_images: ClassVar[bool] = True

    @classmethod
    def load(cls, options: Any) -> ImageTasks:
        """The tasks of ``options.split`` under the protocol; their ``summary`` tells sizes and class balance."""
        return build_tasks(options)

    def open(self, task: Task) -> list[Message]:
        """The prompt without the references of its images, which may name the class."""
        return [{**message, "content": _without_references(message["content"])} for message in task.prompt]

    def open_images(self, task: Task) -> list[Any]:
        """The pictures, resized.

        Raises:
            InfraError: if one cannot be read.
        """
        size = int(task.meta.get("image_size", self.options.image_size))
        parts = [part for message in task.prompt for part in message["content"] if isinstance(part, dict)]
        return [open_picture(part["image"], size) for part in parts if part["type"] == "image"]

    @classmethod
    def gold(cls, task: Task) -> str:
        """The response that earns full reward, in the form the prompt asks for."""
        return gold_answer(task.truth)

    @classmethod
    def answer_tokens(cls, options: Any) -> int:
        """32; 224 more where thinking is on."""
        return label_tokens(0) + (THOUGHT if options.think_mode != "none" else 0)

    @classmethod
    def reward_range(cls, options: Any) -> tuple[float, float]:
        """0 to 1, and to 2 where thinking is on: then the layout earns as much as the answer."""
        return paid(options.think_mode, options.parity)

    @classmethod
    def tables(cls, options: Any, tasks: Sequence[Task], scores: Sequence[Sequence[Score]]) -> list[ResultTable]:
        """Strict and lenient accuracy side by side; of both parts of base-to-new, and their harmonic mean."""
        return [accuracy_table(tasks, scores)]

    @classmethod
    def trivial(cls, tasks: TaskSet) -> dict[str, str]:
        """``majority``: always the most frequent class of ``tasks`` (the first by name among equals)."""
        return {"majority": majority_answer(tasks)}


def _without_references(content: Any) -> Any:
    if isinstance(content, str):
        return content
    return [{"type": "image"} if part["type"] == "image" else part for part in content]
