"""Rows that outlive their step: what a schedule remembers, joined with what was just sampled."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor

from assay.training.batch import Batch
from assay.training.objectives.data import TrajectoryBatch


def _nothing() -> Batch:
    empty = TrajectoryBatch.of(torch.zeros(0), action_mask=torch.zeros(0, 0), group=[])
    return Batch([], replace(empty, group_id=torch.zeros(0, dtype=torch.int64)))


@dataclass(frozen=True)
class Memory:
    """Rows with what is known of them.

    Attributes:
        batch: N rows, oldest first.
        advantage: float32 [N, T].
        returns: float32 [N, T]; targets of the critic, 0 where there is none.
        fresh: bool [N]; sampled in the step under way.
    """

    batch: Batch = field(default_factory=_nothing)
    advantage: Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    returns: Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    fresh: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.bool))

    def __len__(self) -> int:
        return len(self.batch.rows)

    def with_fresh(self, batch: Batch, advantage: Tensor, returns: Tensor) -> Memory:
        """The remembered rows, then fresh ones."""
        fresh = torch.ones(len(batch.rows), dtype=torch.bool)
        if not len(self):
            return Memory(batch, advantage, returns, fresh)
        joined = Batch([*self.batch.rows, *batch.rows], joined_data(self.batch.data, batch.data))
        width = joined.width
        return Memory(
            joined,
            torch.cat([_wide(self.advantage, width), _wide(advantage, width)]),
            torch.cat([_wide(self.returns, width), _wide(returns, width)]),
            torch.cat([torch.zeros_like(self.fresh), fresh]),
        )

    def kept(self, index: Tensor) -> Memory:
        """The rows of an index in its order, as they are to be remembered: with the log-probabilities of now as those
        of the policy that sampled them."""
        if not len(index):
            return Memory()
        batch = self.batch.take(index.tolist())
        if batch.data.behaviour_logp is None:
            batch = Batch(batch.rows, replace(batch.data, behaviour_logp=batch.data.old_logp))
        elif batch.data.old_logp is not None:
            first = self.fresh[index].unsqueeze(-1)
            behaviour = torch.where(first, batch.data.old_logp, batch.data.behaviour_logp)
            batch = Batch(batch.rows, replace(batch.data, behaviour_logp=behaviour))
        return Memory(batch, self.advantage[index], self.returns[index], torch.zeros(len(index), dtype=torch.bool))

    def replaced(self, index: Tensor, part: Batch) -> Memory:
        """With the per-token tensors of some rows replaced by those of ``part``."""
        data = self.batch.data
        changes: dict[str, Any] = {}
        for name in ("old_logp", "values", "end_value"):
            now, new = getattr(data, name), getattr(part.data, name)
            if now is not None and new is not None:
                changes[name] = now.index_copy(0, index, new)
        for name in ("anchor_logp", "old_aux"):
            mine, new = getattr(data, name), getattr(part.data, name)
            changes[name] = {key: mine[key].index_copy(0, index, value) for key, value in new.items()}
        return replace(self, batch=Batch(self.batch.rows, replace(data, **changes)))

    def judged(self, index: Tensor, advantage: Tensor, returns: Tensor) -> Memory:
        """With other advantages and returns of some rows."""
        return replace(
            self,
            advantage=self.advantage.index_copy(0, index, advantage),
            returns=self.returns.index_copy(0, index, returns),
        )


def _wide(values: Tensor, width: int) -> Tensor:
    """[N, t] padded with zeros to [N, width]."""
    return torch.nn.functional.pad(values, (0, width - values.shape[1]))


def joined_data(first: TrajectoryBatch, second: TrajectoryBatch) -> TrajectoryBatch:
    """The rows of both, padded to one width; groups and rollouts of the second are numbered on from the first.

    A part of the reward or an anchor that one of them lacks is NaN there; ``behaviour_logp`` that one of them lacks is
    its ``old_logp``; any other tensor that one of them lacks is dropped.
    """
    width = max(first.action_mask.shape[1], second.action_mask.shape[1])
    changes: dict[str, Any] = {}
    for item in fields(TrajectoryBatch):
        a, b = getattr(first, item.name), getattr(second, item.name)
        if isinstance(a, dict):
            changes[item.name] = {
                key: _stacked(_or_nan(a, key, first), _or_nan(b, key, second), width) for key in sorted(a.keys() | b)
            }
            continue
        if item.name == "behaviour_logp" and (a is not None or b is not None):
            a, b = first.old_logp if a is None else a, second.old_logp if b is None else b
        if item.name in ("group_id", "rollout_id") and a is not None and b is not None and len(a):
            b = b - b.min() + a.max() + 1 if len(b) else b
        changes[item.name] = None if a is None or b is None else _stacked(a, b, width)
    return TrajectoryBatch(**changes)


def _or_nan(found: dict[str, Tensor], key: str, like: TrajectoryBatch) -> Tensor:
    return found[key] if key in found else torch.full_like(like.reward, torch.nan)


def _stacked(a: Tensor, b: Tensor, width: int) -> Tensor:
    if a.dim() == 1 and b.dim() == 1:
        return torch.cat([a, b])
    a, b = (x.unsqueeze(-1).expand(-1, width) if x.dim() == 1 else _wide(x, width) for x in (a, b))
    return torch.cat([a, b])
