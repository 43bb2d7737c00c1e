"""Weighted likelihood of logged responses: A-LoL and the baselines it was compared with.

A-LoL (arXiv:2305.14718): each response is one action, weighted by how much better it is than the starting policy's own
answers to the prompt, and by a detached, clipped importance ratio against that policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from assay.training.objectives.advantage import spread
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.groups import sequence_reward
from assay.training.objectives.types import Advantage, Surrogate

RatioLevel = Literal["sequence", "token", "none"]


@dataclass(frozen=True)
class AboveReference(Advantage):
    """max(R - V, 0), with V the value of the prompt under the starting policy, which ``batch.values`` holds.

    A row without a reward gets 0.
    """

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Advantages [B, T].

        Raises:
            ValueError: if the batch has no values.
        """
        if batch.values is None:
            raise ValueError("the advantage over a reference needs the value of each prompt, and the batch has none")
        reward = sequence_reward(batch).nan_to_num(0.0).float().unsqueeze(-1)
        known = (~torch.isnan(batch.reward)).unsqueeze(-1)
        return ((reward - batch.values).clamp(min=0.0) * known * batch.action_mask).detach()


@dataclass(frozen=True)
class Weighted(Advantage):
    """The reward itself (0 where there is none), or 1 for every row where ``rewarded`` is off."""

    rewarded: bool = True

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Advantages [B, T]."""
        if not self.rewarded:
            return batch.action_mask.clone()
        return spread(sequence_reward(batch).nan_to_num(0.0), batch)


@dataclass(frozen=True)
class LeftoverLunch(Surrogate):
    """-A clip(r, 1 - eps, 1 + eps) log pi, r detached and against the starting policy; A-LoL (arXiv:2305.14718), eq. 4.

    ``sequence``: r of the whole response, the exponential of the sum over its tokens, on each of them (A-LoL).
    ``token``: r of each token (the variant named ``seq``, eq. 5). ``none``: r = 1 (``ref-free``).
    ``beta`` adds beta (log pi - log ref): the coefficient on log pi is then A - beta. Tokens of advantage 0 are left
    out, that term included. Log-ratios are clamped to +-20.

    Raises:
        ValueError: if ``eps`` is not in [0, 1] or ``beta`` is negative.
    """

    level_of_ratio: RatioLevel = "sequence"
    eps: float = 0.9
    beta: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.eps <= 1.0:
            raise ValueError(f"eps must be between 0 and 1, got {self.eps:g}")
        if self.beta < 0:
            raise ValueError(f"kl_beta must not be negative, got {self.beta:g}")

    @property
    def anchors(self) -> frozenset[str]:
        """``ref``, where it is compared with."""
        return frozenset({"ref"}) if self.level_of_ratio != "none" or self.beta else frozenset()

    @property
    def uses_old(self) -> bool:
        """False: the ratio is against the starting policy, at every step."""
        return False

    def _ratio(self, out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
        gap = (out.logp.detach() - batch.anchor_logp["ref"]) * batch.action_mask
        if self.level_of_ratio == "sequence":
            gap = gap.sum(-1, keepdim=True).expand_as(gap)
        return torch.exp(gap.clamp(-20.0, 20.0))

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Loss [B, T]."""
        weight = advantage
        if self.level_of_ratio != "none":
            weight = advantage * self._ratio(out, batch).clamp(1.0 - self.eps, 1.0 + self.eps)
        loss = -weight * out.logp
        if self.beta:
            loss = loss + self.beta * (out.logp - batch.anchor_logp["ref"]) * (advantage != 0)
        return loss

    def clipped(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor | None:
        """Bool [B, T]: tokens whose ratio was cut; long responses saturate the sequence ratio."""
        if self.level_of_ratio == "none":
            return None
        ratio = self._ratio(out, batch)
        return (ratio < 1.0 - self.eps) | (ratio > 1.0 + self.eps)


@dataclass(frozen=True)
class Gold(Surrogate):
    """-A max(pi, floor) log pi with the probability detached; GOLD (arXiv:2009.07839), eq. 6.

    Raises:
        ValueError: if ``floor`` is not in [0, 1].
    """

    floor: float = 0.1

    def __post_init__(self) -> None:
        if not 0.0 <= self.floor <= 1.0:
            raise ValueError(f"floor is a probability, got {self.floor:g}")

    @property
    def uses_old(self) -> bool:
        """False."""
        return False

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Loss [B, T]."""
        return -advantage * out.logp.detach().exp().clamp(min=self.floor) * out.logp
