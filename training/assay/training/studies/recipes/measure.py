"""What is measured of a policy at the end: many samples of every held-out task, and how far it is from the start."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assay.agents.rollout import Rollout
from assay.envs.base import TaskEnv
from assay.envs.tasks import Task
from assay.training.config import TrainConfig
from assay.training.stats import pass_at_k

Measured = dict[str, Any]
"""JSON data: ``right`` and ``judged`` (a number a task), ``pass@k``, ``distinct``, ``entropy``, ``kl``, ``length``,
``parsed``, ``truncated``, and with stated confidences ``ece``, ``brier``, ``auroc``."""

_SCORED = 8
"""Answers a task that the divergence from the start is estimated on."""


def measure_policy(
    config: TrainConfig,
    policy: Path | str,
    start: Path | str | None,
    samples: int,
    ks: Sequence[int],
    on_done: Callable[[], None] = lambda: None,
) -> Measured:
    """Sample every held-out task at temperature 1 and measure.

    Args:
        config: of the run; its environment, scaffold, answer length, device and held-out tasks are used.
        policy: a model's folder or name.
        start: the policy that the divergence is measured from; None: there is none to measure.
        samples: answers to each task.
        ks: of pass@k.
        on_done: called after each answer.
    """
    from dataclasses import replace

    from assay.agents.chat import Chat
    from assay.agents.engines import make_engine
    from assay.agents.engines.contexts import context_limit
    from assay.agents.policy import Sampling
    from assay.agents.scaffolds import make_scaffold
    from assay.envs.registry import env_class
    from assay.training.assemble import load_policy
    from assay.training.companion import served
    from assay.training.curriculum import held_out
    from assay.training.evaluate import evaluate
    from assay.training.preflight import suited
    from assay.training.rollout import Collector

    config = suited(config)
    if config.threads:
        import torch

        torch.set_num_threads(config.threads)
    model, tokenizer = load_policy(replace(config, model=replace(config.model, name=str(policy))))
    env, options = env_class(config.env), served(config)[1]
    known = env(**options).tasks
    tasks, chat = held_out(known, config.eval.tasks), Chat(tokenizer)
    with Collector(
        lambda: env(tasks=known, **options),
        make_engine(config.model.engine, model, tokenizer),
        scaffold=make_scaffold(config.scaffold, chat, lenient=True),
        sampling=Sampling(config.rollout.max_tokens, 1.0, stop=config.rollout.stop),
        max_context=min(config.rollout.max_context or 2**31, context_limit(model)),
        concurrency=config.rollout.concurrency,
        retries=config.rollout.retries,
    ) as collector:
        found = evaluate(collector, tasks, samples=samples, seed=1, on_done=lambda _: on_done())
    groups = [found.rollouts[i * samples : (i + 1) * samples] for i in range(len(tasks))]
    measured = verdicts(groups, ks) | shape(found.rollouts) | {"distinct": distinct(groups, tasks, env)}
    measured |= {"parsed": found.parsed, "truncated": found.truncated}
    if found.calibration is not None:
        measured |= {name: getattr(found.calibration, name) for name in ("ece", "brier", "auroc")}
    if start is not None:
        frozen, _ = load_policy(replace(config, model=replace(config.model, name=str(start))))
        measured["kl"] = divergence([r for group in groups for r in group[:_SCORED]], frozen, config)
    return measured


def verdicts(groups: Sequence[Sequence[Rollout]], ks: Sequence[int]) -> Measured:
    """Right and judged answers a task, and pass@k, mean over the tasks with at least k judged answers."""
    right, judged = [], []
    for group in groups:
        known = [r.episode.score.correct for r in group if r.episode.score and r.episode.score.correct is not None]
        right.append(sum(map(bool, known)))
        judged.append(len(known))
    return {"right": right, "judged": judged} | {f"pass@{k}": mean(pass_each(right, judged, k)) for k in ks}


def pass_each(right: Sequence[int], judged: Sequence[int], k: int) -> list[float]:
    """The unbiased estimate of pass@k of each task with at least k judged answers."""
    return [pass_at_k(n, c, k) for c, n in zip(right, judged, strict=True) if n >= k]


def shape(rollouts: Sequence[Rollout]) -> Measured:
    """Mean sampled tokens of an answer; mean of -log p over sampled tokens, the entropy in nats a token."""
    logp = [value for r in rollouts for b in r.branches for s in b.segments for value in s.logprobs]
    return {"length": mean([float(r.sampled_tokens) for r in rollouts]), "entropy": -mean(logp)}


def distinct(groups: Sequence[Sequence[Rollout]], tasks: Sequence[Task], env: type[TaskEnv]) -> float:
    """Different right answers to a task, mean over tasks; ``env.answer_key`` says which differ."""
    counts = []
    for group, task in zip(groups, tasks, strict=True):
        right = [r.episode.actions for r in group if r.episode.score and r.episode.score.correct]
        counts.append(float(len({env.answer_key(actions, task.truth) for actions in right})))
    return mean(counts)


def divergence(rollouts: Sequence[Rollout], start: Any, config: TrainConfig) -> float:
    """KL(policy || start) in nats a token, estimated on the policy's own samples.

    The estimator is r - 1 - log r with r = p_start / p_policy (Schulman 2020, "Approximating KL Divergence", k3):
    unbiased and never negative.
    """
    from assay.training.batch import row_of
    from assay.training.forward import Scorer

    branches = [branch for rollout in rollouts for branch in rollout.branches if any(branch.sampled)]
    if not branches:
        return math.nan
    rows = [row_of(branch) for branch in branches]
    width = max(len(row.mask) for row in rows)
    scorer = Scorer(start, share_prefix=config.optim.share_prefix, budget=config.optim.token_budget)
    under_start = scorer.score(rows, width).logp
    terms = []
    for branch, row, logp in zip(branches, rows, under_start.tolist(), strict=True):
        mine = branch.logprobs[row.prompt :]
        for sampled, theirs, own in zip(row.mask.tolist(), logp, mine, strict=False):
            if sampled:
                gap = min(theirs - own, 50.0)
                terms.append(math.exp(gap) - 1.0 - gap)
    return mean(terms)


def mean(values: Sequence[float]) -> float:
    """The mean; NaN of none."""
    return math.fsum(values) / len(values) if values else math.nan
