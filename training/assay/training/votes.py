"""How often the answer chosen out of several samples is right, by way of choosing."""

from __future__ import annotations

from collections.abc import Sequence

from assay.agents.decoding.votes import SELECTORS
from assay.agents.rollout import Rollout
from assay.envs.base import TaskEnv
from assay.envs.tasks import Task
from assay.training.stats import Interval, wilson


def vote_accuracy(
    rollouts: Sequence[Rollout], tasks: Sequence[Task], samples: int, env: type[TaskEnv], selectors: Sequence[str]
) -> dict[str, Interval]:
    """Share of tasks whose chosen sample is right, with Wilson's 95 % interval, by selector.

    Samples that ended in an error or without a verdict are left out, tasks without any other too. Two samples answer
    alike if the environment predicts the same class from both, or, where it has no classes, by its ``answer_key``.

    Args:
        rollouts: ordered by task, ``samples`` of each.
        tasks: what was played.
        samples: of each task.
        env: tells which answers are alike.
        selectors: names of :data:`~assay.agents.decoding.votes.SELECTORS`.

    Raises:
        ValueError: if there are not ``samples`` rollouts of each task.
        KeyError: for an unknown selector.
    """
    if len(rollouts) != samples * len(tasks):
        raise ValueError(f"{len(rollouts)} rollouts are not {samples} of each of {len(tasks)} tasks")
    right, judged = dict.fromkeys(selectors, 0), 0
    for number, task in enumerate(tasks):
        own = [r.episode for r in rollouts[number * samples : (number + 1) * samples]]
        scored = [(episode, episode.score) for episode in own if episode.score is not None]
        known = [(episode, score) for episode, score in scored if score.correct is not None]
        if not known:
            continue
        judged += 1
        answers = [_answer(env, episode.actions, task) if score.parsed else None for episode, score in known]
        confidences = [score.parts.get("confidence", 0.0) for _, score in known]
        for name in selectors:
            right[name] += bool(known[SELECTORS[name](answers, confidences)][1].correct)
    return {name: wilson(right[name], judged) for name in selectors}


def _answer(env: type[TaskEnv], actions: Sequence[str], task: Task) -> str | None:
    if not actions:
        return None
    named = env.predicted(actions, task.truth)
    return env.answer_key(actions, task.truth) if named is None else named
