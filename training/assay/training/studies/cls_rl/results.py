"""The study's numbers: tables by data and protocol, steps and seconds to the same accuracy, CSV and summary."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.training.stats import Interval, paired_difference, student_interval
from assay.training.studies.cls_rl.flags import ARMS, Plan

NAMES = {"sft": "imitation (sft)", "think": "rewards, thinking (cls-rl)", "none": "rewards, no thinking"}
Found = Mapping[str, Any]


def write_results(plan: Plan, finals: Sequence[Found], begun: Sequence[Found]) -> str:
    """Tables, CSV, figure and summary into the study's folder; returns the tables."""
    from assay.training.studies.cls_rl.figure import curves

    blocks, lines = [], [["data", "protocol", "way", "part", "metric", "mean", "low", "high", "values"]]
    for data in plan.data:
        for protocol in plan.protocols:
            runs = {arm: [f for f in finals if (f["data"], f["protocol"], f["arm"]) == (data, protocol, arm)]
                    for arm in ARMS}  # fmt: skip
            before = [f for f in begun if (f["data"], f["protocol"]) == (data, protocol)]
            blocks.append(f"### {data}, {protocol}\n\n{accuracy_markdown(runs, before)}\n{speed_markdown(runs)}")
            lines += _csv_lines(data, protocol, runs, before)
    text = "\n".join([*blocks, legend(plan)])
    _write(plan.out / "table.md", text)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    _write(plan.out / "table.csv", out.getvalue())
    curves(plan, finals, plan.out / "curves.png")
    told = {"finals": list(finals), "begun": list(begun)}
    _write(plan.out / "summary.json", json.dumps(told, indent=1))
    return f"{text}\ntables, figure and summary.json: {plan.out}"


def interval(values: Sequence[float]) -> Interval:
    """Student's 95 % interval over seeds; without bounds for one."""
    return student_interval(values) if len(values) > 1 else Interval(values[0], math.nan, math.nan)


def accuracy_markdown(runs: Mapping[str, Sequence[Found]], before: Sequence[Found]) -> str:
    """Strict and lenient accuracy of every part, side by side, in percent."""
    parts = list((before[0] if before else next(iter(runs.values()))[0])["parts"])
    heads = [f"{part} {kind}" for part in parts for kind in ("strict", "lenient")]
    rows = [f"| | {' | '.join(heads)} |", f"| --- |{' --- |' * len(heads)}"]
    for row in before:
        rows.append(f"| {row['arm']} | " + " | ".join(_percent(interval([row["parts"][p][k]])) for p in parts
                                                        for k in ("strict", "lenient")) + " |")  # fmt: skip
    for arm, found in runs.items():
        if found:
            cells = [_percent(_over(found, part, kind)) for part in parts for kind in ("strict", "lenient")]
            rows.append(f"| {NAMES[arm]} | {' | '.join(cells)} |")
    for other in ("think", "sft"):
        apart = _apart(runs["none"], runs[other], parts)
        if apart:
            rows.append(f"| no thinking minus {other}, by seed | {' | '.join(apart)} |")
    return "\n".join(rows) + "\n"


def _over(found: Sequence[Found], part: str, kind: str) -> Interval:
    """H is the harmonic mean of the averages in the paper; here each seed has its own, so that it has an interval."""
    return interval([each["parts"][part][kind] for each in found])


def _apart(first: Sequence[Found], second: Sequence[Found], parts: Sequence[str]) -> list[str]:
    if len(first) < 2 or len(first) != len(second):
        return []
    cells = []
    for part in parts:
        for kind in ("strict", "lenient"):
            ours, theirs = ([each["parts"][part][kind] for each in runs] for runs in (first, second))
            found = paired_difference(ours, theirs)
            text = _percent(found, signed=True)
            cells.append(f"**{text}**" if found.low > 0 or found.high < 0 else text)
    return cells


def reached(curve: Sequence[Sequence[float]], goal: float) -> tuple[float, float] | None:
    """Steps and seconds after which a curve of (step, seconds, accuracy) first is at ``goal``, or None."""
    return next(((step, seconds) for step, seconds, accuracy in curve if accuracy >= goal), None)


def speed_markdown(runs: Mapping[str, Sequence[Found]]) -> str:
    """Steps and seconds to the same accuracy: half-way from the start to the best mean accuracy of any way."""
    known = {arm: found for arm, found in runs.items() if found}
    begin = min(each["curve"][0][2] for found in known.values() for each in found)
    peaks = {arm: [max(point[2] for point in each["curve"]) for each in found] for arm, found in known.items()}
    best = max(sum(each) / len(each) for each in peaks.values())
    goal = begin + (best - begin) / 2
    heads = ("steps", "seconds", "seeds that got there", "seconds of the run", "tokens sampled an answer",
             "seconds an image at the end")  # fmt: skip
    rows = [f"| to {100 * goal:.1f} % | {' | '.join(heads)} |", f"| --- |{' --- |' * len(heads)}"]
    for arm, found in known.items():
        at = [reached(each["curve"], goal) for each in found]
        there = [point for point in at if point is not None]
        steps, seconds = ((f"{sum(p[i] for p in there) / len(there):.{i}f}" if there else "-") for i in (0, 1))
        mean = {key: sum(each[key] for each in found) / len(found) for key in ("seconds", "tokens", "inference")}
        sampled = f"{mean['tokens']:.1f}" if arm != "sft" else "none"
        rows.append(f"| {NAMES[arm]} | {steps} | {seconds} | {len(there)} of {len(found)} | {mean['seconds']:.1f} | "
                    f"{sampled} | {mean['inference']:.4f} |")  # fmt: skip
    return "\n".join(rows) + "\n"


def legend(plan: Plan) -> str:
    """How the numbers were made."""
    seeds = len(plan.seeds)
    how = "Student-t 95 % intervals over them" if seeds > 1 else "no intervals"
    return (
        f"{plan.steps} updates of {plan.groups} images, {plan.shots} training images a class, {seeds} "
        f"seed{'s' if seeds > 1 else ''} ({how}); {plan.tasks} held-out images, greedy answers. Strict: the answer "
        "is the label. Lenient: the label occurs in it, as the paper's test script counts. Seconds are of sampling "
        "and learning on one core, evaluations left out; a goal counts from the first evaluation that reaches it.\n"
    )


def _csv_lines(data: str, protocol: str, runs: Mapping[str, Sequence[Found]], before: Sequence[Found]) -> list[Any]:
    lines = []
    for name, found in [*((row["arm"], [row]) for row in before), *((NAMES[arm], f) for arm, f in runs.items() if f)]:
        for part in found[0]["parts"]:
            for kind in ("strict", "lenient"):
                values = [each["parts"][part][kind] for each in found]
                told = [f"{value:.6g}" if value == value else "" for value in interval(values)]
                lines.append([data, protocol, name, part, kind, *told, " ".join(f"{v:.6g}" for v in values)])
        for kind in ("seconds", "tokens", "inference"):
            values = [each[kind] for each in found if kind in each]
            if values:
                told = [f"{value:.6g}" if value == value else "" for value in interval(values)]
                lines.append([data, protocol, name, "", kind, *told, " ".join(f"{v:.6g}" for v in values)])
    return lines


def _percent(found: Interval, signed: bool = False) -> str:
    sign = "+" if signed else ""
    mean, low, high = (100 * value for value in found)
    return f"{mean:{sign}.1f}" + ("" if math.isnan(low) else f" [{low:{sign}.1f}, {high:{sign}.1f}]")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
