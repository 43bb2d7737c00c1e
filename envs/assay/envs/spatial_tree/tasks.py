"""From an option set to tasks: drawn by seed, kept in the user's cache, split so that no scene is in two parts."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from assay.envs.made_files import cache_folder, written_once
from assay.envs.spatial_tree.engine.world import MISSING
from assay.envs.spatial_tree.leaves import activity_of, templates_of
from assay.envs.spatial_tree.options import Options
from assay.envs.spatial_tree.prompt import prompt_of
from assay.envs.spatial_tree.question import LETTERS, Question, Template
from assay.envs.tasks import Task, TaskSet, content_id, split_of
from assay.verifiers.spatial.layout import Layout, tagged
from assay.verifiers.spatial.tree import BY_KEY, LEAVES, Leaf

VERSION = 1
"""Goes up when the same line would give another question or other pixels."""
TRIES = 200
"""Draws at a difficulty after which an easier one is tried."""
LEAST = 96
"""Longer side of a drawn picture, pixels."""
SHARES = (0.2, 0.1)
"""Of the test and the dev part."""
Planned = tuple[Leaf, Template, int, str]
"""Leaf, kind of question, difficulty, seed key."""


def tasks(options: Options, split: str) -> TaskSet:
    """The questions of ``options`` in that part, each drawn when it is first asked for.

    Raises:
        ValueError: one line; an ability, kind or difficulty that there is not.
        ImportError: one line, without PyBullet: before anything is drawn, not in the middle of a run.
    """
    if find_spec("pybullet") is None:
        raise ImportError(MISSING)
    return DrawnTasks(planned(options, split), options, split)


class DrawnTasks(TaskSet):
    """Tasks of seed keys: a set of any size is there at once, and costs what is looked at."""

    def __init__(self, plan: Iterable[Planned], options: Options, split: str) -> None:
        self._plan = list(plan)
        self._options, self._split = options, split
        self._made: dict[int, Task] = {}
        self._names = [task_id(name_of(*each, options.size), options) for each in self._plan]
        self._index = {name: place for place, name in enumerate(self._names)}

    def __len__(self) -> int:
        return len(self._plan)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        place = range(len(self))[index]
        if place not in self._made:
            leaf, template, difficulty, key = self._plan[place]
            self._made[place] = made(leaf, template, difficulty, key, self._options, self._split)
        return self._made[place]

    def __iter__(self) -> Iterator[Task]:
        return (self[place] for place in range(len(self)))

    def get(self, task_id: str) -> Task:
        """The task of that id.

        Raises:
            KeyError: if there is none.
        """
        if task_id not in self._index:
            raise KeyError(f"no task {task_id!r} among the {len(self)} of this set")
        task: Task = self[self._index[task_id]]
        return task

    @property
    def ids(self) -> list[str]:
        """Task ids in order."""
        return list(self._names)


def name_of(leaf: Leaf, template: Template, difficulty: int, key: str, size: int) -> str:
    """What a question's files are called: a hash of all that decides it."""
    return content_id(VERSION, leaf.key, template.__name__, difficulty, key, size)


def task_id(name: str, options: Options) -> str:
    """The id of a question put under ``options``."""
    return content_id("spatial-tree", name, options.shuffle, options.frame, options.max_turns)


def chosen_leaves(options: Options) -> list[Leaf]:
    """The abilities that the options name.

    Raises:
        ValueError: one line that lists those there are.
    """
    within = [leaf for leaf in LEAVES if options.level in ("all", leaf.level)]
    if not options.leaf:
        return within
    keys = [key.lower().replace(" ", "_").replace("-", "_") for key in options.leaf]
    for key in keys:
        if key not in BY_KEY:
            raise ValueError(f"there is no leaf {key!r}; there are: {', '.join(BY_KEY)}")
        if BY_KEY[key] not in within:
            raise ValueError(f"leaf {key!r} is of level {BY_KEY[key].level}, not {options.level}")
    return [BY_KEY[key] for key in keys]


def planned(options: Options, split: str) -> Iterator[Planned]:
    """Leaf, template, difficulty and seed key of every task of a part, leaves and templates in turn.

    Raises:
        ValueError: one line; a kind or difficulty that there is not.
    """
    leaves = chosen_leaves(options)
    _check(options, leaves)
    streams = [_stream(leaf, options, split) for leaf in leaves]
    for place in range(options.count):
        yield next(streams[place % len(streams)])


