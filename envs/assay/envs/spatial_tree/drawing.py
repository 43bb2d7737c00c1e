"""Pictures of the tree: bars (or a dot a model) by level, branch and leaf, and the correlations of leaves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from assay.envs.intervals import Z95
from assay.verifiers.spatial.tree import LEAVES, LEVELS

if TYPE_CHECKING:
    from assay.envs.spatial_tree.report import Node

INK, SOFT, GRID = "#1c2330", "#667085", "#e4e7ec"
COLOURS = {"L1": "#2457d6", "L2": "#1a7f4b", "L3": "#c2571a", "L4": "#7a3fb5"}
"""Of the levels."""
_MODELS = ("#1c2330", "#c2418f", "#0f7b8a", "#d1661b", "#2457d6", "#1a7f4b", "#7a3fb5", "#b3372f")
_MARKS = "osD^vPX*"
_STRENGTH = (1.0, 1.0, 0.62, 0.34)
"""Opacity of the whole, a level, a branch and a leaf."""
MISSING = "drawing the tree needs matplotlib: pip install 'assay[train]'"


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(MISSING) from None
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return Figure(figsize=(width, height), dpi=120, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.14))


def tree(models: Mapping[str, Sequence[Node]], weights: str) -> Any:
    """A row for each node: its score with the 95 % interval, and a mark where guessing lies.

    Args:
        models: by name, all nodes in the order of the tree; one model is drawn as bars, several as dots.
        weights: the name of the weight set.

    Raises:
        ImportError: without matplotlib.
        ValueError: for no model, or more than there are marks for.
    """
    if not 0 < len(models) <= len(_MARKS):
        raise ValueError(f"the tree is drawn of 1 to {len(_MARKS)} models, not {len(models)}")
    models = _worth_showing(models)
    nodes, count = next(iter(models.values())), len(models)
    places = _places(nodes, 1.0 if count == 1 else 0.75 + 0.32 * count)
    figure = _figure(9.0, 1.1 + 0.21 * max(places))
    axes = figure.add_subplot()
    for number, (name, each) in enumerate(models.items()):
        _points(axes, each, places, number, count, name)
    _guesses(axes, models.values(), places)
    _names(axes, list(zip(*models.values(), strict=True)), places)
    measured = [node for each in models.values() for node in each if not node.path]
    covered = min(node.coverage for node in measured)
    part = "" if covered > 0.999 else f"; {100 * covered:.0f} % of abilities measured"
    figure.suptitle(
        f"Spatial abilities ({weights} weights{part})", x=0.012, ha="left", fontsize=12, color=INK, fontweight="bold"
    )
    _legend(axes, count > 1)
    return figure


def _worth_showing(models: Mapping[str, Sequence[Node]]) -> dict[str, list[Node]]:
    """Without the nodes below one that nobody measured."""
    found = {node.path for each in models.values() for node in each if node.score is not None}
    return {name: [n for n in each if len(n.path) < 2 or n.path[:-1] in found] for name, each in models.items()}


def _places(nodes: Sequence[Node], scale: float) -> list[float]:
    """Heights of rows, from the top down; levels stand apart."""
    places, at = [], 0.0
    for node in nodes:
        at += {0: 0.6, 1: 1.55, 2: 1.15, 3: 0.95}[len(node.path)] * scale
        places.append(at)
    return places


def _points(axes: Any, nodes: Sequence[Node], places: Sequence[float], number: int, count: int, name: str) -> None:
    spread = 0.34 * (number - (count - 1) / 2)
    for place, node in zip(places, nodes, strict=True):
        if node.score is None:
            continue
        colour = INK if not node.path else COLOURS[node.path[0]]
        ends = [[node.score.mean - node.score.low], [node.score.high - node.score.mean]]
        if count == 1:
            axes.barh(place, node.score.mean, 0.74, color=colour, alpha=_STRENGTH[len(node.path)], linewidth=0)
            axes.errorbar(node.score.mean, place, xerr=ends, color=INK, linewidth=0.9, capsize=1.8)
            axes.annotate(f"{100 * node.score.mean:.0f}", (node.score.high, place), xytext=(4, 0), va="center",
                          textcoords="offset points", fontsize=7.5, color=INK)  # fmt: skip
            continue
        look = {"color": _MODELS[number], "marker": _MARKS[number], "markersize": 5.2 if len(node.path) < 3 else 3.8}
        axes.errorbar(node.score.mean, place + spread, xerr=ends, linewidth=0.8, linestyle="", **look,
                      label=name if not node.path else None)  # fmt: skip


def _guesses(axes: Any, models: Any, places: Sequence[float]) -> None:
    """A short line where guessing lies, the same for all models that met the same questions."""
    first = True
    for place, nodes in zip(places, zip(*models, strict=True), strict=True):
        known = [node.guess for node in nodes if node.guess]
        if known:
            at = sum(known) / len(known)
            axes.plot([at, at], [place - 0.42, place + 0.42], color="#d92d20", linewidth=1.5, zorder=4,
                      label="guessing letters" if first else None)  # fmt: skip
            first = False


def _names(axes: Any, rows: Sequence[Sequence[Node]], places: Sequence[float]) -> None:
    axes.set_yticks(list(places), [""] * len(places))
    for place, nodes in zip(places, rows, strict=True):
        node, depth, tasks = nodes[0], len(nodes[0].path), sorted({each.tasks for each in nodes})
        colour = INK if not node.path else COLOURS[node.path[0]]
        axes.annotate(
            node.name, (0, place), xycoords=("axes fraction", "data"), xytext=(-198 + 14 * max(0, depth - 1), 0),
            textcoords="offset points", va="center", fontsize=(10, 10, 8.8, 8.2)[depth],
            fontweight="bold" if depth < 2 else "normal",
            color=SOFT if not tasks[-1] else colour if depth < 3 else INK,
        )  # fmt: skip
        told = f"n={tasks[0]}" if len(tasks) == 1 else f"n={tasks[0]} to {tasks[-1]}"
        axes.annotate(
            told if tasks[-1] else "not measured", (0, place), xycoords=("axes fraction", "data"), xytext=(-5, 0),
            textcoords="offset points", ha="right", va="center", fontsize=6.8, color=SOFT,
        )  # fmt: skip
        if len(nodes) > 1:
            height = 0.17 * (len(nodes) + 0.4)
            axes.axhspan(place - height, place + height, color="#f5f6f8", linewidth=0, zorder=0)
    axes.set_ylim(max(places) + 0.9, min(places) - 0.9)
    axes.set_xlim(0.0, 1.06)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25", "50", "75", "100 %"], fontsize=8, color=SOFT)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def _legend(axes: Any, several: bool) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.03), ncols=4, frameon=False,
                    fontsize=8 if several else 7.5)  # fmt: skip


def pearson(columns: Sequence[Mapping[str, float]]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Pearson's r of every pair of leaves over the columns that have both, and over how many; in the order of the tree.

    r is NaN below three columns, or where one of the two does not vary.

    Args:
        columns: leaf key -> mean score, one mapping a model (or a difficulty).

    Returns:
        r in [-1, 1], float64 [27, 27], and the counts, int64 [27, 27].
    """
    data = np.array([[column.get(leaf.key, math.nan) for column in columns] for leaf in LEAVES], dtype=np.float64)
    size = len(LEAVES)
    r, counts = np.full((size, size), math.nan), np.zeros((size, size), dtype=np.int64)
    for i in range(size):
        for j in range(size):
            both = ~np.isnan(data[i]) & ~np.isnan(data[j])
            counts[i, j] = int(both.sum())
            if counts[i, j] < 3:
                continue
            a, b = data[i][both] - data[i][both].mean(), data[j][both] - data[j][both].mean()
            scale = math.sqrt(float(a @ a) * float(b @ b))
            if scale > 1e-12:
                r[i, j] = min(1.0, max(-1.0, float(a @ b) / scale))
    return r, counts


