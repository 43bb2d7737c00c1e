"""Ways to answer that need no model."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from assay.envs.results import Baseline, Baselines
from assay.envs.tasks import Task
from assay.verifiers.spatial.layout import tagged


def random_answer(task: Task, images: Sequence[Any], seed: int) -> str:
    """A random letter where there are choices, yes or no where that is asked; elsewhere a random number."""
    draw = random.Random(f"{task.id}:{seed}")
    metric = task.truth["verifier"].removeprefix("spatial.")
    if metric == "mcq":
        said = draw.choice("ABCDEFGHIJ"[: len(task.truth["choices"])])
    elif metric == "yesno":
        said = draw.choice(["yes", "no"])
    else:
        said = f"{draw.uniform(0, 10):.2f}"
    reading = task.truth.get("options", {})
    return tagged(said, reading.get("layout", "any"), reading.get("format_weight", 0.0))


BASELINES: Baselines = {"random": Baseline(random_answer)}
