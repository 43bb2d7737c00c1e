"""Schedules decide what experience a step sees: how much is sampled, which groups stay, how a batch is cut.

They decide and never do: the trainer samples, and asks. All are immutable, so that a resumed run decides alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol, Self

import torch
from torch import Tensor

from assay.training.objectives.data import TrajectoryBatch

if TYPE_CHECKING:
    from assay.agents.engines.action_mask import ActionMask


@dataclass(frozen=True)
class RolloutPlan:
    """What a step samples: ``groups`` tasks, ``group_size`` rollouts of each, at ``temperature``.

    ``lr_scale`` multiplies the learning rate of the step; ``sampler`` is what samples: the policy, or a frozen one.
    ``logits_mask`` restricts the tokens that may be drawn; the policy it names is one of the objective's companions.
    ``contrast_size`` more rollouts of each task are played in the environment's poorer view ``contrast_view``: nothing
    is learnt from them, but how often they are right is known to the rewards of the others.
    """

    groups: int
    group_size: int
    temperature: float
    lr_scale: float = 1.0
    sampler: str = "policy"
    logits_mask: ActionMask | None = None
    contrast_view: str = ""
    contrast_size: int = 0

    @property
    def rollouts(self) -> int:
        """Episodes that are played for ``groups`` tasks."""
        return self.groups * (self.group_size + self.contrast_size)


@dataclass(frozen=True)
class Pool:
    """The rows that the optimiser steps of a step may draw on.

    Attributes:
        data: N rows; remembered ones first, oldest first, then the fresh ones. ``policy_version`` tells ages,
            ``group_id`` never names two groups alike.
        advantage: float32 [N, T]; of a remembered row, what it was when the row was fresh.
        fresh: bool [N]; sampled in this step.
        version: optimiser phases that the current policy has seen.
        live: bool [N]; rows of which the objective keeps a token. None: those with a sampled token.
    """

    data: TrajectoryBatch
    advantage: Tensor
    fresh: Tensor
    version: int = 0
    live: Tensor | None = None

    @property
    def useful(self) -> Tensor:
        """Rows that carry loss: bool [N]."""
        return (self.data.action_mask > 0).any(-1) if self.live is None else self.live

    @classmethod
    def of(cls, batch: TrajectoryBatch, advantage: Tensor, version: int = 0) -> Pool:
        """Fresh rows only."""
        return cls(batch, advantage, torch.ones(len(batch), dtype=torch.bool), version)


@dataclass(frozen=True)
class Composition:
    """What a step does with its pool.

    Attributes:
        minibatches: rows of each optimiser step, int64, none empty.
        epochs: passes over the minibatches; None: as configured.
        keep: int64; rows to remember for later steps, in the order in which they are to be remembered.
        metrics: what is worth logging of the choice.
        extra: rows of optimiser steps that are taken once, after the epochs.
    """

    minibatches: list[Tensor]
    epochs: int | None = None
    keep: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    metrics: dict[str, float] = field(default_factory=dict)
    extra: list[Tensor] = field(default_factory=list)

    def passes(self, configured: int) -> list[Tensor]:
        """The rows of every optimiser step in order, where ``configured`` epochs are asked for."""
        return self.minibatches * (configured if self.epochs is None else self.epochs) + self.extra


class Schedule(Protocol):
    """The default is plain: what was configured, every group kept, minibatches of whole groups in order, no memory."""

    @property
    def remembers(self) -> bool:
        """Whether rows may be kept for later steps."""
        return False

    @property
    def scores_again(self) -> bool:
        """Whether ``old_logp`` of remembered rows is computed anew under the policy at the start of the step.

        So are then the advantages of whatever a step uses, where a critic has a say in them. Otherwise both stay what
        they were when the rows were fresh; ``behaviour_logp`` always is that.
        """
        return False

    def begun(self, steps: int, configured: RolloutPlan) -> Self:
        """The schedule of a run of so many steps that is configured to sample so much at each.

        Raises:
            ValueError: in one line, where that cannot work.
        """
        return self

    def plan(self, step: int, configured: RolloutPlan) -> RolloutPlan:
        """What to sample at a step, given what the configuration says."""
        return configured

    def epochs(self, configured: int) -> int:
        """Passes over the minibatches of a step, given what the configuration says, unless the composition has its own
        number."""
        return configured

    @property
    def domains(self) -> frozenset[str]:
        """The domains that it knows by name; a run whose tasks lack one is refused."""
        return frozenset()

    def admits(self, step: int, domain: str | None) -> bool:
        """Whether tasks of a domain (None: of no domain) may appear at a step, from 0."""
        return True

    def keep_group(self, rewards: Sequence[float]) -> bool:
        """Whether a finished group, told by its rewards (NaN where there is none), enters the batch."""
        return True

    def wants_more(self, kept: int, target: int, generated: int) -> bool:
        """Whether to sample ``target`` more groups.

        Args:
            kept: groups kept so far in this step.
            target: groups that the step wants; the surplus is cut, the first ones kept.
            generated: batches of ``target`` groups sampled so far in this step.
        """
        return generated == 0

    def recompose(self, pool: Pool, step: int, minibatches: int, seed: int) -> Composition:
        """Rows of each optimiser step, and what is remembered.

        Args:
            pool: what there is.
            step: the step, from 0.
            minibatches: how many the configuration asks for; more are allowed.
            seed: of whatever is drawn, another one for each step.
        """
        return Composition(fresh_minibatches(pool, minibatches))


def fresh_minibatches(pool: Pool, parts: int) -> list[Tensor]:
    """The fresh rows of a pool cut into at most ``parts`` runs of whole groups."""
    where = torch.nonzero(pool.fresh).flatten()
    return [where[piece] for piece in split_groups(pool.data.group_id[where], parts)]


def split_groups(group_id: Tensor, parts: int) -> list[Tensor]:
    """Rows cut into at most ``parts`` runs of whole groups, as even in groups as can be, in order of appearance."""
    order = list(dict.fromkeys(group_id.tolist()))
    parts = max(1, min(parts, len(order)))
    bounds = [round(i * len(order) / parts) for i in range(parts + 1)]
    position = {group: i for i, group in enumerate(order)}
    place = torch.tensor([position[group] for group in group_id.tolist()], dtype=torch.int64)
    return [torch.nonzero((place >= low) & (place < high)).flatten() for low, high in pairwise(bounds) if high > low]


@dataclass(frozen=True)
class Plain(Schedule):
    """One batch, all of it."""


@dataclass(frozen=True)
class SeveralPasses(Schedule):
    """Plain, but for the passes over a batch where the configuration leaves them at one, and a warm-up of the critic.

    Attributes:
        passes: over the minibatches; a configuration that asks for several counts instead.
        warmup: steps at the start in which the learning rate of the policy is 0.

    Raises:
        ValueError: for no pass or a negative warm-up.
    """

    passes: int = 4
    warmup: int = 0

    def __post_init__(self) -> None:
        if self.passes < 1 or self.warmup < 0:
            raise ValueError(f"epochs must be at least 1 and value_warmup 0, got {self.passes} and {self.warmup}")

    def epochs(self, configured: int) -> int:
        """``passes``, unless several are configured."""
        return configured if configured > 1 else self.passes

    def plan(self, step: int, configured: RolloutPlan) -> RolloutPlan:
        """As configured; the policy stands still in the warm-up."""
        return replace(configured, lr_scale=0.0) if step < self.warmup else configured


@dataclass(frozen=True)
class DynamicSampling(Schedule):
    """Sample until enough groups disagree with themselves; DAPO (arXiv:2503.14476), section 3.2.

    Groups whose rewards are all equal carry no gradient and are dropped. When ``max_batches`` is reached the step goes
    on with the groups it has: a homogeneous group never fills a gap.

    Raises:
        ValueError: if ``max_batches`` is below 1.
    """

    max_batches: int = 10

    def __post_init__(self) -> None:
        if self.max_batches < 1:
            raise ValueError(f"max_batches must be at least 1, got {self.max_batches}")

    def keep_group(self, rewards: Sequence[float]) -> bool:
        """Whether two rewards differ."""
        known = [reward for reward in rewards if not math.isnan(reward)]
        return bool(known) and max(known) > min(known)

    def wants_more(self, kept: int, target: int, generated: int) -> bool:
        """Until the target or the limit is reached."""
        return kept < target and generated < self.max_batches
