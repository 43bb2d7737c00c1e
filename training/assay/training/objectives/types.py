"""What the slots of an objective pass to each other: tensors only; no model, tokenizer or environment.

Shapes: B sequences, T action positions (the longest response of the batch), right-padded. Position t of a row is the
t-th token after the prompt; tokens that the policy did not sample (observations, padding) have ``action_mask`` 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor


@dataclass
class TrajectoryBatch:
    """Scored rollouts, ready for an advantage.

    Attributes:
        action_mask: float32 [B, T]; 1 where the policy sampled the token.
        group_id: int64 [B]; rows of one prompt share it.
        reward: float32 [B]; NaN where every reward of the row is missing.
        correct: float32 [B]; 1, 0 or NaN (no verdict).
        truncated: bool [B]; the row hit its token or turn budget.
        rollout_logp: float32 [B, T]; log-probabilities reported by the sampler.
        old_logp: float32 [B, T] or None; the same under the policy frozen at the start of the update phase. None means
            "the policy itself, detached", which is exact for the first update.
        token_reward: float32 [B, T] or None.
        reward_parts: named reward components, each [B].
        anchor_logp: log-probabilities under frozen policies (``"ref"``, ...), each [B, T].
        anchor_aux: other per-token tensors of those policies, each [B, T].
        values: float32 [B, T] or None; the critic.
        policy_version: int64 [B]; the update count of the policy that sampled the row.
    """

    action_mask: Tensor
    group_id: Tensor
    reward: Tensor
    correct: Tensor
    truncated: Tensor
    rollout_logp: Tensor
    old_logp: Tensor | None = None
    token_reward: Tensor | None = None
    reward_parts: dict[str, Tensor] = field(default_factory=dict)
    anchor_logp: dict[str, Tensor] = field(default_factory=dict)
    anchor_aux: dict[str, Tensor] = field(default_factory=dict)
    values: Tensor | None = None
    policy_version: Tensor | None = None

    def __len__(self) -> int:
        return int(self.reward.shape[0])

    def rows(self, index: Tensor) -> TrajectoryBatch:
        """The rows of an int64 index, in its order; T is kept."""

        def pick(value: Tensor | None) -> Tensor | None:
            return None if value is None else value[index]

        return TrajectoryBatch(
            action_mask=self.action_mask[index],
            group_id=self.group_id[index],
            reward=self.reward[index],
            correct=self.correct[index],
            truncated=self.truncated[index],
            rollout_logp=self.rollout_logp[index],
            old_logp=pick(self.old_logp),
            token_reward=pick(self.token_reward),
            reward_parts={k: v[index] for k, v in self.reward_parts.items()},
            anchor_logp={k: v[index] for k, v in self.anchor_logp.items()},
            anchor_aux={k: v[index] for k, v in self.anchor_aux.items()},
            values=pick(self.values),
            policy_version=pick(self.policy_version),
        )


@dataclass
class PolicyOutputs:
    """What the current policy says of the rows of a micro-batch.

    ``logp`` is float32 [B, T] with gradient, 0 where ``action_mask`` is 0. ``aux`` holds only what some slot ``needs``
    (``"entropy"`` in nats, ...), each [B, T].
    """

    logp: Tensor
    aux: dict[str, Tensor] = field(default_factory=dict)

    def detach(self) -> PolicyOutputs:
        """The same without gradient."""
        return PolicyOutputs(self.logp.detach(), {k: v.detach() for k, v in self.aux.items()})


@dataclass(frozen=True)
class Totals:
    """Global denominators of a minibatch, so that splitting it into micro-batches changes nothing.

    ``tokens``: kept tokens; ``sequences``: rows with a kept token; ``length``: the constant L_max of ``seq-sum-norm``.
    """

    tokens: float
    sequences: float
    length: float

    @classmethod
    def of(cls, keep: Tensor, length: float) -> Totals:
        """Totals of a keep-mask [B, T]."""
        return cls(float(keep.sum()), float((keep.sum(-1) > 0).sum()), length)


class Advantage(Protocol):
    """(batch) -> A[B, T], no gradient."""

    def __call__(self, batch: TrajectoryBatch) -> Tensor: ...


class RewardTransform(Protocol):
    """(batch) -> reward[B]."""

    def __call__(self, batch: TrajectoryBatch) -> Tensor: ...


class TokenWeight(Protocol):
    """(batch, A, detached outputs) -> (weight[B, T], keep[B, T]); several multiply."""

    def __call__(self, batch: TrajectoryBatch, advantage: Tensor, out: PolicyOutputs) -> tuple[Tensor, Tensor]: ...


class Surrogate(Protocol):
    """(out, batch, A) -> loss [B, T] (``level`` "token") or [B] ("sequence"), to minimise."""

    needs: frozenset[str]
    level: str
    needs_whole_groups: bool

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor: ...


class Regulariser(Protocol):
    """(out, batch) -> loss [B, T], already multiplied by its coefficient; aggregated like the surrogate."""

    needs: frozenset[str]
    anchors: frozenset[str]

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor: ...


def old_logp(out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
    """The log-probabilities [B, T] that the importance ratio is taken against."""
    return out.logp.detach() if batch.old_logp is None else batch.old_logp


def ratio(out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
    """exp(clamp(logp - old, -20, 20)), float32 [B, T]."""
    return torch.exp((out.logp - old_logp(out, batch)).clamp(-20.0, 20.0))
