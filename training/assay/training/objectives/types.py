"""The slots of an objective, as protocols: what each is given, what it returns, what it may ask of the trainer.

Shapes are those of :mod:`assay.training.objectives.data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import torch
from torch import Tensor

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.metrics import Metrics


class Readout(Protocol):
    """A number that a slot needs of every sampled position: a function of the logits that the token was drawn from.

    Readouts are frozen dataclasses: equal fields, equal readout. The policy's logits [positions, V] never exist as a
    whole; a readout sees chunks of rows.
    """

    @property
    def name(self) -> str:
        """The key in :attr:`PolicyOutputs.aux`."""
        ...

    @property
    def against(self) -> str | None:
        """A frozen policy whose logits at the same positions are the second argument; None: there is no second."""
        return None

    def __call__(self, logits: Tensor, other: Tensor | None) -> Tensor:
        """Float32 [R, V] of the policy, and of ``against`` (no gradient), to [R]; differentiable in the first."""
        ...


@dataclass(frozen=True)
class Entropy(Readout):
    """-sum p log p in nats; the forward pass has it for nothing."""

    @property
    def name(self) -> str:
        """``entropy``."""
        return "entropy"

    def __call__(self, logits: Tensor, other: Tensor | None) -> Tensor:
        """Entropies [R]."""
        logp = torch.log_softmax(logits, -1)
        return -(logp.exp() * logp).sum(-1)


class Slot(Protocol):
    """What every slot may ask of the trainer; the defaults ask for nothing and never change.

    Slots are immutable. One whose coefficient moves during a run returns its successor from :meth:`updated`, and names
    the numbers that a checkpoint must hold in :meth:`state`.
    """

    @property
    def needs(self) -> frozenset[Readout]:
        """What must be in :attr:`PolicyOutputs.aux`."""
        return frozenset()

    @property
    def old_needs(self) -> frozenset[Readout]:
        """What must be in :attr:`TrajectoryBatch.old_aux` once the policy has moved on."""
        return frozenset()

    @property
    def anchors(self) -> frozenset[str]:
        """Names of :attr:`TrajectoryBatch.anchor_logp` that must be present; each costs a frozen model."""
        return frozenset()

    def fitted(self, special: frozenset[int], banned: frozenset[int]) -> Self:
        """The slot for one vocabulary: token ids that end, begin or pad a text, and those that are never sampled."""
        return self

    def at(self, step: int) -> Self:
        """The slot at a step (from 1) of the run, where a coefficient follows the clock."""
        return self

    def collected(self, batch: TrajectoryBatch) -> Self:
        """The slot after a batch has been sampled and its advantages taken, before any optimiser step on it."""
        return self

    def seen(self, batch: TrajectoryBatch) -> tuple[Self, dict[str, float]]:
        """The slot after it has seen a fresh batch, before its advantages are taken, and what is worth logging."""
        return self, {}

    def updated(self, metrics: Mapping[str, float], rows: int) -> Self:
        """The slot after an optimiser step on ``rows`` rows that measured ``metrics``."""
        return self

    def state(self) -> dict[str, float]:
        """What :meth:`updated` has changed."""
        return {}

    def restored(self, state: Mapping[str, float]) -> Self:
        """The slot with the numbers of :meth:`state`."""
        return self


class RewardTransform(Slot, Protocol):
    """(batch) -> reward [B], which replaces ``batch.reward``."""

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Rewards [B]."""
        ...


class TokenReward(Slot, Protocol):
    """(batch) -> reward [B, T], which is added to ``batch.token_reward``."""

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Rewards [B, T]."""
        ...


class Advantage(Slot, Protocol):
    """(batch) -> A [B, T], no gradient, 0 where ``action_mask`` is 0."""

    @property
    def group_relative(self) -> bool:
        """Whether a rollout is compared with others of its group, so that a group of one teaches nothing."""
        return False

    @property
    def needs_critic(self) -> bool:
        """Whether ``batch.values`` must be present."""
        return False

    @property
    def uses_old(self) -> bool:
        """Whether it asks what the policy at the start of the step says, where another one sampled."""
        return False

    @property
    def needs_end_value(self) -> bool:
        """Whether ``batch.end_value`` must be present."""
        return False

    def in_minibatch(self, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """A [B, T] for the rows of one optimiser step, given theirs from the whole batch."""
        return advantage

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Advantages [B, T]."""
        ...


