"""Estimators of the divergence from a frozen policy, and the two places to put them: the loss and the reward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol, Self, get_args

import torch
from torch import Tensor

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.types import Regulariser, TokenReward

KLEstimator = Literal["k1", "k2", "k3", "k3+"]
KL_ESTIMATORS: tuple[str, ...] = get_args(KLEstimator)


def kl_estimate(logp: Tensor, ref: Tensor, estimator: KLEstimator) -> Tensor:
    """Per-token estimate of KL(pi || ref) from tokens that pi sampled; elementwise.

    With d = clamp(logp - ref, -20, 20): ``k1`` d; ``k2`` d^2 / 2; ``k3`` exp(-d) - 1 + d, cut at +-10; ``k3+`` the
    value of k3 with the gradient of k2. In expectation k1 and k3 have the right value, and k2 as a loss the right
    gradient (Schulman 2020, "Approximating KL divergence"; arXiv:2402.03300, eq. 4 is k3).

    Raises:
        ValueError: if the estimator is unknown.
    """
    d = (logp - ref).clamp(-20.0, 20.0)
    if estimator == "k1":
        return d
    if estimator == "k2":
        return 0.5 * d * d
    k3 = (torch.exp(-d) - 1.0 + d).clamp(-10.0, 10.0)
    if estimator == "k3":
        return k3
    if estimator == "k3+":
        k2 = 0.5 * d * d
        return k2 + (k3 - k2).detach()
    raise ValueError(f"unknown KL estimator {estimator!r}; one of {', '.join(KL_ESTIMATORS)}")


class KLController(Protocol):
    """(beta, measured KL, rows) -> the next beta."""

    def __call__(self, beta: float, kl: float, rows: int) -> float:
        """The next beta."""
        ...


@dataclass(frozen=True)
class FixedKL:
    """A coefficient that stays."""

    def __call__(self, beta: float, kl: float, rows: int) -> float:
        """The same beta."""
        return beta


@dataclass(frozen=True)
class AdaptiveKL:
    """A coefficient that steers the divergence to a target (arXiv:1909.08593, section 2.2).

    beta <- beta (1 + clip(kl / target - 1, -0.2, 0.2) rows / horizon).

    Raises:
        ValueError: if the target or the horizon is not positive.
    """

    target: float
    horizon: float = 10000.0

    def __post_init__(self) -> None:
        if self.target <= 0 or self.horizon <= 0:
            raise ValueError(f"adaptive KL needs a positive target and horizon, got {self.target} and {self.horizon}")

    def __call__(self, beta: float, kl: float, rows: int) -> float:
        """The next beta."""
        error = min(max(kl / self.target - 1.0, -0.2), 0.2)
        return beta * (1.0 + error * rows / self.horizon)


@dataclass(frozen=True)
class RolloutKL:
    """A coefficient that steers the divergence of each batch of rollouts to a target (arXiv:2210.01241, appendix B.2).

    beta <- beta (1 + rate clip(kl / target - 1, -limit, limit)) once a batch, with the mean of the signed log-ratio
    (k1) over its tokens; the batch itself was charged by the beta before.

    Raises:
        ValueError: if a constant is not positive.
    """

    target: float
    rate: float = 0.1
    limit: float = 0.2

    def __post_init__(self) -> None:
        if min(self.target, self.rate, self.limit) <= 0:
            raise ValueError(
                f"a steered kl_beta needs a positive target, rate and limit, got {self.target:g}, {self.rate:g} and "
                f"{self.limit:g}"
            )

    def __call__(self, beta: float, kl: float, rows: int) -> float:
        """The next beta."""
        return beta * (1.0 + self.rate * min(max(kl / self.target - 1.0, -self.limit), self.limit))


@dataclass(frozen=True)
class _KLTerm:
    """What both placements share."""

    beta: float
    estimator: KLEstimator = "k3"
    controller: KLController = FixedKL()
    anchor: str = "ref"

    def __post_init__(self) -> None:
        if self.beta < 0:
            raise ValueError(f"kl_beta must not be negative, got {self.beta}")
        if self.estimator not in KL_ESTIMATORS:
            raise ValueError(f"unknown KL estimator {self.estimator!r}; one of {', '.join(KL_ESTIMATORS)}")

    @property
    def anchors(self) -> frozenset[str]:
        """The frozen policy; none when beta is 0, so that none is loaded."""
        return frozenset({self.anchor}) if self.beta > 0 else frozenset()

    def collected(self, batch: TrajectoryBatch) -> Self:
        """The term with the next beta of a controller that looks at rollouts."""
        tokens = float(batch.action_mask.sum())
        if not isinstance(self.controller, RolloutKL) or not self.anchors or not tokens:
            return self
        kl = float((self._divergence(batch, "k1") * batch.action_mask).double().sum()) / tokens
        return replace(self, beta=self.controller(self.beta, kl, len(batch)))

    def updated(self, metrics: Mapping[str, float], rows: int) -> Self:
        """The term with the next beta of a controller that looks at updates; unchanged where no ``kl`` was measured."""
        if isinstance(self.controller, RolloutKL) or "kl" not in metrics:
            return self
        return replace(self, beta=self.controller(self.beta, metrics["kl"], rows))

    def _divergence(self, batch: TrajectoryBatch, estimator: KLEstimator) -> Tensor:
        """Estimate [B, T] between the policy that sampled and the anchor.

        The sampling policy is ``old_logp``, or where that is not computed, what the sampler reported.
        """
        old = batch.rollout_logp if batch.old_logp is None else batch.old_logp
        if old is None:
            raise ValueError("nobody knows the log-probabilities of the policy that sampled these rows")
        return kl_estimate(old, batch.anchor_logp[self.anchor], estimator)

    def state(self) -> dict[str, float]:
        """The current beta."""
        return {"beta": self.beta}

    def restored(self, state: Mapping[str, float]) -> Self:
        """The term with that beta."""
        return replace(self, beta=state["beta"])


@dataclass(frozen=True)
class KLLoss(_KLTerm, Regulariser):
    """beta times the estimate, added to the loss of each token."""

    @property
    def name(self) -> str:
        """``kl``."""
        return "kl"

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
        """Loss [B, T]."""
        if not self.anchors:
            return torch.zeros_like(out.logp)
        return self.beta * kl_estimate(out.logp, batch.anchor_logp[self.anchor], self.estimator)


@dataclass(frozen=True)
class KLReward(_KLTerm, TokenReward):
    """Minus beta times the estimate between the sampling policy and the anchor, added to the reward of each token."""

    estimator: KLEstimator = "k1"

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Reward [B, T]."""
        if not self.anchors:
            return torch.zeros_like(batch.action_mask)
        return -self.beta * self._divergence(batch, self.estimator) * batch.action_mask