def _stream(leaf: Leaf, options: Options, split: str) -> Iterator[Planned]:
    kinds = [each for each in templates_of(leaf.key) if not options.template or each.__name__ in options.template]
    levels = options.difficulty
    if not kinds:
        return
    number = index = 0
    while True:
        # The number alone decides the part, so that no two parts ever draw from one seed.
        key = f"{options.seed}:{leaf.key}:{number}"
        number += 1
        if split_of(f"spatial:{key}", *SHARES) != split:
            continue
        yield leaf, kinds[index % len(kinds)], levels[index // len(kinds) % len(levels)], key
        index += 1


def _check(options: Options, leaves: Sequence[Leaf]) -> None:
    if wrong := [each for each in options.difficulty if not 1 <= each <= 5]:
        raise ValueError(f"difficulty is from 1 to 5, got {wrong[0]}")
    if options.count < 1 or options.size < 32:
        raise ValueError("count must be at least 1 and size at least 32")
    known = {each.__name__: leaf.key for leaf in leaves for each in templates_of(leaf.key)}
    if wrong_kinds := [each for each in options.template if each not in known]:
        raise ValueError(f"there is no kind of question {wrong_kinds[0]!r}; there are: {', '.join(known)}")
    bare = [leaf.key for leaf in leaves if options.template and leaf.key not in {known[k] for k in options.template}]
    if bare:
        raise ValueError(f"none of the kinds named is one of {bare[0]}: name the leaves too")


def draw(leaf: Leaf, template: Template, difficulty: int, key: str, size: int, split: str = "") -> Question:
    """The first fair question of a seed key; where questions of the kind are few, the first that is in ``split``.

    One that is nowhere to be found at its difficulty is asked at an easier one. Marks and margins are made for pictures
    of :data:`LEAST` pixels or more: smaller ones are those, shrunk.

    Raises:
        RuntimeError: if there is none at any difficulty.
    """
    for level, attempt in itertools.product(range(difficulty, 0, -1), range(TRIES)):
        words = content_id("spatial", leaf.key, template.__name__, level, key, attempt)
        question = template(np.random.default_rng(int(words, 16)), level, max(size, LEAST))
        if question is None or (split and getattr(template, "few", False) and part_of(question) != split):
            continue
        if size >= LEAST:
            return question
        return replace(question, images=[_shrunk(each, size) for each in question.images])
    raise RuntimeError(f"{leaf.key}/{template.__name__} at difficulty {difficulty} made nothing fair of {key}")


def _shrunk(image: Image.Image, size: int) -> Image.Image:
    return image.resize((max(1, round(image.width * size / LEAST)), max(1, round(image.height * size / LEAST))))


def part_of(question: Question) -> str:
    """The part that a question is in by what it shows and asks."""
    shown = [hashlib.sha256(image.tobytes()).hexdigest() for image in question.images]
    return split_of(f"spatial:{content_id(question.text, sorted(question.options), shown)}", *SHARES)


def made(leaf: Leaf, template: Template, difficulty: int, key: str, options: Options, split: str) -> Task:
    """The task of a seed key, from the cache if it was made before."""
    name = name_of(leaf, template, difficulty, key, options.size)
    folder = cache_folder("spatial") / f"v{VERSION}" / leaf.key / name[:2]
    record = folder / f"{name}.json"

    def write(part: Path) -> None:
        question = draw(leaf, template, difficulty, key, options.size, split)
        for number, image in enumerate(question.images):
            written_once(folder / f"{name}-{number}.png", image.save)
        part.write_text(json.dumps(record_of(question)), encoding="utf-8")

    data = json.loads(written_once(record, write).read_text(encoding="utf-8"))
    files = [str(folder / f"{name}-{number}.png") for number in range(data.pop("pictures"))]
    return task_of(data, files, leaf, options, {
        "split": split, "source": "scenes", "template": template.__name__, "difficulty": difficulty, "name": name,
    })  # fmt: skip


def record_of(question: Question) -> dict[str, Any]:
    """A question as JSON-serialisable data, its pictures counted only."""
    return {
        "text": question.text, "options": list(question.options), "ask": question.ask, "gold": question.gold,
        "truth": dict(question.truth), "metric": question.metric, "captions": list(question.captions),
        "start": dict(question.start), "pictures": len(question.images),
    }  # fmt: skip


def task_of(data: dict[str, Any], files: Sequence[str], leaf: Leaf, options: Options, meta: dict[str, Any]) -> Task:
    """The task of a record (``text, options, ask, gold, truth, metric, captions, start``) and its pictures."""
    if not options.shuffle and data["metric"] == "mcq" and not data["start"]:
        data = _in_order(data)
    layout: Layout = "tagged" if options.think else "any"
    given: dict[str, Any] = {"layout": layout, "format_weight": options.format_weight}
    if options.parity:
        given["parity"] = True
    truth = {
        **data["truth"], "verifier": f"spatial.{data['metric']}", "options": given, "level": leaf.level,
        "leaf": leaf.key, "gold": tagged(data["gold"], layout, options.format_weight),
    }  # fmt: skip
    if data["start"]:
        activity = activity_of(leaf.key)
        start = {**data["start"], "frame": options.frame, "turns": options.max_turns or activity.turns,
                 "layout": layout, "format_weight": options.format_weight}  # fmt: skip
        truth |= {"start": start, "frame": options.frame}
        data = {**data, "text": f"{data['text']}\n{activity.rules(start)}"}
    identity = task_id(str(meta["name"]), options)
    told = {"level": leaf.level, "branch": leaf.branch, "leaf": leaf.key, "size": options.size, **meta}
    return Task(identity, prompt_of(data, files, options.think), truth, told)


def _in_order(data: dict[str, Any]) -> dict[str, Any]:
    """A choice with its options sorted by their words: which one is right stays as likely for each."""
    shown = sorted(data["options"])
    letter = LETTERS[shown.index(data["options"][LETTERS.index(data["gold"])])]
    truth = {**data["truth"], "answer": letter, "choices": shown}
    return {**data, "options": shown, "gold": letter, "truth": truth}
