"""What the slots of an objective are given: tensors only; no model, tokenizer or environment.

Shapes: B sequences, T action positions (the longest response of the batch), right-padded. Position t of a row is the
t-th token after the prompt; tokens that the policy did not sample (observations, padding) have ``action_mask`` 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

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
        rollout_logp: float32 [B, T]; log-probabilities reported by the sampler; None where nobody knows (logged rows).
        old_logp: float32 [B, T] or None; the same under the policy frozen at the start of the update phase. None means
            "the policy itself, detached", which is exact for the first update.
        token_reward: float32 [B, T] or None; rewards of single tokens, on top of ``reward``.
        reward_parts: named reward components, each [B].
        anchor_logp: log-probabilities under frozen policies (``"ref"``, ...), each [B, T].
        old_aux: what the policy at the start of the update phase said besides, by the name of a
            :class:`~assay.training.objectives.types.Readout`, each [B, T]; empty where ``old_logp`` is None.
        behaviour_logp: float32 [B, T] or None; log-probabilities under the policy that sampled the rows, where that is
            not the one that ``old_logp`` is of: rows remembered from earlier steps, or logged by somebody else.
        values: float32 [B, T] or None; the critic: what the state is worth that the token was sampled in.
        end_value: float32 [B] or None; what the state after the row's last token is worth, for rows that were cut.
        policy_version: int64 [B]; the update count of the policy that sampled the row.
        tool_calls: float32 [B] or None; how often the rollout acted on its environment before it ended.
        rollout_id: int64 [B] or None; rows that are branches of one rollout share it, and count once in every
            statistic over rewards (in the loss each is a sequence). None: each row is a rollout of its own.
    """

    action_mask: Tensor
    group_id: Tensor
    reward: Tensor
    correct: Tensor
    truncated: Tensor
    rollout_logp: Tensor | None
    old_logp: Tensor | None = None
    token_reward: Tensor | None = None
    reward_parts: dict[str, Tensor] = field(default_factory=dict)
    anchor_logp: dict[str, Tensor] = field(default_factory=dict)
    old_aux: dict[str, Tensor] = field(default_factory=dict)
    behaviour_logp: Tensor | None = None
    values: Tensor | None = None
    end_value: Tensor | None = None
    policy_version: Tensor | None = None
    tool_calls: Tensor | None = None
    rollout_id: Tensor | None = None

    @classmethod
    def of(
        cls, reward: Sequence[float] | Tensor, group: Sequence[int] | None = None, length: int = 1, **given: Any
    ) -> TrajectoryBatch:
        """A batch of what is given, the rest neutral; for trying out an objective.

        Args:
            reward: [B].
            group: group of each row; by default all are one.
            length: T, all of it sampled, unless ``action_mask`` is given.
            given: any other attribute.
        """
        rewards = torch.as_tensor(reward, dtype=torch.float32)
        rows = rewards.shape[0]
        mask = given.pop("action_mask", torch.ones(rows, length))
        neutral: dict[str, Any] = {
            "correct": torch.full((rows,), torch.nan),
            "truncated": torch.zeros(rows, dtype=torch.bool),
            "rollout_logp": torch.zeros_like(mask),
        }
        return cls(mask, torch.tensor(group or [0] * rows), rewards, **{**neutral, **given})

    def __len__(self) -> int:
        return int(self.reward.shape[0])

    def rows(self, index: Tensor) -> TrajectoryBatch:
        """The rows of an int64 index, in its order; T is kept."""
        return self._map(lambda value: value[index])

    def to(self, device: torch.device) -> TrajectoryBatch:
        """The same on a device."""
        return self._map(lambda value: value.to(device))

    def _map(self, change: Callable[[Tensor], Tensor]) -> TrajectoryBatch:
        changed: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Tensor):
                changed[item.name] = change(value)
            elif isinstance(value, dict):
                changed[item.name] = {name: change(tensor) for name, tensor in value.items()}
        return replace(self, **changed)


@dataclass
class PolicyOutputs:
    """What the current policy says of the rows of a micro-batch.

    ``logp`` is float32 [B, T] with gradient, 0 where ``action_mask`` is 0. ``aux`` holds the readouts that some slot
    ``needs`` by name, and always ``"entropy"`` (nats), each [B, T].
    """

    logp: Tensor
    aux: dict[str, Tensor] = field(default_factory=dict)

    def detach(self) -> PolicyOutputs:
        """The same without gradient."""
        return PolicyOutputs(self.logp.detach(), {k: v.detach() for k, v in self.aux.items()})


@dataclass(frozen=True)
class Totals:
    """Global denominators of a minibatch, so that splitting it into micro-batches changes nothing.

    ``tokens``: kept tokens; ``sequences``: rows with a kept token; ``length``: the constant L_max of ``seq-sum-norm``;
    ``groups``: groups with a kept token; ``pools``: the sum and count of each
    :class:`~assay.training.objectives.types.BatchTerm`; None where the minibatch is one micro-batch.
    """

    tokens: float
    sequences: float
    length: float
    pools: tuple[tuple[float, float], ...] | None = None
    groups: float = 1.0

    @classmethod
    def of(cls, keep: Tensor, length: float, group_id: Tensor | None = None) -> Totals:
        """Totals of a keep-mask [B, T] whose rows are of the groups int64 [B], or all of one."""
        kept = keep.sum(-1) > 0
        groups = 1.0 if group_id is None else float(len(torch.unique(group_id[kept])))
        return cls(float(keep.sum()), float(kept.sum()), length, groups=groups)


def old_logp(out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
    """The log-probabilities [B, T] that the importance ratio is taken against."""
    return out.logp.detach() if batch.old_logp is None else batch.old_logp


def old_readout(out: PolicyOutputs, batch: TrajectoryBatch, name: str) -> Tensor:
    """A readout [B, T] under the policy at the start of the update phase, no gradient."""
    return out.aux[name].detach() if batch.old_logp is None else batch.old_aux[name]


def ratio(out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
    """exp(clamp(logp - old, -20, 20)), float32 [B, T]."""
    return torch.exp((out.logp - old_logp(out, batch)).clamp(-20.0, 20.0))
