"""Plane figures for leaves that are drawn and not rendered: star-shaped outlines, sheets with letters, masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from assay.envs.spatial_tree.question import LETTERS, Question

Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Ink = tuple[int, int, int]
Box = tuple[float, float, float, float]

INKS: tuple[tuple[str, Ink], ...] = (
    ("red", (200, 40, 40)), ("blue", (40, 70, 200)), ("green", (30, 140, 60)), ("purple", (130, 50, 160)),
    ("orange", (225, 125, 20)),
)  # fmt: skip
PAPER = (250, 250, 246)
_FINE = 4  # drawn this much larger and shrunk, so that slanted edges are smooth
_ANGLES = 180


def star(rng: np.random.Generator, corners: int, low: float = 0.4) -> Points:
    """Corners ``[corners, 2]`` of an outline that is seen whole from its origin, the farthest at distance 1."""
    steps = rng.uniform(0.6, 1.4, corners)
    angles = 2 * np.pi * (np.cumsum(steps) / steps.sum()) + rng.uniform(0, 2 * np.pi)
    radii = rng.uniform(low, 1.0, corners)
    radii /= radii.max()
    found: Points = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=-1)
    return found


def on_grid(rng: np.random.Generator, difficulty: int, side: int) -> Points:
    """Corners (whole numbers in 0..``side``) of a rectangle, an L, a triangle, a quadrilateral or a hexagon.

    The figure of difficulty 1 to 5, in this order; none crosses itself.
    """
    if difficulty < 3:
        left, top = (int(rng.integers(0, side - 1)) for _ in range(2))
        right, bottom = (int(rng.integers(start + difficulty, side + 1)) for start in (left, top))
        if difficulty == 1:
            return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=float)
        x, y = int(rng.integers(left + 1, right)), int(rng.integers(top + 1, bottom))
        figure = [[left, top], [x, top], [x, y], [right, y], [right, bottom], [left, bottom]]
        return np.array(figure, dtype=float)
    corners = rng.integers(0, side + 1, (difficulty if difficulty < 5 else 6, 2)).astype(float)
    if difficulty == 3:
        return corners
    # Round a point inside them, corners in the order of their angles make a figure that does not cross itself.
    away = corners - corners.mean(axis=0)
    found: Points = corners[np.argsort(np.arctan2(away[:, 1], away[:, 0]))]
    return found


def profile(points: Points) -> Points:
    """Distance from the origin to a star-shaped outline in 180 directions, over the root of its mean square.

    Turning the figure shifts the profile round, and its size falls out.
    """
    radii = np.hypot(points[:, 0], points[:, 1])
    angles = np.arctan2(points[:, 1], points[:, 0]) % (2 * np.pi)
    order = np.argsort(angles)
    radii, angles = radii[order], angles[order]
    wanted = np.arange(_ANGLES) * 2 * np.pi / _ANGLES
    after = np.searchsorted(angles, wanted) % len(angles)
    r1, r2 = radii[after - 1], radii[after]
    whole = (angles[after] - angles[after - 1]) % (2 * np.pi)
    part = (wanted - angles[after - 1]) % (2 * np.pi)
    # The line through two corners in polar form.
    found = r1 * r2 * np.sin(whole) / (r1 * np.sin(part) + r2 * np.sin(whole - part))
    normed: Points = found / np.sqrt(np.mean(found**2))
    return normed


def unlike(one: Points, other: Points) -> float:
    """How far two star-shaped outlines differ at their best turn: root mean square of the gap of their profiles."""
    first, second = profile(one), profile(other)
    shifted = np.stack([np.roll(second, step) for step in range(_ANGLES)])
    return float(np.sqrt(np.mean((shifted - first) ** 2, axis=1)).min())


def turned_by(points: Points, degrees: float) -> Points:
    """The figure turned about its origin."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    found: Points = points @ np.array([[c, s], [-s, c]])
    return found


def mirrored(points: Points) -> Points:
    """The figure with left and right exchanged."""
    found: Points = points * np.array([-1.0, 1.0])
    return found


def fitted(points: Points, box: Box, fill: float = 0.86) -> Points:
    """The figure moved and scaled evenly so that its bounds lie in the middle of ``fill`` of a box (pixels)."""
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = box[2] - box[0], box[3] - box[1]
    scale = fill * min(width / (high[0] - low[0]), height / (high[1] - low[1]))
    middle = np.array([box[0] + box[2], box[1] + box[3]]) / 2
    found: Points = (points - (low + high) / 2) * scale + middle
    return found


