"""One batch of scored rollouts to optimiser steps. The loop names no method: the objective does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from assay.training.batch import Batch
from assay.training.config import OptimConfig
from assay.training.forward import Scorer
from assay.training.memory import Memory
from assay.training.objectives.metrics import Metrics
from assay.training.objectives.objective import Objective, pairs
from assay.training.objectives.schedule import Pool, Schedule
from assay.training.precision import Weights
from assay.training.tree import MicroBatch


def learning_rate(config: OptimConfig, step: int, steps: int) -> float:
    """Learning rate of a step (from 0): linear warm-up, then constant, linear or cosine decay to 0 at ``steps``."""
    warmup = config.warmup_steps or round(config.warmup_share * steps)
    if step < warmup:
        return config.lr * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    shape = {"constant": 1.0, "linear": 1.0 - done, "cosine": 0.5 * (1.0 + math.cos(math.pi * done))}
    return config.lr * max(0.0, shape[config.schedule])


def make_optimizer(weights: Weights, config: OptimConfig) -> torch.optim.AdamW:
    """AdamW over the trainable weights."""
    return torch.optim.AdamW(
        list(weights.masters.values()), lr=config.lr, betas=config.betas, weight_decay=config.weight_decay
    )


def apply_step(weights: Weights, optimizer: torch.optim.Optimizer, lr: float, clip_norm: float) -> float:
    """Clip, step and clear; returns the gradient norm before clipping."""
    weights.lift()
    limit = clip_norm if clip_norm > 0 else math.inf
    norm = float(torch.nn.utils.clip_grad_norm_(weights.masters.values(), limit))
    if math.isfinite(norm):
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.step()
        weights.publish()
    optimizer.zero_grad(set_to_none=True)
    return norm


class Critic(Protocol):
    """What the updater asks of a critic."""

    def values(self, batch: Batch) -> Tensor:
        """What each position is worth, float32 [B, T], no gradient, 0 where nothing was sampled."""
        ...

    def end_values(self, batch: Batch) -> Tensor:
        """What the state after the last token is worth, float32 [B], of truncated rows; 0 for the others."""
        ...

    def learn(self, batch: Batch, returns: Tensor) -> dict[str, float]:
        """One optimiser step towards ``returns`` [B, T] of a minibatch; what was measured. NaN is no target."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint must hold."""
        ...

    def restore(self, stored: Mapping[str, Tensor], path: Path) -> None:
        """Put back what :meth:`tensors` gave; ``path`` is where from."""
        ...


def explained(values: Tensor, returns: Tensor, mask: Tensor) -> dict[str, float]:
    """Share of the variance of ``returns`` that ``values`` explain over the tokens of a mask: 1 - Var(R - V) / Var(R).

    Below 0 they are worse than a constant. All are [B, T]; returns that are NaN are left out, and equal ones leave
    nothing to explain.
    """
    known = (mask > 0) & ~returns.isnan()
    target, predicted = returns[known].double(), values[known].double()
    if target.numel() < 2 or bool(target.max() == target.min()):
        return {}
    return {"explained_variance": float(1.0 - (target - predicted).var() / target.var())}


