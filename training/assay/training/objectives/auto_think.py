"""The reward that pays for thinking by what a task asks for: nothing for seeing, something for planning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from assay.training.objectives.contrast import FORMAT
from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.groups import row_weights
from assay.training.objectives.keyframes import part
from assay.training.objectives.schedule import Composition, Pool, Schedule, fresh_minibatches
from assay.training.objectives.types import RewardTransform

LEVEL, THINK_TOKENS, THOUGHT = "level", "think_tokens", "thought"
"""Keys of :attr:`TrajectoryBatch.reward_parts`: the level of the row's task (1 to 4), the tokens T of its thoughts, and
whether one of them is more than white space (1 or 0)."""
NAIVE = 0.5
"""What any thought earns in mode ``think``."""

Mode = Literal["auto", "think", "off"]


@dataclass(frozen=True)
class AutoThinkReward(RewardTransform):
    """Verdict, format and tokens of thought to a reward by level, whatever the environment paid.

    The hierarchy-aware reward of SpatialTree (arXiv:2512.20617), whose coefficients are unpublished. With acc the
    verdict (1 or 0), fmt the part ``format`` and T the tokens of thought, in mode ``auto``::

        L1      acc - lam_len clip((T - t_free) / (t_max - t_free), 0, 1)
        L2      acc + lam_fmt fmt
        L3, L4  acc + lam_fmt fmt + lam_think acc fmt min(1, T / t_target)

    ``think`` is acc + .5 [a thought that is not empty], ``off`` acc alone. A row without a verdict gets NaN, that is,
    it teaches nothing.

    Attributes:
        mode: see above.
        lam_len, t_free, t_max: the price of thinking on L1, in tokens.
        lam_fmt, lam_think, t_target: what the layout earns, and a thought of ``t_target`` tokens or more.

    Raises:
        ValueError: if ``t_max`` is not above ``t_free``.
    """

    mode: Mode = "auto"
    lam_len: float = 0.2
    t_free: int = 32
    t_max: int = 512
    lam_fmt: float = 0.1
    lam_think: float = 0.2
    t_target: int = 256

    def __post_init__(self) -> None:
        if self.t_max <= self.t_free:
            raise ValueError(f"t_max must be above t_free, got {self.t_max} and {self.t_free}")

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Rewards [B].

        Raises:
            ValueError: if no row has a verdict, or one has no level.
        """
        acc = batch.correct.double()
        if len(batch) and bool(torch.isnan(acc).all()):
            raise ValueError("this environment says of no answer whether it is right, which auto-think pays for")
        if self.mode == "off":
            return acc.to(batch.reward.dtype)
        if self.mode == "think":
            return (acc + NAIVE * (part(batch, THOUGHT) > 0.5)).to(batch.reward.dtype)
        level, fmt, tokens = _levels(batch), part(batch, FORMAT), part(batch, THINK_TOKENS)
        price = self.lam_len * ((tokens - self.t_free) / (self.t_max - self.t_free)).clamp(0.0, 1.0)
        effort = self.lam_think * acc * fmt * (tokens / self.t_target).clamp(max=1.0)
        paid = acc + self.lam_fmt * fmt + torch.where(level >= 3, effort, 0.0)
        return torch.where(level == 1, acc - price, paid).to(batch.reward.dtype)

    def seen(self, batch: TrajectoryBatch) -> tuple[AutoThinkReward, dict[str, float]]:
        """Unchanged, and ``think/L1`` to ``think/L4``: mean tokens of thought on the levels of the batch."""
        if LEVEL not in batch.reward_parts:
            return self, {}
        level, tokens, weight = _levels(batch), part(batch, THINK_TOKENS), row_weights(batch)
        found = {}
        for number in sorted(set(level.tolist())):
            own = weight * (level == number)
            found[f"think/L{number:.0f}"] = float((own * tokens).sum() / own.sum())
        return self, found


def _levels(batch: TrajectoryBatch) -> Tensor:
    found = batch.reward_parts.get(LEVEL)
    if found is None or bool(torch.isnan(found).any()):
        raise ValueError("auto-think pays by level, and a task of this batch has none")
    return found.double()


@dataclass(frozen=True)
class WithoutTies(Schedule):
    """Plain, but prompts whose rollouts all earn the same are dropped from the loss and its denominators.

    Told by their advantages, which are 0: what counts is the reward that is learnt from, and not what the environment
    paid.
    """

    def recompose(self, pool: Pool, step: int, minibatches: int, seed: int) -> Composition:
        """The groups in which some advantage is not 0."""
        _, group = torch.unique(pool.data.group_id, return_inverse=True)
        moved = ((pool.advantage != 0) & (pool.data.action_mask > 0)).any(-1).float()
        size = int(group.max()) + 1 if len(group) else 0
        alive = torch.zeros(size).index_add(0, group, moved)[group] > 0
        steps = [rows[alive[rows]] for rows in fresh_minibatches(pool, minibatches)]
        return Composition([rows for rows in steps if len(rows)], metrics={"prompts_dropped": _share(alive, group)})


def _share(alive: Tensor, group: Tensor) -> float:
    dead, every = len(torch.unique(group[~alive])), len(torch.unique(group))
    return dead / every if every else 0.0


def level_of(names: Mapping[str, int], name: str) -> float:
    """The number of a level, 1 to 4.

    Raises:
        ValueError: one line, for a name that nobody knows.
    """
    if name not in names:
        raise ValueError(
            f"auto-think met a task of level {name!r}: --recipe.levels {name or 'NAME'}=L1 says what it is"
        )
    return float(names[name])
