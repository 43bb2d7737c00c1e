"""The reliability diagram of a report: how often answers are right, against the confidence they state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.training.report_html import table
from assay.training.report_svg import short

_SIZE, _LEFT, _RIGHT, _TOP, _BOTTOM, _BARS = 300, 46, 12, 10, 40, 46
_MOST_ROWS = 100


def calibration_section(line: Mapping[str, Any]) -> str:
    """Diagram and numbers of an ``eval`` line; empty where it holds no calibration."""
    rows = _rows(line.get("reliability"))
    if not rows:
        return ""
    names = (("ECE", "ece"), ("Brier score", "brier"), ("AUROC", "auroc"), ("deviation of q", "confidence_std"))
    numbers = [(label, f"{line[name]:.3f}") for label, name in names if isinstance(line.get(name), int | float)]
    beside = table(numbers, css="plain")
    return f'<div class="charts"><div>{reliability_chart(rows)}</div><div>{beside}</div></div>'


def reliability_chart(rows: Sequence[tuple[float, float, int]]) -> str:
    """Accuracy over confidence, a dot a bin whose area tells how many answers it holds; the diagonal is calibrated.

    Below it, the number of answers by confidence.

    Args:
        rows: (mean confidence, accuracy, answers) of occupied bins, shares in [0, 1].
    """
    most = max((n for _, _, n in rows), default=0)
    if most < 1:
        return ""
    high = _SIZE + _BARS
    parts = [f'<svg viewBox="0 0 {_SIZE + 60} {high}" role="img" class="chart reliability">']
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _x(share), _y(share)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_x(1.0):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{short(share)}</text>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{high - 8}" text-anchor="middle">{short(share)}</text>')
    diagonal = f'x1="{_x(0.0):.1f}" y1="{_y(0.0):.1f}" x2="{_x(1.0):.1f}" y2="{_y(1.0):.1f}"'
    parts.append(f'<line class="whisker plain" stroke-dasharray="4 4" {diagonal}/>')
    for confidence, accuracy, n in rows:
        x, y = _x(confidence), _y(accuracy)
        said = f"{n} answers stated {confidence:.3f} on average; {100 * accuracy:.1f} % of them were right"
        parts.append(f'<line class="whisker c0" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(confidence):.1f}" y2="{y:.1f}"/>')
        radius = 3 + 6 * (n / most) ** 0.5
        parts.append(
            f'<circle class="dot c0" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{said}</title></circle>'
        )
        foot = high - _BOTTOM + 14
        tall = (_BARS - 8) * n / most
        parts.append(f'<rect class="band c0" x="{x - 6:.1f}" y="{foot - tall:.1f}" width="12" height="{tall:.1f}"/>')
    return "".join([*parts, "</svg>"])


def _x(share: float) -> float:
    return _LEFT + min(max(share, 0.0), 1.0) * (_SIZE - _RIGHT)


def _y(share: float) -> float:
    return _TOP + (1.0 - min(max(share, 0.0), 1.0)) * (_SIZE - _TOP - _BOTTOM)


def _rows(value: Any) -> list[tuple[float, float, int]]:
    """The bins of a metrics line, which a file may hold in any shape."""
    found: list[tuple[float, float, int]] = []
    for row in value[:_MOST_ROWS] if isinstance(value, list) else []:
        if isinstance(row, list) and len(row) == 3 and all(isinstance(each, int | float) for each in row):
            found.append((float(row[0]), float(row[1]), int(row[2])))
    return found
