"""A world of questions about order whose policy is a table: what a contrast changes, in seconds and exactly.

Two things happen in a video; the question is which came first. The policy sees a cue of the question and the order that
its frames show, and picks one of two answers or a badly laid out one. In the usual view the frames show the true order;
shuffled, a coin decides. Where the cue tells nothing the question is solvable from ordered frames only; where it often
tells the answer there is a short cut that works in any order. Everything but the table is the trainer's own code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from assay.training.objectives.contrast import ACCURACY, CONTRAST, FORMAT
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.objective import Objective
from assay.training.objectives.schedule import RolloutPlan, Schedule

ANSWERS = 3
"""First, second, and what no answer can be read out of."""


@dataclass(frozen=True)
class OrderWorld:
    """Questions about order.

    Attributes:
        cues: kinds of question; the policy tells them apart.
        telling: chance that the true answer is the one that the cue stands for; 0.5 tells nothing.
        noise: chance that ordered frames show the wrong order.
    """

    cues: int = 4
    telling: float = 0.5
    noise: float = 0.0

    def draw(self, count: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Cues and true answers of ``count`` questions, int64 [count]."""
        cue = torch.randint(self.cues, (count,), generator=rng)
        told = torch.rand(count, generator=rng) < self.telling
        return cue, torch.where(told, cue % 2, 1 - cue % 2)

    def seen(self, truth: Tensor, ordered: bool, rng: torch.Generator) -> Tensor:
        """The order that frames show of each question, int64 like ``truth``."""
        flip = torch.rand(truth.shape, generator=rng) < (self.noise if ordered else 0.5)
        return torch.where(flip, 1 - truth, truth)

    def accuracy(self, logits: Tensor, ordered: bool) -> float:
        """Exact accuracy of the table ``logits`` [cues, 2, answers] over all questions."""
        probs, wrong = torch.softmax(logits.double(), -1), self.noise if ordered else 0.5
        total = 0.0
        for cue in range(self.cues):
            for truth in range(2):
                weight = self.telling if truth == cue % 2 else 1.0 - self.telling
                right = (1.0 - wrong) * probs[cue, truth, truth] + wrong * probs[cue, 1 - truth, truth]
                total += weight * float(right) / self.cues
        return total

    def gap(self, logits: Tensor) -> float:
        """By how much ordered frames serve better than shuffled ones."""
        return self.accuracy(logits, True) - self.accuracy(logits, False)


@dataclass(frozen=True)
class Learnt:
    """What a table became.

    Attributes:
        gap: ordered minus shuffled accuracy before each of the evaluations and at the end.
        accuracy: ordered accuracy, at the same points.
        paid: share of groups that earned alpha, over all steps; NaN where nothing was compared.
        steps: the points.
    """

    steps: list[int] = field(default_factory=list)
    gap: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    paid: float = float("nan")


def learn(
    world: OrderWorld,
    objective: Objective,
    schedule: Schedule,
    *,
    steps: int = 300,
    plan: RolloutPlan | None = None,
    lr: float = 0.02,
    seed: int = 0,
    every: int = 50,
    start: Sequence[float] = (0.0, 0.0, 0.0),
) -> Learnt:
    """Train a table from ``start`` (logits of the answers, alike everywhere) with Adam.

    Args:
        world: the questions.
        objective: of a recipe that wants no frozen policy.
        schedule: of the same recipe.
        steps: optimiser steps, one a batch.
        plan: what a step samples where the schedule says nothing else; 16 questions, 8 answers each by default.
        lr: learning rate.
        seed: of everything drawn.
        every: steps between evaluations.
        start: see above.
    """
    rng = torch.Generator().manual_seed(seed)
    table = torch.tensor(start).expand(world.cues, 2, ANSWERS).clone().requires_grad_()
    optimizer = torch.optim.Adam([table], lr=lr)
    found, paid = Learnt(), []
    plan = plan or RolloutPlan(16, 8, 1.0)
    for step in range(steps + 1):
        if step % every == 0 or step == steps:
            found.steps.append(step)
            found.gap.append(world.gap(table.detach()))
            found.accuracy.append(world.accuracy(table.detach(), True))
        if step == steps:
            break
        batch, rows = _batch(world, table.detach(), schedule.plan(step, plan), rng)
        objective, noticed = objective.at(step + 1).seen(batch)
        paid.append(noticed.get("contrast/paid", float("nan")))
        advantage = objective.prepare(batch)
        logp = torch.log_softmax(table, -1)[rows].unsqueeze(-1)
        loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, objective.totals(batch, advantage))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return Learnt(found.steps, found.gap, found.accuracy, sum(paid) / len(paid) if paid else float("nan"))


def _batch(
    world: OrderWorld, table: Tensor, plan: RolloutPlan, rng: torch.Generator
) -> tuple[TrajectoryBatch, tuple[Tensor, Tensor, Tensor]]:
    """Scored answers of a step, one token each, and where in the table each was drawn."""
    cue, truth = world.draw(plan.groups, rng)
    rows = _play(world, table, cue, truth, plan.group_size, True, rng)
    right = (rows[2] == truth.repeat_interleave(plan.group_size)).float()
    parts = {ACCURACY: right, FORMAT: (rows[2] < 2).float()}
    if plan.contrast_size:
        other = _play(world, table, cue, truth, plan.contrast_size, False, rng)[2]
        share = (other == truth.repeat_interleave(plan.contrast_size)).float().view(plan.groups, -1).mean(-1)
        parts[CONTRAST] = share.repeat_interleave(plan.group_size)
    group = torch.arange(plan.groups).repeat_interleave(plan.group_size)
    logp = torch.log_softmax(table, -1)[rows].unsqueeze(-1)
    batch = TrajectoryBatch.of(right, group.tolist(), correct=right, rollout_logp=logp, reward_parts=parts)
    return batch, rows


def _play(
    world: OrderWorld, table: Tensor, cue: Tensor, truth: Tensor, times: int, ordered: bool, rng: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """(cue, order seen, answer) of ``times`` answers to each question, each int64 [questions x times]."""
    cue, truth = cue.repeat_interleave(times), truth.repeat_interleave(times)
    seen = world.seen(truth, ordered, rng)
    answer = torch.multinomial(torch.softmax(table[cue, seen], -1), 1, generator=rng).squeeze(-1)
    return cue, seen, answer
