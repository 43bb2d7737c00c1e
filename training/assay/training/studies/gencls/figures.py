"""The picture of a study: how each trained model fares under each way of asking, a panel for each data set."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from assay.training.errors import MissingExtraError
from assay.training.plots import _INK, _SOFT
from assay.training.studies.gencls.results import Results


def heat_map(results: Results, out_png: Path) -> Path:
    """Mean test accuracy in percent: trained models down, inference strategies across; asked as trained is framed.

    Raises:
        MissingExtraError: without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "train") from None
    trained = list(dict.fromkeys((train, stage) for train, stage, _ in results.rows))
    asked = list(dict.fromkeys(infer for _, _, infer in results.rows))
    count = len(results.data)
    size = (2.4 + count * (0.9 + 0.72 * len(asked)), 2.3 + 0.42 * len(trained))
    figure = Figure(figsize=size, dpi=140, layout="constrained")
    panels = figure.subplots(1, count, squeeze=False, sharey=True)[0]
    for number, (axes, data) in enumerate(zip(panels, results.data, strict=True)):
        grid = [[results.accuracy(data, (*model, way)).mean for way in asked] for model in trained]
        _panel(axes, grid, trained, asked)
        axes.set_title(data, fontsize=10, color=_INK, loc="left")
        axes.set_yticks(range(len(trained)), [f"{train}, {stage}" for train, stage in trained], fontsize=8)
        if number == 0:
            axes.set_ylabel("trained with", color=_INK)
    out_png.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out_png)
    return out_png


def _panel(axes: Any, grid: list[list[float]], trained: list[tuple[str, str]], asked: list[str]) -> None:
    from matplotlib.patches import Rectangle

    known = [value for row in grid for value in row if not math.isnan(value)]
    low, high = min(known), max(known)
    axes.imshow(grid, cmap="Blues", vmin=low - 0.3 * (high - low) - 0.01, vmax=high + 0.1 * (high - low), aspect="auto")
    for y, row in enumerate(grid):
        for x, value in enumerate(row):
            if math.isnan(value):
                continue
            dark = value > low + 0.65 * (high - low)
            axes.text(x, y, f"{100 * value:.1f}", ha="center", va="center", fontsize=8, color="white" if dark else _INK)
            if asked[x] == trained[y][0]:
                axes.add_patch(Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, fill=False, edgecolor=_INK, linewidth=1.2))
    axes.set_xticks(range(len(asked)), asked, rotation=40, ha="right", fontsize=8)
    axes.set_xlabel("asked with", color=_INK)
    axes.tick_params(colors=_SOFT, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
