"""Learning what to show from episodes: frames are drawn, somebody answers from them, and good draws become likelier."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

import torch

from assay.agents.rollout import Rollout
from assay.envs.tasks import Task
from assay.envs.video_keyframes.looks import scan, stamp
from assay.envs.video_keyframes.tad import ranked, smoothed, variation
from assay.envs.video_keyframes.videos import file_of_ref, reference
from assay.training.curriculum import TaskStream
from assay.training.rollout import Collector, RolloutSpec
from assay.training.rollout_episode import derive_seed
from assay.training.selection.head import Draw, FrameSelector
from assay.verifiers.score import Score


def candidates_of(task: Task, options: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings [N, D] and priorities [N], float32, of a task's candidate frames; kept by the environment's own cache.

    Args:
        task: of ``video-keyframes-v0``.
        options: of the environment.

    Raises:
        VideoError: if the video cannot be read.
    """
    found = scan(stamp(file_of_ref(reference(task))), options.fps, options.max_candidates)
    rank = ranked(smoothed(variation(found.embeddings)))
    return torch.from_numpy(found.embeddings).float(), torch.from_numpy(rank).float()


def draws_of(
    rollouts: Sequence[Rollout], advantages: Sequence[float], task_of: Callable[[str], Task], options: Any
) -> list[Draw]:
    """The draws of rollouts, with their advantages; those whose frames were not drawn are left out."""
    found: list[Draw] = []
    known: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for rollout, advantage in zip(rollouts, advantages, strict=True):
        order, name = (rollout.episode.meta.get("evidence") or {}).get("drawn"), rollout.episode.task_id
        if order:
            if name not in known:
                known[name] = candidates_of(task_of(name), options)
            found.append(Draw(*known[name], tuple(order), advantage))
    return found


def group_advantages(rewards: Sequence[tuple[int, float]], eps: float = 1e-4) -> list[float]:
    """(group, reward) to (reward - mean) / (sample deviation + eps) of the group; 0 where all of it are alike."""
    groups: dict[int, list[float]] = {}
    for group, reward in rewards:
        groups.setdefault(group, []).append(reward)
    scale = {group: statistics.stdev(values) if len(values) > 1 else 0.0 for group, values in groups.items()}
    mean = {group: statistics.fmean(values) for group, values in groups.items()}
    alike = {group for group, values in groups.items() if max(values) == min(values)}
    return [0.0 if g in alike else (reward - mean[g]) / (scale[g] + eps) for g, reward in rewards]


def paid(score: Score, beta: float = 0.2) -> float:
    """acc + [acc > .1] beta saliency: what of kf-grpo's reward depends on the frames of one episode."""
    accuracy = score.parts.get("accuracy", float(bool(score.correct)))
    return accuracy + (beta * score.parts.get("saliency", 0.0) if accuracy > 0.1 else 0.0)


def learn_selector(
    collector: Collector,
    stream: TaskStream,
    options: Any,
    selector: FrameSelector,
    *,
    groups: int = 8,
    size: int = 8,
    seed: int = 0,
    reward: Callable[[Score], float] = paid,
    on_step: Callable[[dict[str, float]], None] = lambda metrics: None,
) -> list[dict[str, float]]:
    """Train a selector on real episodes, by REINFORCE with the group as the baseline, for ``selector.steps`` steps.

    Args:
        collector: plays tasks in environments with ``selector="tad-learned"``, ``draw=True`` and ``head`` the
            selector's file; its policy is whoever answers, and stays as it is.
        stream: of tasks.
        options: of the environments.
        selector: what learns; begins with the step that it is at, so that a restored one goes on.
        groups: tasks a step.
        size: episodes of each, every one with frames of its own.
        seed: of the draws.
        reward: what an episode is worth.
        on_step: told the metrics of each step.

    Returns:
        Metrics of each step: the selector's, and ``reward`` and ``accuracy``.
    """
    history = []
    selector.publish()
    while selector.step < selector.steps:
        specs = [
            RolloutSpec(task, group, index, derive_seed(seed, "selector", stream.position, group, index))
            for group, task in enumerate(stream.take(groups))
            for index in range(size)
        ]
        played = [
            (rollout, score)
            for rollout in collector.collect(specs).rollouts
            if (score := rollout.episode.score) is not None
        ]
        worth = [(rollout.group, reward(score)) for rollout, score in played]
        draws = draws_of([rollout for rollout, _ in played], group_advantages(worth), stream.tasks.get, options)
        metrics = {
            **selector.learn(draws),
            "reward": statistics.fmean(value for _, value in worth),
            "accuracy": statistics.fmean(float(bool(score.correct)) for _, score in played),
        }
        on_step(metrics)
        history.append(metrics)
    return history