def telling(r: float, count: int) -> bool:
    """Whether r of ``count`` points is apart from 0 (95 %, Fisher's z); never below four points."""
    return count > 3 and abs(r) > math.tanh(Z95 / math.sqrt(count - 3))


def correlations(columns: Sequence[Mapping[str, float]], over: str) -> Any:
    """The matrix of :func:`pearson` over the leaves that were measured; what is apart from 0 has its number.

    Args:
        columns: see :func:`pearson`.
        over: what the points of a correlation are, for the title.

    Raises:
        ImportError: without matplotlib.
    """
    r, counts = pearson(columns)
    kept = [k for k, leaf in enumerate(LEAVES) if any(leaf.key in column for column in columns)]
    r, counts, leaves = r[np.ix_(kept, kept)], counts[np.ix_(kept, kept)], [LEAVES[k] for k in kept]
    side = 3.4 + 0.27 * len(leaves)
    figure = _figure(max(6.4, side + 0.9), side)
    axes = figure.add_subplot()
    axes.set_facecolor("#c4cad3")
    image = axes.imshow(r, cmap="RdBu_r", vmin=-1.0, vmax=1.0)
    for i in range(len(leaves)):
        for j in range(len(leaves)):
            if i != j and telling(r[i, j], int(counts[i, j])):
                axes.text(j, i, f"{r[i, j]:.1f}".replace("0.", "."), ha="center", va="center", fontsize=5.8,
                          color="white" if abs(r[i, j]) > 0.6 else INK)  # fmt: skip
    names = [leaf.name for leaf in leaves]
    axes.set_xticks(range(len(leaves)), names, rotation=60, ha="right", rotation_mode="anchor", fontsize=7.5)
    axes.set_yticks(range(len(leaves)), names, fontsize=7.5)
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        for label, leaf in zip(labels, leaves, strict=True):
            label.set_color(COLOURS[leaf.level])
    for level in LEVELS[1:]:
        start = next((k for k, leaf in enumerate(leaves) if leaf.level == level), 0)
        if start:
            for line in (axes.axhline, axes.axvline):
                line(start - 0.5, color="white", linewidth=2.4)
                line(start - 0.5, color=SOFT, linewidth=0.7)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.55, pad=0.015)
    bar.ax.tick_params(labelsize=7, colors=SOFT, length=0)
    bar.outline.set_visible(False)
    title = f"Pearson's r of abilities\n{over}\nnumbers: apart from 0 (95 %); grey: nothing to correlate"
    figure.suptitle(title, x=0.012, ha="left", fontsize=9.5, color=INK)
    return figure
