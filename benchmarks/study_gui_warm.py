"""The start of the GUI study: tiny-vlm imitates oracle answers on windows of the Qt source, as single points and as
lists. Three stages, cheap ones first.

*Words*: instructions without screenshots; where things usually are can be learnt from words alone, at a tenth of the
cost. *Reading*: see study_gui_reading.py. *Pointing*: instructions with screenshots, the eyes kept as they are, so that
they are not spoiled; beside the tasks of a window stand plain searches for things that are written on it.

All rows of a window are one tree: the screenshot is encoded once for all of them. A list shows other places of the
window before and after the right one. Only the right point, and how lists go on and end, carry loss: the model learns
where else to look when a first guess was wrong, and never to say a wrong place.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from study_gui_reading import Page, learn_to_read, page_of

from assay.agents.chat import Chat, with_images
from assay.agents.tiny_vlm import tiny_vlm, tiny_vlm_tokenizer
from assay.envs.base import TaskEnv
from assay.envs.gui_grounding.env import GuiGroundingEnv
from assay.envs.gui_grounding.pictures import references
from assay.envs.gui_grounding.sources import qt
from assay.envs.tasks import Task
from assay.training.config import OptimConfig
from assay.training.forward import Row, Scorer
from assay.training.precision import Weights
from assay.training.sft import accumulate
from assay.training.update import apply_step, make_optimizer

LENGTHS = (0.5, 0.3, 0.2)
"""Shares of demonstrated lists with one, two and three points."""
WARM_STEPS = 50
FIND = "find: {name}"


@dataclass(frozen=True)
class Warm:
    """How long and how fast: windows and tasks on each, searches on each, steps of the three stages and what a step
    takes (rows, pages, windows), peak learning rate, tokens of the vocabulary."""

    windows: int = 100
    tasks: int = 12
    finds: int = 10
    words: int = 200
    reading: int = 800
    pointing: int = 300
    rows: int = 32
    pages: int = 4
    batch: int = 2
    lr: float = 2e-3
    vocab: int = 2200


@dataclass(frozen=True)
class Lesson:
    """One task as it is shown: the prompts for one point and for a list, the point, and other places of the window."""

    single: tuple[int, ...]
    listed: tuple[int, ...]
    point: tuple[int, int]
    others: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Window:
    """A screenshot with its tasks, what can be searched for on it, and what is written where."""

    page: Page
    tasks: list[Lesson]
    finds: list[Lesson]


def centre(box: Sequence[float], scale: Sequence[float]) -> tuple[int, int]:
    """The middle of a box in thousandths of the screen, rounded to a hundredth: fewer numbers are learnt sooner.

    A hundredth of a compact window is three or four pixels, well within a box.
    """
    x, y = ((box[i] + box[i + 2]) / 20 / scale[i] for i in range(2))
    return min(990, 10 * round(x)), min(990, 10 * round(y))


class Prompts:
    """Prompts with a screenshot, of which all make equally many tokens: the image is not processed for each."""

    def __init__(self, chat: Chat, env: TaskEnv, task: Task) -> None:
        self.chat = chat
        messages = with_images(env.open(task), env.open_images(task))
        whole = chat.open(messages)
        self.mark = "<image>"
        rest = chat.encode(chat.render(messages).split(self.mark, 1)[1])
        self.head = whole[: len(whole) - len(rest)]
        if whole != self.head + rest:
            raise ValueError("the prompt cannot be cut after its image")

    def __call__(self, env: TaskEnv, task: Task) -> tuple[int, ...]:
        return self.head + self.chat.encode(self.chat.render(env.open(task)).split(self.mark, 1)[1])

    def ask(self, words: str) -> tuple[int, ...]:
        """A prompt of one's own words."""
        said = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": words}]}]
        return self.head + self.chat.encode(self.chat.render(said).split(self.mark, 1)[1])


