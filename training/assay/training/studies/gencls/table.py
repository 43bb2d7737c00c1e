"""The table of a study: as a page with its verdicts, and as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from assay.training.stats import Interval
from assay.training.studies.gencls.claims import Claim
from assay.training.studies.gencls.results import Results, Row, interval
from assay.training.studies.gencls.runs import SFT

BASE: Row = ("naive", SFT, "naive")


def page(results: Results, claims: Sequence[Claim], about: str) -> str:
    """Verdicts first, then accuracy across data sets, then everything measured on each."""
    parts = ["# GenCLS++: strategies of training and inference, crossed", about, "## What the numbers say",
             verdicts(claims), "## Accuracy, %", across(results)]  # fmt: skip
    for data in results.data:
        parts += [f"## {data}", details(results, data)]
    return "\n\n".join(parts) + "\n"


def verdicts(claims: Sequence[Claim]) -> str:
    """A line for each claim."""
    lines = ["| claim of the paper | here | difference, points | rests on |", "| --- | --- | --- | --- |"]
    lines += [f"| {each.claim} | **{each.verdict}** | {_points(each.gain)} | {each.why} |" for each in claims]
    return "\n".join(lines)


def across(results: Results) -> str:
    """Training and inference down, data sets across; the best of each in bold."""
    best = {data: max(results.accuracy(data, row).mean for row in results.rows if results.values(data, row, "accuracy"))
            for data in results.data}  # fmt: skip
    lines = [f"| trained with | stage | asked with | {' | '.join(results.data)} |",
             f"| --- | --- | --- |{' --- |' * len(results.data)}"]  # fmt: skip
    for row in results.rows:
        cells = []
        for data in results.data:
            found = results.accuracy(data, row)
            text = _percent(found)
            cells.append(f"**{text}**" if found.mean == best[data] else text)
        lines.append(f"| {' | '.join(row)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def details(results: Results, data: str) -> str:
    """Everything measured on one data set; gains over naive SFT asked naively, seed by seed."""
    lines = ["| trained with | stage | asked with | accuracy, % | macro F1, % | parsed, % | tokens an example | "
             "gain, points | relative gain, % |", "| --- |" + " --- |" * 8]  # fmt: skip
    for row in results.rows:
        if not results.values(data, row, "accuracy"):
            continue
        means = {name: interval(results.values(data, row, name)).mean for name in ("macro_f1", "parsed", "tokens")}
        gain, relative = gains(results, data, row)
        numbers = [
            _percent(results.accuracy(data, row)),
            *(f"{100 * means[name]:.1f}" for name in ("macro_f1", "parsed")),
            f"{means['tokens']:.0f}",
            _points(gain),
            _signed(relative),
        ]
        lines.append(f"| {' | '.join([*row, *numbers])} |")
    return "\n".join(lines)


def gains(results: Results, data: str, row: Row) -> tuple[Interval, float]:
    """The gain over naive SFT asked naively: absolute, and 100 (acc - naive) / naive of the mean accuracies."""
    naive = interval(results.values(data, BASE, "accuracy")).mean
    absolute = interval(results.gains(data, row, BASE))
    return absolute, 100 * absolute.mean / naive if naive else math.nan


def as_csv(results: Results) -> str:
    """One line a data set, training, stage, inference, split and seed, and none for means."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = ["n", "accuracy", "macro_f1", "parsed", "tokens", "written", "uncertain", "accuracy_certain",
             "accuracy_uncertain"]  # fmt: skip
    writer.writerow(["data", "train", "stage", "infer", "split", "seed", *names, "gain", "relative_gain_percent"])
    naive = {(c.data, c.split, c.seed): c.numbers["accuracy"] for c in results.cells if
             (c.train, c.stage, c.infer) == BASE}  # fmt: skip
    for cell in results.cells:
        base = naive.get((cell.data, cell.split, cell.seed), math.nan)
        gain = cell.numbers["accuracy"] - base
        numbers = [*(cell.numbers.get(name) for name in names), gain, 100 * gain / base if base else math.nan]
        writer.writerow([cell.data, cell.train, cell.stage, cell.infer, cell.split, cell.seed, *map(_text, numbers)])
    return out.getvalue()


def _percent(found: Interval) -> str:
    if math.isnan(found.mean):
        return ""
    bounds = "" if math.isnan(found.low) else f" [{100 * max(found.low, 0.0):.1f}, {100 * min(found.high, 1.0):.1f}]"
    return f"{100 * found.mean:.1f}{bounds}"


def _points(found: Interval) -> str:
    if math.isnan(found.mean):
        return ""
    bounds = "" if math.isnan(found.low) else f" [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"
    return f"{100 * found.mean:+.1f}{bounds}"


def _signed(value: float) -> str:
    return "" if math.isnan(value) else f"{value:+.1f}"


def _text(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.6g}"
