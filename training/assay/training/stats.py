"""Intervals and estimators that a result is reported with. Plain Python and numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from assay.envs.intervals import Z95, Interval, wilson

__all__ = [
    "Z95",
    "Interval",
    "bootstrap_interval",
    "macro_f1",
    "paired_difference",
    "pass_at_k",
    "student_interval",
    "student_t_cdf",
    "student_t_quantile",
    "wilson",
]


def pass_at_k(n: int, c: int, k: int) -> float:
    """The unbiased estimate of the chance that one of ``k`` samples is right, given ``c`` right of ``n``.

    1 - C(n-c, k) / C(n, k), as a product (Chen et al. 2021, arXiv:2107.03374, equation 1).

    Raises:
        ValueError: if not 0 <= c <= n or not 1 <= k <= n.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"pass@{k} cannot be estimated from {c} right of {n} samples")
    miss = 1.0
    for i in range(n - c + 1, n + 1):
        miss *= max(0.0, 1.0 - k / i)
    return 1.0 - miss


def student_t_cdf(t: float, df: int) -> float:
    """P(T <= t) for integer degrees of freedom (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4).

    Raises:
        ValueError: if ``df`` < 1.
    """
    if df < 1:
        raise ValueError(f"Student's t needs at least one degree of freedom, got {df}")
    angle = math.atan(t / math.sqrt(df))
    sin, cos = math.sin(angle), math.cos(angle)
    odd = df % 2 == 1
    term = cos if odd else 1.0
    total = term if df > 1 or not odd else 0.0
    for i in range(3 if odd else 2, df - 1, 2):
        term *= cos * cos * (i - 1) / i
        total += term
    inside = 2 / math.pi * (angle + sin * total) if odd else sin * total
    return 0.5 * (1.0 + inside)


def student_t_quantile(p: float, df: int) -> float:
    """The t with P(T <= t) = p, by bisection to the last bit.

    Raises:
        ValueError: if ``p`` is not strictly between 0 and 1.
    """
    if not 0 < p < 1:
        raise ValueError(f"a quantile needs 0 < p < 1, got {p}")
    if p < 0.5:
        return -student_t_quantile(1 - p, df)
    low, high = 0.0, 1.0
    while student_t_cdf(high, df) < p:
        high *= 2
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if student_t_cdf(middle, df) < p else (low, middle)
    return high


def student_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Mean and Student-t interval of a few independent values, such as one result a seed.

    Raises:
        ValueError: if there are fewer than two values.
    """
    if len(values) < 2:
        raise ValueError(f"an interval over seeds needs at least two of them, got {len(values)}")
    data = np.asarray(values, dtype=np.float64)
    mean = float(data.mean())
    error = float(data.std(ddof=1)) / math.sqrt(len(data))
    half = student_t_quantile(0.5 + level / 2, len(data) - 1) * error
    return Interval(mean, mean - half, mean + half)


def bootstrap_interval(
    values: Sequence[float], level: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Interval:
    """Mean and percentile-bootstrap interval (Efron 1979, Ann. Statist. 7, 1-26), the same for the same seed.

    Too narrow for a handful of values: use :func:`student_interval` for seeds and this for hundreds of tasks.

    Raises:
        ValueError: if there are no values.
    """
    if len(values) == 0:
        raise ValueError("cannot resample no values")
    data = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    rows = max(1, 2_000_000 // len(data))
    means = np.concatenate(
        [
            data[rng.integers(0, len(data), (min(rows, resamples - start), len(data)))].mean(axis=1)
            for start in range(0, resamples, rows)
        ]
    )
    low, high = np.quantile(means, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(float(data.mean()), float(low), float(high))


def paired_difference(after: Sequence[float], before: Sequence[float], level: float = 0.95) -> Interval:
    """Mean and Student-t interval of ``after - before``, pair by pair (the same tasks, or the same seeds).

    Raises:
        ValueError: if the lengths differ or there are fewer than two pairs.
    """
    if len(after) != len(before):
        raise ValueError(f"pairs needed, got {len(after)} and {len(before)} values")
    return student_interval([a - b for a, b in zip(after, before, strict=True)], level)


def macro_f1(confusion: Mapping[str, Mapping[str, int]]) -> float:
    """The mean over the true classes of F1 = 2 hits / (times true + times answered), in [0, 1].

    Args:
        confusion: truth -> answer -> how often. An answer that is no true class is a miss and has no F1 of its own.

    Raises:
        ValueError: if it is empty.
    """
    if not confusion:
        raise ValueError("no class was asked for")
    answered: dict[str, int] = {}
    for row in confusion.values():
        for answer, times in row.items():
            answered[answer] = answered.get(answer, 0) + times
    scores = []
    for truth, row in confusion.items():
        total = sum(row.values()) + answered.get(truth, 0)
        scores.append(2 * row.get(truth, 0) / total if total else 0.0)
    return sum(scores) / len(scores)