def draw(single: TaskEnv, listed: TaskEnv, chat: Chat, side: int, plan: Warm) -> list[Window]:
    """Windows; both environments hold the same tasks, asked for in two ways."""
    prompts = Prompts(chat, single, single.tasks[0])
    found = []
    for number in range(plan.windows):
        tasks = [single.tasks[number * plan.tasks + i] for i in range(plan.tasks)]
        asked = [listed.tasks[number * plan.tasks + i] for i in range(plan.tasks)]
        points = [centre(task.truth["box"], task.truth["scale"]) for task in tasks]
        lessons = [
            Lesson(
                prompts(single, task),
                prompts(listed, other),
                point,
                tuple(dict.fromkeys(place for place in points if math.dist(place, point) > 40)),
            )
            for task, other, point in zip(tasks, asked, points, strict=True)
        ]
        picture = single.open_images(tasks[0])[0]
        elements = qt.elements(references(tasks[0])[0].removeprefix("qt:"))
        names = Counter(each.name for each in elements)
        finds = [(each, FIND.format(name=each.name)) for each in elements if each.name and names[each.name] == 1]
        scale = tasks[0].truth["scale"]
        searches = [Lesson(prompts.ask(words), (), centre(each.box, scale)) for each, words in finds]
        page = page_of(picture.resize((side, side), 1), elements, picture.size, side // 16, chat)
        found.append(Window(page, lessons, searches))
    return found


def single_row(lesson: Lesson, images: tuple[Any, ...], chat: Chat) -> Row:
    """A demonstration of one point."""
    return _row(lesson.single, [(lesson.point, True)], images, chat)


def list_row(lesson: Lesson, images: tuple[Any, ...], chat: Chat, rng: np.random.Generator) -> Row:
    """A demonstration of a list, its right point at any rank."""
    count = 1 + int(rng.choice(len(LENGTHS), p=LENGTHS))
    chosen = rng.permutation(len(lesson.others))[: count - 1]
    points = [(lesson.others[int(i)], False) for i in chosen]
    points.insert(int(rng.integers(len(points) + 1)), (lesson.point, True))
    return _row(lesson.listed, points, images, chat)


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


def rows_of(window: Window, finds: int, chat: Chat, rng: np.random.Generator) -> list[Row]:
    """The demonstrations of a window: each task as a point or as a list, and some searches."""
    images = (window.page.picture,)
    rows = [
        single_row(each, images, chat) if rng.random() < 0.5 else list_row(each, images, chat, rng)
        for each in window.tasks
    ]
    return rows + [single_row(window.finds[int(i)], images, chat) for i in rng.permutation(len(window.finds))[:finds]]


def without_image(row: Row, placeholder: int) -> Row:
    """The row as if its screenshot had not been attached."""
    kept = row.ids[row.ids != placeholder]
    return Row(kept, row.prompt - (len(row.ids) - len(kept)), row.mask)


def usual_places(tasks: Sequence[Task]) -> dict[str, tuple[float, float]]:
    """Where the tasks of each instruction are, the median of their centres: what can be known without looking."""
    seen: dict[str, list[tuple[int, int]]] = {}
    for task in tasks:
        seen.setdefault(plainly(task.meta["instruction"]), []).append(centre(task.truth["box"], task.truth["scale"]))
    return {said: (median(x for x, _ in at), median(y for _, y in at)) for said, at in seen.items()}


def plainly(instruction: str) -> str:
    """An instruction without what varies freely: its end stop and capitals."""
    return instruction.rstrip(".?").lower()


class Teacher:
    """The three stages, and what they were like."""

    def __init__(self, model: Any, processor: Any, plan: Warm, seed: int, say: Callable[[str], None]) -> None:
        self.model, self.processor, self.plan, self.say = model, processor, plan, say
        self.chat = Chat(processor)
        self.scorer, self.weights = Scorer(model, budget=8192, processor=processor), Weights(model)
        self.optimizer = make_optimizer(self.weights, OptimConfig(lr=plan.lr, weight_decay=0.05))
        self.rng = np.random.default_rng(seed)
        self.began = time.process_time()
        self.losses: dict[str, list[float]] = {}

    def teach(self, windows: Sequence[Window]) -> None:
        """Words, reading, pointing."""
        plan, blind = self.plan, self.model.config.image_token_id
        lessons = [lesson for window in windows for lesson in window.tasks]

        def words() -> list[Row]:
            chosen = [lessons[int(i)] for i in self.rng.integers(len(lessons), size=plan.rows)]
            return [
                without_image(
                    single_row(each, (), self.chat) if i % 2 else list_row(each, (), self.chat, self.rng), blind
                )
                for i, each in enumerate(chosen)
            ]

        def pointing() -> list[Row]:
            chosen = self.rng.integers(len(windows), size=plan.batch)
            return [row for i in chosen for row in rows_of(windows[int(i)], plan.finds, self.chat, self.rng)]

        self._stage("words", plan.words, words)
        pages = [window.page for window in windows]
        self.losses["reading"] = learn_to_read(
            self.model, self.processor, pages, lambda step: self._apply("reading", step, plan.reading), plan.reading,
            self.rng, plan.pages,
        )  # fmt: skip
        self._tell("reading", plan.reading)
        eyes = [*self.model.model.vision_model.parameters(), *self.model.model.connector.parameters()]
        for each in eyes:
            each.requires_grad_(False)
        self._stage("pointing", plan.pointing, pointing)
        for each in eyes:
            each.requires_grad_(True)

    def _stage(self, name: str, steps: int, rows: Callable[[], list[Row]]) -> None:
        losses = self.losses.setdefault(name, [])
        for step in range(steps):
            losses.append(accumulate(self.scorer, rows()))
            self._apply(name, step, steps)
            if (step + 1) % 200 == 0:
                self._tell(name, step + 1)

    def _apply(self, name: str, step: int, steps: int) -> None:
        fall = min(1.0, max(0.05, 2 * (1 - step / steps)))
        apply_step(self.weights, self.optimizer, self.plan.lr * min(1.0, (step + 1) / WARM_STEPS) * fall, 1.0)

    def _tell(self, name: str, step: int) -> None:
        mean = float(np.mean(self.losses[name][-100:]))
        self.say(f"{name} {step}: loss {mean:.3f}, {time.process_time() - self.began:.0f} s")


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
    began = time.process_time()
    count = plan.windows * plan.tasks
    single, listed = (
        GuiGroundingEnv(**{**options[kind], "count": count, "per_window": plan.tasks}) for kind in ("single", "listed")
    )
    tasks = [single.tasks[i] for i in range(count)]
    words = tiny_vlm_tokenizer(plan.vocab, [task.meta["instruction"] for task in tasks])
    model, processor = tiny_vlm(seed=seed, tokenizer=words, **size)
    windows = draw(single, listed, Chat(processor), size["side"], plan)
    say(f"seed {seed}: {count} oracle answers on {plan.windows} windows, {time.process_time() - began:.0f} s")
    teacher = Teacher(model, processor, plan, seed, lambda line: say(f"seed {seed}: {line}"))
    teacher.teach(windows)
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    processor.save_pretrained(out)
    told = {"seed": seed, "plan": vars(plan), "size": dict(size), "losses": teacher.losses, "tasks": count,
            "usual": usual_places(tasks), "cpu_seconds": time.process_time() - began}  # fmt: skip
    (out / "warm.json").write_text(json.dumps(told), encoding="utf-8")
    return out
