"""Sampling a step's rollouts under a schedule, and the numbers that describe them."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from assay.agents.policy import Sampling
from assay.agents.rollout import Rollout
from assay.envs.episode import Outcome
from assay.envs.tasks import Task
from assay.training.calibration import calibration_of
from assay.training.curriculum import TaskStream
from assay.training.diversity import undrawn_moment, unique_fraction
from assay.training.mixture import domain_of
from assay.training.monitors import repetition
from assay.training.objectives.schedule import RolloutPlan, Schedule
from assay.training.rollout import Collector, RolloutSpec
from assay.training.rollout_episode import derive_seed


@dataclass(frozen=True)
class Experience:
    """What a step sampled.

    Attributes:
        sampled: every rollout.
        kept: the rollouts of the groups that the schedule keeps, which make the batch.
        seconds: wall time.
        logged: whether they were stored by an earlier run, or by somebody else, and not played in this step.
        contrast: rollouts of the same tasks in a poorer view, which never make a batch.
    """

    sampled: list[Rollout]
    kept: list[Rollout]
    seconds: float
    logged: bool = False
    contrast: list[Rollout] = field(default_factory=list)


def gather(
    collector: Collector,
    stream: TaskStream,
    schedule: Schedule,
    plan: RolloutPlan,
    sampling: Sampling,
    seed: int,
    on_done: Callable[[Rollout], None] | None = None,
    step: int = 0,
    views_of: Callable[[Task], Sequence[str]] = lambda task: (),
) -> Experience:
    """Sample groups until the schedule has enough, and cut the surplus; temperature and mask are the plan's.

    Where the plan compares with a poorer view, so many more rollouts are played in it of each task that has the view.
    """
    sampling = replace(sampling, temperature=plan.temperature, mask=plan.logits_mask)
    began = time.perf_counter()
    sampled: list[Rollout] = []
    kept: list[list[Rollout]] = []
    contrast: list[Rollout] = []
    generated = 0
    while schedule.wants_more(len(kept), plan.groups, generated):
        first = generated * plan.groups
        tasks = stream.take(plan.groups, lambda task: schedule.admits(step, domain_of(task)))
        specs = [
            RolloutSpec(task, first + group, index, derive_seed(seed, stream.position, group, index))
            for group, task in enumerate(tasks)
            for index in range(plan.group_size)
        ]
        view = plan.contrast_view
        beside = [
            RolloutSpec(task, first + group, index, derive_seed(seed, stream.position, group, index, view), view)
            for group, task in enumerate(tasks)
            for index in range(plan.contrast_size if view in views_of(task) else 0)
        ]
        played = collector.collect([*specs, *beside], on_done, sampling=sampling).rollouts
        found, generated = played[: len(specs)], generated + 1
        contrast += played[len(specs) :]
        sampled += found
        for start in range(0, len(found), plan.group_size):
            group_rollouts = found[start : start + plan.group_size]
            if schedule.keep_group([_reward(rollout) for rollout in group_rollouts]):
                kept.append(group_rollouts)
    kept = kept[: plan.groups]
    learnt = [rollout for rollouts in kept for rollout in rollouts]
    return Experience(sampled, learnt, time.perf_counter() - began, contrast=contrast)


def describe(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Means over the scored rollouts of a step: reward, verdict, its parts, lengths, and the signs of collapse.

    Where confidences were asked for, how well they agree with the verdicts, and their standard deviation.

    ``entropy`` is the mean of -log p over sampled tokens, in nats: unbiased at temperature 1. For the numbers that
    begin with ``rollout/`` see :mod:`assay.training.diversity`.
    """
    outcomes = Counter(rollout.episode.outcome for rollout in rollouts)
    scored = [(r, r.episode.score) for r in rollouts if r.episode.score is not None]
    verdicts = [float(score.correct) for _, score in scored if score.correct is not None]
    groups: dict[int, set[float]] = {}
    for rollout, score in scored:
        groups.setdefault(rollout.group, set()).add(score.reward)
    values = {
        "reward": _mean([score.reward for _, score in scored]),
        "accuracy": _mean(verdicts),
        "parsed": _mean([float(score.parsed) for _, score in scored]),
        "length": _mean([float(rollout.sampled_tokens) for rollout, _ in scored]),
        "truncated": _mean([float(r.episode.outcome is Outcome.TRUNCATED) for r, _ in scored]),
        "dead_groups": _mean([float(len(rewards) == 1) for rewards in groups.values()]),
        "repetition": _mean([_repetition(rollout) for rollout, _ in scored]),
        "reflection": _mean([float(reflects(rollout.episode.actions)) for rollout, _ in scored]),
        # Of every sampled token, where the exact entropy is known only of rows that carry gradient.
        "entropy": _mean([-value for rollout, _ in scored for value in _logprobs(rollout)]),
        "samples": float(len(rollouts)),
        "tokens": float(sum(rollout.sampled_tokens for rollout in rollouts)),
        "rollout/unique_fraction": unique_fraction([rollout for rollout, _ in scored]),
        "rollout/undrawn_moment": undrawn_moment([rollout for rollout, _ in scored]),
        "infra_errors": float(outcomes[Outcome.INFRA_ERROR]),
        "verifier_errors": float(outcomes[Outcome.VERIFIER_ERROR]),
    }
    stated = calibration_of([rollout for rollout, _ in scored])
    if stated is not None:
        values |= {"ece": stated.ece, "brier": stated.brier, "confidence_std": stated.std}
    for name in sorted({name for _, score in scored for name in score.parts}):
        values[f"part/{name}"] = _mean([score.parts[name] for _, score in scored if name in score.parts])
    return values


_REFLECTION = re.compile(
    r"\b(wait|hmm|alternatively|re-?(check|examine|think|consider)"
    r"|(double[- ]check|verify|check) (again|this|that|it|my)|let me (check|verify|think again)|on second thought)\b",
    re.IGNORECASE,
)


def reflects(said: Sequence[str]) -> bool:
    """Whether an agent looked back at what it had said: an English word or phrase of a short list occurs."""
    return any(_REFLECTION.search(text) is not None for text in said)


def _reward(rollout: Rollout) -> float:
    return math.nan if rollout.episode.score is None else rollout.episode.score.reward


def _repetition(rollout: Rollout) -> float:
    sampled = [segment.ids for branch in rollout.branches for segment in branch.segments if segment.sampled]
    return _mean([repetition(ids) for ids in sampled]) if sampled else 0.0


def _logprobs(rollout: Rollout) -> list[float]:
    return [value for branch in rollout.branches for segment in branch.segments for value in segment.logprobs]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
