"""Two classes of which one accepts: a guard on how often it does.

When a reward makes accepting pay: :func:`assay.verifiers.resume.presets.accept_threshold`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from assay.training.classes import ClassRates, class_rates
from assay.training.guards import Guard

if TYPE_CHECKING:
    from assay.training.evaluate import Evaluation


def rates_of(found: Evaluation, positive: str) -> ClassRates | None:
    """The rates of the class that accepts; None where the evaluated tasks are not of two classes with it."""
    rates = class_rates(found.confusion)
    return rates.get(positive) if len(rates) <= 2 else None


@dataclass(frozen=True)
class AcceptRateGuard(Guard):
    """Stops a policy that accepts too few or too many, or that has grown worse.

    It trips when the accept rate was outside [``low``, ``high``] times the share of the accepting class in the truth
    for ``patience`` evaluations in a row, or when its F1 is more than ``f1_fall`` below the best so far. The numbers of
    the specification of resume screening (arXiv:2511.16073 has the failure, not the numbers).

    Attributes:
        positive: the class that accepts.
        low, high: ends of the band, as multiples of that share.
        patience: evaluations in a row outside the band.
        f1_fall: fall of F1 that is too much, in [0, 1].
        outside: evaluations in a row outside the band so far.
        best: the best F1 so far.
    """

    positive: str
    low: float = 0.5
    high: float = 1.5
    patience: int = 3
    f1_fall: float = 0.02
    outside: int = 0
    best: float | None = None

    def after_evaluation(self, step: int, found: Evaluation) -> tuple[Self, str | None]:
        """By the confusion matrix of the evaluation.

        Raises:
            ValueError: in one line, where the class is not one of two.
        """
        rates = rates_of(found, self.positive)
        if rates is None or rates.f1 is None:
            classes = ", ".join(found.confusion) or "it has no classes"
            raise ValueError(
                f"the guard looks at class {self.positive!r} of two, which the held-out tasks do not have ({classes}): "
                "name another with --recipe.positive, or go without with --recipe.no-guard"
            )
        rate, share, f1 = rates.rate.mean, rates.share.mean, rates.f1
        inside = self.low * share <= rate <= self.high * share
        outside = 0 if inside else self.outside + 1
        after = replace(self, outside=outside, best=f1 if self.best is None else max(self.best, f1))
        if outside >= self.patience:
            return after, (
                f"{self.positive} was answered in {rate:.1%} of the cases, against {share:.1%} in truth, and in "
                f"{outside} evaluations in a row outside {self.low:g} to {self.high:g} times that"
            )
        if self.best is not None and f1 < self.best - self.f1_fall:
            return after, f"F1 of {self.positive} fell from {self.best:.3f} to {f1:.3f}, more than {self.f1_fall:g}"
        return after, None

    def state(self) -> dict[str, Any]:
        """Evaluations outside, and the best F1."""
        return {"outside": self.outside, "best": self.best}

    def restored(self, state: Mapping[str, Any]) -> Self:
        """With them."""
        return replace(self, outside=state["outside"], best=state["best"])
