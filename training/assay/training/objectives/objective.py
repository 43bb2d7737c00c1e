"""An objective is a composition of slots. The trainer drives it and names no method.

One batch goes through it like this::

    A = objective.prepare(batch)                              # once, [B, T], no gradient
    plan = schedule.recompose(Pool.of(batch, A), step, n, seed)
    for index in plan.minibatches:                            # optimiser steps
        part, a = batch.rows(index), A[index]
        totals = objective.totals(part, a)
        for micro in split(index):                    # any split at all: the losses add up to the same
            loss, metrics = objective.loss(policy(micro), batch.rows(micro), A[micro], totals)
            loss.backward()
        objective = objective.updated(metrics.result(), len(part))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from assay.training.objectives.aggregate import AGGREGATIONS, Aggregation, aggregate, aggregate_rows
from assay.training.objectives.data import PolicyOutputs, Totals, TrajectoryBatch, old_logp, ratio
from assay.training.objectives.groups import group_stats
from assay.training.objectives.kl import kl_estimate
from assay.training.objectives.metrics import Metrics
from assay.training.objectives.types import (
    Advantage,
    BatchTerm,
    Keep,
    Readout,
    Regulariser,
    RewardTransform,
    Slot,
    Surrogate,
    TeachesCritic,
    TokenReward,
    TokenWeight,
)

CPU = torch.device("cpu")
SLOTS = ("transforms", "token_rewards", "keeps", "weights", "regularisers", "batch_terms")


def pairs(pools: Tensor) -> tuple[tuple[float, float], ...]:
    """The rows of :meth:`Objective.pools` as :attr:`Totals.pools` has them."""
    return tuple((float(total), float(count)) for total, count in pools.tolist())


@dataclass(frozen=True)
class Objective:
    """loss = aggregate(surrogate(A) x weights, keep x action_mask) + sum of aggregate(regulariser).

    Attributes:
        advantage: rewards to A [B, T].
        surrogate: A and log-probabilities to a loss.
        aggregation: see :func:`~assay.training.objectives.aggregate.aggregate`.
        max_length: L_max, the longest response of the whole run in sampled tokens; a constant.
        transforms: change the reward of rows, in order, before the advantage.
        token_rewards: add rewards to single tokens, before the advantage.
        keeps: masks that leave tokens out; they multiply.
        weights: factors of the surrogate; they multiply.
        regularisers: added to the loss, aggregated alike.
        batch_terms: added to the loss, each a function of a mean over the whole minibatch.

    Raises:
        ValueError: if the aggregation is unknown or ``max_length`` is not positive.
    """

    advantage: Advantage
    surrogate: Surrogate
    aggregation: Aggregation
    max_length: int
    transforms: tuple[RewardTransform, ...] = ()
    token_rewards: tuple[TokenReward, ...] = ()
    keeps: tuple[Keep, ...] = ()
    weights: tuple[TokenWeight, ...] = ()
    regularisers: tuple[Regulariser, ...] = ()
    batch_terms: tuple[BatchTerm, ...] = ()

    def __post_init__(self) -> None:
        if self.aggregation not in AGGREGATIONS:
            raise ValueError(f"unknown aggregation {self.aggregation!r}; one of {', '.join(AGGREGATIONS)}")
        if self.max_length < 1:
            raise ValueError(f"max_length must be positive, got {self.max_length}")
        names = [readout.name for readout in self.needs]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two parts want the readout {twice[0]} with other constants")

    def _slots(self) -> Iterator[tuple[str, Slot]]:
        yield "advantage", self.advantage
        yield "surrogate", self.surrogate
        for name in SLOTS:
            for number, slot in enumerate(getattr(self, name)):
                yield f"{name}.{number}", slot

    @property
    def needs(self) -> frozenset[Readout]:
        """What the current policy must be read for, beside its log-probabilities."""
        return frozenset(readout for _, slot in self._slots() for readout in slot.needs | slot.old_needs)

    @property
    def old_needs(self) -> frozenset[Readout]:
        """What the policy at the start of an update phase must be read for."""
        return frozenset(readout for _, slot in self._slots() for readout in slot.old_needs)

    @property
    def anchors(self) -> frozenset[str]:
        """Frozen policies whose log-probabilities the batch must hold."""
        return frozenset(name for _, slot in self._slots() for name in slot.anchors)

    @property
    def companions(self) -> frozenset[str]:
        """Every frozen policy that must exist: the anchors, and those that a readout is taken against."""
        return self.anchors | {readout.against for readout in self.needs if readout.against is not None}

    @property
    def needs_whole_groups(self) -> bool:
        """Whether a micro-batch may not split a group."""
        return self.surrogate.needs_whole_groups

    @property
    def needs_critic(self) -> bool:
        """Whether ``batch.values`` must be present."""
        return self.advantage.needs_critic

    @property
    def needs_end_value(self) -> bool:
        """Whether ``batch.end_value`` must be present."""
        return self.advantage.needs_end_value

    @property
    def uses_old(self) -> bool:
        """Whether ``old_logp`` matters once the policy has moved on from the one that sampled."""
        return self.surrogate.uses_old or bool(self.weights) or self.advantage.uses_old

    @property
    def zero_advantage_is_inert(self) -> bool:
        """Whether a row whose advantage is 0 everywhere contributes exactly nothing, so that it may be skipped."""
        acts_on_all = self.surrogate.needs_whole_groups or self.regularisers or self.batch_terms
        return self.surrogate.zero_is_inert and not acts_on_all

    @torch.no_grad()
    def prepare(self, batch: TrajectoryBatch) -> Tensor:
        """Rewards to advantages.

        Returns:
            A, float32 [B, T] on the device of ``batch.reward``; 0 where ``action_mask`` is 0.

        Raises:
            ValueError: if the log-probabilities of an anchor are missing.
        """
        missing = sorted(self.anchors - batch.anchor_logp.keys())
        if missing:
            raise ValueError(f"the batch has no log-probabilities of the frozen policy {', '.join(missing)}")
        advantage: Tensor = self.advantage(self._rewarded(batch.to(CPU)))  # float64, which some devices lack
        return advantage.to(batch.reward.device)

    @torch.no_grad()
    def returns(self, batch: TrajectoryBatch) -> Tensor:
        """What the critic learns to predict, float32 [B, T], after the rewards have been transformed as for A; NaN in
        rows without a reward.

        Raises:
            ValueError: if the advantage says nothing of it.
        """
        if not isinstance(self.advantage, TeachesCritic):
            raise ValueError(f"advantage {type(self.advantage).__name__} teaches no critic")
        return self.advantage.returns(self._rewarded(batch.to(CPU))).to(batch.reward.device)

    def _rewarded(self, batch: TrajectoryBatch) -> TrajectoryBatch:
        for transform in self.transforms:
            batch = replace(batch, reward=transform(batch))
        for extra in self.token_rewards:
            added = extra(batch)
            batch = replace(batch, token_reward=added if batch.token_reward is None else batch.token_reward + added)
        return batch

    @torch.no_grad()
    def keep(self, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Tokens that carry loss: float32 [B, T] of 0 and 1."""
        mask = batch.action_mask
        for keep in self.keeps:
            mask = mask * keep(batch, advantage)
        return mask

    @torch.no_grad()
    def in_minibatch(self, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """The advantages [B, T] of one optimiser step: its rows of :meth:`prepare`, normalised among themselves where
        the advantage wants that."""
        return self.advantage.in_minibatch(batch.to(CPU), advantage.cpu()).to(advantage.device)

    def totals(self, batch: TrajectoryBatch, advantage: Tensor) -> Totals:
        """Denominators of a minibatch; sum them over processes before use."""
        return Totals.of(self.keep(batch, advantage), float(self.max_length), batch.group_id)

    @torch.no_grad()
    def inert(self, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Rows that contribute exactly nothing and need no forward pass: bool [B]."""
        keep = self.keep(batch, advantage)
        dropped = (keep == 0).all(-1)
        if self.needs_whole_groups:  # a row without a token of its own still counts in its group
            _, group = torch.unique(batch.group_id, return_inverse=True)
            alive = torch.zeros(int(group.max()) + 1 if len(batch) else 0, device=group.device)
            dropped = alive.index_add(0, group, (~dropped).float())[group] == 0
        return dropped | ((advantage * keep) == 0).all(-1) if self.zero_advantage_is_inert else dropped

    def loss(
        self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor, totals: Totals
    ) -> tuple[Tensor, Metrics]:
        """The share of a micro-batch in the loss of its minibatch.

        Args:
            out: the current policy on the rows of ``batch``.
            batch: the rows of the micro-batch.
            advantage: their rows of :meth:`prepare`.
            totals: :meth:`totals` of the whole minibatch.

        Returns:
            A scalar (over a minibatch these add up to the loss) and what was measured on the way.
        """
        keep = self.keep(batch, advantage)
        detached = out.detach()
        weight: Tensor | None = None
        for slot in self.weights:
            factor = slot(batch, advantage, detached)
            weight = factor if weight is None else weight * factor
        loss = self.surrogate(out, batch, advantage)
        if self.surrogate.level == "sequence":
            if weight is not None:
                loss = loss * (weight * keep).sum(-1) / keep.sum(-1).clamp(min=1.0)
            total = aggregate_rows(loss, keep, totals)
        elif self.surrogate.level == "group":
            total = loss.sum() / max(totals.groups, 1.0)
        else:
            total = aggregate(loss if weight is None else loss * weight, keep, totals, self.aggregation)
        metrics = self._measure(detached, batch, advantage)
        self._measure_weights(metrics, weight, batch, advantage, detached)
        if self.keeps:
            metrics.mean("tokens_dropped", 1.0 - keep, batch.action_mask)
        for regulariser in self.regularisers:
            term = regulariser(out, batch)
            metrics.mean(f"loss_{regulariser.name}", term, keep)
            total = total + aggregate(term, keep, totals, self.aggregation)
        return total + self._batch_terms(out, keep, totals, metrics), metrics

    def _batch_terms(self, out: PolicyOutputs, keep: Tensor, totals: Totals, metrics: Metrics) -> Tensor:
        total, pools = out.logp.new_zeros(()), totals.pools
        if pools is None and self.batch_terms:
            if float((keep.sum(-1) > 0).sum()) != totals.sequences:
                raise ValueError(f"{self.batch_terms[0].name} needs Totals.pools where a minibatch is cut")
            pools = pairs(self._pools(out.detach(), keep))
        for term, pool in zip(self.batch_terms, pools or (), strict=True):
            share = term(out, keep, *pool)
            rows = (keep.sum(-1) > 0).to(keep.dtype)  # each is given its part of the minibatch's value
            metrics.mean(f"loss_{term.name}", (share * totals.sequences / rows.sum()).expand_as(rows), rows)
            term.measure(metrics, out.detach(), keep)
            total = total + share
        return total

    def _pools(self, out: PolicyOutputs, keep: Tensor) -> Tensor:
        return torch.stack([term.pool(out, keep) for term in self.batch_terms])

    @torch.no_grad()
    def pools(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Sum and count of each batch term over the rows of a micro-batch, float64 [terms, 2]; they add up."""
        return self._pools(out, self.keep(batch, advantage))

    @property
    def unanchored(self) -> bool:
        """Whether a batch term is still to be shown the first batch."""
        return any(term.unanchored for term in self.batch_terms)

    def anchored(self, pools: Sequence[tuple[float, float]]) -> Objective:
        """The objective once it has been, given its :meth:`pools`."""
        terms = zip(self.batch_terms, pools, strict=True)
        return replace(self, batch_terms=tuple(term.anchored(*pool) for term, pool in terms))

    @torch.no_grad()
    def _measure(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Metrics:
        metrics, mask = Metrics(), batch.action_mask
        moved = ratio(out, batch)
        metrics.mean("ratio", moved, mask)
        metrics.max("ratio_max", moved, mask)
        clipped = self.surrogate.clipped(out, batch, advantage)
        if clipped is not None:
            metrics.mean("clip_fraction", clipped.float().expand_as(mask), mask)
        if "entropy" in out.aux:
            metrics.mean("entropy", out.aux["entropy"], mask)
        if "ref" in batch.anchor_logp:
            metrics.mean("kl", kl_estimate(out.logp, batch.anchor_logp["ref"], "k3"), mask)
        if batch.rollout_logp is not None:
            gap = (old_logp(out, batch) - batch.rollout_logp).abs()
            metrics.mean("logprob_gap", gap, mask)
            metrics.max("logprob_gap_max", gap, mask)
        return metrics

    @torch.no_grad()
    def _measure_weights(
        self, metrics: Metrics, weight: Tensor | None, batch: TrajectoryBatch, advantage: Tensor, out: PolicyOutputs
    ) -> None:
        if weight is None:
            return
        metrics.mean("weight", weight, batch.action_mask)
        for slot in self.weights:
            cut = slot.cut(batch, advantage, out)
            if cut is not None:
                metrics.mean("weight_cut", cut.float(), batch.action_mask)

    @torch.no_grad()
    def batch_metrics(self, batch: TrajectoryBatch, advantage: Tensor) -> Metrics:
        """What is worth knowing of a whole batch before any update: groups that teach nothing, and why."""
        batch, advantage = batch.to(CPU), advantage.cpu()
        metrics, stats = Metrics(), group_stats(batch)
        ones, (_, group) = torch.ones(len(batch)), torch.unique(batch.group_id, return_inverse=True)
        per_group = 1.0 / torch.bincount(group)[group] if len(batch) else ones  # each group weighs 1
        metrics.mean("groups_dead", (stats.std == 0).float(), per_group)
        metrics.mean("groups_of_one", (stats.size == 1).float(), per_group)
        metrics.mean("rows_without_reward", (~stats.valid).float(), ones)
        metrics.mean("rows_dropped", (self.keep(batch, advantage) == 0).all(-1).float(), ones)
        metrics.mean("advantage_abs", advantage.abs(), batch.action_mask)
        return metrics

    def fitted(self, special: frozenset[int], banned: frozenset[int]) -> Objective:
        """The objective for one vocabulary: token ids that end, begin or pad a text, and those never sampled."""
        return self._with({name: slot.fitted(special, banned) for name, slot in self._slots()})

    def at(self, step: int) -> Objective:
        """The objective at a step (from 1): coefficients that follow the clock have moved."""
        return self._with({name: slot.at(step) for name, slot in self._slots()})

    def collected(self, batch: TrajectoryBatch) -> Objective:
        """The objective after a batch has been sampled: coefficients that its divergence steers have moved."""
        return self._with({name: slot.collected(batch) for name, slot in self._slots()})

    @torch.no_grad()
    def seen(self, batch: TrajectoryBatch) -> tuple[Objective, dict[str, float]]:
        """The objective after it has seen a fresh batch, before its advantages, and what its parts noticed."""
        rewarded, parts, noticed = self._rewarded(batch.to(CPU)), {}, {}
        for name, slot in self._slots():
            parts[name], found = slot.seen(rewarded)
            noticed.update(found)
        return self._with(parts), noticed

    def updated(self, metrics: Mapping[str, float], rows: int) -> Objective:
        """The objective after an optimiser step: coefficients that adapt have moved, everything else is the same."""
        return self._with({name: slot.updated(metrics, rows) for name, slot in self._slots()})

    def state(self) -> dict[str, float]:
        """What :meth:`updated` has changed, for a checkpoint."""
        return {f"{name}.{key}": value for name, slot in self._slots() for key, value in slot.state().items()}

    def restored(self, state: Mapping[str, float]) -> Objective:
        """The objective with the numbers of :meth:`state`.

        Raises:
            ValueError: if they belong to another objective.
        """
        if state.keys() != self.state().keys():
            raise ValueError(f"the checkpoint's objective adapts {sorted(state)}, this one {sorted(self.state())}")
        parts = {}
        for name, slot in self._slots():
            prefix = f"{name}."
            own = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
            parts[name] = slot.restored(own) if own else slot
        return self._with(parts)

    def _with(self, parts: Mapping[str, Slot]) -> Objective:
        changes: dict[str, object] = {"advantage": parts["advantage"], "surrogate": parts["surrogate"]}
        for name in SLOTS:
            changes[name] = tuple(parts[f"{name}.{i}"] for i in range(len(getattr(self, name))))
        return replace(self, **changes)  # type: ignore[arg-type]
