"""RoRecomp (arXiv:2509.25958): short right and long wrong responses first, the rest later and less and less often."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import torch
from torch import Tensor

from assay.training.objectives.schedule import Composition, Plain, Pool, RolloutPlan, Schedule
from assay.training.objectives.verdict import verdicts

Cost = Literal["tokens", "tool_calls"]
Scope = Literal["batch", "group"]
Decay = Literal["cosine", "constant"]


@dataclass(frozen=True)
class RoRecomp(Schedule):
    """Recomposes the batches of another schedule.

    Of each batch, the ceil(alpha n) cheapest of the n right rows and the ceil(alpha n) most expensive of the n wrong
    ones make the optimiser steps that the other schedule would make of all. The rest goes to the end of a buffer; when
    that holds ``batch_rows`` rows, the oldest leave it, and with a probability they are one more optimiser step.
    Advantages stay those of the complete groups, old log-probabilities those of the policy that sampled.

    A truncated row counts as wrong and as the most expensive of all. A row without a verdict counts as right where its
    advantages add up to more than 0. ``alpha`` 1 is the other schedule and nothing else.

    Attributes:
        base: the other schedule; it may remember nothing itself.
        alpha: share of the rows that come first, above 0 to 1.
        cost: sampled tokens, or tool calls (ties broken by tokens).
        scope: what rows are ranked within.
        decay: of the probability over the run: 1/2 (1 + cos(pi t / steps)), or constant.
        p_comp: the probability at the start.
        batch_rows: rows of a compensation batch; None: as many as a step is configured to sample.
        max_age: versions of the policy after which a row leaves the buffer.
        drop_zero_adv: leave rows out whose advantages are all 0.
        threshold: rewards from here on are right; None: the verifier's verdict decides.
        steps: of the run.
        configured: rows that a step is configured to sample; 0: not known.

    Raises:
        ValueError: for a constant out of its range, or a base that remembers rows.
    """

    base: Schedule = field(default_factory=Plain)
    alpha: float = 0.5
    cost: Cost = "tokens"
    scope: Scope = "batch"
    decay: Decay = "cosine"
    p_comp: float = 1.0
    batch_rows: int | None = None
    max_age: int = 16
    drop_zero_adv: bool = True
    threshold: float | None = None
    steps: int = 0
    configured: int = 0

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha <= 1.0:
            raise ValueError(f"alpha must be above 0 and at most 1, got {self.alpha:g}")
        if not 0.0 <= self.p_comp <= 1.0:
            raise ValueError(f"p_comp must be 0 to 1, got {self.p_comp:g}")
        if self.max_age < 0 or (self.batch_rows is not None and self.batch_rows < 1):
            raise ValueError(f"max_age is 0 or more, batch_rows 1 or more; got {self.max_age} and {self.batch_rows}")
        if self.base.remembers:
            raise ValueError("the base remembers rows of its own; take one whose batches are fresh")

    @property
    def remembers(self) -> bool:
        """Unless everything comes first."""
        return self.alpha < 1.0

    def begun(self, steps: int, configured: RolloutPlan) -> Self:
        """With the run's steps and batch.

        Raises:
            ValueError: if the buffer would never hold a batch.
        """
        plan = self.base.plan(0, configured)
        begun = replace(self, base=self.base.begun(steps, configured), steps=steps,
                        configured=plan.groups * plan.group_size)  # fmt: skip
        if begun.configured and begun.p_comp and begun.remembers:
            begun._check_fill(plan)
        return begun

    def _check_fill(self, plan: RolloutPlan) -> None:
        size = plan.group_size if self.scope == "group" else self.configured
        added = (size - _share(self.alpha, size)) * (self.configured // size)
        wanted = self.batch_rows or self.configured
        if not added:
            raise ValueError(f"alpha {self.alpha:g} leaves nothing of {size} rows for the buffer: lower it")
        if self.max_age <= wanted / added:
            raise ValueError(
                f"a step leaves at most {added} rows, so that batch_rows {wanted} never gather within max_age "
                f"{self.max_age}: it must be above {wanted / added:g}"
            )

    def plan(self, step: int, configured: RolloutPlan) -> RolloutPlan:
        """The base's."""
        return self.base.plan(step, configured)

    def epochs(self, configured: int) -> int:
        """The base's."""
        return self.base.epochs(configured)

    def keep_group(self, rewards: Sequence[float]) -> bool:
        """The base's."""
        return self.base.keep_group(rewards)

    def wants_more(self, kept: int, target: int, generated: int) -> bool:
        """The base's."""
        return self.base.wants_more(kept, target, generated)

    def probability(self, step: int) -> float:
        """Of a compensation step, at step ``step`` (from 0)."""
        done = min(1.0, step / self.steps) if self.steps else 0.0
        return self.p_comp * (0.5 * (1.0 + math.cos(math.pi * done)) if self.decay == "cosine" else 1.0)

    def recompose(self, pool: Pool, step: int, minibatches: int, seed: int) -> Composition:
        """The base's optimiser steps on what comes first, and perhaps one on what was left earlier."""
        composed = self.base.recompose(pool, step, minibatches, seed)
        if not self.remembers:
            return composed
        ranked = pool.fresh & pool.useful
        if self.drop_zero_adv:
            ranked &= ((pool.advantage != 0) & (pool.data.action_mask > 0)).any(-1)
        right, cost = self._right(pool), self._costs(pool)
        first = self._first(pool, ranked, right, cost)
        young = pool.version - _versions(pool) <= self.max_age
        buffer = torch.nonzero((~pool.fresh & young) | (ranked & ~first)).flatten()
        wanted = self.batch_rows or self.configured or int(pool.fresh.sum())
        extra = []
        if len(buffer) >= wanted:
            draw = torch.rand((), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            if float(draw) < self.probability(step):
                extra = [buffer[:wanted]]
            buffer = buffer[wanted:]
        steps = [rows[first[rows]] for rows in composed.minibatches]
        metrics = {
            **composed.metrics,
            **_described(ranked, first, right, cost[:, 0]),
            "comp_buffer": float(len(buffer)),
            "comp_steps": float(len(extra)),
            "comp_probability": self.probability(step),
            "comp_evicted": float((~pool.fresh & ~young).sum()),
            "accuracy_per_1k_tokens": _efficiency(pool, self.threshold),
        }
        return Composition([rows for rows in steps if len(rows)], composed.epochs, buffer, metrics, extra)

    def _right(self, pool: Pool) -> Tensor:
        verdict = verdicts(pool.data, self.threshold)
        judged = torch.where(torch.isnan(verdict), pool.advantage.sum(-1) > 0, verdict == 1)
        return judged & ~pool.data.truncated

    def _costs(self, pool: Pool) -> Tensor:
        """What rows are ranked by, first number first: float64 [N, 2]."""
        tokens = pool.data.action_mask.double().sum(-1)
        if self.cost == "tokens":
            return torch.stack([tokens, tokens], -1)
        if pool.data.tool_calls is None:
            raise ValueError("cost tool_calls: nobody counted the tool calls of these rows; take cost tokens")
        return torch.stack([pool.data.tool_calls.double(), tokens], -1)

    def _first(self, pool: Pool, ranked: Tensor, right: Tensor, cost: Tensor) -> Tensor:
        """The rows that come first: bool [N]."""
        first = torch.zeros_like(ranked)
        order = torch.where(pool.data.truncated.unsqueeze(-1), torch.inf, cost).tolist()
        group = pool.data.group_id if self.scope == "group" else torch.zeros_like(pool.data.group_id)
        for number in torch.unique(group[ranked]).tolist():
            for chosen, sign in ((right, 1.0), (~right, -1.0)):
                rows = torch.nonzero(ranked & chosen & (group == number)).flatten().tolist()
                rows.sort(key=lambda row: [sign * value for value in order[row]])
                first[rows[: _share(self.alpha, len(rows))]] = True
        return first


def _share(alpha: float, rows: int) -> int:
    """ceil(alpha rows), where alpha rows is whole up to rounding that number."""
    return math.ceil(alpha * rows - 1e-9)


def _versions(pool: Pool) -> Tensor:
    if pool.data.policy_version is None:
        raise ValueError("a buffer needs to know which version of the policy sampled each row")
    return pool.data.policy_version


def _described(ranked: Tensor, first: Tensor, right: Tensor, cost: Tensor) -> dict[str, float]:
    """Mean cost of right and wrong rows, before and after the choice."""
    found = {}
    for name, rows in (("right", right), ("wrong", ~right)):
        for when, chosen in (("", ranked), ("_first", first)):
            where = rows & chosen
            if where.any():
                found[f"cost_{name}{when}"] = float(cost[where].mean())
    return found


def _efficiency(pool: Pool, threshold: float | None) -> float:
    """Right responses per thousand sampled tokens of the fresh rows."""
    tokens = float(pool.data.action_mask[pool.fresh].sum())
    right = float((verdicts(pool.data, threshold)[pool.fresh] == 1).sum())
    return 1000.0 * right / tokens if tokens else 0.0
