"""The figures of CLS-RL: strict and lenient accuracy, base, new and their harmonic mean."""

from __future__ import annotations

from collections.abc import Sequence

from assay.envs.image_classification.protocol import harmonic_mean
from assay.envs.results import Column, ResultTable
from assay.envs.tasks import Task
from assay.verifiers.score import Score

COLUMNS = (Column("part", "text"), Column("strict"), Column("lenient"), Column("tasks", "count"))


def accuracies(scores: Sequence[Sequence[Score]]) -> tuple[float, float, int]:
    """Strict and lenient accuracy as shares, each a mean over tasks of the mean over samples, and the tasks judged.

    Strict is the verdict; lenient is the official test script's: the label occurs in the answer.
    """
    judged = [group for group in scores if group]
    if not judged:
        return float("nan"), float("nan"), 0
    strict = sum(sum(bool(each.correct) for each in group) / len(group) for group in judged) / len(judged)
    lenient = sum(sum(each.parts.get("lenient", 0.0) for each in group) / len(group) for group in judged) / len(judged)
    return strict, lenient, len(judged)


def accuracy_table(tasks: Sequence[Task], scores: Sequence[Sequence[Score]]) -> ResultTable:
    """A row for all tasks, or, under base-to-new, for base, for new, and for the harmonic mean where there are both."""
    parts: dict[str, list[Sequence[Score]]] = {}
    for task, group in zip(tasks, scores, strict=True):
        parts.setdefault(str(task.meta.get("part", "all")), []).append(group)
    found = {part: accuracies(parts[part]) for part in sorted(parts)}
    rows: list[tuple[str | float | None, ...]] = [(part, *values) for part, values in found.items()]
    if {"base", "new"} <= set(found):
        base, new = found["base"], found["new"]
        rows.append(("H", harmonic_mean(base[0], new[0]), harmonic_mean(base[1], new[1]), base[2] + new[2]))
    return ResultTable("strict and lenient accuracy", COLUMNS, tuple(rows))
