"""ROVER: the language model's own log-ratio as Q-function of the uniformly random policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch, old_logp, old_readout
from assay.training.objectives.readouts import MeanLogp
from assay.training.objectives.types import Readout, Surrogate


@dataclass(frozen=True)
class RoverMSE(Surrogate):
    """Regression of Q to a mean-operator Bellman target; ROVER (arXiv:2509.24981).

    With A the centred reward, given to every token: Q_t = rho (log pi - log old), next_t = rho times the mean over
    the vocabulary of log pi - log old at the following position, 0 where that was not sampled, and the loss is
    (Q_t - sg[A + next_scale next_t])^2. At the sampling policy its gradient is 2 rho times that of -A log pi.

    Attributes:
        rho: temperature of the softmax over Q.
        next_scale: factor of next_t; 0 leaves the Bellman term out.
        over: ``token``, or ``response``: the mean Q of a row is regressed on A, without Bellman term.

    Raises:
        ValueError: if ``rho`` is not positive or ``over`` unknown.
    """

    rho: float = 1.0
    next_scale: float = 1.0
    over: Literal["token", "response"] = "token"

    def __post_init__(self) -> None:
        if self.rho <= 0:
            raise ValueError(f"rho must be positive, got {self.rho:g}")
        if self.over not in ("token", "response"):
            raise ValueError(f"level must be token or response, got {self.over!r}")

    @property
    def needs(self) -> frozenset[Readout]:
        """The mean log-probability, where there is a Bellman term."""
        return frozenset({MeanLogp()}) if self.over == "token" and self.next_scale else frozenset()

    @property
    def old_needs(self) -> frozenset[Readout]:
        """The same under the policy at the start of the update phase."""
        return self.needs

    @property
    def level(self) -> str:
        """``token``, or ``sequence`` where whole responses are regressed."""
        return "token" if self.over == "token" else "sequence"

    @property
    def zero_is_inert(self) -> bool:
        """False: a row of advantage 0 is pulled back to the sampling policy."""
        return False

    def target(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """A + next_scale next_t, no gradient, float32 [B, T]."""
        if not self.needs:
            return advantage
        moved = (out.aux["mean_logp"].detach() - old_readout(out, batch, "mean_logp")) * batch.action_mask
        following = torch.nn.functional.pad(moved[:, 1:], (0, 1))
        return advantage + self.next_scale * self.rho * following

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Loss [B, T], or [B] over responses."""
        mask = batch.action_mask
        q = self.rho * (out.logp - old_logp(out, batch)) * mask
        if self.over == "token":
            return (q - self.target(out, batch, advantage)) ** 2 * mask
        tokens = mask.sum(-1).clamp(min=1.0)
        return (q.sum(-1) / tokens - (advantage * mask).sum(-1) / tokens) ** 2
