"""Choosing one patch out of many: regression tests, agreement on reproduction tests, then a vote (Agentless Mini)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sampled patch.

    Attributes:
        patch: its normal form, see :func:`~assay.verifiers.swe.normal.normal_patch`; empty if it changes nothing.
        regressions: how many tests that passed before fail with it; None where they were not run.
        reproduced: the reproduction tests that it resolves.
    """

    patch: str
    regressions: int | None = None
    reproduced: frozenset[str] = frozenset()


def rerank(candidates: Sequence[Candidate]) -> int | None:
    """The index of the patch to submit; None if none changes anything.

    Kept are the patches with the fewest regressions, and of those the group (or tied groups) that agrees on the set T
    of resolved reproduction tests with the highest score, number of patches times the square of ``len(T)``. Where that
    keeps everything, the two filters are tried in the other order, then each alone, and all patches are kept at last.
    Of the kept, the patch with most votes wins, ties by which is seen first (SWE-RL, arXiv 2502.18449, appendix).
    """
    everything = [k for k, candidate in enumerate(candidates) if candidate.patch.strip()]
    if not everything:
        return None
    by_regression = fewest_regressions(candidates, everything)
    by_reproduction = best_agreement(candidates, everything)
    attempts = (
        best_agreement(candidates, by_regression),
        fewest_regressions(candidates, by_reproduction),
        by_reproduction,
        by_regression,
    )
    kept = next((attempt for attempt in attempts if len(attempt) != len(everything)), everything)
    return majority(candidates, kept)


def fewest_regressions(candidates: Sequence[Candidate], among: Sequence[int]) -> list[int]:
    """Those with the fewest regressions; one whose tests were not run counts as the worst."""
    counts = {k: candidates[k].regressions for k in among}
    worst = float("inf")
    least = min(worst if count is None else count for count in counts.values())
    return [k for k, count in counts.items() if (worst if count is None else count) == least]


def best_agreement(candidates: Sequence[Candidate], among: Sequence[int]) -> list[int]:
    """The members of the groups with the highest score, group after group."""
    groups: dict[frozenset[str], list[int]] = {}
    for k in among:
        groups.setdefault(candidates[k].reproduced, []).append(k)
    best = max(agreement(tests, members) for tests, members in groups.items())
    return [k for tests, members in groups.items() if agreement(tests, members) == best for k in members]


def agreement(tests: frozenset[str], members: Sequence[int]) -> int:
    """The score of a group: patches times the square of the tests that all of them resolve."""
    return len(members) * len(tests) ** 2


def majority(candidates: Sequence[Candidate], among: Sequence[int]) -> int:
    """The first of those whose patch occurs most often among them; ties by which patch is seen first."""
    votes = Counter(candidates[k].patch for k in among)  # counts in the order in which patches are first seen
    winner = max(votes, key=votes.__getitem__)
    return next(k for k in among if candidates[k].patch == winner)
