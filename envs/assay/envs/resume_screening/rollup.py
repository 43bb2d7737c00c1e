"""Tables of an evaluation: how each class fares, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from assay.envs.results import Column, ResultTable
from assay.envs.tasks import Task
from assay.verifiers.resume.truth import REJECTED, SELECTED
from assay.verifiers.score import Score

_Z = 1.959963984540054


class Counts(NamedTuple):
    """A confusion matrix; SELECTED is positive. What could not be read selects nobody."""

    tp: int
    fp: int
    fn: int
    tn: int


def counts_of(tasks: Sequence[Task], scores: Sequence[Sequence[Score]]) -> Counts:
    """Count accepts and rejects of both classes over all samples."""
    table = {(label, accept): 0 for label in (SELECTED, REJECTED) for accept in (True, False)}
    for task, given in zip(tasks, scores, strict=True):
        for score in given:
            table[task.truth["label"], score.parts.get("accept", 0.0) > 0.5] += 1
    return Counts(table[SELECTED, True], table[REJECTED, True], table[SELECTED, False], table[REJECTED, False])


def rates(counts: Counts) -> dict[str, tuple[int, int]]:
    """Each rate as (how many, of how many): accuracy, precision and recall of both classes, accept rate.

    An unreadable response to a REJECTED application is in ``tn`` although it is not right: ``accuracy`` is that of the
    decisions "select or not".
    """
    tp, fp, fn, tn = counts
    return {
        "accept rate": (tp + fp, sum(counts)),
        "precision (SELECTED)": (tp, tp + fp),
        "recall (SELECTED)": (tp, tp + fn),
        "precision (REJECTED)": (tn, tn + fn),
        "recall (REJECTED)": (tn, tn + fp),
    }


def f1(counts: Counts) -> float | None:
    """F1 of SELECTED; None where nobody is or should be selected."""
    total = 2 * counts.tp + counts.fp + counts.fn
    return 2 * counts.tp / total if total else None


def wilson(hits: int, of: int) -> tuple[float | None, float | None]:
    """Wilson's 95 % interval of a share; None of nothing."""
    if not of:
        return None, None
    share, z2 = hits / of, _Z * _Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def tables(tasks: Sequence[Task], scores: Sequence[Sequence[Score]]) -> list[ResultTable]:
    """How each class fares; an undefined rate is None."""
    counts = counts_of(tasks, scores)
    rows: list[tuple[str | float | None, ...]] = []
    for name, (hits, of) in rates(counts).items():
        rows.append((name, hits / of if of else None, *wilson(hits, of), float(of)))
    rows.append(("F1 (SELECTED)", f1(counts), None, None, float(sum(counts))))
    columns = (Column("rate", "text"), Column("value"), Column("low"), Column("high"), Column("of", "count"))
    return [ResultTable("screening", columns, tuple(rows))]
