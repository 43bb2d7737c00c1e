"""Intervals of what was counted. Plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

Z95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""


class Interval(NamedTuple):
    """A mean and the interval around it."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def wilson(successes: float, n: int, z: float = Z95) -> Interval:
    """Wilson's score interval of a proportion (Wilson 1927, JASA 22, 209-212).

    Args:
        successes: between 0 and ``n``; fractional where each trial is itself a mean over samples.
        n: trials. With none the interval is [0, 1] and the mean NaN.
        z: standard normal quantile; the default gives 95 %.

    Raises:
        ValueError: if ``successes`` is not in [0, n].
    """
    if n == 0 and successes == 0:
        return Interval(math.nan, 0.0, 1.0)
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} trials")
    p, zz = successes / n, z * z
    centre = (p + zz / (2 * n)) / (1 + zz / n)
    half = z / (1 + zz / n) * math.sqrt(p * (1 - p) / n + zz / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(p, low, high)


def weighted(parts: Sequence[tuple[float, Interval]]) -> Interval:
    """The interval of sum(w x) / sum(w) of independent parts, from those of the parts (MOVER).

    Zou and Donner 2008, Statistics in Medicine 27, 1693-1702: distances to the parts' bounds add up as squares. With
    Wilson's intervals below it, it never has width 0.

    Args:
        parts: weights, not negative and not all 0, and intervals.
    """
    total = sum(weight for weight, _ in parts)
    mean = sum(weight * each.mean for weight, each in parts) / total
    down = math.sqrt(sum((weight * (each.mean - each.low)) ** 2 for weight, each in parts)) / total
    up = math.sqrt(sum((weight * (each.high - each.mean)) ** 2 for weight, each in parts)) / total
    return Interval(mean, mean - down, mean + up)
