"""Precision, recall and F1 of each class, out of a confusion matrix.

An answer that could not be read is an answer of no class: it counts in every denominator and is nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.training.stats import Interval, wilson


@dataclass(frozen=True)
class ClassRates:
    """How one class fared. Intervals are Wilson's, 95 %, over answers.

    Attributes:
        n: answers to tasks of the class.
        said: answers that name the class.
        hits: those among them that are right.
        total: all answers, those that could not be read too.
    """

    n: int
    said: int
    hits: int
    total: int

    @property
    def precision(self) -> Interval | None:
        """Share of right ones among the answers that name it; None where none does, which is neither 0 nor 1."""
        return wilson(self.hits, self.said) if self.said else None

    @property
    def recall(self) -> Interval | None:
        """Share of its tasks that were answered with it; None where there are none."""
        return wilson(self.hits, self.n) if self.n else None

    @property
    def f1(self) -> float | None:
        """2 hits / (n + said), the harmonic mean of precision and recall; None where it was neither there nor said."""
        return 2 * self.hits / (self.n + self.said) if self.n + self.said else None

    @property
    def rate(self) -> Interval:
        """Share of all answers that name it: the accept rate, for the class of those accepted."""
        return wilson(self.said, self.total)

    @property
    def share(self) -> Interval:
        """Share of all tasks that are of it: what ``rate`` is compared with."""
        return wilson(self.n, self.total)

    def to_metrics(self) -> dict[str, Any]:
        """The numbers as JSON: a rate is a mean with its ends, and null where it is not defined."""
        rates = {"precision": self.precision, "recall": self.recall, "rate": self.rate, "share": self.share}
        return {"n": self.n, "said": self.said, "f1": self.f1, **{k: v and list(v) for k, v in rates.items()}}


def class_rates(confusion: Mapping[str, Mapping[str, int]]) -> dict[str, ClassRates]:
    """The rates of every true class.

    Args:
        confusion: truth -> answer -> how often, as :func:`assay.training.evaluate.confusion` makes it.
    """
    total = sum(sum(row.values()) for row in confusion.values())
    return {
        truth: ClassRates(
            n=sum(row.values()),
            said=sum(other.get(truth, 0) for other in confusion.values()),
            hits=row.get(truth, 0),
            total=total,
        )
        for truth, row in confusion.items()
    }
