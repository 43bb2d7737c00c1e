"""Drawn puzzles: sheets, letters and colours that stay readable in small pictures, and reading colours back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from assay.envs.spatial_tree.question import LETTERS, Question

Ink = tuple[int, int, int]
COLOURS: dict[str, Ink] = {
    "red": (214, 32, 36), "blue": (38, 84, 214), "green": (30, 150, 60), "yellow": (246, 212, 40),
    "orange": (244, 130, 24), "purple": (136, 44, 172), "black": (28, 28, 28), "white": (252, 252, 252),
}  # fmt: skip
"""Well apart from each other, as people name them."""
PAPER: Ink = (255, 255, 255)
INK: Ink = (20, 20, 20)
GREYS = ((232, 232, 228), (214, 220, 228), (228, 220, 208), (216, 228, 216), (230, 216, 226))
"""Quiet grounds, far from all of :data:`COLOURS` but white."""


def sheet(width: int, height: int, ground: Ink = PAPER) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """An empty picture and its pen."""
    image = Image.new("RGB", (width, height), ground)
    return image, ImageDraw.Draw(image)


@cache
def font(height: int) -> Any:
    """PIL's own font, ``height`` pixels high, at least 8."""
    return ImageFont.load_default(max(8, height))


def write(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, height: float, ink: Ink = INK) -> None:
    """Text with its middle at ``at``."""
    pen.text(at, text, fill=ink, font=font(round(height)), anchor="mm")


def near(image: Image.Image, ink: Ink, reach: int = 60) -> npt.NDArray[np.bool_]:
    """Which pixels are of that colour: ``[height, width]``, all three channels within ``reach``."""
    apart = np.abs(np.asarray(image, dtype=int) - np.array(ink))
    found: npt.NDArray[np.bool_] = (apart <= reach).all(axis=-1)
    return found


def middle(mask: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """The middle (x, y) of the pixels that are set.

    Raises:
        ValueError: if none is.
    """
    rows, columns = np.nonzero(mask)
    if not len(rows):
        raise ValueError("no pixel is set")
    return float(columns.mean()) + 0.5, float(rows.mean()) + 0.5


def colour_at(image: Image.Image, at: tuple[float, float]) -> str:
    """The name of the colour of :data:`COLOURS` that is closest to a pixel's."""
    seen = np.array(image.getpixel((int(at[0]), int(at[1]))), dtype=int)
    return min(COLOURS, key=lambda name: int(np.abs(seen - np.array(COLOURS[name])).sum()))


def chosen(
    text: str,
    images: Sequence[Image.Image],
    options: Sequence[str],
    right: int,
    recheck: Callable[[], bool],
    captions: Sequence[str] = (),
) -> Question:
    """A multiple-choice question whose options stay in their order: place ``right`` is the truth.

    Raises:
        ValueError: if two options are the same.
    """
    if len(set(options)) != len(options):
        raise ValueError(f"two options are the same: {options}")
    truth = {"answer": LETTERS[right], "choices": list(options)}
    ask = "Answer with the letter of the right option only."
    return Question(text, images, truth, LETTERS[right], ask, recheck, tuple(options), "mcq", tuple(captions))


def lettered(
    text: str,
    images: Sequence[Image.Image],
    noun: str,
    right: int,
    count: int,
    recheck: Callable[[], bool],
    captions: Sequence[str] = (),
) -> Question:
    """A multiple-choice question about things with letters in the picture, such as "exit A" to "exit D"."""
    return chosen(text, images, [f"{noun} {LETTERS[k]}" for k in range(count)], right, recheck, captions)
