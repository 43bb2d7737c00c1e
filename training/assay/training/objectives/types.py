"""What the slots of an objective pass to each other: tensors only; no model, tokenizer or environment.

Shapes: B sequences, T action positions (the longest response of the batch), right-padded. Position t of a row is the
t-th token after the prompt; tokens that the policy did not sample (observations, padding) have ``action_mask`` 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol, Self, runtime_checkable

import torch
from torch import Tensor

from assay.training.objectives.metrics import Metrics


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
        old_aux: what the policy at the start of the update phase said besides, by readout (:class:`Readout`), each
            [B, T]; empty where ``old_logp`` is None.
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
    ``groups``: groups with a kept token; ``pools``: of each :class:`BatchTerm`, its sum and count; None where the minibatch is one micro-batch.
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
    """(out, batch, A) -> loss [B, T] (``level`` "token") or [B] ("sequence", or "group": the rows' shares of the loss of
    their group), to minimise."""

    @property
    def level(self) -> str:
        """``"token"`` or ``"sequence"``."""
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


def old_logp(out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
    """The log-probabilities [B, T] that the importance ratio is taken against."""
    return out.logp.detach() if batch.old_logp is None else batch.old_logp


def old_readout(out: PolicyOutputs, batch: TrajectoryBatch, name: str) -> Tensor:
    """A readout [B, T] under the policy at the start of the update phase, no gradient."""
    return out.aux[name].detach() if batch.old_logp is None else batch.old_aux[name]


def ratio(out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
    """exp(clamp(logp - old, -20, 20)), float32 [B, T]."""
    return torch.exp((out.logp - old_logp(out, batch)).clamp(-20.0, 20.0))
