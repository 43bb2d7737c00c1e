"""Supervised warm-up: cross-entropy on the environment's own gold answers, prompts rendered as in RL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from assay.agents.chat import Chat
from assay.agents.scaffolds.chat import Scaffold
from assay.envs.base import TaskEnv
from assay.envs.tasks import Task, TaskSet
from assay.training.batch import taught_row
from assay.training.config import SFTConfig
from assay.training.errors import UserError
from assay.training.forward import Row, Scorer
from assay.training.precision import Weights
from assay.training.update import apply_step


def choose(tasks: TaskSet, config: SFTConfig, seed: int) -> list[Task]:
    """The demonstrations of a configuration: a seeded shuffle, balanced by label if asked, cut to size.

    Raises:
        UserError: if ``per_label`` is asked of tasks whose truth has no label.
    """
    order = np.random.default_rng([seed, 1]).permutation(len(tasks))
    chosen = [tasks[int(i)] for i in order]
    if config.per_label:
        if any("label" not in task.truth for task in chosen):
            raise UserError("--sft.per-label needs tasks with labels: use --sft.examples for this environment")
        counts: dict[Any, int] = {}
        balanced = []
        for task in chosen:
            label = task.truth["label"]
            counts[label] = counts.get(label, 0) + 1
            if counts[label] <= config.per_label:
                balanced.append(task)
        chosen = balanced
    return chosen[: config.examples] if config.examples else chosen


def demonstrations(env: TaskEnv, tasks: Sequence[Task], chat: Chat, scaffold: Scaffold | None = None) -> list[Row]:
    """One row a task: its opening messages as the prompt, its gold answer and the end token as what is learned.

    A scaffold that asks for a layout lays the answer out.

    Raises:
        UserError: if the environment knows no gold answer of a task.
    """
    rows = []
    for task in tasks:
        gold = env.gold(task)
        if gold is None:
            raise UserError("this environment has no gold answers to imitate: leave --sft.epochs at 0")
        said = gold if scaffold is None else scaffold.demonstration(gold, task.id)
        rows.append(taught_row(env, task, chat, chat.answer(said), scaffold))
    return rows


def warm_up(
    scorer: Scorer,
    weights: Weights,
    optimizer: torch.optim.Optimizer,
    rows: Sequence[Row],
    config: SFTConfig,
    seed: int,
    on_step: Callable[[int, int, float], None],
    clip_norm: float = 1.0,
) -> None:
    """Minimise the mean token cross-entropy of ``rows``; the learning rate falls linearly to zero.

    Args:
        on_step: called with (step, steps, loss) after each optimiser step.
    """
    a_pass = -(-len(rows) // config.batch_size)
    steps, step = config.epochs * a_pass, 0
    for epoch in range(config.epochs):
        order = np.random.default_rng([seed, 2, epoch]).permutation(len(rows))
        for start in range(0, len(rows), config.batch_size):
            batch = [rows[int(i)] for i in order[start : start + config.batch_size]]
            loss = accumulate(scorer, batch)
            apply_step(weights, optimizer, config.lr * (1 - step / steps), clip_norm)
            step += 1
            on_step(step, steps, loss)


def accumulate(scorer: Scorer, rows: Sequence[Row]) -> float:
    """Add the gradient of the mean token cross-entropy of ``rows``; returns that mean."""
    tokens, total = sum(int(row.mask.sum()) for row in rows), 0.0
    width = max(len(row.mask) for row in rows)
    for micro in scorer.plan(rows):
        loss = -scorer([rows[i] for i in micro.rows], micro.tries, width).logp.sum() / tokens
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    return total
