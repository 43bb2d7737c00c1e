"""``spatial.affmask``: a point on the part of a thing that is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from assay.verifiers.parse.fold import quote
from assay.verifiers.registry import verifier
from assay.verifiers.score import Score
from assay.verifiers.spatial.layout import Layout
from assay.verifiers.spatial.masks import Mask, mask_of
from assay.verifiers.spatial.reading import FARTHEST, OPTIONS, laid, text_of, verdict
from assay.verifiers.video import attacks

RIGHT = 0.5
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"mask": {"width": 64, "height": 48, "rows": [[] for _ in range(30)] + [[40, 10] for _ in range(10)]
              + [[] for _ in range(8)]}},
    {"mask": {"width": 32, "height": 24, "rows": [[] for _ in range(4)] + [[[3, 0], [2, 90], [4, 255]]] * 3
              + [[] for _ in range(17)]}},
)  # fmt: skip

# A number begins where a run of digits does: the matches are those of the program, in linear time.
_PART = r"[-+]?(?<!\d)\d+(?:\.\d+)?"
_PAIRS = tuple(
    (re.compile(pattern, re.IGNORECASE), swapped)
    for pattern, swapped in (
        (rf"x\s*[:=]\s*({_PART})\D+?y\s*[:=]\s*({_PART})", False),
        (rf"y\s*[:=]\s*({_PART})\D+?x\s*[:=]\s*({_PART})", True),
        (rf"\(\s*({_PART})\s*,\s*({_PART})\s*\)", False),
        (rf"\[\s*({_PART})\s*,\s*({_PART})\s*\]", False),
        (rf"({_PART})\s*,\s*({_PART})", False),
    )
)
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d{1,9}(?:\.\d{0,17})?|\.\d{1,17})(?![\w.]*\d)")
_LONGEST = 2_000


def official_point(text: str) -> tuple[float, float] | None:
    """x and y of the pair that ends last, in any of the program's ways to write one; None where there is none."""
    found: tuple[int, float, float] | None = None
    for pattern, swapped in _PAIRS:
        for match in pattern.finditer(text.strip()):
            first, second = float(match.group(1)), float(match.group(2))
            x, y = (second, first) if swapped else (first, second)
            if found is None or match.end() > found[0]:
                found = (match.end(), x, y)
    return None if found is None else found[1:]


def one_point(text: str) -> tuple[float, float] | None:
    """The pair of a text that holds exactly two numbers, as a pair; None otherwise."""
    if len(text) > _LONGEST or len(list(_NUMBER.finditer(text))) != 2:
        return None
    point = official_point(text)
    if point is None or sum(map(str.isdigit, text)) != sum(map(str.isdigit, "".join(_NUMBER.findall(text)))):
        return None
    return point


def pixel(point: tuple[float, float], mask: Mask, clamp: bool) -> tuple[int, int] | None:
    """Column and row of a point: both coordinates in [0, 1] are shares of the picture, others pixels.

    Args:
        point: x to the right, y downwards.
        mask: the picture's size.
        clamp: take the nearest pixel of a point beside the picture, as the program does; else it is None.

    Raises:
        OverflowError: under ``clamp`` of an infinite coordinate, as in the program.
    """
    x, y = point
    if 0 <= x <= 1 and 0 <= y <= 1:
        return round(x * (mask.width - 1)), round(y * (mask.height - 1))
    if clamp:
        return max(0, min(mask.width - 1, round(x))), max(0, min(mask.height - 1, round(y)))
    if not (abs(x) <= FARTHEST and abs(y) <= FARTHEST):
        return None
    column, row = round(x), round(y)
    return (column, row) if 0 <= column < mask.width and 0 <= row < mask.height else None


def _shares(column: int, row: int, mask: Mask) -> str:
    return f"[{column / max(mask.width - 1, 1):.6f}, {row / max(mask.height - 1, 1):.6f}]"


def _gold(truth: Mapping[str, Any], **options: Any) -> str | None:
    mask = mask_of(truth.get("mask"))
    best = mask.best()
    return None if best is None or mask.at(*best) < 255 else laid(_shares(*best, mask), options)


def _outside(mask: Mask) -> str:
    for row in range(mask.height):
        for column in range(mask.width):
            if not mask.at(column, row):
                return _shares(column, row, mask)
    return "[-9, -9]"


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    mask = mask_of(truth.get("mask"))
    best = mask.best()
    if best is not None:
        yield laid(_shares(*best, mask), options)
    yield laid(_outside(mask), options)
    yield laid("[1.0, 1.0]", options)


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    mask = mask_of(truth.get("mask"))
    right, wrong = _shares(*(mask.best() or (0, 0)), mask), _outside(mask)
    x, y = right[1:-1].split(", ")
    for text in (
        f"{right} {wrong}", f"{wrong} {right}", f"{wrong} or {right}", f"[{right}, {wrong}]", f"{right} {right}",
        f"[{x}, {y}, 0.9, 0.9]", f"({x}, {y}, 0)", x, f"x = {x}", f"[{x}, NaN]", f"[[{x}], [{y}]", f"{x} {y} 3, 4",
        "[999999, 999999]", "[-5, -5]", "[1e9, 1e9]", "[NaN, NaN]", "[Infinity, 0]", f"({'9' * 400}, {'9' * 400})",
        ", ".join(f"({a / 10}, {b / 10})" for a in range(10) for b in range(10)),
    ):  # fmt: skip
        yield laid(text, options)
    yield from attacks.tags(right, wrong)


@verifier(
    "spatial.affmask", options=OPTIONS, truth_key="mask", gold=_gold, attacks=_attacks, candidates=_candidates,
    samples=SAMPLES, partial=True,
)  # fmt: skip
def affmask(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: Layout = "any",
    format_weight: float = 0.0,
    parity: bool = False,
) -> Score:
    """The value of a mask, over 255, at the point that the response names.

    The point is ``[x, y]``, ``(x, y)`` or ``x: .., y: ..``, x to the right and y downwards from the upper left corner.
    Where both are in [0, 1] they are shares of the picture, ``round(x * (width - 1))``; otherwise pixels. The response
    must hold exactly these two numbers, and the point must be in the picture. ``correct`` from a score of 0.5.

    ``parity`` takes the pair that ends last, and of a point beside the picture the nearest pixel.

    Parts: ``score`` in [0, 1]; ``format``.

    Args:
        response: what the model said.
        truth: ``{"mask": {"width": 64, "height": 48, "rows": [[], [40, 10], ...]}}``: for each row the lengths of its
            runs, outside and inside in turn from the left, what is left being outside; or pairs ``[length, value]``
            with values up to 255. :func:`assay.verifiers.spatial.masks.encode_mask` makes it of nested lists.
        layout, format_weight, parity: see the options.

    Raises:
        ValueError: malformed truth.
    """
    mask = mask_of(truth.get("mask"))
    text, problem = text_of(response, layout, parity)
    point = None if text is None else official_point(text) if parity else one_point(text)
    if point is None:
        problem = problem or f"no one point in {quote(text or '')}"
        return verdict(response, 0.0, format_weight, False, False, problem)
    try:
        place = pixel(point, mask, parity)
    except OverflowError:
        place = None
    if place is None:
        said = f"({point[0]:g}, {point[1]:g}) is beside the picture"
        return verdict(response, 0.0, format_weight, False, True, said)
    score = mask.at(*place) / 255
    return verdict(response, score, format_weight, score >= RIGHT, True, f"{score:.2f} at pixel {place}")
