"""A window of the last batches, part of which each step sees again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Self

import torch
from torch import Tensor

from assay.training.objectives.schedule import (
    Composition,
    Pool,
    RolloutPlan,
    Schedule,
    fresh_minibatches,
    split_groups,
)


@dataclass(frozen=True)
class ReplayWindow(Schedule):
    """A share of every batch is whole groups of the last few policies, and it is passed over several times.

    ReMix (arXiv:2507.06892), from the first step to step ``until``; from then on each batch is fresh and passed over
    once. The first step has nothing to replay and samples everything. Groups are drawn without replacement: a version
    uniformly among those of the window, then one of its groups. Groups whose advantages are all 0 are not remembered.

    Attributes:
        fraction: share of the groups of a batch that is replayed, 0 to below 1.
        window: how many versions of the policy back a group may be from.
        utd: passes over a mixed batch.
        until: the last step (from 1) that replays; None: it never ends.

    Raises:
        ValueError: for a constant out of its range.
    """

    fraction: float = 0.4
    window: int = 2
    utd: int = 2
    until: int | None = 50

    def __post_init__(self) -> None:
        if not 0.0 <= self.fraction < 1.0:
            raise ValueError(f"off_policy_fraction must be at least 0 and below 1, got {self.fraction:g}")
        if self.window < 1 or self.utd < 1:
            raise ValueError(f"window and utd must be at least 1, got {self.window} and {self.utd}")
        if self.until is not None and self.until < 1:
            raise ValueError(f"reincarnate_at must be at least 1, or none, got {self.until}")

    @property
    def remembers(self) -> bool:
        """True."""
        return True

    @property
    def scores_again(self) -> bool:
        """True: the clip moves with the policy at the start of the step."""
        return True

    def replays(self, step: int) -> bool:
        """Whether step ``step`` (from 0) is one of those that mix."""
        return self.until is None or step < self.until

    def begun(self, steps: int, configured: RolloutPlan) -> Self:
        """Itself.

        Raises:
            ValueError: if a batch has too few groups for both kinds.
        """
        if self.fraction and configured.groups == 1:
            raise ValueError("mixes fresh and replayed groups in each batch: it needs rollout.groups 2 or more, got 1")
        return self

    def plan(self, step: int, configured: RolloutPlan) -> RolloutPlan:
        """Fewer groups while others are replayed."""
        if step == 0 or not self.replays(step):
            return configured
        fresh = max(1, configured.groups - round(self.fraction * configured.groups))
        return replace(configured, groups=fresh)

    def recompose(self, pool: Pool, step: int, minibatches: int, seed: int) -> Composition:
        """Fresh groups and drawn ones."""
        if not self.replays(step):
            return Composition(fresh_minibatches(pool, minibatches), epochs=1)
        age = _versions_back(pool)
        remembered = ~pool.fresh & (age >= 1) & (age <= self.window)
        fresh = torch.unique(pool.data.group_id[pool.fresh]).numel()
        wanted = round(fresh * self.fraction / (1.0 - self.fraction))
        drawn = self._draw(pool, remembered, wanted, seed)
        parts = [
            torch.cat([part for part in pair if part is not None])
            for pair in zip_longest(_pieces(pool, drawn, minibatches), fresh_minibatches(pool, minibatches))
        ]
        keep = self._to_keep(pool, step, age)
        rows = torch.nonzero(drawn).flatten()
        metrics = {
            "replay_share": len(rows) / max(1, len(rows) + int(pool.fresh.sum())),
            "replay_rows": float(len(rows)),
            "replay_kept": float(len(keep)),
            "replay_evicted": float((~pool.fresh & ~remembered).sum()),
        }
        if len(rows):
            metrics["replay_age"] = float(age[rows].float().mean())
        return Composition(parts, epochs=self.utd, keep=keep, metrics=metrics)

    def _draw(self, pool: Pool, remembered: Tensor, wanted: int, seed: int) -> Tensor:
        """Rows of the groups that are replayed: bool [N]."""
        generator = torch.Generator().manual_seed(seed)
        versions: dict[int, list[int]] = {}
        group, version = pool.data.group_id, _versions(pool)
        for row in torch.nonzero(remembered).flatten().tolist():
            groups = versions.setdefault(int(version[row]), [])
            if int(group[row]) not in groups:
                groups.append(int(group[row]))
        chosen: list[int] = []
        while versions and len(chosen) < wanted:
            of = sorted(versions)[_below(len(versions), generator)]
            chosen.append(versions[of].pop(_below(len(versions[of]), generator)))
            if not versions[of]:
                del versions[of]
        return remembered & torch.isin(group, torch.tensor(chosen, dtype=group.dtype))

    def _to_keep(self, pool: Pool, step: int, age: Tensor) -> Tensor:
        """What the next step, one version on, may replay; nothing if it does not replay."""
        if not self.replays(step + 1):
            return torch.zeros(0, dtype=torch.int64)
        teaching = pool.data.group_id[(pool.advantage != 0).any(-1)]
        alive = torch.isin(pool.data.group_id, teaching)
        return torch.nonzero(alive & (age + 1 <= self.window)).flatten()


def _versions(pool: Pool) -> Tensor:
    if pool.data.policy_version is None:
        raise ValueError("a replay window needs to know which version of the policy sampled each row")
    return pool.data.policy_version


def _versions_back(pool: Pool) -> Tensor:
    return pool.version - _versions(pool)


def _pieces(pool: Pool, rows: Tensor, parts: int) -> list[Tensor]:
    where = torch.nonzero(rows).flatten()
    return [where[piece] for piece in split_groups(pool.data.group_id[where], parts)] if len(where) else []


def _below(limit: int, generator: torch.Generator) -> int:
    return int(torch.randint(limit, (1,), generator=generator))
