"""The study's picture: held-out accuracy over updates and over seconds, a row for each data set and protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.training.errors import MissingExtraError
from assay.training.plots import _COLOURS, _GRID, _INK, _SOFT
from assay.training.studies.cls_rl.flags import ARMS, Plan

_LABELS = {"sft": "imitation", "think": "rewards, thinking", "none": "rewards, no thinking"}


def curves(plan: Plan, finals: Sequence[Mapping[str, Any]], out_png: Path) -> Path:
    """Draw every run thin and the mean of its way thick.

    Raises:
        MissingExtraError: without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "train") from None
    rows = [(data, protocol) for data in plan.data for protocol in plan.protocols]
    figure = Figure(figsize=(10.5, 1.0 + 3.0 * len(rows)), dpi=140, layout="constrained")
    axes = figure.subplots(len(rows), 2, squeeze=False)
    for (data, protocol), pair in zip(rows, axes, strict=True):
        for colour, arm in zip(_COLOURS, ARMS, strict=False):
            found = [f["curve"] for f in finals if (f["data"], f["protocol"], f["arm"]) == (data, protocol, arm)]
            _draw(pair, found, colour, _LABELS[arm])
        for panel, words in zip(pair, ("updates", "seconds of sampling and learning"), strict=True):
            _dress(panel, words)
        pair[0].set_title(f"{data}, {protocol}", loc="left", fontsize=10, color=_INK, fontweight="bold")
    axes[0][1].legend(frameon=False, fontsize=8, loc="lower right")
    out_png.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out_png)
    return out_png


def _draw(pair: Any, found: Sequence[Sequence[Sequence[float]]], colour: str, label: str) -> None:
    if not found:
        return
    for curve in found:
        for panel, at in zip(pair, (0, 1), strict=True):
            panel.plot([p[at] for p in curve], [p[2] for p in curve], color=colour, linewidth=0.7, alpha=0.4)
    points = list(zip(*found, strict=False))
    for panel, at in zip(pair, (0, 1), strict=True):
        mean = [[sum(p[i] for p in point) / len(point) for point in points] for i in (at, 2)]
        panel.plot(*mean, color=colour, linewidth=2.0, label=label)


def _dress(panel: Any, words: str) -> None:
    from matplotlib.ticker import PercentFormatter

    panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    panel.set_xlabel(words, color=_INK, fontsize=9)
    panel.set_ylabel("held-out accuracy", color=_INK, fontsize=9)
    panel.set_xlim(left=0)
    panel.grid(axis="y", color=_GRID, linewidth=0.8)
    panel.set_axisbelow(True)
    panel.tick_params(colors=_SOFT, length=0)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
    panel.spines["bottom"].set_color(_GRID)