class Updater:
    """Applies an objective to batches.

    Args:
        scorer: the policy.
        objective: replaced after every step by its successor, which is what a checkpoint stores.
        weights: what the optimiser steps.
        optimizer: over ``weights.masters``.
        config: epochs, minibatches, clipping.
        anchors: frozen policies by name.
        schedule: decides the minibatches.
        critic: where the objective needs one.

    Attributes:
        advantage: of the rows of the last batch, float32 [B, T], before minibatches normalise it.
    """

    def __init__(
        self,
        scorer: Scorer,
        objective: Objective,
        weights: Weights,
        optimizer: torch.optim.Optimizer,
        config: OptimConfig,
        anchors: Mapping[str, Scorer],
        schedule: Schedule,
        critic: Critic | None = None,
    ) -> None:
        self.scorer, self.objective, self.config = scorer, objective, config
        self.weights, self.optimizer = weights, optimizer
        self.anchors, self.schedule, self.critic = anchors, schedule, critic
        self.memory = Memory()
        self.advantage = torch.zeros(0, 0)

    def __call__(self, batch: Batch, lr: float, step: int = 0, seed: int = 0) -> dict[str, float]:
        """Advantages, then passes over the minibatches that the schedule composes.

        Args:
            batch: fresh rows.
            lr: learning rate.
            step: the step, from 0.
            seed: of what the schedule draws.

        Returns:
            What was measured.
        """
        self.objective = self.objective.at(step + 1)
        epochs = self.schedule.epochs(self.config.epochs)
        elsewhere = batch.data.behaviour_logp is not None
        self._look(batch, old=self.config.minibatches * epochs > 1 or self.schedule.remembers or elsewhere)
        self.objective, noticed = self.objective.seen(batch.data)
        self.advantage = advantage = self.objective.prepare(batch.data)
        metrics = self.objective.batch_metrics(batch.data, advantage)
        returns = self.objective.returns(batch.data) if self.critic is not None else torch.zeros_like(advantage)
        self.objective = self.objective.collected(batch.data)
        pool = self.memory.with_fresh(batch, advantage, returns)
        version = int(batch.data.policy_version.max()) if batch.data.policy_version is not None else step
        plan = self.schedule.recompose(
            Pool(
                pool.batch.data,
                pool.advantage,
                pool.fresh,
                version,
                live=(self.objective.keep(pool.batch.data, pool.advantage) > 0).any(-1),
            ),
            step,
            self.config.minibatches,
            seed,
        )
        passes = plan.passes(epochs)
        pool = self._look_again(pool, passes)
        if self.objective.unanchored:
            everything = self.scorer.plan(batch.rows)
            pools = self._pools(batch, advantage, range(len(batch.rows)), everything)
            self.objective = self.objective.anchored(pools)
        norms, seen, skipped = [], 0, 0
        for index in passes:
            part = pool.batch.take(index.tolist())
            measured, left_out = self._minibatch(part, self.objective.in_minibatch(part.data, pool.advantage[index]))
            if self.critic is not None:
                for name, value in self.critic.learn(part, pool.returns[index]).items():
                    measured.mean(name, torch.tensor([value]), torch.ones(1))
            norms.append(apply_step(self.weights, self.optimizer, lr, self.config.clip_norm))
            self.objective = self.objective.updated(measured.result(), len(index))
            metrics = metrics.merge(measured)
            seen, skipped = seen + len(index), skipped + left_out
        self.memory = pool.kept(plan.keep)
        finite = [norm for norm in norms if math.isfinite(norm)]
        return {
            **metrics.result(),
            **noticed,
            **(explained(batch.data.values, returns, batch.data.action_mask) if batch.data.values is not None else {}),
            **plan.metrics,
            "grad_norm": sum(finite) / len(finite) if finite else math.nan if norms else 0.0,
            "optimizer_steps": float(len(norms)),
            "steps_skipped": float(len(norms) - len(finite)),
            "rows_skipped": skipped / seen if seen else math.nan,
        }

    def _look(self, batch: Batch, old: bool) -> None:
        """Fill in what frozen policies, the critic and (if wanted) the policy of now say of a batch."""
        data = batch.data
        for name in self.objective.anchors:
            data.anchor_logp[name] = self.anchors[name].score(batch.rows, batch.width).logp
        if self.critic is not None:
            data.values = self.critic.values(batch)
            if self.objective.needs_end_value:
                data.end_value = self.critic.end_values(batch)
        if old:
            self._look_back(batch)

    def _look_back(self, batch: Batch) -> None:
        """What the policy of now says, where the ratio to it will matter and is not known yet."""
        data = batch.data
        if self.objective.uses_old and data.old_logp is None:
            out = self.scorer.score(batch.rows, batch.width, self.objective.old_needs, self.anchors)
            data.old_logp, data.old_aux = out.logp, {r.name: out.aux[r.name] for r in self.objective.old_needs}

    def _look_again(self, pool: Memory, passes: Sequence[Tensor]) -> Memory:
        """The same for the rows of all optimiser steps, as far as it is not known of them, or no longer holds."""
        if len(passes) > 1:
            self._look_back(pool.batch)
        used = torch.zeros(len(pool.batch.rows), dtype=torch.bool)
        for index in passes:
            used[index] = True
        where = torch.nonzero(used & ~pool.fresh).flatten()
        if not len(where):
            return pool
        part = pool.batch.take(where.tolist())
        if self.schedule.scores_again:
            part.data.old_logp = None
        self._look(part, old=True)
        pool = pool.replaced(where, part)
        if self.critic is not None and self.schedule.scores_again:
            where = torch.nonzero(used).flatten()
            data = pool.batch.take(where.tolist()).data
            pool = pool.judged(where, self.objective.prepare(data), self.objective.returns(data))
        return pool

    def _minibatch(self, batch: Batch, advantage: Tensor) -> tuple[Metrics, int]:
        """Accumulate the gradients of one minibatch; also returns how many rows were left out as adding nothing."""
        totals = self.objective.totals(batch.data, advantage)
        live = list(range(len(batch.rows)))
        if self.config.skip_zero_advantage:
            inert = self.objective.inert(batch.data, advantage)
            live = [i for i in live if not inert[i]]
        rows = [batch.rows[i] for i in live]
        micros = self.scorer.plan(rows, self._units(batch, live))
        if self.objective.batch_terms and len(micros) > 1:
            totals = replace(totals, pools=self._pools(batch, advantage, live, micros))
        metrics, total = Metrics(), 0.0
        for micro in micros:
            index = torch.tensor([live[i] for i in micro.rows])
            chosen = [rows[i] for i in micro.rows]
            out = self.scorer(chosen, micro.tries, batch.width, self.objective.needs, self.anchors)
            device = out.logp.device
            data = batch.data.rows(index).to(device)
            loss, measured = self.objective.loss(out, data, advantage[index].to(device), totals)
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
            metrics = metrics.merge(measured)
        metrics.mean("loss", torch.tensor([total]), torch.ones(1))
        return metrics, len(batch.rows) - len(live)

    @torch.no_grad()
    def _pools(
        self, batch: Batch, advantage: Tensor, live: Sequence[int], micros: Sequence[MicroBatch]
    ) -> tuple[tuple[float, float], ...]:
        """What the batch terms are functions of, over some rows of a batch."""
        wanted = frozenset(readout for term in self.objective.batch_terms for readout in term.needs)
        found = torch.zeros(len(self.objective.batch_terms), 2, dtype=torch.float64)
        for micro in micros:
            index = torch.tensor([live[i] for i in micro.rows])
            rows = [batch.rows[int(i)] for i in index]
            out = self.scorer(rows, micro.tries, batch.width, wanted, self.anchors)
            device = out.logp.device
            found += self.objective.pools(out, batch.data.rows(index).to(device), advantage[index].to(device))
        return pairs(found)

    def _units(self, batch: Batch, live: Sequence[int]) -> list[list[int]] | None:
        if not self.objective.needs_whole_groups:
            return None
        units: dict[int, list[int]] = {}
        for position, row in enumerate(live):
            units.setdefault(int(batch.data.group_id[row]), []).append(position)
        return list(units.values())
