"""From a source to tasks: split, protocol, shots, and a candidate list that is fixed for each image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from assay.envs.candidates import candidate_count, draw_candidates, seeded
from assay.envs.image_classification.options import Options
from assay.envs.image_classification.prompt import render_prompt
from assay.envs.image_classification.protocol import Item, Source, few_shot, halve
from assay.envs.image_classification.sources import read_source
from assay.envs.labels import carve, check_labels, class_balance, distinct, without_held_out
from assay.envs.tasks import Task, TaskSet, content_id


class ImageTasks(TaskSet):
    """A task set with what a reader should know of it.

    Attributes:
        labels: the classes of this set, in their fixed order.
        summary: sizes, class balance, what was dropped.
    """

    def __init__(self, tasks: Iterable[Task], labels: list[str], summary: dict[str, Any]) -> None:
        super().__init__(tasks)
        self.labels = labels
        self.summary = summary


def build_tasks(options: Options) -> ImageTasks:
    """Read, split by the protocol, and render.

    Raises:
        ValueError: one line; the data or the options cannot be used.
    """
    elsewhere = options.protocol == "cross" and options.split != "train"
    if elsewhere and (options.to, options.to_path) == (options.source, options.path):
        raise ValueError("protocol cross is evaluated on another data set: give to (and to_path)")
    kind, path = (options.to, options.to_path) if elsewhere else (options.source, options.path)
    source = read_source(kind, path, options)
    classes = check_labels(() if elsewhere else options.labels, source.classes)
    dropped: dict[str, int] = {}
    splits = _splits(source, classes, options, dropped)
    halves = _halves(classes, options)
    shown = [name for part in halves.values() for name in part]
    items = [item for item in splits[options.split] if item.label in set(shown)]
    if options.split == "train":
        items = few_shot(items, shown, options.shots, options.seed, options.few)
    if not items:
        hint = {"dev": ": give dev_share", "test": ": give test_share"}.get(options.split, "")
        raise ValueError(f"the {options.split} split of {source.name} is empty{hint}")
    counts = {part: candidate_count(len(names), options.candidates) for part, names in halves.items()}
    summary: dict[str, Any] = {"source": source.name, "licence": source.licence, "protocol": options.protocol}
    summary |= {"rows": {split: len(rows) for split, rows in splits.items()} | {options.split: len(items)}}
    summary |= {"candidates": max(counts.values()), "dropped": dropped} | class_balance(
        (item.label for item in items), shown
    )
    part_of = {name: part for part, names in halves.items() for name in names}
    tasks = []
    for item in items:
        part = part_of[item.label]
        tasks.append(_task(item, halves[part], counts[part], source, options, part))
    return ImageTasks(tasks, shown, summary)


def _halves(classes: list[str], options: Options) -> dict[str, list[str]]:
    """The classes that are shown, by part: all of them are one part unless the protocol is base-to-new."""
    if options.protocol != "base-to-new":
        return {"": classes}
    base, new = halve(classes)
    if options.split == "train" or options.part == "base":
        return {"base": base}
    return {"new": new} if options.part == "new" else {"base": base, "new": new}


def _splits(source: Source, classes: Sequence[str], options: Options, dropped: dict[str, int]) -> dict[str, list[Item]]:
    wanted = set(classes)
    parts = {
        split: distinct([item for item in items if item.label in wanted], _digest, lambda item: item.label, dropped)
        for split, items in source.parts.items()
    }
    parts = without_held_out(parts, _digest, options.overlap, "images", dropped)
    return carve(parts, _digest, options.test_share, options.dev_share)


def _digest(item: Item) -> str:
    return item.digest


def _task(item: Item, classes: list[str], count: int, source: Source, options: Options, part: str) -> Task:
    identity = content_id("image-classification", item.digest, item.label)
    listed = draw_candidates(classes, item.label, count, seeded("candidates", options.seed, identity))
    prompt = render_prompt(
        item.ref, options.question, listed, options.think_mode, options.prompt_template, options.list_labels
    )
    equality = options.equality
    if equality == "auto":
        equality = "strip" if options.think_mode == "none" else "folded"
    verifier = {"think_mode": options.think_mode, "equality": equality, "parity": options.parity, "uncertain": ""}
    truth = {"label": item.label, "labels": listed, "options": verifier}
    meta: dict[str, Any] = {
        "split": options.split,
        "source": source.name,
        "licence": source.licence,
        "image_size": options.image_size,
    }
    if part:
        meta["part"] = part
    return Task(identity, prompt, truth, meta)
