"""The reward of keyframe-aware GRPO, and the divergence that its code charges."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from assay.training.objectives.contrast import ACCURACY, CONTRAST, FORMAT, SALIENCY
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.groups import row_weights
from assay.training.objectives.kl import KLLoss
from assay.training.objectives.types import RewardTransform
from assay.verifiers.video.reward import contrast_bonus, kf_reward, length_bonus


def part(batch: TrajectoryBatch, name: str) -> Tensor:
    """A part of the rewards, float64 [B]; 0 in rows that lack it, which were not judged part by part."""
    found = batch.reward_parts.get(name)
    return torch.zeros(len(batch), dtype=torch.float64) if found is None else found.double().nan_to_num(0.0)


def accuracies(batch: TrajectoryBatch) -> Tensor:
    """The part ``accuracy``, float64 [B]; where a row lacks it its verdict, and without that 0."""
    graded = batch.reward_parts.get(ACCURACY)
    verdict = batch.correct.double().nan_to_num(0.0)
    if graded is None:
        return verdict
    return torch.where(torch.isnan(graded), verdict, graded.double().round(decimals=6))  # .1 as it was before float32


def group_accuracy(batch: TrajectoryBatch, accuracy: Tensor) -> Tensor:
    """Mean accuracy of every row's group, float64 [B], over rollouts that have a reward; branches of one count once."""
    _, group = torch.unique(batch.group_id, return_inverse=True)
    weight = row_weights(batch) * ~torch.isnan(batch.reward)
    zero = torch.zeros(int(group.max()) + 1 if len(batch) else 0, dtype=torch.float64)
    total, count = zero.index_add(0, group, weight * accuracy), zero.index_add(0, group, weight)
    return (total / count.clamp(min=1.0))[group]


def reaching(p: Tensor) -> list[float]:
    """The accuracies of groups, with room for rounding where they are compared: 3/5 reaches .8 x 3/4."""
    return torch.where(p > 0, p + 1e-6, p).tolist()


@dataclass(frozen=True)
class KFReward(RewardTransform):
    """r = acc + fmt + [acc > .1] (alpha [p >= mu p' and p > 0] + beta saliency), whatever the environment paid.

    ChronoForge-RL (arXiv:2509.15800) as reconstructed from its abstract; the alpha term is that of T-GRPO
    (tulerfeng/Video-R1, grpo_trainer.py). p is the mean accuracy of a row's group, p' = ``reward_parts["contrast"]``
    that of the same task in a poorer view. Rows whose group was not compared (an image, a single frame) earn
    acc + fmt. See :func:`assay.verifiers.video.reward.kf_reward`.

    Attributes:
        alpha, mu, beta: see there.
        compared: whether contrast rollouts are played at all; without them the alpha term is out, and beta is paid in
            every group.
        length: what a right answer of ``shortest`` to ``longest`` sampled tokens earns where several of its group are
            right; 0 is nothing.
    """

    alpha: float = 0.3
    mu: float = 0.8
    beta: float = 0.2
    compared: bool = True
    length: float = 0.0
    shortest: int = 320
    longest: int = 512

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Rewards [B]; NaN stays NaN."""
        accuracy = accuracies(batch)
        p, other = reaching(group_accuracy(batch, accuracy)), self._contrast(batch)
        fmt, saliency = part(batch, FORMAT).tolist(), part(batch, SALIENCY).tolist()
        rewards = [
            kf_reward(acc, fmt[i], p[i], other[i], saliency[i], self.alpha, self.mu, self.beta)
            for i, acc in enumerate(accuracy.tolist())
        ]
        total = torch.tensor(rewards, dtype=torch.float64) + self._lengths(batch, accuracy)
        return torch.where(torch.isnan(batch.reward), torch.nan, total).to(batch.reward.dtype)

    def seen(self, batch: TrajectoryBatch) -> tuple[KFReward, dict[str, float]]:
        """Unchanged, and ``contrast/paid``: of the groups that were compared, the share that earn alpha."""
        if not self.compared:
            return self, {}
        p, other = reaching(group_accuracy(batch, accuracies(batch))), self._contrast(batch)
        groups = {group: i for i, group in enumerate(batch.group_id.tolist()) if other[i] is not None}
        if not groups:
            return self, {}
        paid = [contrast_bonus(p[i], other[i], 1.0, self.mu) for i in groups.values()]
        return self, {"contrast/paid": sum(paid) / len(paid)}

    def _contrast(self, batch: TrajectoryBatch) -> list[float | None]:
        """p' of every row; None where its group was not compared."""
        if not self.compared:
            return [math.inf] * len(batch)  # out of reach: no bonus, and the saliency is still paid
        found = batch.reward_parts.get(CONTRAST)
        if found is None:
            return [None] * len(batch)
        return [None if math.isnan(value) else value for value in found.tolist()]

    def _lengths(self, batch: TrajectoryBatch, accuracy: Tensor) -> Tensor:
        """What the length earns, float64 [B]; a rollout is as long as its longest branch."""
        if not self.length:
            return torch.zeros(len(batch), dtype=torch.float64)
        rollout = torch.arange(len(batch)) if batch.rollout_id is None else batch.rollout_id
        ids, inverse = torch.unique(rollout, return_inverse=True)

        def of_rollout(values: Tensor) -> Tensor:
            return torch.zeros(len(ids), dtype=values.dtype).scatter_reduce(
                0, inverse, values, "amax", include_self=False
            )

        tokens, right = of_rollout(batch.action_mask.sum(-1)), of_rollout(accuracy)
        group, earned = of_rollout(batch.group_id), torch.zeros(len(ids), dtype=torch.float64)
        for each in torch.unique(group):
            where = torch.nonzero(group == each).flatten()
            found = length_bonus(
                right[where].tolist(), tokens[where].int().tolist(), self.length, self.shortest, self.longest
            )
            earned[where] = torch.tensor(found, dtype=torch.float64)
        return earned[inverse]


@dataclass(frozen=True)
class ClampedKL(KLLoss):
    """beta (exp(-d) - 1 + d) with d = clamp(logp - ref, -10, 10), added to the loss of each token.

    As T-GRPO's code has it: the log-ratio is cut at 10, and not the estimate, so that a token that has become 10 times
    less likely is still pulled back.
    """

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
        """Loss [B, T]."""
        if not self.anchors:
            return torch.zeros_like(out.logp)
        d = (out.logp - batch.anchor_logp[self.anchor]).clamp(-10.0, 10.0)
        return self.beta * (torch.exp(-d) - 1.0 + d)
