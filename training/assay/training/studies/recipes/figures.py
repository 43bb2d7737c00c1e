"""A study's pictures: accuracy and entropy while training goes on, and pass@k of the final policies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.training.errors import MissingExtraError
from assay.training.logs import read_metrics
from assay.training.plots import _COLOURS, _GRID, _INK, _SOFT
from assay.training.stats import Interval, student_interval
from assay.training.studies.recipes.table import START, Row

Curve = dict[int, float]
Look = tuple[str, Any, bool]
"""Colour, line style, and whether the interval is drawn."""

_PALETTE = (*_COLOURS, "#8c6d1f", "#c2418f", "#4d7c0f", "#475569", "#0369a1", "#7f1d1d")
_STYLES = ("-", (0, (5, 1)), (0, (1, 1)))
_MOST_BANDS = 6
"""Arms above which bands would hide each other and are left out."""
_LONGEST = 32
"""Characters of a name in a legend."""


def curves(runs: Mapping[str, Sequence[Path]], out_png: Path, trivial: Mapping[str, float], title: str) -> Path:
    """Held-out accuracy and the entropy of sampled tokens over steps, a colour an arm, mean of seeds.

    Up to six arms have their 95 % intervals as bands.

    Args:
        runs: run directories by label.
        out_png: where the picture goes.
        trivial: accuracies that need no model, the best drawn as a line.
        title: above the picture.

    Raises:
        MissingExtraError: without matplotlib.
    """
    figure, (left, right) = _figure(2, title)
    bands = len(runs) <= _MOST_BANDS
    for number, (label, folders) in enumerate(runs.items()):
        look = _look(number, bands)
        _band(left, [_series(folder, "eval", "accuracy") for folder in folders], label, look)
        _band(right, [_smooth(_series(folder, "train", "entropy")) for folder in folders], label, look)
    for name, height in sorted(trivial.items(), key=lambda item: item[1])[-1:]:  # the best of them is what counts
        left.axhline(height, color=_SOFT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        left.annotate(name, (1.0, height), xycoords=("axes fraction", "data"), xytext=(2, 2),
                      textcoords="offset points", ha="right", fontsize=8, color=_SOFT)  # fmt: skip
    _dress(left, "optimisation steps", "held-out accuracy, sampled", percent=True)
    _dress(right, "optimisation steps", "entropy of sampled tokens, nats")
    right.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    return _save(figure, out_png)


def pass_curves(rows: Sequence[Row], ks: Sequence[int], out_png: Path, title: str) -> Path:
    """pass@k over k (both unbiased), a colour an arm; up to six with 95 % intervals as bands; the start in grey.

    Raises:
        MissingExtraError: without matplotlib.
    """
    figure, (axes,) = _figure(1, title)
    arms = [row for row in rows if row.name != START]
    for row in rows:
        points = [(k, row.intervals[f"pass@{k}"]) for k in ks if not math.isnan(row.intervals[f"pass@{k}"].mean)]
        if points:
            at_start = row.name == START
            look = (_SOFT, (0, (4, 2)), True) if at_start else _look(arms.index(row), len(arms) <= _MOST_BANDS)
            _draw(axes, points, row.name, look)
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(ks), [str(k) for k in ks])
    _dress(axes, "k", "pass@k on held-out tasks", percent=True)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    return _save(figure, out_png)


def _figure(panels: int, title: str) -> tuple[Any, Sequence[Any]]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "train") from None
    figure = Figure(figsize=(1.6 + 5.0 * panels, 4.2), dpi=140, layout="constrained")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=_INK, fontweight="bold")
    return figure, figure.subplots(1, panels, squeeze=False)[0]


def _series(folder: Path, kind: str, name: str) -> Curve:
    return {line["step"]: line[name] for line in read_metrics(folder, kind) if line.get(name) is not None}


def _smooth(curve: Curve, window: int = 5) -> Curve:
    """A trailing mean: one step's entropy is noisy."""
    steps = sorted(curve)
    tails = {step: steps[max(0, i - window + 1) : i + 1] for i, step in enumerate(steps)}
    return {step: sum(curve[each] for each in tail) / len(tail) for step, tail in tails.items()}


def _look(number: int, bands: bool) -> Look:
    return _PALETTE[number % len(_PALETTE)], _STYLES[number // len(_PALETTE) % len(_STYLES)], bands


def _band(axes: Any, series: Sequence[Curve], label: str, look: Look) -> None:
    known = [curve for curve in series if curve]
    shared = sorted(set.intersection(*(set(curve) for curve in known))) if known else []
    points = [(step, _interval([curve[step] for curve in known])) for step in shared]
    if points:
        _draw(axes, points, label, look)


def _interval(values: Sequence[float]) -> Interval:
    return student_interval(values) if len(values) > 1 else Interval(values[0], math.nan, math.nan)


def _draw(axes: Any, points: Sequence[tuple[int, Interval]], label: str, look: Look) -> None:
    (colour, style, bands), at = look, [x for x, _ in points]
    name = label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
    axes.plot(at, [y.mean for _, y in points], color=colour, linewidth=1.8, label=name, linestyle=style)
    if bands and not any(math.isnan(y.low) for _, y in points):
        lows, highs = [max(0.0, y.low) for _, y in points], [y.high for _, y in points]
        axes.fill_between(at, lows, highs, color=colour, alpha=0.12, linewidth=0)


def _dress(axes: Any, x: str, y: str, percent: bool = False) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axes.set_ylim(bottom=0.0)
    if x == "optimisation steps":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if percent:
        axes.set_ylim(0.0, min(1.02, axes.get_ylim()[1]))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel(x, color=_INK)
    axes.set_ylabel(y, color=_INK)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_SOFT, length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GRID)


def _save(figure: Any, out_png: Path) -> Path:
    out_png.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out_png)
    return out_png
