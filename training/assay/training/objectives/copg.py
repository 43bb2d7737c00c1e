"""CoPG: pairs of scored responses, from any source, whose optimum is the KL-regularised one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.groups import sequence_reward
from assay.training.objectives.surrogate import GroupLoss
from assay.training.objectives.types import Advantage

Pairing = Literal["all", "adjacent", "best-worst"]


@dataclass(frozen=True)
class Rewarded(Advantage):
    """The reward itself on every sampled token; 0 where there is none. Rollouts are compared inside the loss."""

    @property
    def group_relative(self) -> bool:
        """True."""
        return True

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Rewards [B, T]."""
        return sequence_reward(batch).nan_to_num(0.0).float().unsqueeze(-1) * batch.action_mask


@dataclass(frozen=True)
class CoPG(GroupLoss):
    """Contrastive policy gradient (arXiv:2406.19185, eq. 9 and 14): a regression on the differences of pairs.

    With h the sum over a row's tokens of log pi - log ref, a pair costs ((R - R') - beta (h - h'))^2 / (2 beta); a
    prompt of k responses the sum over its pairs divided by k - 1 (``all``), or over neighbours (``adjacent``), or the
    best against the worst. The mean is over prompts. ``adjacent`` and ``best-worst`` divide by their number of pairs.

    Its unique optimum is ref exp(R / beta) / Z, whatever sampled the responses. ``quarters`` replaces the rewards of a
    pair by 1/4 and -1/4 for the better and the worse: the loss of IPO (arXiv:2310.12036). ``scale`` multiplies rewards.

    Raises:
        ValueError: if ``beta`` or ``scale`` is not above 0.
    """

    beta: float = 0.06
    pairing: Pairing = "all"
    quarters: bool = False
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not self.beta > 0:
            raise ValueError(f"beta must be above 0, got {self.beta:g}")
        if not self.scale > 0:
            raise ValueError(f"reward_scale must be above 0, got {self.scale:g}")

    @property
    def anchors(self) -> frozenset[str]:
        """``ref``."""
        return frozenset({"ref"})

    @property
    def level(self) -> str:
        """``group``: the mean is over prompts, however many responses each has."""
        return "group"

    @property
    def uses_old(self) -> bool:
        """False: it does not matter what sampled."""
        return False

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Loss [B]: each row's share of the loss of its prompt."""
        h = ((out.logp - batch.anchor_logp["ref"]) * batch.action_mask).sum(-1)
        reward = (sequence_reward(batch) * self.scale).to(h.dtype)
        loss = h * 0.0  # an empty micro-batch has a gradient too
        for group in torch.unique(batch.group_id):
            rows = torch.nonzero((batch.group_id == group) & ~torch.isnan(reward)).flatten()
            if len(rows) < 2:
                continue
            i, j, pairs = self._pairs(reward[rows])
            gap = reward[rows][i] - reward[rows][j]
            if self.quarters:
                gap = torch.sign(gap) / 2.0
            costs = (gap - self.beta * (h[rows][i] - h[rows][j])) ** 2 / (2.0 * self.beta * pairs)
            loss = loss.index_add(0, rows, (costs.sum() / len(rows)).expand(len(rows)))
        return loss

    def _pairs(self, reward: Tensor) -> tuple[Tensor, Tensor, float]:
        """First and second members of the pairs, and what their sum is divided by."""
        count = len(reward)
        if self.pairing == "all":
            i, j = torch.triu_indices(count, count, 1, device=reward.device)
            return i, j, float(count - 1)
        if self.pairing == "adjacent":
            i = torch.arange(count - 1, device=reward.device)
            return i, i + 1, float(count - 1)
        return reward.argmax().unsqueeze(0), reward.argmin().unsqueeze(0), 1.0
