"""One picture of why frames were chosen: the variation curve with them marked, then the frames with their times."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.envs.video_keyframes.tad import Selection, apexes, choose, positive

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from assay.envs.video_keyframes.decode import VideoFacts

WIDTH = 1200
_MARGIN, _PLOT, _GAP = 48, 200, 12
_INK, _FAINT, _LINE, _CHOSEN, _FILLED, _EVENT = "#1b1f24", "#8b949e", "#3b6ea5", "#d9480f", "#2f9e44", "#fff3bf"
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was drawn.

    Attributes:
        selection: of the candidates.
        seconds: when each chosen frame is shown, ascending.
        candidates: how many there were to choose from.
        facts: of the file.
    """

    selection: Selection
    seconds: tuple[float, ...]
    candidates: int
    facts: VideoFacts


def write_sheet(
    path: str | os.PathLike[str], k: int, out: str | os.PathLike[str], fps: float = 1.0, limit: int = 768
) -> Sheet:
    """Select ``k`` frames of a video file by TAD and draw them, with the curve they were chosen by, into a PNG.

    Args:
        path: the video file.
        k: how many frames, at least 1.
        out: the PNG to write; its folder is made.
        fps: candidates per second.
        limit: most candidates.

    Returns:
        what was drawn.

    Raises:
        ValueError: if ``k``, ``fps`` or ``limit`` is not positive; as ``VideoError`` if the file cannot be read.
        ImportError: if PyAV is missing.
    """
    import numpy as np

    from assay.envs.video_keyframes.decode import candidates, frames_at, probe
    from assay.envs.video_keyframes.features import embed

    positive(k)
    frames = candidates(path, fps, limit)
    facts = probe(path)
    times, rows = [], []
    for frame in _watched(frames, min(limit, math.floor(facts.seconds * fps) + 1)):
        times.append(frame.seconds)
        rows.append(embed(frame.rgb))
    selection = choose(np.stack(rows), k)
    seconds = tuple(times[t] for t in selection.indices)
    pictures = frames_at(path, seconds, side=WIDTH // 2)
    size = f"{facts.width} x {facts.height}, {clock(facts.seconds)}" + (", cut off" if facts.truncated else "")
    title = f"{Path(path).name} ({size}): {len(seconds)} of {len(times)} candidates, saliency {selection.saliency:.2f}"
    _save(draw_sheet(title, selection, times, pictures), Path(out))
    return Sheet(selection, seconds, len(times), facts)


def draw_sheet(
    title: str,
    selection: Selection,
    times: Sequence[float],
    pictures: Sequence[Picture],
    events: Sequence[tuple[float, float]] = (),
) -> Picture:
    """The picture: a title, the curve over time, and the chosen frames.

    Args:
        title: one line.
        selection: of the candidates.
        times: when each candidate is shown, seconds, ascending [N].
        pictures: the chosen frames, in the order of ``selection.indices``.
        events: spans of seconds to shade.

    Returns:
        RGB, 1200 pixels wide.
    """
    from PIL import Image, ImageDraw, ImageFont, ImageOps

    columns = columns_for(len(pictures))
    cell = (WIDTH - 2 * _MARGIN - (columns - 1) * _GAP) // columns
    tall = max(1, min(cell * 3 // 2, max(round(cell * p.height / p.width) for p in pictures)))
    top, line = _MARGIN + _PLOT + 58, 22
    height = top + math.ceil(len(pictures) / columns) * (tall + line + _GAP) + _GAP
    sheet = Image.new("RGB", (WIDTH, height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    draw.text((_MARGIN, 14), _fitted(draw, title, font), _INK, font)
    sheet.paste(draw_curve(selection, times, events), (0, _MARGIN))
    for number, (t, picture) in enumerate(zip(selection.indices, pictures, strict=True)):
        x = _MARGIN + number % columns * (cell + _GAP)
        y = top + number // columns * (tall + line + _GAP)
        sheet.paste(ImageOps.contain(picture, (cell, tall), Image.Resampling.LANCZOS), (x, y + line))
        draw.text((x, y + 2), f"{number + 1}", _CHOSEN if selection.rank[t] > 0 else _FILLED, font)
        draw.text((x + 26, y + 2), clock(times[t], True), _INK, font)
    return sheet


def draw_curve(selection: Selection, times: Sequence[float], events: Sequence[tuple[float, float]] = ()) -> Picture:
    """The smoothed variation over time: apexes ringed, chosen frames numbered, what an apex must reach dashed.

    Returns:
        RGB, 1200 x 250 pixels.
    """
    from PIL import Image, ImageDraw, ImageFont

    zoom = 2  # drawn large and scaled down, so that lines are smooth
    image = Image.new("RGB", (WIDTH * zoom, (_PLOT + 50) * zoom), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12 * zoom)
    first, last = times[0], max(times[-1], times[0] + 1e-3)
    left, right, top, floor = _MARGIN * zoom, (WIDTH - _MARGIN) * zoom, 24 * zoom, _PLOT * zoom

    def at(seconds: float, value: float) -> tuple[float, float]:
        return left + (seconds - first) / (last - first) * (right - left), floor - value * (floor - top)

    for begin, end in events:
        draw.rectangle((at(max(begin, first), 1), at(min(max(end, begin), last), 0)), _EVENT)
    for tick in ticks(first, last):
        x, _ = at(tick, 0)
        draw.line((x, floor, x, floor + 5 * zoom), _FAINT, zoom)
        draw.text((x, floor + 8 * zoom), clock(tick, last - first < 10), _FAINT, font, anchor="mt")
    draw.line((left, floor, right, floor), _FAINT, zoom)
    curve = selection.curve
    need = float(curve.mean() + 0.5 * curve.std())
    for dash in range(left, right, 12 * zoom):
        y = at(first, need)[1]
        draw.line((dash, y, dash + 5 * zoom, y), _FAINT, zoom)
    chosen = {t: number + 1 for number, t in enumerate(selection.indices)}
    for t in chosen:
        draw.line((at(times[t], 0), at(times[t], 1)), "#f3d9cc" if selection.rank[t] > 0 else "#d3ead8", 3 * zoom)
    points = [at(seconds, float(value)) for seconds, value in zip(times, curve, strict=True)]
    if len(points) > 1:
        draw.line(points, _LINE, 2 * zoom, joint="curve")
    for t in apexes(curve) if curve.any() else ():
        _dot(draw, points[t], 4 * zoom, "white", _LINE)
    free = 0.0
    for t, number in chosen.items():
        colour = _CHOSEN if selection.rank[t] > 0 else _FILLED
        _dot(draw, points[t], 5 * zoom, colour, colour)
        if points[t][0] >= free:  # a number that would cover the one before is left out
            draw.text((points[t][0], top - 6 * zoom), str(number), colour, font, anchor="mb")
            free = points[t][0] + 18 * zoom
    _legend(draw, font, floor + 30 * zoom, left, zoom)
    return image.resize((WIDTH, _PLOT + 50), Image.Resampling.LANCZOS)


def _legend(draw: Any, font: Any, y: int, x: float, zoom: int) -> None:
    words = (
        ("chosen: an apex", _CHOSEN, _CHOSEN), ("chosen: fills the widest gap", _FILLED, _FILLED),
        ("an apex that was not chosen", "white", _LINE),
    )  # fmt: skip
    for text, fill, edge in words:
        _dot(draw, (x + 5 * zoom, y + 7 * zoom), 5 * zoom, fill, edge)
        draw.text((x + 16 * zoom, y), text, _FAINT, font)
        x += 36 * zoom + draw.textlength(text, font)
    draw.text((x, y), "curve: variation, smoothed, 0 to 1; dashed: what an apex must reach", _FAINT, font)


def _dot(draw: Any, at: tuple[float, float], radius: int, fill: str, edge: str) -> None:
    x, y = at
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill, edge, 3)


def columns_for(count: int) -> int:
    """Columns of a grid for ``count`` pictures: at least 4, with few cells left empty, wider than tall."""
    ideal = max(4, math.ceil(math.sqrt(count * 1.5)))
    return min((ideal, ideal + 1, max(4, ideal - 1), ideal + 2), key=lambda columns: -count % columns)


def ticks(first: float, last: float, most: int = 12) -> list[float]:
    """Round times from ``first`` to ``last`` seconds, at most about ``most``."""
    step = next((s for s in _STEPS if (last - first) / s <= most), (last - first) / most)
    start = math.ceil(first / step)
    return [n * step for n in range(start, math.floor(last / step) + 1)]


def clock(seconds: float, tenths: bool = False) -> str:
    """Seconds as m:ss or h:mm:ss, with tenths if asked for."""
    tens = round(seconds * 10) if tenths else round(seconds) * 10
    minutes, rest = divmod(tens, 600)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{rest % 10}" if tenths else ""
    return (f"{hours}:{minutes:02d}" if hours else f"{minutes}") + f":{rest // 10:02d}{fraction}"


def _fitted(draw: Any, text: str, font: Any) -> str:
    """``text``, its middle cut out where it is too long for one line."""
    text = " ".join(text.split())
    cut = len(text)
    while draw.textlength(text, font) > WIDTH - 2 * _MARGIN and cut > 8:
        cut -= 4
        text = f"{text[: cut // 3]}...{text[-(cut - cut // 3) :]}"
    return text


def _watched(frames: Iterator[Any], total: int) -> Iterator[Any]:
    """``frames`` with a bar on stderr."""
    from rich.console import Console
    from rich.progress import track

    return iter(track(frames, "Reading frames", total, console=Console(stderr=True), transient=True))


def _save(sheet: Picture, out: Path) -> None:
    """Written whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=out.parent, suffix=".png")
    os.close(handle)
    try:
        sheet.save(temporary, "PNG")
        Path(temporary).chmod(0o644)
        Path(temporary).replace(out)
    finally:
        Path(temporary).unlink(missing_ok=True)
