"""The start that all runs share: a model that half knows how to read the images, in both layouts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from assay.training.errors import UserError
from assay.training.studies.cls_rl.flags import Plan, images

_TOLD = "start.json"
_BATCH, _RATE = 32, 2e-3
_LEVELS = ("dark", "dim", "grey", "light", "bright")


def thought(picture: Any) -> str:
    """How bright the upper left, upper right, lower left and lower right quarters are, a word each."""
    grey = np.asarray(picture.convert("L"), np.float32) / 255
    middle = [side // 2 for side in grey.shape]
    quarters = [grey[: middle[0], : middle[1]], grey[: middle[0], middle[1] :],
                grey[middle[0] :, : middle[1]], grey[middle[0] :, middle[1] :]]  # fmt: skip
    return " ".join(_LEVELS[min(4, int(5 * quarter.mean() * 1.6))] for quarter in quarters)


def start_of(plan: Plan, data: str, on_step: Callable[[], None]) -> str:
    """The folder of the start for ``data``; makes it where it is not there yet.

    Raises:
        UserError: if the folder holds another start.
    """
    folder = plan.out / f"start-{data}"
    told = {"data": images(data), "steps": plan.start_steps, "batch": _BATCH, "lr": _RATE}
    if (folder / _TOLD).exists():
        if json.loads((folder / _TOLD).read_text(encoding="utf-8")) != told:
            raise UserError(f"{folder} was taught otherwise: choose another --out")
        return str(folder)
    from assay.training import checkpoint

    model, processor = _taught(plan, data, on_step)
    checkpoint.write_model(folder, model, processor)
    (folder / _TOLD).write_text(json.dumps(told, indent=1, sort_keys=True), encoding="utf-8")
    return str(folder)


def _taught(plan: Plan, data: str, on_step: Callable[[], None]) -> tuple[Any, Any]:
    from assay.agents.chat import Chat
    from assay.training import sft
    from assay.training.config import OptimConfig, SFTConfig
    from assay.training.forward import Scorer
    from assay.training.precision import Weights
    from assay.training.studies.cls_rl.model import small_vlm
    from assay.training.update import make_optimizer

    wanted = plan.start_steps * _BATCH
    lessons = _lessons(data, wanted)
    texts = [task.prompt[0]["content"][1]["text"] for _, task, _ in lessons[:64]] + [said for *_, said in lessons]
    model, processor = small_vlm(texts)
    chat = Chat(processor)
    from assay.training.batch import taught_row

    rows = [taught_row(env, task, chat, chat.answer(said)) for env, task, said in lessons]
    order = [
        int(i) for lap in range(-(-wanted // len(rows))) for i in np.random.default_rng([7, lap]).permutation(len(rows))
    ]
    weights = Weights(model)
    config = SFTConfig(epochs=1, batch_size=_BATCH, lr=_RATE)
    sft.warm_up(Scorer(model, processor=chat.processor), weights, make_optimizer(weights, OptimConfig(lr=_RATE)),
                [rows[i] for i in order[:wanted]], config, 0, lambda *_: on_step())  # fmt: skip
    return model, processor


def _lessons(data: str, most: int) -> list[tuple[Any, Any, str]]:
    """Environment, task and what is to be said, of images of the pool: one half without thinking, the other with."""
    from assay.envs.registry import env_class

    cls = env_class("image_classification")
    found: list[tuple[Any, Any, str]] = []
    for half, mode in enumerate(("none", "think")):
        env = cls(**images(data), split="dev", shots=0, think_mode=mode)
        order = np.random.default_rng(0).permutation(len(env.tasks))[half::2][: max(1, most // 2)]
        for i in order:
            task = env.tasks[int(i)]
            said = env.gold(task) or ""
            if mode == "think":
                said = said.replace("<think>\n\n</think>", f"<think>{thought(env.open_images(task)[0])}</think>")
            found.append((env, task, said))
    return found


def told_plan(plan: Plan) -> dict[str, Any]:
    """The plan as JSON data, without its folder."""
    return {name: value for name, value in asdict(plan).items() if name != "out"}
