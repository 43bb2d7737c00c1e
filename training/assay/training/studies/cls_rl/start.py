"""The start that all runs share: a model that half knows how to read the images, in both layouts."""

from __future__ import annotations

import json
from collections.abc import Callable

from assay.training.errors import UserError
from assay.training.studies.cls_rl.flags import BATCH, RATE, Plan, images

_TOLD = "start.json"


def start_of(plan: Plan, data: str, on_step: Callable[[], None]) -> str:
    """The folder of the start for ``data``; makes it where it is not there yet.

    Raises:
        UserError: if the folder holds another start.
    """
    folder = plan.out / f"start-{data}"
    told = {"data": images(data), "steps": plan.start_steps, "batch": BATCH, "lr": RATE}
    if (folder / _TOLD).exists():
        if json.loads((folder / _TOLD).read_text(encoding="utf-8")) != told:
            raise UserError(f"{folder} was taught otherwise: choose another --out")
        return str(folder)
    from assay.training import checkpoint
    from assay.training.studies.cls_rl.lessons import taught_model

    model, processor = taught_model(plan, data, on_step)
    checkpoint.write_model(folder, model, processor)
    (folder / _TOLD).write_text(json.dumps(told, indent=1, sort_keys=True), encoding="utf-8")
    return str(folder)
