"""A study's numbers: a row for every baseline, the start and each arm, with 95 % intervals over seeds."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.training.stats import Interval, bootstrap_interval, paired_difference, student_interval
from assay.training.studies.recipes.measure import pass_each

START = "start"
_PERCENT = ("pass@", "parsed", "truncated")
_COSTS = ("sampled", "updates", "seconds")


@dataclass(frozen=True)
class Row:
    """What was found of one competitor.

    Attributes:
        name: of a baseline, ``start``, or the label of an arm.
        values: by metric, one value a seed (a baseline has one), NaN where nothing was measured.
        intervals: by metric; without bounds (NaN) where they cannot be told.
    """

    name: str
    values: Mapping[str, list[float]]
    intervals: Mapping[str, Interval]


def metrics_of(ks: Sequence[int], calibrated: bool) -> list[str]:
    """The columns in order."""
    told = ["ece"] if calibrated else []
    return [*(f"pass@{k}" for k in ks), "distinct", "entropy", "kl", "length", *told, "parsed", *_COSTS]


def arm_row(label: str, finals: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> Row:
    """An arm: Student intervals over its seeds; of a single seed, bootstrap intervals over tasks for pass@k."""
    if len(finals) == 1:
        return single_row(label, finals[0], metrics)
    values = {name: [_number(final.get(name)) for final in finals] for name in metrics}
    return Row(label, values, {name: _student(each) for name, each in values.items()})


def single_row(name: str, found: Mapping[str, Any], metrics: Sequence[str]) -> Row:
    """What was measured once: bootstrap intervals over tasks for pass@k, none for the rest."""
    intervals = {}
    for metric in metrics:
        value = _number(found.get(metric))
        intervals[metric] = Interval(value, math.nan, math.nan)
        if metric.startswith("pass@") and "right" in found:
            each = pass_each(found["right"], found["judged"], int(metric.removeprefix("pass@")))
            intervals[metric] = bootstrap_interval(each) if each else intervals[metric]
    return Row(name, {metric: [intervals[metric].mean] for metric in metrics}, intervals)


def _student(values: Sequence[float]) -> Interval:
    known = [value for value in values if not math.isnan(value)]
    if len(known) < 2:
        return Interval(known[0] if known else math.nan, math.nan, math.nan)
    return student_interval(known)


def differences(rows: Sequence[Row], first: Row, metrics: Sequence[str]) -> dict[str, dict[str, Interval]]:
    """Of each other arm, by metric: the difference to the first one, paired by seed; needs two seeds."""
    found: dict[str, dict[str, Interval]] = {}
    for row in rows:
        if row is first:
            continue
        found[row.name] = {}
        for metric in metrics:
            pairs = [(a, b) for a, b in zip(row.values[metric], first.values[metric], strict=True)
                     if not math.isnan(a) and not math.isnan(b)]  # fmt: skip
            if len(pairs) > 1:
                found[row.name][metric] = paired_difference([a for a, _ in pairs], [b for _, b in pairs])
    return found


def markdown(rows: Sequence[Row], metrics: Sequence[str]) -> str:
    """The table; intervals stand in brackets."""
    shown = [name for name in metrics if any(not math.isnan(row.intervals[name].mean) for row in rows)]
    lines = [f"| | {' | '.join(map(_heading, shown))} |", f"| --- |{' --- |' * len(shown)}"]
    lines += [f"| {row.name} | {' | '.join(cell(name, row.intervals[name]) for name in shown)} |" for row in rows]
    return "\n".join(lines) + "\n"


def differences_markdown(found: Mapping[str, Mapping[str, Interval]], first: str, metrics: Sequence[str]) -> str:
    """The differences to the first arm; those whose interval leaves out 0 in bold."""
    shown = [name for name in metrics if any(name in row for row in found.values())]
    if not shown:
        return ""
    lines = [f"| minus {first}, by seed | {' | '.join(map(_heading, shown))} |", f"| --- |{' --- |' * len(shown)}"]
    for label, row in found.items():
        cells = []
        for name in shown:
            text = cell(name, row[name], signed=True) if name in row else ""
            apart = name in row and (row[name].low > 0 or row[name].high < 0)
            cells.append(f"**{text}**" if apart else text)
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(name: str, found: Interval, signed: bool = False) -> str:
    """``41.2 [39.0, 43.4]``: percent for shares, three figures otherwise."""
    if math.isnan(found.mean):
        return ""
    scale, digits = (100.0, 1) if name.startswith(_PERCENT) else (1.0, 0 if name in _COSTS else 3)
    if name in ("length", "distinct"):
        digits = 2
    mean, low, high = (scale * value for value in found)
    sign = "+" if signed else ""
    if name in _COSTS and not signed:
        return f"{mean:.{digits}f}"
    bounds = "" if math.isnan(low) else f" [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"
    return f"{mean:{sign}.{digits}f}{bounds}"


def _heading(name: str) -> str:
    units = {"kl": "KL to start, nats a token", "entropy": "entropy, nats a token", "length": "tokens",
             "ece": "ECE", "distinct": "different right answers", "sampled": "rollouts", "updates": "updates",
             "seconds": "seconds"}  # fmt: skip
    return f"{name}, %" if name.startswith(_PERCENT) else units.get(name, name)


def as_csv(rows: Sequence[Row], metrics: Sequence[str]) -> str:
    """One line a row and metric: name, metric, mean, low, high, and the value of each seed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", "metric", "mean", "low", "high", "values"])
    for row in rows:
        for metric in metrics:
            numbers = [_text(value) for value in row.intervals[metric]]
            writer.writerow([row.name, metric, *numbers, " ".join(_text(v) for v in row.values[metric])])
    return out.getvalue()


def _text(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
