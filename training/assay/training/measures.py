"""Numbers of a rollout that a recipe's reward needs and no verifier knows, beside the parts of its score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch

from assay.agents.chat import Chat
from assay.agents.rollout import Rollout
from assay.envs.tasks import Task, TaskSet
from assay.training.batch import Batch
from assay.training.thinking import Decode

Measure = Callable[[Rollout, Task, Decode], float]
"""(rollout, its task, token ids to text) -> a number; NaN where there is none."""


def decoder(chat: Chat) -> Decode:
    """Token ids to text with nothing left out."""

    def decode(ids: Sequence[int]) -> str:
        return str(chat.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    return decode


def with_measures(
    batch: Batch, rollouts: Sequence[Rollout], measures: Mapping[str, Measure], tasks: TaskSet, decode: Decode
) -> Batch:
    """The batch with ``reward_parts[key]``, float32 [B], of every measure.

    Args:
        batch: what :func:`~assay.training.batch.make_batch` made of ``rollouts``.
        rollouts: the same ones.
        measures: by key.
        tasks: those that were played.
        decode: of the policy's tokens.
    """
    if not measures:
        return batch
    learnable = [rollout for rollout in rollouts if rollout.episode.outcome.learnable]
    parts = dict(batch.data.reward_parts)
    for key, measure in measures.items():
        values = [measure(rollout, tasks.get(rollout.episode.task_id), decode) for rollout in learnable]
        rows = [value for value, rollout in zip(values, learnable, strict=True) for _ in rollout.branches]
        parts[key] = torch.tensor(rows, dtype=torch.float32)
    return Batch(batch.rows, replace(batch.data, reward_parts=parts))
