"""The start of the GUI study: tiny-vlm imitates oracle answers on windows of the Qt source, as single points and as
lists.

All tasks of a window are one tree: the screenshot is encoded once for all of them. A list shows other places of the
window before and after the right one. Only the right point, and how lists go on and end, carry loss: the model learns
where else to look when a first guess was wrong, and never to say a wrong place.

First come passes without screenshots, which cost a twentieth: where things usually are can be learnt from words alone.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from assay.agents.chat import Chat, images_of, with_images
from assay.agents.tiny_vlm import tiny_vlm
from assay.envs.base import TaskEnv
from assay.envs.gui_grounding.env import GuiGroundingEnv
from assay.envs.tasks import Task
from assay.training.config import OptimConfig
from assay.training.forward import Row, Scorer
from assay.training.precision import Weights
from assay.training.update import apply_step, make_optimizer

LENGTHS = (0.5, 0.3, 0.2)
"""Shares of demonstrated lists with one, two and three points."""
WARM_STEPS = 50


@dataclass(frozen=True)
class Lesson:
    """One task as it is shown: the prompts for one point and for a list, the point, and other places of the window."""

    single: tuple[int, ...]
    listed: tuple[int, ...]
    point: tuple[int, int]
    others: tuple[tuple[int, int], ...]
    images: tuple[Any, ...]


@dataclass(frozen=True)
class Warm:
    """How long and how fast: windows of so many tasks, passes over them without and with screenshots, windows a step
    of each, peak learning rate."""

    windows: int = 700
    tasks: int = 12
    blind_epochs: int = 4
    epochs: int = 3
    blind_batch: int = 4
    batch: int = 1
    lr: float = 2e-3


def centre(task: Task) -> tuple[int, int]:
    """The middle of the box in thousandths of the screen, rounded to a hundredth: fewer numbers are learnt sooner.

    A hundredth of a compact window is three or four pixels, well within a box.
    """
    x1, y1, x2, y2 = task.truth["box"]
    across, down = task.truth["scale"]
    return min(990, 10 * round((x1 + x2) / 20 / across)), min(990, 10 * round((y1 + y2) / 20 / down))


def lessons(single: TaskEnv, listed: TaskEnv, chat: Chat, windows: int, tasks: int) -> list[list[Lesson]]:
    """Windows of lessons; both environments hold the same tasks, asked for in two ways."""
    found = []
    for window in range(windows):
        places = range(window * tasks, (window + 1) * tasks)
        points = [centre(single.tasks[i]) for i in places]
        shown = []
        for i, point in zip(places, points, strict=True):
            prompts = []
            for env in (single, listed):
                task = env.tasks[i]
                messages = with_images(env.open(task), env.open_images(task))
                prompts.append(chat.open(messages))
            others = tuple(dict.fromkeys(other for other in points if math.dist(other, point) > 40))
            shown.append(Lesson(prompts[0], prompts[1], point, others, images_of(messages)))
        found.append(shown)
    return found


def single_row(lesson: Lesson, chat: Chat) -> Row:
    """A demonstration of one point."""
    return _row(lesson.single, [(lesson.point, True)], lesson.images, chat)


def list_row(lesson: Lesson, chat: Chat, rng: np.random.Generator) -> Row:
    """A demonstration of a list, its right point at any rank."""
    count = 1 + int(rng.choice(len(LENGTHS), p=LENGTHS))
    chosen = rng.permutation(len(lesson.others))[: count - 1]
    points = [(lesson.others[int(i)], False) for i in chosen]
    points.insert(int(rng.integers(len(points) + 1)), (lesson.point, True))
    return _row(lesson.listed, points, lesson.images, chat)


def _row(prompt: Sequence[int], points: Sequence[tuple[tuple[int, int], bool]], images: Any, chat: Chat) -> Row:
    ids: list[int] = []
    mask: list[bool] = []
    for number, (point, right) in enumerate(points):
        opening = '[{"point_2d": [' if number == 0 else ']}, {"point_2d": ['
        for text, learnt in ((opening, True), (f"{point[0]}, {point[1]}", right)):
            tokens = chat.encode(text)
            ids += tokens
            mask += [learnt] * len(tokens)
    ending = chat.answer("]}]")
    return Row(
        np.array([*prompt, *ids, *ending], np.int64), len(prompt), np.array([*mask, *[True] * len(ending)]), images
    )


def batches(
    windows: Sequence[Sequence[Lesson]], chat: Chat, epochs: int, batch: int, seed: int
) -> Iterator[tuple[float, list[Row]]]:
    """(share done, rows) of each step; every other task is asked for as a list, in the next pass the others."""
    a_pass = -(-len(windows) // batch)
    for epoch in range(epochs):
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(len(windows))
        for step in range(a_pass):
            rows = []
            for w in order[step * batch : (step + 1) * batch]:
                for number, lesson in enumerate(windows[int(w)]):
                    listed = (number + epoch) % 2 == 0
                    rows.append(list_row(lesson, chat, rng) if listed else single_row(lesson, chat))
            yield (epoch * a_pass + step) / (epochs * a_pass), rows


def without_image(row: Row, placeholder: int) -> Row:
    """The row as if its screenshot had not been attached."""
    kept = row.ids[row.ids != placeholder]
    return Row(kept, row.prompt - (len(row.ids) - len(kept)), row.mask)


def usual_places(tasks: Sequence[Task]) -> dict[str, tuple[float, float]]:
    """Where the tasks of each instruction are, the median of their centres: what can be known without looking."""
    seen: dict[str, list[tuple[int, int]]] = {}
    for task in tasks:
        seen.setdefault(plainly(task.meta["instruction"]), []).append(centre(task))
    return {said: (median(x for x, _ in at), median(y for _, y in at)) for said, at in seen.items()}


def plainly(instruction: str) -> str:
    """An instruction without what varies freely: its end stop and capitals."""
    return instruction.rstrip(".?").lower()


def warm_start(
    out: Path,
    options: Mapping[str, Mapping[str, Any]],
    size: Mapping[str, int],
    plan: Warm,
    seed: int,
    say: Callable[[str], None] = print,
) -> Path:
    """Teach a new tiny-vlm and save it in ``out``, whole or not at all; one that is there is kept.

    Args:
        out: folder.
        options: of the environment that asks for one point (``single``) and of the one that asks for lists
            (``listed``).
        size: arguments of :func:`~assay.agents.tiny_vlm.tiny_vlm`.
        plan: how long and how fast.
        seed: of weights and order.
        say: told how it goes.
    """
    if (out / "warm.json").exists():
        return out
    model, processor = tiny_vlm(seed=seed, **size)
    chat = Chat(processor)
    count = plan.windows * plan.tasks
    envs = [GuiGroundingEnv(**{**options[kind], "count": count}) for kind in ("single", "listed")]
    began = time.process_time()
    windows = lessons(envs[0], envs[1], chat, plan.windows, plan.tasks)
    say(f"seed {seed}: {count} oracle answers on {plan.windows} windows, {time.process_time() - began:.0f} s")
    scorer, weights = Scorer(model, budget=8192, processor=processor), Weights(model)
    optimizer = make_optimizer(weights, OptimConfig(lr=plan.lr, weight_decay=0.05))
    losses: list[float] = []
    began = time.process_time()
    stages = (("words", plan.blind_epochs, plan.blind_batch), ("screens", plan.epochs, plan.batch))
    for stage, epochs, batch in stages:
        for done, rows in batches(windows, chat, epochs, batch, seed):
            if stage == "words":
                rows = [without_image(row, model.config.image_token_id) for row in rows]
            losses.append(_learn(scorer, rows))
            fall = min(1.0, max(0.02, (1 - done) / 0.6)) if stage == "screens" else 1.0
            apply_step(weights, optimizer, plan.lr * min(1.0, len(losses) / WARM_STEPS) * fall, 1.0)
            if len(losses) % 50 == 0:
                spent = time.process_time() - began
                say(f"seed {seed}: {stage} {100 * done:3.0f} %, loss {np.mean(losses[-50:]):.3f}, {spent:.0f} s")
    usual = usual_places(envs[0].tasks[:count])
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    processor.save_pretrained(out)
    told = {"seed": seed, "plan": vars(plan), "size": dict(size), "losses": losses, "tasks": count, "usual": usual,
            "cpu_seconds": time.process_time() - began}  # fmt: skip
    (out / "warm.json").write_text(json.dumps(told), encoding="utf-8")
    return out


def _learn(scorer: Scorer, rows: Sequence[Row]) -> float:
    tokens, total = sum(int(row.mask.sum()) for row in rows), 0.0
    width = max(len(row.mask) for row in rows)
    for micro in scorer.plan(rows):
        loss = -scorer([rows[i] for i in micro.rows], micro.tries, width).logp.sum() / tokens
        torch.autograd.backward(loss)
        total += float(loss.detach())
    return total
