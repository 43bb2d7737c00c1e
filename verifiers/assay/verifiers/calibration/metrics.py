"""How well stated confidences tell right answers from wrong ones."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple


class Bin(NamedTuple):
    """The answers whose confidence fell into [low, high): how many, their mean confidence, the share of right ones."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def brier(q: Sequence[float], ok: Sequence[float]) -> float:
    """Mean of (q - ok)^2, in [0, 1]; NaN of nothing.

    Raises:
        ValueError: if the two differ in length.
    """
    _check(q, ok)
    return math.fsum((a - b) ** 2 for a, b in zip(q, ok, strict=True)) / len(q) if q else math.nan


def reliability(q: Sequence[float], ok: Sequence[float], bins: int = 10) -> list[Bin]:
    """The occupied ones of ``bins`` equal bins of [0, 1], left-closed; the outer two reach to infinity.

    Raises:
        ValueError: if the two differ in length, or there is no bin.
    """
    _check(q, ok)
    if bins < 1:
        raise ValueError(f"there must be at least one bin, got {bins}")
    edges = [k / bins for k in range(1, bins)]
    rows: list[list[tuple[float, float]]] = [[] for _ in range(bins)]
    for pair in zip(q, ok, strict=True):
        rows[bisect_right(edges, pair[0])].append(pair)
    return [
        Bin(k / bins, (k + 1) / bins, len(row), _mean([a for a, _ in row]), _mean([b for _, b in row]))
        for k, row in enumerate(rows)
        if row
    ]


def ece(q: Sequence[float], ok: Sequence[float], bins: int = 10) -> float:
    """Expected calibration error: sum over :func:`reliability` bins of n_b / n |accuracy - confidence|; NaN of nothing.

    Raises:
        ValueError: as there.
    """
    found = reliability(q, ok, bins)
    return math.fsum(b.n * abs(b.accuracy - b.confidence) for b in found) / len(q) if q else math.nan


def auroc(q: Sequence[float], ok: Sequence[float]) -> float:
    """The chance that a right answer has the higher confidence than a wrong one, a tie counting half.

    NaN where all answers are right or all are wrong: then there is nothing to tell apart.

    Raises:
        ValueError: if the two differ in length.
    """
    _check(q, ok)
    order = sorted(range(len(q)), key=q.__getitem__)
    right = sum(1 for each in ok if each > 0.5)
    wrong = len(ok) - right
    if not right or not wrong:
        return math.nan
    won, below, start = 0.0, 0, 0
    while start < len(order):
        stop = start
        while stop < len(order) and q[order[stop]] == q[order[start]]:
            stop += 1
        hits = sum(1 for i in order[start:stop] if ok[i] > 0.5)
        misses = stop - start - hits
        won += hits * (below + misses / 2)
        below, start = below + misses, stop
    return won / (right * wrong)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _check(q: Sequence[float], ok: Sequence[float]) -> None:
    if len(q) != len(ok):
        raise ValueError(f"{len(q)} confidences but {len(ok)} verdicts")
