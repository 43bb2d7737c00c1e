"""Rollouts of the same tasks in a poorer view: what they tell of those that are learnt from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch

from assay.agents.rollout import Rollout
from assay.training.batch import Batch
from assay.training.experience import Experience
from assay.training.objectives.contrast import ACCURACY, CONTRAST
from assay.verifiers.score import Score


def accuracy_of(score: Score) -> float:
    """How right an answer is, in [0, 1]: the part ``accuracy`` where there is one, or else the verdict; NaN: neither.

    An answer without parts was never judged part by part, and is as right as its verdict.
    """
    graded = score.parts.get(ACCURACY)
    if graded is not None:
        return graded
    return math.nan if score.correct is None else float(score.correct)


def contrast_accuracy(rollouts: Sequence[Rollout]) -> dict[int, float]:
    """Mean accuracy by group, over the rollouts that have one."""
    found: dict[int, list[float]] = {}
    for rollout in rollouts:
        score = rollout.episode.score
        if score is not None and not math.isnan(value := accuracy_of(score)):
            found.setdefault(rollout.group, []).append(value)
    return {group: sum(values) / len(values) for group, values in found.items()}


def with_contrast(batch: Batch, rollouts: Sequence[Rollout]) -> Batch:
    """The batch with ``reward_parts["contrast"]``, float32 [B]: the accuracy of a row's group in the poorer view.

    NaN where none of its rollouts was judged, or none was played. Without ``rollouts`` the batch is left as it is.
    """
    if not rollouts:
        return batch
    by_group = contrast_accuracy(rollouts)
    column = torch.tensor([by_group.get(group, math.nan) for group in batch.data.group_id.tolist()])
    return Batch(batch.rows, replace(batch.data, reward_parts={**batch.data.reward_parts, CONTRAST: column}))


def describe_contrast(experience: Experience) -> dict[str, float]:
    """Metrics of a step that compares: how many rollouts and tokens the poorer view took, how right they were, and by
    how much the others of the same tasks did better. Empty where nothing was compared."""
    if not experience.contrast:
        return {}
    poorer = contrast_accuracy(experience.contrast)
    usual = contrast_accuracy([rollout for rollout in experience.sampled if rollout.group in poorer])
    accuracy, gap = _mean(list(poorer.values())), _mean([usual[g] - poorer[g] for g in poorer if g in usual])
    return {
        "contrast/accuracy": accuracy,
        "contrast/gap": gap,
        "contrast/samples": float(len(experience.contrast)),
        "contrast/tokens": float(sum(rollout.sampled_tokens for rollout in experience.contrast)),
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
