"""The environment: pictures of a scene and a question, or a place to act in; judged by the ability's own metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from assay.envs.base import BaseOptions, Step, TaskEnv
from assay.envs.results import Baselines, ResultTable
from assay.envs.spatial_tree.activity import Activity
from assay.envs.spatial_tree.baselines import BASELINES
from assay.envs.spatial_tree.leaves import activity_of
from assay.envs.spatial_tree.options import Options
from assay.envs.spatial_tree.pictures import drawn, open_picture
from assay.envs.tasks import Message, Task, TaskSet
from assay.verifiers import registry
from assay.verifiers.score import Score


class SpatialTreeEnv(TaskEnv):
    """The 27 spatial abilities of SpatialTree (arXiv 2512.20617), drawn without end with exact truth.

    L1 to L3 are one turn: pictures and a question; the answer is a letter, a number or JSON, and the verifier that of
    the ability's metric. L4 acts: each turn is an action and gives a new view, until the turns are spent or the agent
    ends it. ``score.parts["score"]`` is the metric in 0..1, ``correct`` whether it is good enough to count as right.

    >>> import gymnasium as gym
    >>> import assay.envs
    >>> env = gym.make("spatial-tree-v0", leaf=("distance",), template=("nearer",), count=4, size=96, split="test")
    >>> obs, info = env.reset(seed=0)
    >>> obs["images"][0].size
    (96, 72)
    >>> obs, reward, terminated, truncated, info = env.step("I do not know")
    >>> reward, terminated, info["score"].correct
    (0.0, True, False)
    """

    Options: ClassVar[type[BaseOptions]] = Options
    verifier: ClassVar[str] = "spatial.mcq"
    blocking: bool = True  # reading a picture takes milliseconds, rendering a view up to a hundred
    has_images: ClassVar[bool] = True
    views: ClassVar[tuple[str, ...]] = ("blank",)
    _activity: Activity | None = None

    @classmethod
    def load(cls, options: Any) -> TaskSet:
        """The tasks of ``options.split``."""
        if options.source == "bench":
            from assay.envs.spatial_tree import bench

            return bench.tasks(options)
        from assay.envs.spatial_tree.tasks import tasks

        return tasks(options, options.split)

    @classmethod
    def score(cls, actions: Sequence[str], truth: Mapping[str, Any]) -> Score:
        """The verdict of the verifier that the truth names on the last action; of an ability that acts, on all."""
        if "start" in truth:
            return activity_of(truth["leaf"]).score(actions, truth)
        return registry.score(truth["verifier"], actions[-1], truth, **truth.get("options", {}))

    def open(self, task: Task) -> list[Message]:
        """The prompt without the paths of its pictures, which may tell what they show."""
        self._activity = None
        if "start" in task.truth:
            self._activity = activity_of(task.meta["leaf"])(task.truth["start"], int(task.meta["size"]))
        return [{**message, "content": _without_references(message["content"])} for message in task.prompt]

    def open_images(self, task: Task) -> list[Any]:
        """The pictures; grey all over in the view ``blank``.

        Raises:
            InfraError: if one cannot be read.
        """
        found = [open_picture(part["image"]) for message in task.prompt for part in message["content"]
                 if part["type"] == "image"]  # fmt: skip
        return self._shown(found)

    def act(self, task: Task, action: str) -> Step:
        """Answer, or act and see what is seen then."""
        if self._activity is None:
            return Step(score=self.judge(task))
        left = int(task.truth["start"]["turns"]) - len(self._actions)
        sight = self._activity.act(action, left)
        if sight.over or left <= 0:
            return Step(score=self.judge(task))
        parts: list[dict[str, Any]] = [{"type": "image"} for _ in sight.images]
        message = {"role": "user", "content": [*parts, {"type": "text", "text": sight.text}]}
        return Step(messages=[message], images=self._shown(list(sight.images)), terminated=False, reward=0.0)

    def _shown(self, images: list[Any]) -> list[Any]:
        if self.view == "blank":
            from PIL import Image

            return [Image.new("RGB", image.size, "#808080") for image in images]
        return images

    @classmethod
    def gold(cls, task: Task) -> str | None:
        """The right answer in the form that is asked for; None where the ability acts."""
        return None if "start" in task.truth else str(task.truth["gold"])

    def expert(self) -> str | None:
        """The right answer, or what a planner that knows the truth does next."""
        return self._activity.expert() if self._activity is not None else self.gold(self.current_task)

    @classmethod
    def answers(cls, task: Task) -> list[str] | None:
        """The letters of a multiple-choice question."""
        return None

    @classmethod
    def answer_tokens(cls, options: Any) -> int:
        """Room for a letter, a number or a few actions, and for a thought."""
        return 512 if options.think else 128

    @classmethod
    def reward_range(cls, options: Any) -> tuple[float, float]:
        """0 to 1, and what the layout earns besides."""
        return min(0.0, options.format_weight), 1.0 + max(0.0, options.format_weight)

    @classmethod
    def baselines(cls) -> Baselines:
        """``random`` looks at nothing."""
        return BASELINES

    @classmethod
    def tables(cls, options: Any, tasks: Sequence[Task], scores: Sequence[Sequence[Score]]) -> list[ResultTable]:
        """The tree: score, coverage and count by level, branch and leaf."""
        from assay.envs.spatial_tree.report import tables

        return tables(options, tasks, scores)

    @classmethod
    def figures(cls, options: Any, tasks: Sequence[Task], scores: Sequence[Sequence[Score]]) -> Mapping[str, Any]:
        """The tree, and how abilities correlate over difficulties."""
        from assay.envs.spatial_tree.report import figures

        return figures(options, tasks, scores)

    @classmethod
    def picture(cls, task: Task, actions: Sequence[str], score: Score | None) -> Any:
        """The pictures, the question, the truth and what was answered; of an ability that acts, all that was seen."""
        seen: list[Any] = []
        if "start" in task.truth:
            played = activity_of(task.meta["leaf"])(task.truth["start"], int(task.meta["size"]))
            for turn, action in enumerate(actions, 1):
                seen += played.act(action, int(task.truth["start"]["turns"]) - turn).images
        return drawn(task, actions, score, seen)


def _without_references(content: Any) -> Any:
    if isinstance(content, str):
        return content
    return [{"type": "image"} if part["type"] == "image" else part for part in content]
