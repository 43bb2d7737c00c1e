"""Instances by seed: numbers are drawn, joined at random, and where that gives a fit target, it is one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from assay.envs.candidates import seeded
from assay.envs.countdown.draw import join_at_random
from assay.envs.countdown.options import LEVELS, Level, Options
from assay.envs.countdown.prompt import prompt_of
from assay.envs.tasks import Task, TaskSet, content_id, split_of
from assay.verifiers.maths.arithmetic import write

_PATIENCE = 3000
"""Draws in a row without a new instance after which a level is taken to be exhausted."""


def build_tasks(options: Options) -> TaskSet:
    """The instances of ``options.split``.

    Raises:
        ValueError: one line, for an unknown level, a size out of range, or a split without instances.
    """
    chosen = [task for task in _all_splits(replace(options, split="train")) if task.meta["split"] == options.split]
    if not chosen:
        hint = ": give dev_share" if options.split == "dev" and not options.dev_share else ": ask for more instances"
        raise ValueError(f"the {options.split} split of countdown is empty{hint}")
    return TaskSet(chosen)


@lru_cache(maxsize=4)
def _all_splits(options: Options) -> tuple[Task, ...]:
    """Every instance, whatever its split: made once for the splits and environments of one process."""
    levels = [(level, _level(level, options)) for level in options.levels]
    if not levels or options.instances < 1:
        raise ValueError("countdown needs at least one level and one instance")
    tasks: dict[str, Task] = {}
    for place, (level, size) in enumerate(levels):
        wanted = options.instances * (place + 1) // len(levels)
        draw, idle = draw_instances(size, seeded("countdown", options.seed, level, *size)), 0
        while len(tasks) < wanted and idle < _PATIENCE:
            numbers, target, solution = next(draw)
            idle += 1
            if target:
                task = _task(numbers, target, solution, level, options)
                if task.id not in tasks:
                    tasks[task.id], idle = task, 0
    return tuple(tasks.values())


def _level(level: int, options: Options) -> Level:
    if level not in LEVELS:
        raise ValueError(f"countdown has levels {min(LEVELS)} to {max(LEVELS)}, not {level}")
    base = LEVELS[level]
    size = Level(options.numbers or base.numbers, options.limit or base.limit, options.highest or base.highest)
    if not 2 <= size.numbers <= 6:
        raise ValueError(f"countdown takes 2 to 6 numbers, not {size.numbers}")
    if size.limit < 1 or size.highest < 1:
        raise ValueError("countdown needs a limit and a highest target of at least 1")
    return size


def draw_instances(size: Level, rng: random.Random) -> Iterator[tuple[list[int], int, str]]:
    """Numbers in ascending order, a target and an expression that reaches it with all of them; target 0: not fit.

    A target is fit if it is a whole number from 1 to the highest and not one of the numbers.
    """
    while True:
        numbers = [rng.randint(1, size.limit) for _ in range(size.numbers)]
        expression, reached = join_at_random(numbers, rng)
        fit = reached is not None and reached.denominator == 1 and 1 <= reached <= size.highest
        target = int(reached) if fit and reached is not None and int(reached) not in numbers else 0
        yield sorted(numbers), target, write(expression)


def _task(numbers: list[int], target: int, solution: str, level: int, options: Options) -> Task:
    identity = content_id("countdown", numbers, target)
    shown = list(numbers)
    seeded("order", identity).shuffle(shown)
    truth: dict[str, Any] = {
        "numbers": shown,
        "target": target,
        "solution": solution,
        "demonstration": {"tries": options.tries, "seed": options.seed},
        "options": {"think_mode": options.think_mode, "use": options.use, "format_weight": options.format_weight},
    }
    meta = {
        "split": split_of(identity, options.test_share, options.dev_share),
        "source": f"countdown (seed {options.seed})",
        "licence": "Apache-2.0",
        "level": level,
    }
    return Task(identity, prompt_of(shown, target, options), truth, meta)
