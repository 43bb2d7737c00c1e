"""Ways to answer that need no model."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from assay.envs.results import Baseline, Baselines
from assay.envs.tasks import Task
from assay.verifiers.spatial.actions import MEANINGS, MOST_STEPS
from assay.verifiers.spatial.layout import tagged


def random_answer(task: Task, images: Sequence[Any], seed: int) -> str:
    """A random letter where there are choices, yes or no where that is asked, actions where one acts; else a number.

    Of the abilities that act it is what is done in one turn; the seed of each turn is another.
    """
    draw = random.Random(f"{task.id}:{seed}")
    metric = task.truth["verifier"].removeprefix("spatial.")
    start = task.truth.get("start", {})
    if metric in ("agentic_nav", "manipulate") or ("looks" in start and draw.random() < 0.5):
        said = random_actions(draw, hands=metric == "manipulate")
    elif metric == "mcq":
        said = draw.choice("ABCDEFG" if "order" in start else "ABCDEFGHIJ"[: len(task.truth["choices"])])
    elif metric == "yesno":
        said = draw.choice(["yes", "no"])
    else:
        said = f"{draw.uniform(0, 10):.2f}"
    reading = task.truth.get("options", {})
    return tagged(said, reading.get("layout", "any"), reading.get("format_weight", 0.0))


def random_actions(draw: random.Random, hands: bool = False) -> str:
    """An action object of one to eight actions, any number of steps each; now and then it ends with STOP."""
    known = [symbol for symbol in MEANINGS if symbol != "STOP" and (hands or symbol not in "GHPL")]
    symbols = [draw.choice(known) for _ in range(draw.randint(1, 8))]
    counts = [draw.randint(0, MOST_STEPS) for _ in symbols]
    if draw.random() < 0.1:
        symbols, counts = [*symbols, "STOP"], [*counts, 0]
    return json.dumps({"actions": symbols, "step_nums": counts}, ensure_ascii=False)


BASELINES: Baselines = {"random": Baseline(random_answer)}
