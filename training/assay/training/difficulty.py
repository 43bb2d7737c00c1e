"""Tasks that are always right, or never, teach nothing by reward: they are found before the first step and left out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from assay.envs.tasks import TaskSet
from assay.training.display import Phase
from assay.training.rollout import Collector, specs_for

FILE = "difficulty.json"
SPARE = 0.1
"""Share of the tasks without a mixed verdict that stay, at random: a policy can come to need them."""


def worth(rates: Sequence[float], seed: int, spare: float = SPARE) -> list[int]:
    """Which tasks to keep, in order: those right sometimes and wrong sometimes, and a share of the others.

    Args:
        rates: share of right answers of each task, in [0, 1].
        seed: draws those of the others that stay.
        spare: their share, rounded up.
    """
    mixed = [i for i, rate in enumerate(rates) if 0.0 < rate < 1.0]
    others = [i for i, rate in enumerate(rates) if not 0.0 < rate < 1.0]
    count = -(-round(spare * len(others) * 1000) // 1000)
    drawn = np.random.default_rng([seed, 4]).permutation(len(others))[:count]
    return sorted([*mixed, *(others[int(i)] for i in drawn)])


def filtered(
    tasks: TaskSet,
    collector: Collector,
    samples: int,
    most: int,
    seed: int,
    folder: Path,
    show: Callable[[str, int | None], AbstractContextManager[Phase]],
    note: Callable[[str], None],
) -> TaskSet:
    """The tasks worth learning from under the current policy; what was found is kept in ``folder`` and used again.

    Args:
        tasks: of training.
        collector: plays them at the temperature of training.
        samples: rollouts of each.
        most: tasks that are tried, the first of a shuffle by ``seed``; 0: all.
        seed: of the shuffle and of what is kept at random.
        folder: of the run.
        show, note: tell the user.
    """
    path = folder / FILE
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))["kept"]
        return TaskSet(tasks.get(each) for each in kept)
    order = np.random.default_rng([seed, 5]).permutation(len(tasks))
    tried = [tasks[int(i)] for i in (order[:most] if most else order)]
    with show("difficulty", samples * len(tried)) as phase:
        found = collector.collect(specs_for(tried, samples, seed), lambda _: phase.advance()).rollouts
    right = [rollout.episode.score is not None and bool(rollout.episode.score.correct) for rollout in found]
    rates = [sum(right[i * samples : (i + 1) * samples]) / samples for i in range(len(tried))]
    chosen = [tried[i] for i in worth(rates, seed)]
    mixed = sum(0.0 < rate < 1.0 for rate in rates)
    note(f"{mixed} of {len(tried)} tasks are right in some of {samples} rollouts and wrong in others: training on them "
         f"and on {len(chosen) - mixed} others")  # fmt: skip
    told = {"samples": samples, "rates": {task.id: rate for task, rate in zip(tried, rates, strict=True)},
            "kept": [task.id for task in chosen]}  # fmt: skip
    partial = path.with_suffix(".tmp")
    partial.write_text(json.dumps(told), encoding="utf-8")
    os.replace(partial, path)
    return TaskSet(chosen)
