"""Marks on pictures that are legible at any size from 96 pixels on: dots with letters, arrows, outlines, strips."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK = "#111111"
PAPER = "#ffffff"
MARK = "#e6007e"
"""A magenta that no thing has."""
Point = tuple[float, float]


def unit(image: Image.Image) -> float:
    """The radius of a dot with a letter, pixels: 4 % of the longer side, at least 7."""
    return max(7.0, 0.04 * max(image.size))


def dot(image: Image.Image, xy: Point, label: str = "", colour: str = MARK) -> Image.Image:
    """The picture with a disc at ``xy`` and, if there is a label, its one or two letters in it.

    Without a label the disc is small and ringed, so that what lies under its middle can be told.
    """
    size = unit(image) if label else unit(image) * 0.5
    fine, pen, zoom = _fine(image)
    x, y, r = xy[0] * zoom, xy[1] * zoom, size * zoom
    pen.ellipse((x - r, y - r, x + r, y + r), fill=colour, outline=PAPER, width=max(2, round(r * 0.18)))
    if label:
        pen.text((x, y), label, fill=PAPER, font=_font(round(r * (1.5 if len(label) == 1 else 1.15))), anchor="mm")
    return _shrunk(fine, image)


def arrow(image: Image.Image, start: Point, end: Point, colour: str = MARK) -> Image.Image:
    """The picture with an arrow from ``start`` to ``end``, edged in white.

    Raises:
        ValueError: if both are the same point.
    """
    fine, pen, zoom = _fine(image)
    a, b = np.array(start, dtype=float) * zoom, np.array(end, dtype=float) * zoom
    length = float(np.linalg.norm(b - a))
    if length < 1e-6:
        raise ValueError("an arrow needs two points")
    along = (b - a) / length
    side = np.array([-along[1], along[0]])
    wide = unit(image) * zoom
    head = min(wide * 1.6, length * 0.6)
    for fill, extra in ((PAPER, wide * 0.22), (colour, 0.0)):
        neck = b - along * head
        half = wide * 0.24 + extra
        tip, back = b + along * extra * 1.6, neck - along * extra
        broad = head * 0.55 + extra * 1.5
        edge = [a - along * extra + side * half, back + side * half, back + side * broad, tip, back - side * broad]
        edge += [back - side * half, a - along * extra - side * half]
        pen.polygon([(float(p[0]), float(p[1])) for p in edge], fill=fill)
    return _shrunk(fine, image)


def outline(image: Image.Image, box: Sequence[float], label: str = "", colour: str = MARK) -> Image.Image:
    """The picture with a rectangle ``(left, top, right, bottom)`` and its label at its upper left corner."""
    fine, pen, zoom = _fine(image)
    left, top, right, bottom = (float(side) * zoom for side in box)
    wide = max(2, round(unit(image) * 0.28 * zoom))
    pen.rectangle((left - wide / 2, top - wide / 2, right + wide / 2, bottom + wide / 2), outline=PAPER, width=wide * 2)
    pen.rectangle((left, top, right, bottom), outline=colour, width=wide)
    marked = _shrunk(fine, image)
    return dot(marked, (box[0], box[1]), label, colour) if label else marked


def strip(images: Sequence[Image.Image], labels: Sequence[str] | None = None, columns: int = 0) -> Image.Image:
    """Pictures side by side with a number (from 1 on) or label above each.

    Args:
        images: of one size.
        labels: one a picture; "1", "2" and so on if None.
        columns: pictures a row; 0 puts all in one.

    Raises:
        ValueError: if there are none, or not as many labels.
    """
    if not images:
        raise ValueError("a strip needs pictures")
    said = [str(number + 1) for number in range(len(images))] if labels is None else list(labels)
    if len(said) != len(images):
        raise ValueError(f"{len(images)} pictures need as many labels, got {len(said)}")
    wide = columns or len(images)
    width, height = images[0].size
    band, gap = round(unit(images[0]) * 2), max(2, width // 60)
    rows = -(-len(images) // wide)
    sheet = Image.new("RGB", (wide * width + (wide - 1) * gap, rows * (height + band)), PAPER)
    pen = ImageDraw.Draw(sheet)
    for place, (image, label) in enumerate(zip(images, said, strict=True)):
        left, top = place % wide * (width + gap), place // wide * (height + band)
        pen.text((left + width / 2, top + band / 2), label, fill=INK, font=_font(round(band * 0.75)), anchor="mm")
        sheet.paste(image, (left, top + band))
    return sheet


def _fine(image: Image.Image) -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    """A canvas of a multiple of the size, so that what is drawn on it has smooth edges when it is shrunk."""
    zoom = 4
    canvas = Image.new("RGBA", (image.width * zoom, image.height * zoom), (255, 255, 255, 0))
    return canvas, ImageDraw.Draw(canvas), zoom


def _shrunk(canvas: Image.Image, image: Image.Image) -> Image.Image:
    # Shrunk with its transparency multiplied in, so that edges do not take the colour of what is transparent.
    layer = canvas.convert("RGBa").resize(image.size, Image.Resampling.BOX).convert("RGBA")
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


@cache
def _font(size: int) -> Any:
    return ImageFont.load_default(max(8, size))
