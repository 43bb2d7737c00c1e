"""How broadly the rollouts of a task explore."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

from assay.agents.rollout import Rollout


def unique_fraction(rollouts: Sequence[Rollout]) -> float:
    """Mean over groups of distinct responses / responses; NaN without any.

    A response is what the policy sampled, by token, or by its text where there are no tokens.
    """
    return _mean([len(set(said)) / len(said) for said in _by_group(rollouts).values()])


def undrawn_moment(rollouts: Sequence[Rollout]) -> float:
    """Mean over groups of an estimate of the second moment of the first tokens that were not drawn; NaN without any.

    Of N draws the number of tokens that came exactly twice has the mean (N choose 2) sum of p^2 (1 - p)^(N - 2), so
    dividing it by (N choose 2) estimates the sum over tokens of p^2 times the chance to be missed by the N - 2 others:
    the Good-Turing argument, at the second moment, which is what couples the undrawn tokens to a policy-gradient step
    (:mod:`assay.training.analysis.mass_balance`). Groups of fewer than 3 say nothing.
    """
    found = []
    for said in _by_group(rollouts).values():
        first = Counter(tokens[0] for tokens in said if tokens)
        if (draws := first.total()) > 2:
            found.append(sum(count == 2 for count in first.values()) / math.comb(draws, 2))
    return _mean(found)


def _by_group(rollouts: Sequence[Rollout]) -> dict[int, list[tuple[Hashable, ...]]]:
    groups: dict[int, list[tuple[Hashable, ...]]] = {}
    for rollout in rollouts:
        said: tuple[Hashable, ...] = tuple(
            token
            for branch in rollout.branches
            for segment in branch.segments
            if segment.sampled
            for token in segment.ids
        )
        groups.setdefault(rollout.group, []).append(said or tuple(rollout.episode.actions))
    return groups


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
