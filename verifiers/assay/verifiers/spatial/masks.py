"""Masks as plain data: run lengths by row, small enough for a truth that is written as JSON.

``{"width": 6, "height": 3, "rows": [[], [2, 3], [1, 1, 2, 2]]}`` is::

    . . . . . .
    . . # # # .
    . # . . # #

A row is the lengths of its runs, outside (0) and inside (255) in turn, beginning with outside; what is left of the row
is outside, so that an empty row is ``[]``. A row with other values is pairs ``[[length, value], ...]`` with values from
0 to 255, again with zeros behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

LARGEST = 16_384
"""Most pixels of a side."""


@dataclass(frozen=True, slots=True)
class Mask:
    """A checked mask.

    Attributes:
        width, height: pixels.
        rows: for each row its runs, (length, value 0 to 255); zeros follow.
    """

    width: int
    height: int
    rows: tuple[tuple[tuple[int, int], ...], ...]

    def at(self, column: int, row: int) -> int:
        """The value, 0 to 255, at a pixel of the picture."""
        for length, value in self.rows[row]:
            if column < length:
                return value
            column -= length
        return 0

    def best(self) -> tuple[int, int] | None:
        """Column and row of the middle of the longest run of the largest value; None where all is 0."""
        found: tuple[tuple[int, int], int, int] | None = None
        for number, runs in enumerate(self.rows):
            start = 0
            for length, value in runs:
                if value and length and (found is None or (value, length) > found[0]):
                    found = ((value, length), start + length // 2, number)
                start += length
        return None if found is None else (found[1], found[2])


def encode_mask(pixels: Any) -> dict[str, Any]:
    """A mask as the data above.

    Args:
        pixels: rows of pixels, ``[height][width]``, nested lists or an array: booleans, zeros and ones, or grey values
            from 0 to 255. Where no value is above 1, 1 is inside.

    Raises:
        ValueError: if the rows are not of one length, or a value is out of range.
    """
    rows = [[int(value) for value in row] for row in (pixels.tolist() if hasattr(pixels, "tolist") else pixels)]
    if not rows or not rows[0] or len({len(row) for row in rows}) != 1:
        raise ValueError("a mask is rows of one length, at least one pixel")
    top = max(max(row) for row in rows)
    if top > 255 or min(min(row) for row in rows) < 0:
        raise ValueError("a mask's values are from 0 to 255")
    scale = 255 if top == 1 else 1
    return {
        "width": len(rows[0]),
        "height": len(rows),
        "rows": [_runs([value * scale for value in row]) for row in rows],
    }


def _runs(row: Sequence[int]) -> list[Any]:
    runs = [[len(list(group)), value] for value, group in groupby(row)]
    if runs[-1][1] == 0:
        runs.pop()
    if any(value not in (0, 255) for _, value in runs):
        return runs
    lengths = [length for length, _ in runs]
    return [0, *lengths] if runs and runs[0][1] else lengths


def mask_of(data: Any) -> Mask:
    """The mask of a truth.

    Raises:
        ValueError: one line, where the data are not as above.
    """
    if not isinstance(data, Mapping):
        raise ValueError("the truth's mask is {width, height, rows}, rows of run lengths")
    width, height, rows = data.get("width"), data.get("height"), data.get("rows")
    for side in (width, height):
        if isinstance(side, bool) or not isinstance(side, int) or not 0 < side <= LARGEST:
            raise ValueError(f"the truth's mask has a width and a height from 1 to {LARGEST}")
    assert isinstance(width, int)
    assert isinstance(height, int)
    if not isinstance(rows, list | tuple) or len(rows) != height:
        raise ValueError("the truth's mask has as many rows as it is high")
    return Mask(width, height, tuple(_checked(row, width) for row in rows))


def _checked(row: Any, width: int) -> tuple[tuple[int, int], ...]:
    if not isinstance(row, list | tuple):
        raise ValueError("a row of the truth's mask is a list of run lengths")
    runs = [run if isinstance(run, list | tuple) else (run, 255 * (place % 2)) for place, run in enumerate(row)]
    found = []
    for run in runs:
        if len(run) != 2 or any(isinstance(part, bool) or not isinstance(part, int) for part in run):
            raise ValueError("a row of the truth's mask is run lengths, or pairs of a length and a value")
        if run[0] < 0 or not 0 <= run[1] <= 255:
            raise ValueError("a run of the truth's mask has no length, or a value above 255")
        found.append((run[0], run[1]))
    if sum(length for length, _ in found) > width:
        raise ValueError("a row of the truth's mask is longer than the mask is wide")
    return tuple(found)
