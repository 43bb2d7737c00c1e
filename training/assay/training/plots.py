"""Learning curves as pictures: the README's, the run directory's and those of docs/results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.training.errors import MissingExtraError, UserError
from assay.training.stored import RunRecord, load_run

Runs = str | Path | Sequence[str | Path] | Mapping[str, Sequence[str | Path]]

_COLOURS = ("#2457d6", "#d1661b", "#1a7f4b", "#7a3fb5", "#b3372f", "#0f7b8a")
_INK, _SOFT, _GRID = "#1c2330", "#667085", "#e4e7ec"


def learning_curve(run_dirs: Runs, out_png: str | Path, *, title: str = "", dpi: int = 160) -> Path:
    """Draw held-out accuracy over steps, with the untrained model and the trivial baselines as lines.

    One run is drawn with the Wilson 95 % interval of each evaluation as a band. Several runs of one thing (seeds) are
    drawn as their mean with a Student-t 95 % band, each run a thin line. A mapping draws one such curve a name.

    Args:
        run_dirs: a run directory, several, or ``{name: [directories]}``.
        out_png: where the picture goes; any format matplotlib knows by its suffix.
        title: above the axes.
        dpi: dots an inch; the figure is 7.2 x 4.2 inches.

    Returns:
        ``out_png``.

    Raises:
        UserError: if no run holds an evaluation.
        MissingExtraError: without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "train") from None
    groups = {name: [load_run(path) for path in paths] for name, paths in _grouped(run_dirs).items()}
    groups = {name: [run for run in runs if _points(run)] for name, runs in groups.items()}
    groups = {name: runs for name, runs in groups.items() if runs}
    if not groups:
        raise UserError("no evaluation to draw: train with --eval.every above 0, or give finished run directories")
    figure = Figure(figsize=(7.2, 4.2), dpi=dpi, layout="constrained")
    axes: Any = figure.add_subplot()
    for index, (name, runs) in enumerate(groups.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        if len(runs) == 1:
            _draw_one(axes, runs[0], name or "trained", colour)
        else:
            _draw_many(axes, runs, name or f"mean of {len(runs)} seeds", colour)
    _reference_lines(axes, [run for runs in groups.values() for run in runs])
    _dress(axes, title, legend=len(groups) > 1 or not any(groups))
    target = Path(out_png)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target)
    return target


def _grouped(run_dirs: Runs) -> dict[str, list[str | Path]]:
    if isinstance(run_dirs, Mapping):
        return {name: list(paths) for name, paths in run_dirs.items()}
    return {"": [run_dirs] if isinstance(run_dirs, str | Path) else list(run_dirs)}


def _points(run: RunRecord) -> list[tuple[int, float, float, float]]:
    """(step, accuracy, low, high) of each evaluation; the last one where a step has several."""
    found = {}
    for line in run.evals:
        value = line.get("accuracy")
        if value is not None:
            low, high = line.get("low"), line.get("high")
            found[line["step"]] = (value, value if low is None else low, value if high is None else high)
    return [(step, *found[step]) for step in sorted(found)]


def _draw_one(axes: Any, run: RunRecord, name: str, colour: str) -> None:
    steps, values, lows, highs = zip(*_points(run), strict=True)
    axes.fill_between(steps, lows, highs, color=colour, alpha=0.15, linewidth=0)
    axes.plot(steps, values, color=colour, linewidth=2, marker="o", markersize=4.5, label=f"{name}, 95 % interval")


def _draw_many(axes: Any, runs: Sequence[RunRecord], name: str, colour: str) -> None:
    from assay.training.stats import student_interval

    curves = [{step: value for step, value, _, _ in _points(run)} for run in runs]
    for curve in curves:
        axes.plot(list(curve), list(curve.values()), color=colour, linewidth=0.8, alpha=0.4)
    shared = sorted(set.intersection(*(set(curve) for curve in curves)))
    if not shared:
        return
    intervals = [student_interval([curve[step] for curve in curves]) for step in shared]
    lows, highs = [max(0.0, i.low) for i in intervals], [min(1.0, i.high) for i in intervals]
    axes.fill_between(shared, lows, highs, color=colour, alpha=0.15, linewidth=0)
    means = [i.mean for i in intervals]
    axes.plot(shared, means, color=colour, linewidth=2, marker="o", markersize=4.5, label=f"{name}, 95 % interval")


def _reference_lines(axes: Any, runs: Sequence[RunRecord]) -> None:
    """Untrained and trivial accuracies, averaged over runs, each named at the right edge."""
    found: dict[str, list[float]] = {}
    for run in runs:
        if run.before is not None and run.before.get("accuracy") is not None:
            found.setdefault("untrained", []).append(run.before["accuracy"])
        for line in run.baselines:
            if line.get("accuracy") is not None:
                found.setdefault(str(line.get("name")), []).append(line["accuracy"])
    heights = {name: sum(values) / len(values) for name, values in found.items()}
    placed: list[float] = []
    for name, height in sorted(heights.items(), key=lambda item: item[1]):
        axes.axhline(height, color=_SOFT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        y = max(height, placed[-1] + 0.045) if placed else height
        placed.append(y)
        axes.annotate(
            f"{name} {100 * height:.0f} %",
            (1.0, y),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=_SOFT,
            annotation_clip=False,
        )


def _dress(axes: Any, title: str, legend: bool) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("optimisation steps", color=_INK)
    axes.set_ylabel("held-out accuracy", color=_INK)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_SOFT, length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GRID)
    if title:
        axes.set_title(title, loc="left", fontsize=12, color=_INK, fontweight="bold")
    if legend:
        axes.legend(loc="best", frameon=False, fontsize=9)
