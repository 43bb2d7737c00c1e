"""Shape: outlines told apart whatever their turn and size."""

from __future__ import annotations

import numpy as np
from PIL import Image

from assay.envs.spatial_tree.parts.figures import (
    INKS,
    Box,
    Ink,
    Mask,
    Points,
    Sheet,
    fitted,
    inked,
    lettered,
    likeness,
    mirrored,
    picked,
    star,
    turned_by,
    unlike,
)
from assay.envs.spatial_tree.question import Question

MARGIN = (0.20, 0.18, 0.15, 0.135, 0.12)
"""By difficulty: outlines that are not the same differ by at least this share of their mean radius at any turn."""
CUT_MARGIN = (0.24, 0.22, 0.2, 0.18, 0.16)
"""By difficulty: a wrong edge is at least this share of the square off the right one at its worst corner."""
_CAPTIONS = ("Picture 1:", "Picture 2:")


def same_silhouette(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four shapes is the reference, turned and scaled but not mirrored."""
    base = star(rng, 5 + difficulty)
    wrong = _unlike_ones(rng, base, difficulty, 3)
    if wrong is None:
        return None
    right = int(rng.integers(4))
    figures = [*wrong[:right], base, *wrong[right:]]
    if difficulty > 1:
        figures = [turned_by(each, rng.uniform(0, 360)) for each in figures]
    ink = _ink(rng)
    sheet = Sheet(size, size)
    sheet.polygon(fitted(base, (0, 0, size, size), 0.8), ink)
    images = [sheet.image()]
    fills = rng.uniform(0.72 if difficulty > 2 else 0.85, 0.9, 4)
    candidates, boxes = lettered(figures, size, ink, list(fills))

    def recheck() -> bool:
        reference = inked(images[0], ink)
        return int(np.argmax([likeness(reference, inked(candidates, ink, box)) for box in boxes])) == right

    text = (
        "Which shape in picture 2 is the shape of picture 1? It may be turned, and bigger or smaller, but it is not"
        " mirrored."
    )
    return picked(text, [*images, candidates], "shape", right, 4, recheck, _CAPTIONS)


def odd_shape(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four to six shapes is not the same as all the others."""
    base = star(rng, 5 + difficulty)
    wrong = _unlike_ones(rng, base, difficulty, 1)
    if wrong is None:
        return None
    count = 4 if difficulty < 3 else 6
    odd = int(rng.integers(count))
    figures = [turned_by(wrong[0] if place == odd else base, rng.uniform(0, 360)) for place in range(count)]
    ink = _ink(rng)
    fills = list(rng.uniform(0.75 if difficulty > 2 else 0.85, 0.9, count))
    image, boxes = lettered(figures, size, ink, fills, columns=2 if count == 4 else 3)

    def recheck() -> bool:
        masks = [inked(image, ink, box) for box in boxes]
        close = np.array([[likeness(a, b) if a is not b else 0.0 for b in masks] for a in masks])
        return int(np.argmin(close.sum(axis=1))) == odd

    text = (
        f"All but one of these {count} shapes are the same shape, turned, and bigger or smaller, but never mirrored."
        " Which one is the odd one out?"
    )
    return picked(text, [image], "shape", odd, count, recheck)


def completing_piece(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four pieces completes a square that was cut in two."""
    cut = _cut(rng, difficulty)
    wrong: list[Points] = []
    for _ in range(30):
        if len(wrong) == 3:
            break
        new = cut[::-1].copy() if difficulty > 2 and not wrong else _cut_like(rng, cut, difficulty)
        if all(np.abs(new - each).max() > CUT_MARGIN[difficulty - 1] for each in [cut, *wrong]):
            wrong.append(new)
    if len(wrong) < 3:
        return None
    right = int(rng.integers(4))
    cuts = [*wrong[:right], cut, *wrong[right:]]
    quarter = 90 if difficulty > 3 else 0
    pieces = [turned_by(_piece(each), quarter * int(rng.integers(4))) for each in cuts]
    ink = _ink(rng)

    def shown(side: int) -> tuple[Image.Image, Image.Image, list[Box]]:
        sheet = Sheet(side, side)
        sheet.polygon((_rest(cut) - 0.5) * 0.4 * side + side / 2, ink)
        return sheet.image(), *lettered(pieces, side, ink, 0.4 * side)

    def recheck() -> bool:
        kept, candidates, boxes = shown(640)
        masks = [inked(candidates, ink, box) for box in boxes]
        gaps = [_misfit(inked(kept, ink), mask, 4 if quarter else 1, 256) for mask in masks]
        return int(np.argmin(gaps)) == right

    turn = "It may have to be turned, but not flipped over." if quarter else "It need not be turned."
    text = (
        "A square was cut in two; picture 1 shows one part. Which piece in picture 2 completes the square without a"
        f" gap or an overlap? Both pictures have the same scale. {turn}"
    )
    return picked(text, shown(size)[:2], "piece", right, 4, recheck, _CAPTIONS)


def _ink(rng: np.random.Generator) -> Ink:
    return INKS[int(rng.integers(len(INKS)))][1]


def _unlike_ones(rng: np.random.Generator, base: Points, difficulty: int, count: int) -> list[Points] | None:
    """Outlines off ``base`` by the margin and off each other by half of it; the harder, the more like ``base``."""
    margin = MARGIN[difficulty - 1]
    flipped = mirrored(base)
    found: list[Points] = []
    for _ in range(40):
        if len(found) == count:
            return found
        if difficulty >= 3 and not found and rng.random() < 0.5:
            new = flipped
        elif difficulty == 1:
            new = star(rng, len(base))
        else:
            new = _reshaped(rng, base, 2 if difficulty < 4 else 1)
        if unlike(new, base) >= margin and all(unlike(new, each) >= margin / 2 for each in found):
            found.append(new)
    return None


def _reshaped(rng: np.random.Generator, base: Points, corners: int) -> Points:
    new = base.copy()
    for place in rng.choice(len(base), corners, replace=False):
        factor = rng.uniform(1.5, 2.2)
        radius = float(np.hypot(*new[place]))
        new[place] *= 1 / factor if radius * factor > 1.25 else factor
    return new


def _cut(rng: np.random.Generator, difficulty: int) -> Points:
    """Where the cut stands (0..1 from the left) at heights evenly spaced from the top edge to the bottom edge."""
    found: Points = rng.uniform(0.25, 0.75, 3 + difficulty)
    return found


def _cut_like(rng: np.random.Generator, cut: Points, difficulty: int) -> Points:
    if difficulty == 1:
        return _cut(rng, difficulty)
    new = cut.copy()
    for place in rng.choice(len(cut), 2 if difficulty < 4 else 1, replace=False):
        new[place] = rng.uniform(0.22, 0.78)
    return new


def _heights(cut: Points) -> Points:
    return np.linspace(0.0, 1.0, len(cut))


def _rest(cut: Points) -> Points:
    """What is left of the cut, in a unit square."""
    edge = np.stack([cut, _heights(cut)], axis=-1)
    return np.concatenate([edge, [[0.0, 1.0], [0.0, 0.0]]])


def _piece(cut: Points) -> Points:
    """What is right of the cut, about the middle of the square."""
    edge = np.stack([cut, _heights(cut)], axis=-1)
    found: Points = np.concatenate([edge, [[1.0, 1.0], [1.0, 0.0]]]) - 0.5
    return found


def _misfit(kept: Mask, piece: Mask, turns: int, side: int) -> int:
    """Pixels of the square that are bare or covered twice, at the best of the first ``turns`` quarter turns."""
    found = []
    for turn in range(turns):
        square = np.zeros((2 * side, 2 * side), dtype=int)
        left = _trimmed(kept)
        right = _trimmed(np.rot90(piece, turn))
        square[: left.shape[0], : left.shape[1]] += left
        square[: right.shape[0], max(0, side - right.shape[1]) : max(side, right.shape[1])] += right
        outside = int(square[side:].sum() + square[:side, side:].sum())
        found.append(int((square[:side, :side] != 1).sum()) + outside)
    return min(found)


def _trimmed(mask: Mask) -> Mask:
    rows, columns = np.nonzero(mask)
    found: Mask = mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return found


TEMPLATES = (same_silhouette, odd_shape, completing_piece)