class Sheet:
    """A picture of plane figures with smooth edges, letters and thin frames."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * _FINE, height * _FINE), PAPER)
        self._pen = ImageDraw.Draw(self._image)

    def polygon(self, points: Points, ink: Ink) -> None:
        """A filled outline, corners in pixels."""
        self._pen.polygon([(float(x) * _FINE, float(y) * _FINE) for x, y in points], fill=ink)

    def ellipse(self, box: Box, ink: Ink) -> None:
        """A filled ellipse inside a box (left, top, right, bottom), pixels."""
        self._pen.ellipse([side * _FINE for side in box], fill=ink)

    def line(self, start: Sequence[float], end: Sequence[float], ink: Ink, width: float) -> None:
        """A straight line, pixels."""
        ends = [(float(x) * _FINE, float(y) * _FINE) for x, y in (start, end)]
        self._pen.line(ends, fill=ink, width=max(1, round(width * _FINE)))

    def word(self, text: str, at: tuple[float, float], height: float, anchor: str = "mm") -> None:
        """Black text; ``height`` and ``at`` in pixels."""
        font = ImageFont.load_default(height * _FINE)
        self._pen.text((at[0] * _FINE, at[1] * _FINE), text, fill=(20, 20, 20), font=font, anchor=anchor)

    def image(self) -> Image.Image:
        """The picture in its own size."""
        return self._image.resize((self.width, self.height), Image.Resampling.BOX)


def cells(width: int, height: int, columns: int, rows: int) -> list[Box]:
    """Boxes of a grid that fills a picture, row by row."""
    w, h = width / columns, height / rows
    return [(c * w, r * h, (c + 1) * w, (r + 1) * h) for r in range(rows) for c in range(columns)]


def lettered(
    figures: Sequence[Points], size: int, ink: Ink, fills: Sequence[float] | float, columns: int = 2
) -> tuple[Image.Image, list[Box]]:
    """A sheet of figures with letters, and the box of each (without its letter), pixels.

    Args:
        figures: their outlines.
        size: width of the sheet, pixels.
        ink: their colour.
        fills: the share of its box that each fills; or one scale for all, pixels per unit of an outline.
        columns: of the sheet.
    """
    rows = -(-len(figures) // columns)
    sheet = Sheet(size, round(size * rows / columns))
    boxes = []
    text = max(9.0, size / 17)
    for place, (figure, box) in enumerate(zip(figures, cells(sheet.width, sheet.height, columns, rows), strict=False)):
        inner = (box[0] + text, box[1] + 2, box[2] - 2, box[3] - 2)
        if isinstance(fills, float):
            shift = np.array([inner[0] + inner[2], inner[1] + inner[3]]) / 2
            drawn = (figure - (figure.min(axis=0) + figure.max(axis=0)) / 2) * fills + shift
        else:
            drawn = fitted(figure, inner, fills[place])
        sheet.polygon(drawn, ink)
        sheet.word(LETTERS[place], (box[0] + text * 0.6, box[1] + text * 0.75), text)
        boxes.append(inner)
    for k in range(1, columns):
        sheet.line((k * size / columns, 0), (k * size / columns, sheet.height), (160, 160, 160), 0.5)
    for k in range(1, rows):
        sheet.line((0, k * sheet.height / rows), (size, k * sheet.height / rows), (160, 160, 160), 0.5)
    return sheet.image(), boxes


def inked(image: Image.Image, ink: Ink, box: Sequence[float] | None = None) -> Mask:
    """The pixels of a box that are nearer to an ink than to the paper."""
    part = image if box is None else image.crop(tuple(round(side) for side in box))  # type: ignore[arg-type]
    pixels = np.asarray(part, dtype=float)
    to_ink = np.abs(pixels - np.array(ink)).sum(axis=-1)
    to_paper = np.abs(pixels - np.array(PAPER)).sum(axis=-1)
    found: Mask = to_ink < to_paper
    return found


def likeness(one: Mask, other: Mask, same_size: bool = False, turns: int = 120) -> float:
    """The greatest overlap (intersection over union) of two masks laid centre on centre at any of ``turns`` turns.

    Unless ``same_size``, each is scaled to unit area first.
    """
    grid = np.linspace(-1.7, 1.7, 64)
    x, y = np.meshgrid(grid, grid)
    scale = float(np.sqrt(one.sum()))
    first = _sampled(one, scale, x, y)
    wide = scale if same_size else float(np.sqrt(other.sum()))
    best = 0.0
    for angle in np.arange(turns) * 2 * np.pi / turns:
        c, s = np.cos(angle), np.sin(angle)
        second = _sampled(other, wide, c * x - s * y, s * x + c * y)
        both = float((first & second).sum())
        best = max(best, both / max(1.0, float((first | second).sum())))
    return best


def _sampled(mask: Mask, scale: float, x: Points, y: Points) -> Mask:
    rows, columns = np.nonzero(mask)
    places_y = np.floor(rows.mean() + 0.5 + y * scale).astype(int)
    places_x = np.floor(columns.mean() + 0.5 + x * scale).astype(int)
    inside = (places_x >= 0) & (places_y >= 0) & (places_x < mask.shape[1]) & (places_y < mask.shape[0])
    found: Mask = np.zeros(x.shape, dtype=bool)
    found[inside] = mask[places_y[inside], places_x[inside]]
    return found


def picked(
    text: str, images: Sequence[Image.Image], word: str, right: int, count: int, recheck: Callable[[], bool],
    captions: Sequence[str] = (),
) -> Question:  # fmt: skip
    """A multiple-choice question between things lettered in the picture: option ``B`` is "shape B".

    Args:
        text: the question.
        images: its pictures, with the letters drawn.
        word: what is lettered, such as "shape".
        right: the place of the right one, drawn uniformly by the caller.
        count: how many there are.
        recheck: see :class:`Question`.
        captions: see :class:`Question`.
    """
    options = tuple(f"{word} {LETTERS[k]}" for k in range(count))
    truth = {"answer": LETTERS[right], "choices": list(options)}
    ask = "Answer with the letter of the right option only."
    return Question(text, images, truth, LETTERS[right], ask, recheck, options, "mcq", tuple(captions))
