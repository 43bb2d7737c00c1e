"""What of a video is looked at: its candidates in one pass, contact strips, and single frames at full size."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from assay.envs.caching import made_once
from assay.envs.video_keyframes.decode import VideoError, candidates, frames_at, probe
from assay.envs.video_keyframes.features import embed
from assay.envs.video_keyframes.selectors import Head, gumbel_top_k, pick, view
from assay.envs.video_keyframes.tad import Selection, saliency_of

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

COLUMNS, ROWS = 12, 6
"""Thumbnails of one strip."""
_WIDEST = 4
"""Width of a thumbnail at most, in its heights: a video may be a thousand times as wide as it is high."""
_LABEL = 14
_KEPT_SCANS, _KEPT_THUMBS, _KEPT_PICTURES = 256, 8, 8


@dataclass(frozen=True)
class Scan:
    """The candidates of a video.

    Attributes:
        seconds: when each is shown.
        embeddings: float64 [N, D].
    """

    seconds: tuple[float, ...]
    embeddings: npt.NDArray[np.float64]


Stamp = tuple[str, int, int]


def stamp(path: Path) -> Stamp:
    """A file's path, size and time of change: what is kept of it holds as long as they do.

    Raises:
        VideoError: if it is missing.
    """
    try:
        facts = os.stat(path)
    except OSError as error:
        raise VideoError(f"{path}: {error.strerror or error}") from None
    return str(path), facts.st_size, facts.st_mtime_ns


@made_once(maxsize=_KEPT_SCANS)
def scan(file: Stamp, fps: float, limit: int) -> Scan:
    """The candidates of a file, embedded; one pass.

    Raises:
        VideoError: if it cannot be read.
    """
    seconds, rows = [], []
    for frame in candidates(file[0], fps, limit):
        seconds.append(frame.seconds)
        rows.append(embed(frame.rgb))
    if not rows:
        raise VideoError(f"{file[0]}: no frame decodes")
    return Scan(tuple(seconds), np.stack(rows))


def chosen(
    found: Scan, name: str, k: int, seed: int, poorer: str, order: int, head: Head | None, temperature: float = 0.0
) -> Selection:
    """What a selector picks, or one of the poorer views of it, in the order shown."""
    picked = pick(name, found.embeddings, k, seed, head, temperature)
    return degraded(picked, poorer, k, order) if poorer else picked


def drawn_order(found: Scan, rank: npt.NDArray[np.float64], k: int, seed: int, head: Head) -> list[int]:
    """The frames that ``tad-learned`` drew at temperature 1, in the order of the draw: what its chances are of."""
    return list(gumbel_top_k(head(found.embeddings, rank), k, 1.0, seed))


def degraded(picked: Selection, poorer: str, k: int, order: int) -> Selection:
    """The frames shown instead of ``picked`` in a poorer view."""
    indices = view(poorer, picked, k, order)
    return Selection(indices, saliency_of(picked.curve, indices, k), picked.curve, picked.rank)


def side_for(path: str, max_pixels: int) -> int:
    """Longest side in pixels of a file's frames when they have at most ``max_pixels``."""
    facts = probe(path)
    longest = max(facts.width, facts.height)
    return min(longest, max(1, int(longest * (max_pixels / (facts.width * facts.height)) ** 0.5)))


@made_once(maxsize=_KEPT_PICTURES)
def pictures(file: Stamp, seconds: tuple[float, ...], max_pixels: int) -> tuple[Picture, ...]:
    """The frames at these times, in their order. Not to be changed.

    Raises:
        VideoError: if one cannot be read.
    """
    return tuple(frames_at(file[0], seconds, side_for(file[0], max_pixels)))


@made_once(maxsize=_KEPT_THUMBS)
def strips(file: Stamp, fps: float, limit: int, height: int) -> tuple[Picture, ...]:
    """Contact strips of all candidates, in time order, each with its number below it. Not to be changed.

    Raises:
        VideoError: if the file cannot be read.
    """
    from PIL import Image

    sheets: list[Picture] = []
    row: list[Picture] = []
    for frame in candidates(file[0], fps, limit):
        picture = Image.fromarray(frame.rgb)
        share = min(height / picture.height, _WIDEST * height / picture.width)
        row.append(picture.resize((max(1, round(picture.width * share)), max(1, round(picture.height * share)))))
        if len(row) == COLUMNS * ROWS:
            sheets.append(_strip(row, len(sheets) * COLUMNS * ROWS))
            row = []
    return (*sheets, _strip(row, len(sheets) * COLUMNS * ROWS)) if row else tuple(sheets)


def _strip(thumbs: Sequence[Picture], first: int) -> Picture:
    from PIL import Image, ImageDraw, ImageFont

    width, height = thumbs[0].size
    columns = min(COLUMNS, len(thumbs))
    rows = -(-len(thumbs) // columns)
    sheet = Image.new("RGB", (columns * (width + 2), rows * (height + _LABEL)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_LABEL - 3)
    for number, thumb in enumerate(thumbs):
        x, y = number % columns * (width + 2), number // columns * (height + _LABEL)
        sheet.paste(thumb, (x, y))
        pen.text((x + width // 2, y + height), str(first + number), fill="black", font=font, anchor="ma")
    return sheet
