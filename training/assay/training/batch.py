"""Rollouts to training rows: exact tokens, rewards and group ids as padded tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from assay.agents.chat import Chat, images_of, with_images
from assay.agents.rollout import Branch, Rollout
from assay.agents.scaffolds.chat import Scaffold
from assay.envs.base import TaskEnv
from assay.envs.episode import Outcome
from assay.envs.tasks import Task
from assay.training.forward import Row
from assay.training.objectives.data import TrajectoryBatch


@dataclass(frozen=True)
class Batch:
    """B training rows and what an objective needs to know of them; row i of both belong together."""

    rows: list[Row]
    data: TrajectoryBatch

    @property
    def width(self) -> int:
        """T, the longest response."""
        return int(self.data.action_mask.shape[1])

    def take(self, index: Sequence[int]) -> Batch:
        """The rows of an index, in its order."""
        return Batch([self.rows[i] for i in index], self.data.rows(torch.tensor(list(index), dtype=torch.int64)))


def row_of(branch: Branch) -> Row:
    """A branch as a training row: the prompt is everything before the first sampled token."""
    sampled = np.array(branch.sampled, np.bool_)
    prompt = int(np.flatnonzero(sampled)[0]) if sampled.any() else len(sampled)
    return Row(np.array(branch.ids, np.int64), prompt, sampled[prompt:], branch.images)


def taught_row(env: TaskEnv, task: Task, chat: Chat, response: Sequence[int], scaffold: Scaffold | None = None) -> Row:
    """A task's opening messages as a scaffold shows them, and a response nobody sampled, all of which is learnt."""
    messages = env.open(task)
    if env.has_images:
        messages = with_images(messages, env.open_images(task))
    if scaffold is not None:
        messages = scaffold.opening(messages)
    prompt = chat.open(messages)
    ids = np.array([*prompt, *response], np.int64)
    return Row(ids, len(prompt), np.ones(len(response), np.bool_), images_of(messages))


def make_batch(rollouts: Iterable[Rollout], version: int) -> Batch:
    """One row a branch of every learnable rollout.

    Infrastructure and verifier errors never get here: they are dropped, and group statistics run over what is left.

    Args:
        rollouts: rollouts with branches; ``Rollout.group`` says which share a prompt.
        version: number of optimiser steps the sampling policy had seen.

    Raises:
        ValueError: if no rollout is learnable.
    """
    pairs = [
        (rollout, branch) for rollout in rollouts if rollout.episode.outcome.learnable for branch in rollout.branches
    ]
    if not pairs:
        raise ValueError("no rollout ended in a score: see the errors in the stored episodes")
    rows = [row_of(branch) for _, branch in pairs]
    shape = (len(rows), max(1, max(len(row.mask) for row in rows)))
    mask, logp = torch.zeros(shape), torch.zeros(shape)
    for i, ((_, branch), row) in enumerate(zip(pairs, rows, strict=True)):
        mask[i, : len(row.mask)] = torch.from_numpy(row.mask.astype(np.float32))
        logp[i, : len(row.mask)] = torch.tensor(branch.logprobs[row.prompt :])
    number = {key: i for i, key in enumerate(dict.fromkeys(id(rollout) for rollout, _ in pairs))}
    scores = [rollout.episode.score for rollout, _ in pairs]
    calls = [_tool_calls(rollout) for rollout, _ in pairs]
    names = sorted({name for score in scores if score is not None for name in score.parts})
    nan = float("nan")
    return Batch(
        rows,
        TrajectoryBatch(
            action_mask=mask,
            group_id=torch.tensor([rollout.group for rollout, _ in pairs]),
            reward=torch.tensor([nan if score is None else score.reward for score in scores]),
            correct=torch.tensor(
                [nan if score is None or score.correct is None else float(score.correct) for score in scores]
            ),
            truncated=torch.tensor([rollout.episode.outcome is Outcome.TRUNCATED for rollout, _ in pairs]),
            rollout_logp=logp,
            reward_parts={
                name: torch.tensor([nan if score is None else score.parts.get(name, nan) for score in scores])
                for name in names
            },
            policy_version=torch.full((len(rows),), version),
            tool_calls=torch.tensor(calls),
            rollout_id=torch.tensor([number[id(rollout)] for rollout, _ in pairs]),
        ),
    )


def _tool_calls(rollout: Rollout) -> float:
    """As the environment counted them, or else the turns before the last, which ends the episode."""
    counted = rollout.episode.meta.get("tool_calls")
    if isinstance(counted, int | float):
        return float(counted)
    return float(max(0, len(rollout.episode.turns) - 1))
