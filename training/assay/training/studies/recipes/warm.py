"""The start that all runs share: a model, warmed up once on the environment's gold answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from assay.training.config import SFTConfig, TrainConfig
from assay.training.errors import UserError

_TOLD = "warm.json"


def start_of(config: TrainConfig, steps: int, folder: Path, on_step: Callable[[int, int], None]) -> str:
    """The name or folder of the model that runs start from; makes it where it is not there yet.

    Args:
        config: what the runs share; ``sft`` says learning rate, batch size and which tasks.
        steps: supervised steps; 0: the model as it is.
        folder: where the warm model goes, whole or not at all.
        on_step: called with (step, steps).

    Raises:
        UserError: if the folder holds a model that was warmed up otherwise, or there is nothing to imitate.
    """
    if not steps:
        return config.model.name
    told = _told(config, steps)
    if (folder / _TOLD).exists():
        before = json.loads((folder / _TOLD).read_text(encoding="utf-8"))
        odd = sorted(name for name in told if before.get(name) != told[name])
        if odd:
            raise UserError(f"{folder} was warmed up otherwise ({', '.join(odd)}): choose another --out")
        return str(folder)
    from assay.training import checkpoint

    parts = _warmed(config, steps, on_step)
    checkpoint.write_model(folder, parts.model, parts.tokenizer)
    (folder / _TOLD).write_text(json.dumps(told, indent=1, sort_keys=True), encoding="utf-8")
    return str(folder)


def _told(config: TrainConfig, steps: int) -> dict[str, Any]:
    sft: SFTConfig = replace(config.sft, epochs=0)
    told = {"model": asdict(config.model), "env": config.env, "env_options": config.env_options, "steps": steps,
            "scaffold": config.scaffold, "sft": asdict(sft)}  # fmt: skip
    plain: dict[str, Any] = json.loads(json.dumps(told))
    return plain


def _warmed(config: TrainConfig, steps: int, on_step: Callable[[int, int], None]) -> Any:
    from assay.training import sft
    from assay.training.assemble import assemble

    parts = assemble(replace(config, recipe="dr-grpo", recipe_options={}, seed=0))
    wanted = steps * config.sft.batch_size
    tasks = sft.choose(parts.train, config.sft, 0)[:wanted]
    env = parts.env(tasks=parts.train, **parts.env_options)
    rows = sft.demonstrations(env, tasks, parts.chat, parts.scaffold)
    order: list[int] = []
    for epoch in range(-(-wanted // len(rows))):
        order += np.random.default_rng([0, 3, epoch]).permutation(len(rows)).tolist()
    sft.warm_up(
        parts.scorer, parts.weights, parts.updater.optimizer, [rows[i] for i in order[:wanted]],
        replace(config.sft, epochs=1), 0, lambda step, total, _: on_step(step, total),
    )  # fmt: skip
    return parts
