"""ReMix (arXiv:2507.06892): PPO's clip around the ratio that stale samples start from, and a KL to two policies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch, old_logp
from assay.training.objectives.groups import row_weights
from assay.training.objectives.kl import KL_ESTIMATORS, KLEstimator, kl_estimate
from assay.training.objectives.types import Keep, Regulariser, Surrogate


def staleness(batch: TrajectoryBatch, old: Tensor) -> Tensor:
    """rho = pi_k / pi_(k-i), [B, T]: the policy at the start of the step over the one that sampled the row.

    Exactly 1 in rows that the former sampled.
    """
    behaviour = old if batch.behaviour_logp is None else batch.behaviour_logp
    return torch.exp((old - behaviour).clamp(-20.0, 20.0))


@dataclass(frozen=True)
class MovingClip(Surrogate):
    """max(-A q, -A clip(q, rho - eps, rho + eps)) with q = pi / pi_(k-i); Mix-PPG of arXiv:2507.06892.

    That is rho times PPO's clip of pi / pi_k at 1 +- eps / rho, and PPO's clip itself on fresh rows.

    It also watches how long the responses are: stale samples of negative advantage pull towards short ones.

    Attributes:
        eps: half width of the clip, in units of q.
        watch: steps in which the length is watched.
        step: the step under way, from 1.
        length: mean sampled tokens of a response in the first batch; 0: not seen yet.
    """

    eps: float = 0.2
    watch: int = 0
    step: int = 0
    length: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.eps <= 1.0:
            raise ValueError(f"clip must be above 0 and at most 1, got {self.eps:g}")

    def _ratios(self, out: PolicyOutputs, batch: TrajectoryBatch) -> tuple[Tensor, Tensor]:
        old = old_logp(out, batch)
        behaviour = old if batch.behaviour_logp is None else batch.behaviour_logp
        return torch.exp((out.logp - behaviour).clamp(-20.0, 20.0)), staleness(batch, old)

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Loss [B, T]."""
        q, rho = self._ratios(out, batch)
        return torch.maximum(-advantage * q, -advantage * q.clamp(rho - self.eps, rho + self.eps))

    def clipped(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Bool [B, T]."""
        q, rho = self._ratios(out, batch)
        return ((advantage > 0) & (q > rho + self.eps)) | ((advantage < 0) & (q < rho - self.eps))

    def at(self, step: int) -> Self:
        """At that step."""
        return replace(self, step=step)

    def seen(self, batch: TrajectoryBatch) -> tuple[Self, dict[str, float]]:
        """``length_fall``: 1 less the mean length over that of the first batch."""
        weight = row_weights(batch)
        length = float((batch.action_mask.sum(-1) * weight).sum() / weight.sum().clamp(min=1.0))
        if self.step > self.watch or not length:
            return self, {}
        start = self.length or length
        return replace(self, length=start), {"length_fall": 1.0 - length / start}

    def state(self) -> dict[str, float]:
        """The first length."""
        return {"length": self.length}

    def restored(self, state: Mapping[str, float]) -> Self:
        """With it."""
        return replace(self, length=state["length"])


@dataclass(frozen=True)
class NotTooStale(Keep):
    """Leaves tokens out whose rho is outside [low, high], where the clip of stale samples means nothing any more.

    Raises:
        ValueError: if the bounds do not enclose 1.
    """

    low: float = 0.1
    high: float = 10.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.low <= 1.0 <= self.high:
            raise ValueError(f"rho_min and rho_max must enclose 1, got {self.low:g} and {self.high:g}")

    def __call__(self, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Mask [B, T]."""
        if batch.old_logp is None:
            return torch.ones_like(batch.action_mask)
        rho = staleness(batch, batch.old_logp)
        return ((rho >= self.low) & (rho <= self.high)).float()


@dataclass(frozen=True)
class KLConvex(Regulariser):
    """beta (lambda KL(pi || ref) + (1 - lambda) KL(pi || prev)); KL-Convex of arXiv:2507.06892.

    lambda(t) = max(start - decay ceil(max(t - after, 0) / every), floor) at step t of the run, whatever happens to
    ``ref`` on the way.

    Attributes:
        beta: weight of the whole; 0 loads no frozen policy.
        estimator: see :func:`~assay.training.objectives.kl.kl_estimate`.
        start, decay, every, after, floor: constants of lambda.
        step: t, from 1.

    Raises:
        ValueError: for a constant out of its range.
    """

    beta: float = 1e-3
    estimator: KLEstimator = "k3"
    start: float = 1.0
    decay: float = 0.1
    every: int = 10
    after: int = 50
    floor: float = 0.5
    step: int = 1

    def __post_init__(self) -> None:
        if self.beta < 0:
            raise ValueError(f"kl_beta must not be negative, got {self.beta:g}")
        if self.estimator not in KL_ESTIMATORS:
            raise ValueError(f"unknown KL estimator {self.estimator!r}; one of {', '.join(KL_ESTIMATORS)}")
        if not 0.0 <= self.floor <= self.start <= 1.0 or self.decay < 0 or self.every < 1:
            raise ValueError(
                "lambda falls from lambda_start to lambda_floor, both 0 to 1, by lambda_step 0 or more every 1 or more "
                f"steps; got {self.start:g}, {self.floor:g}, {self.decay:g}, {self.every}"
            )

    @property
    def name(self) -> str:
        """``kl_convex``."""
        return "kl_convex"

    @property
    def anchors(self) -> frozenset[str]:
        """``ref`` and ``prev``; none when beta is 0."""
        return frozenset({"ref", "prev"}) if self.beta > 0 else frozenset()

    @property
    def share(self) -> float:
        """lambda now."""
        return max(self.start - self.decay * math.ceil(max(self.step - self.after, 0) / self.every), self.floor)

    def at(self, step: int) -> Self:
        """At that step."""
        return replace(self, step=step)

    def seen(self, batch: TrajectoryBatch) -> tuple[Self, dict[str, float]]:
        """``kl_share``: lambda; ``kl_prev``: k3 estimate of how far the last step moved the policy, nats a token."""
        noticed = {"kl_share": self.share} if self.anchors else {}
        if self.anchors and batch.old_logp is not None:
            moved = kl_estimate(batch.old_logp, batch.anchor_logp["prev"], "k3") * batch.action_mask
            noticed["kl_prev"] = float(moved.sum() / batch.action_mask.sum().clamp(min=1.0))
        return self, noticed

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
        """Loss [B, T]."""
        if not self.anchors:
            return torch.zeros_like(out.logp)
        ref, prev = (kl_estimate(out.logp, batch.anchor_logp[name], self.estimator) for name in ("ref", "prev"))
        return self.beta * (self.share * ref + (1.0 - self.share) * prev)
