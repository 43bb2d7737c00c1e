"""Small charts as inline SVG: they scale, follow the page's colours and need nothing from outside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 440, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 10, 26
_MOST_POINTS = 400


@dataclass(frozen=True)
class Series:
    """A curve. ``ys`` may hold None (a gap); ``low`` and ``high`` draw a band; ``dots`` marks every point."""

    xs: Sequence[float]
    ys: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    name: str = ""
    dots: bool = False
    faint: bool = False


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round numbers that cover [low, high]: steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    raw = (high - low) / max(1, wanted)
    unit = 10.0 ** math.floor(math.log10(raw))
    step = unit * min((m for m in (1, 2, 5, 10) if m * unit >= raw * 0.999), default=10)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def short(value: float, percent: bool = False) -> str:
    """A number as an axis writes it."""
    if percent:
        return f"{100 * value:.0f} %"
    if value == 0:
        return "0"
    if abs(value) >= 10_000 or abs(value) < 0.001:
        return f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-")
    return f"{value:.4g}"


def line_chart(series: Sequence[Series], *, percent: bool = False, floor: float | None = None) -> str:
    """Curves over steps.

    Args:
        series: at least one finite point in all; the empty string comes back otherwise.
        percent: values are shares, drawn on [0, 1].
        floor: value that the axis must reach down to.
    """
    finite = [y for s in series for y in (*s.ys, *s.low, *s.high) if y is not None and math.isfinite(y)]
    xs = [x for s in series for x in s.xs]
    if not finite or not xs:
        return ""
    low, high = (0.0, 1.0) if percent else _range(finite, floor)
    frame = _Frame(min(xs), max(xs), low, high)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" class="chart">', *frame.axes(percent)]
    for s in series:
        parts += frame.curve(s, "c0", percent)
    return "".join([*parts, "</svg>"])


def _range(values: Sequence[float], floor: float | None) -> tuple[float, float]:
    low, high = min(values), max(values)
    if floor is not None:
        low = min(low, floor)
    if high == low == 0:
        return 0.0, 1.0
    if high == low:
        margin = abs(high) * 0.1 or 1.0
        return low - (0 if floor == low else margin), high + margin
    margin = (high - low) * 0.06
    return low if low == floor else low - margin, high + margin


class _Frame:
    def __init__(self, x0: float, x1: float, y0: float, y1: float) -> None:
        self.x0, self.x1 = x0, x1 if x1 > x0 else x0 + 1
        self.y0, self.y1 = y0, y1

    def x(self, value: float) -> float:
        return _LEFT + (value - self.x0) / (self.x1 - self.x0) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        share = (min(max(value, self.y0), self.y1) - self.y0) / (self.y1 - self.y0)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

    def axes(self, percent: bool) -> list[str]:
        parts = []
        for value in ticks(self.y0, self.y1):
            y = self.y(value)
            parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            label = short(value, percent)
            parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{label}</text>')
        for value in ticks(self.x0, self.x1, 6):
            if value == int(value):
                x = self.x(value)
                parts.append(
                    f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{int(value)}</text>'
                )
        return parts

    def curve(self, s: Series, css: str, percent: bool) -> list[str]:
        parts = []
        if s.low and s.high:
            parts += [f'<path class="band {css}" d="{path}"/>' for path in self._bands(s)]
        faint = " faint" if s.faint else ""
        for run in _runs(*_thin(s.xs, s.ys)):
            points = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in run)
            if len(run) > 1:
                parts.append(f'<polyline class="line {css}{faint}" points="{points}"/>')
            elif not s.dots:
                parts.append(self._dot(*run[0], css, ""))
        if s.dots:
            for x, y in zip(s.xs, s.ys, strict=True):
                if y is not None and math.isfinite(y):
                    what = f"{s.name} " if s.name else ""
                    value = f"{100 * y:.1f} %" if percent else f"{y:.4g}"
                    parts.append(self._dot(x, y, css, escape(f"{what}step {x:g}: {value}")))
        return parts

    def _dot(self, x: float, y: float, css: str, title: str) -> str:
        circle = f'<circle class="dot {css}" cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3"'
        return f"{circle}><title>{title}</title></circle>" if title else f"{circle}/>"

    def _bands(self, s: Series) -> list[str]:
        triples = [
            (x, low, high)
            for x, low, high in zip(s.xs, s.low, s.high, strict=True)
            if low is not None and high is not None
        ]
        if len(triples) < 2:
            return []
        upper = [f"{self.x(x):.1f},{self.y(high):.1f}" for x, _, high in triples]
        lower = [f"{self.x(x):.1f},{self.y(low):.1f}" for x, low, _ in reversed(triples)]
        return [f"M{' L'.join([*upper, *lower])}Z"]


def _thin(xs: Sequence[float], ys: Sequence[float | None]) -> tuple[list[float], list[float | None]]:
    """At most :data:`_MOST_POINTS` points: means of equal runs of steps."""
    if len(xs) <= _MOST_POINTS:
        return list(xs), list(ys)
    size = math.ceil(len(xs) / _MOST_POINTS)
    thin_xs, thin_ys = [], []
    for start in range(0, len(xs), size):
        bucket = [y for y in ys[start : start + size] if y is not None and math.isfinite(y)]
        thin_xs.append(xs[min(start + size // 2, len(xs) - 1)])
        thin_ys.append(sum(bucket) / len(bucket) if bucket else None)
    return thin_xs, thin_ys


def _runs(xs: Sequence[float], ys: Sequence[float | None]) -> list[list[tuple[float, float]]]:
    """The points, cut wherever one is missing."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(xs, ys, strict=True):
        if y is None or not math.isfinite(y):
            runs.append([])
        else:
            runs[-1].append((x, y))
    return [run for run in runs if run]


def interval_chart(rows: Sequence[tuple[str, float, float, float, bool]]) -> str:
    """Accuracies with their intervals, one under the other.

    Args:
        rows: ``(label, value, low, high, strong)``, shares in [0, 1]; ``strong`` rows take the accent colour.
    """
    width, left, right, row_height = 720, 190, 96, 34
    height = row_height * len(rows) + 26
    scale = width - left - right
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" class="chart intervals">']
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + share * scale
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{height - 22}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - 6}" text-anchor="middle">{100 * share:.0f} %</text>')
    for index, (label, value, low, high, strong) in enumerate(rows):
        y = row_height * index + row_height / 2 + 2
        css = "c0" if strong else "plain"
        a, b, c = (left + min(max(v, 0.0), 1.0) * scale for v in (low, value, high))
        parts.append(f'<text class="label" x="{left - 14}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>')
        parts.append(f'<line class="whisker {css}" x1="{a:.1f}" x2="{c:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<circle class="dot {css}" cx="{b:.1f}" cy="{y:.1f}" r="5.5"/>')
        parts.append(f'<text class="value" x="{width - right + 14}" y="{y + 4:.1f}">{100 * value:.1f} %</text>')
    return "".join([*parts, "</svg>"])