@runtime_checkable
class TeachesCritic(Protocol):
    """An advantage that also says what its critic learns."""

    def returns(self, batch: TrajectoryBatch) -> Tensor:
        """What the critic learns, float32 [B, T]; 0 where ``action_mask`` is 0, NaN in rows without a reward."""
        ...


class Keep(Slot, Protocol):
    """(batch, A) -> mask [B, T] of 0 and 1; several multiply.

    It decides the denominators, so it may look neither at the current policy nor at other rows.
    """

    def __call__(self, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Mask [B, T]."""
        ...


class TokenWeight(Slot, Protocol):
    """(batch, A, detached outputs) -> weight [B, T] of the surrogate; several multiply; denominators are unchanged."""

    def __call__(self, batch: TrajectoryBatch, advantage: Tensor, out: PolicyOutputs) -> Tensor:
        """Weights [B, T]."""
        ...

    def cut(self, batch: TrajectoryBatch, advantage: Tensor, out: PolicyOutputs) -> Tensor | None:
        """Bool [B, T]: tokens whose weight was limited or rejected; None where none ever is."""
        return None


class Surrogate(Slot, Protocol):
    """(out, batch, A) -> loss to minimise, [B, T] or [B]; ``level`` says which."""

    @property
    def level(self) -> str:
        """``"token"``: losses [B, T]; ``"sequence"``: [B]; ``"group"``: [B], each row's share of its group's loss."""
        return "token"

    @property
    def needs_whole_groups(self) -> bool:
        """Whether all rows of a group must be in one micro-batch."""
        return False

    @property
    def uses_old(self) -> bool:
        """Whether the importance ratio matters, so that ``old_logp`` is wanted after the first update of a batch."""
        return True

    @property
    def zero_is_inert(self) -> bool:
        """Whether a token of advantage 0 contributes neither loss nor gradient."""
        return True

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Losses [B, T] or [B]."""
        ...

    def clipped(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor | None:
        """Bool [B, T]: tokens whose ratio was cut; None where nothing is ever cut."""
        return None


class Regulariser(Slot, Protocol):
    """(out, batch) -> loss [B, T], already multiplied by its coefficient; aggregated like the surrogate."""

    @property
    def name(self) -> str:
        """The key of its value in the metrics."""
        return type(self).__name__.lower()

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
        """Losses [B, T]."""
        ...


class BatchTerm(Slot, Protocol):
    """A regulariser that is a function of one mean over a whole minibatch: (out, keep, sum, count) -> scalar.

    Where a minibatch is cut, the policy is asked twice: for the mean, without gradient, and for the loss.
    """

    @property
    def name(self) -> str:
        """The key of its value in the metrics."""
        ...

    @property
    def unanchored(self) -> bool:
        """Whether it still has to be shown what its mean is on the first batch."""
        return False

    def anchored(self, total: float, count: float) -> Self:
        """The term once it has been."""
        return self

    def pool(self, out: PolicyOutputs, keep: Tensor) -> Tensor:
        """Sum and count of the mean over some rows, float64 [2] on the CPU; keep is float32 [B, T]."""
        ...

    def measure(self, metrics: Metrics, out: PolicyOutputs, keep: Tensor) -> None:
        """Add what is worth knowing of some rows; no gradient."""

    def __call__(self, out: PolicyOutputs, keep: Tensor, total: float, count: float) -> Tensor:
        """The share of some rows in a term of a minibatch with that sum and count, a scalar."""
        ...
