"""SIREN: entropy held near its first value, within the nucleus and at the positions where a response branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.metrics import Metrics
from assay.training.objectives.readouts import NucleusEntropy
from assay.training.objectives.types import BatchTerm, Entropy, Readout, Regulariser, TokenWeight


def peak_mask(values: Tensor, mask: Tensor, quantile: float) -> Tensor:
    """Where a row's value is above the quantile of its own values (linear interpolation); bool [B, T].

    The comparison is strict: a row whose values are all equal, or that has one, has no peak.

    Args:
        values: [B, T].
        mask: [B, T]; above 0 where a value counts.
        quantile: 0 to 1.
    """
    if not values.shape[1]:
        return torch.zeros_like(values, dtype=torch.bool)
    counted = mask > 0
    ordered = values.masked_fill(~counted, torch.inf).sort(-1).values
    place = quantile * (counted.sum(-1, keepdim=True) - 1).clamp(min=0).to(values.dtype)
    below = place.floor()
    low = ordered.gather(-1, below.long())
    high = ordered.gather(-1, place.ceil().long())
    return counted & (values > torch.where(high > low, low + (place - below) * (high - low), low))


def check_quantile(quantile: float) -> None:
    """Refuse a quantile outside 0 to 1.

    Raises:
        ValueError: naming it.
    """
    if not 0.0 <= quantile < 1.0:
        raise ValueError(f"quantile must be at least 0 and below 1, got {quantile:g}")


@dataclass(frozen=True)
class EntropyAnchor(BatchTerm):
    """coef (H - H_0)^2, which raises entropy below the anchor and lowers it above; SIREN (arXiv:2509.25133).

    H is the mean over rows of the mean over their peaks of the nucleus entropy; rows without a peak count nowhere. A
    peak is chosen without gradient.

    Attributes:
        coef: 0 or more.
        readout: the nucleus.
        quantile: peaks are above this quantile of the row.
        anchor: H_0 in nats; None until it is measured, once, on the first batch with the initial policy.

    Raises:
        ValueError: if a constant is out of range.
    """

    coef: float = 0.005
    readout: NucleusEntropy = field(default_factory=NucleusEntropy)
    quantile: float = 0.8
    anchor: float | None = None

    def __post_init__(self) -> None:
        check_quantile(self.quantile)
        if self.coef < 0 or (self.anchor is not None and self.anchor < 0):
            raise ValueError(f"coef and anchor must not be negative, got {self.coef} and {self.anchor}")

    @property
    def name(self) -> str:
        """``siren``."""
        return "siren"

    @property
    def needs(self) -> frozenset[Readout]:
        """The nucleus entropy, and the whole one to report."""
        return frozenset({self.readout, Entropy()})

    @property
    def unanchored(self) -> bool:
        """Whether H_0 is still to be measured."""
        return self.anchor is None

    def anchored(self, total: float, count: float) -> Self:
        """With H as it is now for H_0; the same where no row has a peak."""
        return replace(self, anchor=total / count) if count and self.unanchored else self

    def state(self) -> dict[str, float]:
        """H_0; -1 before it is measured."""
        return {"anchor": -1.0 if self.anchor is None else self.anchor}

    def restored(self, state: Mapping[str, float]) -> Self:
        """With that H_0."""
        return replace(self, anchor=None if state["anchor"] < 0 else state["anchor"])

    def _rows(self, out: PolicyOutputs, keep: Tensor) -> tuple[Tensor, Tensor]:
        """Mean over the peaks of each row [B], 0 where it has none, and whether it has any, float [B]."""
        entropy = out.aux[self.readout.name]
        peaks = peak_mask(entropy.detach(), keep, self.quantile)
        count = peaks.sum(-1)
        return (entropy * peaks).sum(-1) / count.clamp(min=1), (count > 0).to(entropy.dtype)

    def pool(self, out: PolicyOutputs, keep: Tensor) -> Tensor:
        """Sum of the rows' means and number of rows that have one, float64 [2] on the CPU."""
        return torch.stack([each.detach().cpu().double().sum() for each in self._rows(out, keep)])

    def __call__(self, out: PolicyOutputs, keep: Tensor, total: float, count: float) -> Tensor:
        """The share of some rows, given the :meth:`pool` of their minibatch: gradients add up to 2 coef (H - H_0) dH,
        values to coef (H - H_0)^2.

        Raises:
            ValueError: if the anchor has not been measured.
        """
        if not count:
            return out.logp.new_zeros(())
        if self.anchor is None:
            raise ValueError("siren has no entropy to stay near: measure it first (Objective.anchored)")
        means, has = self._rows(out, keep)
        gap, share = total / count - self.anchor, means.sum() / count
        return self.coef * (2.0 * gap * (share - share.detach()) + gap * gap * has.sum() / count)

    def measure(self, metrics: Metrics, out: PolicyOutputs, keep: Tensor) -> None:
        """Entropies of the tokens: whole, of the nucleus, and of it at the peaks; and the anchor."""
        means, has = self._rows(out, keep)
        metrics.mean("entropy/full", out.aux["entropy"], keep)
        metrics.mean("entropy/nucleus", out.aux[self.readout.name], keep)
        metrics.mean("entropy/peak", means, has)
        if self.anchor is not None:
            metrics.mean("entropy/anchor", torch.full_like(has, self.anchor), torch.ones_like(has))


@dataclass(frozen=True)
class AdaptiveEntropyBonus(Regulariser):
    """An entropy bonus whose coefficient moves by rate (H_0 - H) a step; H_0 is the entropy of the first step."""

    coef: float
    rate: float
    anchor: float | None = None

    @property
    def needs(self) -> frozenset[Readout]:
        """The entropy."""
        return frozenset({Entropy()})

    @property
    def name(self) -> str:
        """``entropy_bonus``."""
        return "entropy_bonus"

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
        """Loss [B, T]."""
        return -self.coef * out.aux["entropy"]

    def updated(self, metrics: Mapping[str, float], rows: int) -> Self:
        """With the next coefficient; the first call sets H_0."""
        if "entropy" not in metrics:
            return self
        anchor = metrics["entropy"] if self.anchor is None else self.anchor
        return replace(self, coef=self.coef + self.rate * (anchor - metrics["entropy"]), anchor=anchor)

    def state(self) -> dict[str, float]:
        """Coefficient, and H_0; -1 before it is measured."""
        return {"coef": self.coef, "anchor": -1.0 if self.anchor is None else self.anchor}

    def restored(self, state: Mapping[str, float]) -> Self:
        """With those."""
        return replace(self, coef=state["coef"], anchor=None if state["anchor"] < 0 else state["anchor"])


@dataclass(frozen=True)
class PeakTokens(TokenWeight):
    """1 at the peaks of a row's entropy and 0 elsewhere: the policy gradient of branching tokens (arXiv:2506.01939).

    Raises:
        ValueError: if the quantile is out of range.
    """

    quantile: float = 0.8

    def __post_init__(self) -> None:
        check_quantile(self.quantile)

    @property
    def needs(self) -> frozenset[Readout]:
        """The entropy."""
        return frozenset({Entropy()})

    def __call__(self, batch: TrajectoryBatch, advantage: Tensor, out: PolicyOutputs) -> Tensor:
        """Weights [B, T]."""
        return peak_mask(out.aux["entropy"], batch.action_mask, self.quantile).to(advantage.dtype)

    def cut(self, batch: TrajectoryBatch, advantage: Tensor, out: PolicyOutputs) -> Tensor:
        """Bool [B, T]: tokens that are no peak."""
        return ~peak_mask(out.aux["entropy"], batch.action_mask, self.quantile)
