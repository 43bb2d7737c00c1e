"""One batch of scored rollouts to optimiser steps. The loop names no method: the objective does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from assay.training.batch import Batch
from assay.training.config import OptimConfig
from assay.training.forward import Scorer
from assay.training.objectives.metrics import Metrics
from assay.training.objectives.objective import Objective
from assay.training.objectives.schedule import Schedule
from assay.training.precision import Weights


def learning_rate(config: OptimConfig, step: int, steps: int) -> float:
    """Learning rate of a step (from 0): linear warm-up, then constant, linear or cosine decay to 0 at ``steps``."""
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(1, steps - config.warmup_steps)
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
    ) -> None:
        self.scorer, self.objective, self.config = scorer, objective, config
        self.weights, self.optimizer = weights, optimizer
        self.anchors, self.schedule = anchors, schedule

    def __call__(self, batch: Batch, lr: float) -> dict[str, float]:
        """Advantages, then ``epochs`` passes over minibatches; returns what was measured."""
        for name, anchor in self.anchors.items():
            batch.data.anchor_logp[name] = anchor.score(batch.rows, batch.width).logp
        parts = self.schedule.recompose(batch.data, self.config.minibatches)
        if len(parts) * self.config.epochs > 1 and self.objective.uses_old and batch.data.old_logp is None:
            batch.data.old_logp = self.scorer.score(batch.rows, batch.width).logp
        advantage = self.objective.prepare(batch.data)
        metrics = self.objective.batch_metrics(batch.data, advantage)
        norms, seen, skipped = [], 0, 0
        for _ in range(self.config.epochs):
            for index in parts:
                measured, left_out = self._minibatch(batch.take(index.tolist()), advantage[index])
                norms.append(apply_step(self.weights, self.optimizer, lr, self.config.clip_norm))
                self.objective = self.objective.updated(measured.result(), len(index))
                metrics = metrics.merge(measured)
                seen, skipped = seen + len(index), skipped + left_out
        finite = [norm for norm in norms if math.isfinite(norm)]
        return {
            **metrics.result(),
            "grad_norm": sum(finite) / len(finite) if finite else math.nan,
            "steps_skipped": float(len(norms) - len(finite)),
            "rows_skipped": skipped / seen,
        }

    def _minibatch(self, batch: Batch, advantage: Tensor) -> tuple[Metrics, int]:
        """Accumulate the gradients of one minibatch; also returns how many rows were left out as adding nothing."""
        totals = self.objective.totals(batch.data, advantage)
        live = list(range(len(batch.rows)))
        if self.config.skip_zero_advantage:
            inert = self.objective.inert(batch.data, advantage)
            live = [i for i in live if not inert[i]]
        rows = [batch.rows[i] for i in live]
        metrics, total = Metrics(), 0.0
        for micro in self.scorer.plan(rows, self._units(batch, live)):
            index = torch.tensor([live[i] for i in micro.rows])
            out = self.scorer([rows[i] for i in micro.rows], micro.tries, batch.width)
            device = out.logp.device
            data = batch.data.rows(index).to(device)
            loss, measured = self.objective.loss(out, data, advantage[index].to(device), totals)
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
            metrics = metrics.merge(measured)
        metrics.mean("loss", torch.tensor([total]), torch.ones(1))
        return metrics, len(batch.rows) - len(live)

    def _units(self, batch: Batch, live: Sequence[int]) -> list[list[int]] | None:
        if not self.objective.needs_whole_groups:
            return None
        units: dict[int, list[int]] = {}
        for position, row in enumerate(live):
            units.setdefault(int(batch.data.group_id[row]), []).append(position)
        return list(units.values())
