"""The environment: a screenshot and an instruction, a list of points, one verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from assay.envs.base import BaseOptions, TaskEnv
from assay.envs.gui_grounding.baselines import BASELINES
from assay.envs.gui_grounding.draw import drawn
from assay.envs.gui_grounding.options import Options
from assay.envs.gui_grounding.oracle import gold_answer
from assay.envs.gui_grounding.pictures import references, shown_screenshot
from assay.envs.gui_grounding.protocol import protocol_of
from assay.envs.gui_grounding.rollup import tables
from assay.envs.gui_grounding.sources import load_source
from assay.envs.results import Baselines, ResultTable
from assay.envs.tasks import Message, Task, TaskSet
from assay.verifiers import registry
from assay.verifiers.score import Score


class GuiGroundingEnv(TaskEnv):
    """Point at what an instruction names on a screenshot (InfiGUI-G1, arXiv 2508.05731).

    One turn. The action is ``<think>...</think>`` and a JSON list of points, ``[{"point_2d": [x, y]}, ...]``, the
    likeliest first; the reward is that of ``gui.aer``, ``correct`` whether the first point is in the box. Screenshots
    are shown resized as the model family wants them, and coordinates are converted back before they are scored.

    >>> import json, tempfile, gymnasium as gym
    >>> from PIL import Image
    >>> import assay.envs
    >>> from assay.envs.gui_grounding.records import Record, write_records
    >>> folder = tempfile.mkdtemp()
    >>> record = Record("a", (1920, 1080), "Click Save", (100, 100, 200, 140), role="button", kind="literal")
    >>> write_records(folder, [(record, Image.new("RGB", (1920, 1080), "white"))])
    1
    >>> env = gym.make("gui-grounding-v0", source="jsonl", path=folder, split="test", test_share=1.0)
    >>> obs, info = env.reset(seed=0)
    >>> obs["images"][0].size
    (1932, 1092)
    >>> obs, reward, *_ = env.step('<think>At the top left.</think>[{"point_2d": [150, 120]}]')
    >>> reward
    2.0
    """

    Options: ClassVar[type[BaseOptions]] = Options
    verifier: ClassVar[str] = "gui.aer"
    blocking: bool = True  # rendering, reading and resizing a screenshot takes milliseconds
    has_images: ClassVar[bool] = True
    views: ClassVar[tuple[str, ...]] = ("blank",)

    @classmethod
    def load(cls, options: Any) -> TaskSet:
        """The tasks of ``options.split``."""
        return load_source(options)

    @classmethod
    def score(cls, actions: Sequence[str], truth: Mapping[str, Any]) -> Score:
        """The verdict of ``gui.aer``, or of the verifier that the truth names, on the last action."""
        return registry.score(truth.get("verifier", cls.verifier), actions[-1], truth, **truth.get("options", {}))

    def open(self, task: Task) -> list[Message]:
        """The prompt without the reference of its screenshot, which may tell where it is from."""
        return [{**message, "content": _without_references(message["content"])} for message in task.prompt]

    def open_images(self, task: Task) -> list[Any]:
        """The screenshot, resized; grey all over in the view ``blank``.

        Raises:
            InfraError: if it cannot be had.
        """
        if self.view == "blank":
            from PIL import Image

            return [Image.new("RGB", tuple(task.meta["shown"]), "#ebebeb") for _ in references(task)]
        return [shown_screenshot(ref, tuple(task.meta["shown"])) for ref in references(task)]

    @classmethod
    def gold(cls, task: Task) -> str:
        """The middle of the box, in the form and the coordinates that the prompt asks for."""
        return gold_answer(task.truth)

    @classmethod
    def answer_tokens(cls, options: Any) -> int:
        """Room for a thought and a few points."""
        return 512 if options.think else 96

    @classmethod
    def reward_range(cls, options: Any) -> tuple[float, float]:
        """-1 (0 where failures cost nothing) to 2; 0 to 1 where the family answers with a bare point."""
        if protocol_of(options).parser == "any":
            return 0.0, 1.0
        return (-1.0 if options.reward_variant == "code" else 0.0), 2.0

    @classmethod
    def baselines(cls) -> Baselines:
        """``random`` and ``centre`` look at nothing, ``ocr`` reads the screen."""
        return BASELINES

    @classmethod
    def facts(cls, options: Any) -> dict[str, Any]:
        """The protocol."""
        return {"protocol": protocol_of(options).to_dict()}

    @classmethod
    def tables(cls, options: Any, tasks: Sequence[Task], scores: Sequence[Sequence[Score]]) -> list[ResultTable]:
        """The benchmark's own table; for our sources the kind of instruction by look-alikes."""
        return tables(options.source, tasks, scores)

    @classmethod
    def picture(cls, task: Task, actions: Sequence[str], score: Score | None) -> Any:
        """The screenshot with the box, the points in their order and the reward."""
        return drawn(task, actions[-1] if actions else "", score)


def _without_references(content: Any) -> Any:
    if isinstance(content, str):
        return content
    return [{"type": "image"} if part["type"] == "image" else part for part in content]
