"""From a corpus to tasks: each row is rendered once, so every rollout of a task meets the same prompt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from assay.envs.candidates import candidate_count, draw_candidates, seeded
from assay.envs.tasks import Task, TaskSet, content_id
from assay.envs.text_classification.corpus import Corpus, build_corpus
from assay.envs.text_classification.options import Options
from assay.envs.text_classification.prompt import UNCERTAIN, Demonstration, Layout, render_prompt
from assay.envs.text_classification.sources import Row, read_source


class ClassificationTasks(TaskSet):
    """A task set with what a reader should know of it.

    Attributes:
        labels: the closed label list in its fixed order.
        summary: sizes, class balance, what was dropped; with numeric labels the mapping and its seed.
    """

    def __init__(self, tasks: Iterable[Task], labels: list[str], summary: dict[str, Any]) -> None:
        super().__init__(tasks)
        self.labels = labels
        self.summary = summary


def numeric_labels(labels: list[str], seed: int) -> dict[str, str]:
    """A bijection number -> label over ``"0".."C-1"``, drawn by ``seed``; the number says nothing of the label."""
    shuffled = list(labels)
    seeded("numeric", seed).shuffle(shuffled)
    return {str(number): label for number, label in enumerate(shuffled)}


def build_tasks(options: Options) -> ClassificationTasks:
    """Read, clean, split and render.

    Raises:
        ValueError: one line; see :func:`read_source` and :func:`build_corpus`.
    """
    corpus = build_corpus(read_source(options), options)
    rows = corpus.rows[options.split]
    if not rows:
        hint = {"dev": "give dev_path or dev_share", "test": "give test_path or test_share"}.get(options.split, "")
        raise ValueError(f"the {options.split} split of {corpus.name} is empty{': ' if hint else ''}{hint}")
    summary = corpus.summary(options.split)
    numbers: dict[str, str] = {}
    if options.numeric:
        seed = options.seed if options.numeric_seed < 0 else options.numeric_seed
        numbers = numeric_labels(corpus.labels, seed)
        summary |= {"numeric_seed": seed, "numeric": numbers}
    layout = _layout(corpus, options, numbers)
    shown = _demonstrations(corpus, options)
    tasks = [_task(row, demos, corpus, options, layout, numbers) for row, demos in zip(rows, shown, strict=True)]
    return ClassificationTasks(tasks, corpus.labels, summary)


def _layout(corpus: Corpus, options: Options, numbers: dict[str, str]) -> Layout:
    definitions: dict[str, str] = {}
    if options.definitions:
        from assay.envs.text_classification.definitions import complete_definitions

        definitions = complete_definitions(corpus)
    return Layout(
        definitions=definitions,
        numbers={label: number for number, label in numbers.items()},
        uncertain=options.uncertainty == "label",
        separator=options.separator,
        think_mode=options.think_mode,
        list_labels=options.list_labels,
        max_chars=options.max_chars,
        instruction=options.instruction,
    )


def _demonstrations(corpus: Corpus, options: Options) -> list[list[Demonstration]]:
    rows = corpus.rows[options.split]
    if options.icl == "none":
        return [[] for _ in rows]
    from assay.envs.text_classification.demonstrations import choose

    chosen = choose(rows, corpus.rows["train"], corpus.labels, options)
    return [[(row.text, row.label, row.uncertain) for row in demos] for demos in chosen]


def _task(
    row: Row, demos: list[Demonstration], corpus: Corpus, options: Options, layout: Layout, numbers: dict[str, str]
) -> Task:
    identity = content_id("text-classification", row.text, row.label)
    listed = corpus.labels
    count = candidate_count(len(corpus.labels), options.candidates)
    if count < len(corpus.labels):
        chosen = set(draw_candidates(corpus.labels, row.label, count, seeded("candidates", options.seed, identity)))
        listed = [label for label in corpus.labels if label in chosen]
    order = list(listed)
    if options.split == "train" and options.shuffle_labels:
        seeded("order", options.seed, identity).shuffle(order)
    truth: dict[str, Any] = {"label": row.label, "labels": listed}
    if numbers:
        truth["numeric"] = {number: label for number, label in numbers.items() if label in set(listed)}
    truth["options"] = _verifier_options(options)
    meta: dict[str, Any] = {
        "split": options.split,
        "source": corpus.name,
        "licence": corpus.licence,
    }
    if options.uncertainty == "label" and options.split == "train":
        meta["uncertain"] = row.uncertain
    return Task(identity, render_prompt(row.text, order, layout, demos), truth, meta)


def _verifier_options(options: Options) -> dict[str, Any]:
    return {
        "think_mode": options.think_mode,
        "equality": options.equality,
        "format_weight": options.format_weight,
        "parity": options.parity,
        "uncertain": options.separator + UNCERTAIN if options.uncertainty == "label" else "",
    }
