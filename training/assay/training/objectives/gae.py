"""Advantages from a critic: generalised advantage estimation, and what the critic learns from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from assay.training.objectives.advantage import token_rewards
from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.groups import sequence_reward, whiten
from assay.training.objectives.types import Advantage

Normalise = Literal["batch", "minibatch", "none"]


@dataclass(frozen=True)
class GAE(Advantage):
    """Generalised advantage estimation over sampled tokens (arXiv:1506.02438, eq. 16).

    delta_t = r_t + gamma V_(t+1) - V_t; A_t = delta_t + gamma lam A_(t+1); tokens that were not sampled are passed
    over. The value after the last token is 0: hitting a budget is part of the task, and the verifier has judged what
    was there. With ``bootstrap`` it is ``end_value`` in truncated rows, on top of their reward: right where the limit
    is no part of the task and what was cut off was worth something.

    Attributes:
        gamma: discount a token, 0 to 1.
        lam: 0 (one step of bootstrapping) to 1 (Monte Carlo).
        normalise: whiten A over the tokens of the batch, of each minibatch, or not at all.
        eps: added to the variance.
        critic_lam: ``lam`` of what the critic learns; None: the same.
        bootstrap: see above.

    Raises:
        ValueError: for a constant out of its range.
    """

    gamma: float = 1.0
    lam: float = 0.95
    normalise: Normalise = "batch"
    eps: float = 1e-8
    critic_lam: float | None = None
    bootstrap: bool = False

    def __post_init__(self) -> None:
        for name in ("gamma", "lam", "critic_lam"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} must be between 0 and 1, got {value:g}")
        if self.normalise not in get_args(Normalise):
            raise ValueError(f"normalise is one of {', '.join(get_args(Normalise))}, got {self.normalise!r}")

    @property
    def needs_critic(self) -> bool:
        """True."""
        return True

    @property
    def needs_end_value(self) -> bool:
        """If truncated rows bootstrap."""
        return self.bootstrap

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Advantages [B, T].

        Raises:
            ValueError: if the batch has no values.
        """
        raw, valid = self._estimate(batch, self.lam), _valid(batch)
        return (whiten(raw, valid, self.eps) if self.normalise == "batch" else raw * valid).float()

    def in_minibatch(self, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Whitened over the minibatch, where that is wanted."""
        if self.normalise != "minibatch":
            return advantage
        return whiten(advantage, _valid(batch), self.eps).float()

    def returns(self, batch: TrajectoryBatch) -> Tensor:
        """A + V, before any normalisation, with ``critic_lam``; NaN in rows without a reward.

        Raises:
            ValueError: if the batch has no values.
        """
        raw = self._estimate(batch, self.lam if self.critic_lam is None else self.critic_lam)
        assert batch.values is not None
        target = (raw + batch.values.double()) * batch.action_mask
        known = ~torch.isnan(sequence_reward(batch)).unsqueeze(-1)
        return torch.where(known, target, torch.nan).float()

    def _estimate(self, batch: TrajectoryBatch, lam: float) -> Tensor:
        """A before normalisation, float64 [B, T], 0 where nothing was sampled."""
        if batch.values is None:
            raise ValueError("advantage gae needs a critic, but the batch has no values")
        mask, rewards, values = batch.action_mask.double(), token_rewards(batch), batch.values.double()
        result, following = torch.zeros_like(rewards), self._after(batch)
        running = torch.zeros_like(following)
        for t in range(rewards.shape[1] - 1, -1, -1):
            acted = mask[:, t] > 0
            delta = rewards[:, t] + self.gamma * following - values[:, t]
            running = torch.where(acted, delta + self.gamma * lam * running, running)
            following = torch.where(acted, values[:, t], following)
            result[:, t] = running * mask[:, t]
        return result

    def _after(self, batch: TrajectoryBatch) -> Tensor:
        """What follows each row's last token is worth, float64 [B]."""
        if not self.bootstrap:
            return torch.zeros(len(batch), dtype=torch.float64, device=batch.reward.device)
        if batch.end_value is None:
            raise ValueError("advantage gae bootstraps truncated rows, but the batch has no values of their ends")
        return batch.end_value.double() * batch.truncated


def _valid(batch: TrajectoryBatch) -> Tensor:
    return batch.action_mask * (~torch.isnan(sequence_reward(batch))).unsqueeze(-1)
