"""What the start is taught, and how: images of the pool with their labels, and with thoughts before them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from assay.agents.chat import Chat
from assay.envs.registry import env_class
from assay.training import sft
from assay.training.batch import taught_row
from assay.training.config import OptimConfig, SFTConfig
from assay.training.forward import Row, Scorer
from assay.training.precision import Weights
from assay.training.studies.cls_rl.flags import BATCH, RATE, Plan, images
from assay.training.studies.cls_rl.model import small_vlm
from assay.training.update import apply_step, make_optimizer

_LEVELS = ("dark", "dim", "grey", "light", "bright")
_POOL = 700
"""Images of the pool that are used."""


def thought(picture: Any) -> str:
    """How bright the upper left, upper right, lower left and lower right quarters are, a word each."""
    grey = np.asarray(picture.convert("L"), np.float32) / 255
    middle = [side // 2 for side in grey.shape]
    quarters = [grey[: middle[0], : middle[1]], grey[: middle[0], middle[1] :],
                grey[middle[0] :, : middle[1]], grey[middle[0] :, middle[1] :]]  # fmt: skip
    return " ".join(_LEVELS[min(4, int(5 * quarter.mean() * 1.6))] for quarter in quarters)


def taught_model(plan: Plan, data: str, on_step: Callable[[], None]) -> tuple[Any, Any]:
    """The start of ``data`` and its processor, after ``plan.start_steps`` batches."""
    lessons = _lessons(data)
    shown = [(task.prompt[0]["content"][1]["text"], said) for each in lessons for _, task, said in each]
    texts = [text for pair in shown for text in pair]
    model, processor = small_vlm(texts)
    chat = Chat(processor)
    taught = [[taught_row(env, task, chat, chat.answer(said)) for env, task, said in each] for each in lessons]
    rows = [row for step in range(plan.start_steps) for row in _batch(taught[step % len(taught)], step // len(taught))]
    weights = Weights(model)
    config = SFTConfig(epochs=1, batch_size=BATCH, lr=RATE)
    optimizer = make_optimizer(weights, OptimConfig(lr=RATE))
    _imitate(Scorer(model, processor=chat.processor), weights, optimizer, rows, config, on_step)
    return model, processor


def _imitate(
    scorer: Scorer,
    weights: Weights,
    optimizer: torch.optim.Optimizer,
    rows: list[Row],
    config: SFTConfig,
    on_step: Callable[[], None],
) -> None:
    """Steps over ``rows`` in their order, a batch each; the learning rate falls linearly to zero."""
    steps = len(rows) // config.batch_size
    for step in range(steps):
        batch = rows[step * config.batch_size : (step + 1) * config.batch_size]
        sft.accumulate(scorer, batch)
        apply_step(weights, optimizer, config.lr * (1 - step / steps), 1.0)
        on_step()


def _batch(rows: list[Row], number: int) -> list[Row]:
    """Batch ``number`` of an endless stream that shows every row once a lap."""
    at = range(number * BATCH, (number + 1) * BATCH)
    orders = {lap: np.random.default_rng([7, lap]).permutation(len(rows)) for lap in {i // len(rows) for i in at}}
    return [rows[int(orders[i // len(rows)][i % len(rows)])] for i in at]


Lesson = tuple[Any, Any, str]
"""Environment, task, and what is to be said."""


def _lessons(data: str) -> list[list[Lesson]]:
    """Images of the pool in four ways: all classes listed or half of them, without thinking and with.

    A batch is of one way: thoughts have many tokens, and beside them a label alone would hardly count.
    """
    cls = env_class("image_classification")
    found: list[list[Lesson]] = []
    for way, (listed, mode) in enumerate(itertools.product(("all", "5"), ("none", "think"))):
        env = cls(**images(data), split="dev", shots=0, think_mode=mode, candidates=listed)
        lessons: list[Lesson] = []
        for i in np.random.default_rng(way).permutation(len(env.tasks))[:_POOL]:
            task = env.tasks[int(i)]
            said = env.gold(task) or ""
            if mode == "think":
                said = said.replace("<think>\n\n</think>", f"<think>{thought(env.open_images(task)[0])}</think>")
            lessons.append((env, task, said))
        found.append(lessons)
    return found
