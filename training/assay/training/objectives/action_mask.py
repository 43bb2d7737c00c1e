"""Objectives for tokens that were drawn from a restricted set: every probability is one within that set.

log pi'(a) = log pi(a) - log pi(set): the log of the policy's mass on the set is a readout of its logits, and the set a
function of the mask policy's. That policy stands still from before a batch is sampled until all optimiser steps on the
batch are done, so the sets of every epoch are those of the rollout; in low precision the trainer's rounding may move a
token at the very edge of a set, as it moves log-probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor

from assay.agents.engines.action_mask import ActionMask
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.schedule import RolloutPlan, SeveralPasses
from assay.training.objectives.types import Readout, Regulariser, Surrogate

LOG_MASS = "masked_mass"
ENTROPY = "masked_entropy"


@dataclass(frozen=True)
class _Masked(Readout):
    """A readout of the policy within the set of a mask."""

    mask: ActionMask

    @property
    def against(self) -> str:
        """The mask policy; where that is the sampling policy, a copy that stands still while the policy learns."""
        return self.mask.against

    def allowed(self, logits: Tensor, other: Tensor | None) -> Tensor:
        """The set, bool [R, V]."""
        return self.mask.allowed(logits if other is None else other)


@dataclass(frozen=True)
class MaskedMass(_Masked):
    """The log of the policy's mass on the set; exactly 0, without gradient, where the set is everything."""

    @property
    def name(self) -> str:
        """``masked_mass``."""
        return LOG_MASS

    def __call__(self, logits: Tensor, other: Tensor | None) -> Tensor:
        """Log of masses in (0, 1], [R]."""
        within = torch.where(self.allowed(logits, other), logits, -torch.inf)
        return torch.logsumexp(within, -1) - torch.logsumexp(logits, -1)


@dataclass(frozen=True)
class MaskedEntropy(_Masked):
    """Entropy (nats) of the policy restricted to the set and renormalised."""

    @property
    def name(self) -> str:
        """``masked_entropy``."""
        return ENTROPY

    def __call__(self, logits: Tensor, other: Tensor | None) -> Tensor:
        """Entropies [R]."""
        outside = ~self.allowed(logits, other)
        logp = torch.log_softmax(logits.masked_fill(outside, -torch.inf), -1)
        return -(logp.exp() * logp.masked_fill(outside, 0.0)).sum(-1)


@dataclass(frozen=True)
class Masked(Surrogate):
    """Any surrogate, given the log-probabilities within the set instead of those over the whole vocabulary.

    Only the surrogate sees them: a divergence charged elsewhere is that of the whole policy.
    """

    surrogate: Surrogate
    mask: ActionMask

    @property
    def needs(self) -> frozenset[Readout]:
        """The mass of the set, and what the surrogate needs."""
        return self.surrogate.needs | {MaskedMass(self.mask)}

    @property
    def old_needs(self) -> frozenset[Readout]:
        """The same of the policy at the start of the update phase."""
        return self.surrogate.old_needs | {MaskedMass(self.mask)}

    @property
    def anchors(self) -> frozenset[str]:
        """The surrogate's."""
        return self.surrogate.anchors

    @property
    def level(self) -> str:
        """The surrogate's."""
        return self.surrogate.level

    @property
    def needs_whole_groups(self) -> bool:
        """The surrogate's."""
        return self.surrogate.needs_whole_groups

    @property
    def uses_old(self) -> bool:
        """The surrogate's."""
        return self.surrogate.uses_old

    @property
    def zero_is_inert(self) -> bool:
        """The surrogate's."""
        return self.surrogate.zero_is_inert

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Losses of the surrogate."""
        return self.surrogate(*within_mask(out, batch), advantage)

    def clipped(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor | None:
        """Tokens that the surrogate cut."""
        return self.surrogate.clipped(*within_mask(out, batch), advantage)

    def fitted(self, special: frozenset[int], banned: frozenset[int]) -> Self:
        """With the mask for one vocabulary."""
        inner = self.surrogate.fitted(special, banned)
        return replace(self, surrogate=inner, mask=self.mask.fitted(special, banned))


def within_mask(out: PolicyOutputs, batch: TrajectoryBatch) -> tuple[PolicyOutputs, TrajectoryBatch]:
    """The same with ``logp`` and ``old_logp`` within the set."""
    renormalised = replace(out, logp=out.logp - out.aux[LOG_MASS])
    if batch.old_logp is None:
        return renormalised, batch
    return renormalised, replace(batch, old_logp=batch.old_logp - batch.old_aux[LOG_MASS])


@dataclass(frozen=True)
class MaskedEntropyBonus(Regulariser):
    """Minus ``coef`` times the entropy (nats) of the policy within the set."""

    coef: float
    mask: ActionMask

    @property
    def needs(self) -> frozenset[Readout]:
        """That entropy."""
        return frozenset({MaskedEntropy(self.mask)})

    @property
    def name(self) -> str:
        """``entropy_bonus``."""
        return "entropy_bonus"

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
        """Loss [B, T]."""
        return -self.coef * out.aux[ENTROPY]

    def fitted(self, special: frozenset[int], banned: frozenset[int]) -> Self:
        """With the mask for one vocabulary."""
        return replace(self, mask=self.mask.fitted(special, banned))


@dataclass(frozen=True)
class MaskedRollouts(SeveralPasses):
    """Training rollouts are drawn under a mask; evaluations are not."""

    mask: ActionMask = field(default_factory=ActionMask)

    def plan(self, step: int, configured: RolloutPlan) -> RolloutPlan:
        """What would be sampled without, under the mask."""
        return replace(super().plan(step, configured), logits_mask=self.mask)
