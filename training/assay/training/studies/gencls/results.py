"""The numbers of a study by cell: what was trained, how it was asked, on which data, with which seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from assay.training.stats import Interval, student_interval, wilson

Numbers = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """One measurement.

    Attributes:
        data: name of the data set.
        train: name of the training strategy.
        stage: supervised only, or with rewards after it.
        infer: name of the inference strategy.
        split: ``dev`` or ``test``.
        seed: of the run.
        numbers: accuracy, macro_f1, parsed, tokens, n and more.
    """

    data: str
    train: str
    stage: str
    infer: str
    split: str
    seed: int
    numbers: Numbers


Row = tuple[str, str, str]
"""Training strategy, stage, inference strategy."""


class Results:
    """Cells by where they stand."""

    def __init__(self, cells: Iterable[Cell]) -> None:
        self.cells = list(cells)
        self._at = {(c.data, c.train, c.stage, c.infer, c.split, c.seed): c.numbers for c in self.cells}

    @property
    def data(self) -> list[str]:
        """Data sets in order."""
        return list(dict.fromkeys(cell.data for cell in self.cells))

    @property
    def seeds(self) -> list[int]:
        """Seeds in order."""
        return sorted({cell.seed for cell in self.cells})

    @property
    def rows(self) -> list[Row]:
        """Every pair of training and inference, in order."""
        return list(dict.fromkeys((cell.train, cell.stage, cell.infer) for cell in self.cells))

    def values(self, data: str, row: Row, name: str, split: str = "test") -> list[float]:
        """One number a seed; seeds without one are left out."""
        found = (self._at.get((data, *row, split, seed), {}).get(name) for seed in self.seeds)
        return [float(value) for value in found if value is not None]

    def gains(self, data: str, row: Row, base: Row, split: str = "test") -> list[float]:
        """Accuracy of ``row`` less that of ``base``, seed by seed."""
        pairs = ((self._at.get((data, *each, split, seed), {}).get("accuracy") for each in (row, base))
                 for seed in self.seeds)  # fmt: skip
        return [after - before for after, before in pairs if after is not None and before is not None]

    def accuracy(self, data: str, row: Row) -> Interval:
        """Mean over seeds with Student's interval; of a single seed Wilson's, over its texts."""
        found = self.values(data, row, "accuracy")
        if len(found) == 1:
            count = self.values(data, row, "n")[0]
            return wilson(found[0] * count, int(count))
        return interval(found)


def interval(values: Sequence[float]) -> Interval:
    """Mean and Student's 95 % interval; without bounds for one value, NaN for none."""
    if len(values) > 1:
        return student_interval(values)
    return Interval(values[0] if values else math.nan, math.nan, math.nan)
