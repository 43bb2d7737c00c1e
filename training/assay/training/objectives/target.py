"""Weights that match a distribution: the policy is drawn towards a fixed target instead of up a reward.

The target of a prompt is P / Z with P(x) = ref(x) exp(R(x) / beta), which is the optimum of KL-penalised reinforcement
learning, or P(x) = ref(x) 1[R(x) >= 1]. The gradient of the forward divergence KL(P / Z || policy) is that of
-mean(w log policy(x)) over samples x of a proposal q, with w = P / q held fixed (Khalifa et al. 2021, arXiv:2012.11635;
Korbak et al. 2022, arXiv:2205.11275).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Self

import torch
from torch import Tensor

from assay.training.objectives.advantage import spread
from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.types import Advantage

Target = Literal["exp-reward", "constraint"]
PROPOSAL = "proposal"
CLAMP = 20.0
"""Largest |log w|."""


def log_target(reward: Tensor, ref: Tensor, beta: float, target: Target) -> Tensor:
    """log P of each row: [B] rewards and sequence log-probabilities under the reference to [B]; -inf where P is 0."""
    if target == "constraint":
        return torch.where(reward >= 1.0, ref, -torch.inf)
    return ref + reward / beta


@dataclass(frozen=True)
class TargetWeight(Advantage):
    """w = P / q, less Z policy / q where there is a baseline (whose mean over q is 0, Z being the mass of P).

    Attributes:
        beta: reward units a nat; only of ``exp-reward``.
        target: what P is.
        baseline: subtract it; on the policy's own samples w is then P / policy - Z.
        divide: divide w by Z, so that the scale of P is no learning rate.
        conditional: Z of each prompt, from its own samples, by which w is divided; otherwise one Z for all, a running
            mean.
        proposal: whether samples are those of the frozen policy ``proposal``; otherwise of the policy itself.
        log_z, count: the running mean in logarithm, and the samples in it.
    """

    beta: float = 0.25
    target: Target = "exp-reward"
    baseline: bool = True
    divide: bool = False
    conditional: bool = False
    proposal: bool = False
    log_z: float = -math.inf
    count: float = 0.0

    def __post_init__(self) -> None:
        if self.beta <= 0:
            raise ValueError(f"beta must be positive, got {self.beta:g}")

    @property
    def anchors(self) -> frozenset[str]:
        """The prior, and the proposal where it is frozen."""
        return frozenset({"ref", PROPOSAL}) if self.proposal else frozenset({"ref"})

    @property
    def uses_old(self) -> bool:
        """True."""
        return True

    def seen(self, batch: TrajectoryBatch) -> tuple[Self, dict[str, float]]:
        """Z with these samples in it; and how far policy and proposal are from the target, by the samples."""
        target, policy, proposal, valid = self._logs(batch)
        rows = float(valid.sum())
        if not rows:
            return self, {}
        log_w = (target - proposal)[valid]
        here = float(torch.logsumexp(log_w, 0)) - math.log(rows)
        before, now = self.log_z + math.log(self.count) if self.count else -math.inf, here + math.log(rows)
        count = self.count + rows
        log_z = float(torch.logsumexp(torch.tensor([before, now], dtype=torch.float64), 0)) - math.log(count)
        noticed = {
            "target/log_z": log_z,
            "target/in_support": float((log_w > -math.inf).double().mean()),
            "target/clamped": float((log_w.abs() > CLAMP).double().mean()) if not self.conditional else 0.0,
        }
        share = torch.softmax(log_w, 0) if here > -math.inf else torch.zeros_like(log_w)
        inside = share > 0
        for name, other in (("policy", policy), ("proposal", proposal)):
            gap = (target - other)[valid][inside] - log_z
            noticed[f"target/kl_{name}"] = float((share[inside] * gap).sum())
        noticed["target/effective_samples"] = float(1.0 / (share**2).sum()) if inside.any() else 0.0
        return replace(self, log_z=log_z, count=count), noticed

    def state(self) -> dict[str, float]:
        """The running mean."""
        return {"log_z": self.log_z, "count": self.count}

    def restored(self, state: Mapping[str, float]) -> Self:
        """With that running mean."""
        return replace(self, log_z=state["log_z"], count=state["count"])

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Weights [B, T], the same on every token of a row; 0 for rows without a reward."""
        target, policy, proposal, valid = self._logs(batch)
        log_w, off = target - proposal, policy - proposal
        if self.conditional:
            log_z = _log_mean_by_group(torch.where(valid, log_w, -torch.inf), valid, batch.group_id)
            alive = valid & (log_z > -math.inf)
            weight = (log_w - log_z).clamp(max=CLAMP).exp()
            weight = weight - off.clamp(max=CLAMP).exp() if self.baseline else weight
            return spread(torch.where(alive, weight, 0.0), batch)
        shift = self.log_z if self.divide and self.log_z > -math.inf else 0.0
        weight = (log_w - shift).clamp(max=CLAMP).exp()
        if self.baseline:
            weight = weight - (self.log_z - shift + off).clamp(max=CLAMP).exp()
        return spread(torch.where(valid, weight, 0.0), batch)

    def _logs(self, batch: TrajectoryBatch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """log P, log policy and log proposal of each row, float64 [B], and which rows have a reward."""
        mask = batch.action_mask.double()
        ref = (batch.anchor_logp["ref"].double() * mask).sum(-1)
        own = batch.rollout_logp if batch.old_logp is None else batch.old_logp
        if own is None:
            raise ValueError("the batch has no log-probabilities of the policy")
        policy = (own.double() * mask).sum(-1)
        proposal = (batch.anchor_logp[PROPOSAL].double() * mask).sum(-1) if self.proposal else policy
        valid = ~torch.isnan(batch.reward)
        reward = torch.where(valid, batch.reward.double(), 0.0)
        return log_target(reward, ref, self.beta, self.target), policy, proposal, valid


def _log_mean_by_group(values: Tensor, valid: Tensor, group_id: Tensor) -> Tensor:
    """log of the mean of exp(values) over the valid rows of each row's group, [B]; -inf where there is none."""
    _, group = torch.unique(group_id, return_inverse=True)
    means = torch.full_like(values, -torch.inf)
    for number in range(int(group.max()) + 1 if len(group) else 0):
        inside = (group == number) & valid
        if inside.any():
            means[group == number] = torch.logsumexp(values[inside], 0) - math.log(int(inside.sum()))
    return means
