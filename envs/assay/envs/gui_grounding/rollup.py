"""The benchmarks' own tables: accuracy by group, micro averages, what was never read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.envs.results import Column, ResultTable
from assay.envs.tasks import Task
from assay.verifiers.score import Score


@dataclass(frozen=True)
class Layout:
    """Rows and columns of a table.

    Attributes:
        rows, columns: keys of the tasks' meta data; no columns: one for all.
        row_order, column_order: their values in the order in which they are published; others follow by name.
        more: another table of the same tasks, by (rows, columns).
    """

    rows: str
    columns: str = ""
    row_order: tuple[str, ...] = ()
    column_order: tuple[str, ...] = ()
    more: tuple[tuple[str, str], ...] = ()


_KINDS = ("literal", "functional", "spatial")
OWN = Layout("kind", "hard", _KINDS, ("False", "True"), (("app", "kind"),))
LAYOUTS: Mapping[str, Layout] = {
    "screenspot": Layout("platform", "ui_type", ("mobile", "desktop", "web"), ("text", "icon")),
    "screenspot-v2": Layout("platform", "ui_type", ("mobile", "desktop", "web"), ("text", "icon")),
    "screenspot-pro": Layout(
        "group", "ui_type", ("dev", "creative", "cad", "scientific", "office", "os"), ("text", "icon"),
        (("gt_type", "ui_type"), ("app", "ui_type")),
    ),
    "ui-vision": Layout("setting", "category", ("basic", "functional", "spatial"), more=(("app", "setting"),)),
    "mmbench-gui": Layout(
        "platform", "grounding_type", ("windows", "os_mac", "linux", "ios", "android", "web"), ("basic", "advanced")
    ),
    "ui-i2e": Layout("instr_type", "origin", ("explicit", "implicit"), more=(("origin", ""),)),
}  # fmt: skip
"""Tables by benchmark; our own sources have kind by hard."""

Scores = Sequence[Sequence[Score]]


def tables(name: str, tasks: Sequence[Task], scores: Scores) -> list[ResultTable]:
    """The benchmark's table, further ones where they split the tasks, and a summary.

    Each task counts once (the mean of its samples), each group by its tasks: every average is a micro average. Tasks
    without a score are left out.

    Args:
        name: of the source.
        tasks: what was played.
        scores: of each task, one for each sample that was scored.
    """
    layout = LAYOUTS.get(name, OWN)
    judged = [(task, each) for task, each in zip(tasks, scores, strict=True) if each]
    first = _table(name, judged, layout.rows, layout.columns, layout.row_order, layout.column_order)
    others = [
        _table(f"{name} by {rows}", judged, rows, columns, (), layout.column_order)
        for rows, columns in layout.more
        if len({task.meta.get(rows) for task, _ in judged}) > 1
    ]
    return [first, *others, _summary(name, judged)]


def _table(
    title: str, judged: Sequence[tuple[Task, Sequence[Score]]], rows: str, columns: str, row_order: Sequence[str],
    column_order: Sequence[str],
) -> ResultTable:  # fmt: skip
    cells: dict[tuple[str, str], list[float]] = {}
    for task, each in judged:
        row, column = str(task.meta.get(rows, "")), str(task.meta.get(columns, "")) if columns else ""
        cells.setdefault((row, column), []).append(_share(each))
    row_names = _ordered({row for row, _ in cells}, row_order)
    names = _ordered({column for _, column in cells}, column_order) if columns else []

    def line(label: str, keys: Sequence[str]) -> tuple[str | float | None, ...]:
        found = [_mean(_pooled(cells, keys, [name])) for name in names]
        whole = _pooled(cells, keys, names or [""])
        return (label or "-", *found, _mean(whole), len(whole))

    lines = [line(row, [row]) for row in row_names]
    shown = {"True": "hard", "False": "easy"} if columns == "hard" else {}
    heads = (
        Column(rows, "text"), *(Column(shown.get(name, name or "-")) for name in names), Column("all"),
        Column("n", "count"),
    )  # fmt: skip
    return ResultTable(title, heads, (*lines, line("overall", row_names)))


def _pooled(cells: Mapping[tuple[str, str], list[float]], rows: Sequence[str], columns: Sequence[str]) -> list[float]:
    return [value for row in rows for column in columns for value in cells.get((row, column), ())]


def _summary(name: str, judged: Sequence[tuple[Task, Sequence[Score]]]) -> ResultTable:
    """First point right, any point right (the paper's exploration success), points a response, never read."""
    scores = [score for _, each in judged for score in each]
    read = [score for score in scores if score.parsed]
    first = _mean([_share(each) for _, each in judged])
    found = [max(float(bool(score.correct)), score.parts.get("has_correct", 0.0)) for score in scores]
    points = [score.parts["num_pred"] for score in read if "num_pred" in score.parts]
    heads = (
        Column("", "text"), Column("first right"), Column("any right"),
        Column("mean N", "number"), Column("wrong format", "count"), Column("n", "count"),
    )  # fmt: skip
    line = (name, first, _mean(found), _mean(points), len(scores) - len(read), len(judged))
    return ResultTable("points", heads, (line,))


def _ordered(values: set[str], order: Sequence[str]) -> list[str]:
    return [value for value in order if value in values] + sorted(values - set(order))


def _share(scores: Sequence[Score]) -> float:
    """Share of the samples of a task that are right."""
    return sum(bool(score.correct) for score in scores) / len(scores)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
