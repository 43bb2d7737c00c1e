"""Statistics against published numbers and slow obvious ways."""

from __future__ import annotations

import itertools
import math
import random
import statistics

import pytest

from assay.training.stats import (
    Interval,
    bootstrap_interval,
    paired_difference,
    pass_at_k,
    student_interval,
    student_t_cdf,
    student_t_quantile,
    wilson,
)

# Newcombe 1998, Statistics in Medicine 17, table I, method 3 (score interval without continuity correction).
NEWCOMBE = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]


@pytest.mark.parametrize(("successes", "n", "low", "high"), NEWCOMBE)
def test_wilson_matches_published_intervals(successes, n, low, high):
    found = wilson(successes, n)
    assert found.mean == successes / n
    assert found.low == pytest.approx(low, abs=6e-5)
    assert found.high == pytest.approx(high, abs=6e-5)


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (3, 10), (2.5, 10), (99, 100), (500, 1000)])
def test_wilson_bounds_are_where_the_score_test_turns(successes, n):
    """The interval holds every p with (p_hat - p)^2 <= z^2 p (1 - p) / n."""
    z, found = 1.959963984540054, wilson(successes, n)
    inside = [p for i in range(100_001) if (successes / n - (p := i / 100_000)) ** 2 <= z * z * p * (1 - p) / n + 1e-15]
    assert found.low == pytest.approx(inside[0], abs=2e-5)
    assert found.high == pytest.approx(inside[-1], abs=2e-5)


def test_wilson_edges():
    low_high = wilson(0, 0)
    assert math.isnan(low_high.mean)
    assert low_high[1:] == (0.0, 1.0)
    assert wilson(0, 5).low == 0.0
    assert wilson(5, 5).high == 1.0
    for wrong in ((-1, 5), (6, 5), (1, 0)):
        with pytest.raises(ValueError):
            wilson(*wrong)


def test_pass_at_k_is_the_share_of_draws_with_a_right_one():
    for n in range(1, 8):
        for c in range(n + 1):
            for k in range(1, n + 1):
                draws = list(itertools.combinations([1] * c + [0] * (n - c), k))
                assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws), abs=1e-12)


def test_pass_at_k_is_stable_for_many_samples():
    assert pass_at_k(10_000, 1, 100) == pytest.approx(0.01, rel=1e-12)
    assert pass_at_k(2000, 1000, 1000) == 1.0


@pytest.mark.parametrize("wrong", [(0, 0, 1), (4, 5, 1), (4, -1, 1), (4, 2, 5), (4, 2, 0)])
def test_pass_at_k_refuses(wrong):
    with pytest.raises(ValueError):
        pass_at_k(*wrong)


# Two-sided 95 % and 99 % points of Student's t, from the usual tables.
T_TABLE = [(1, 12.706, 63.657), (2, 4.303, 9.925), (3, 3.182, 5.841), (4, 2.776, 4.604), (5, 2.571, 4.032),
           (9, 2.262, 3.250), (10, 2.228, 3.169), (30, 2.042, 2.750), (120, 1.980, 2.617)]  # fmt: skip


@pytest.mark.parametrize(("df", "p975", "p995"), T_TABLE)
def test_student_quantiles_match_the_tables(df, p975, p995):
    assert student_t_quantile(0.975, df) == pytest.approx(p975, abs=6e-4)
    assert student_t_quantile(0.995, df) == pytest.approx(p995, abs=6e-4)
    assert student_t_quantile(0.025, df) == -student_t_quantile(0.975, df)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 5, 6, 7, 12, 25])
def test_student_cdf_is_the_integral_of_its_density(df):
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)
    steps = 4000
    for t in (-3.0, -0.4, 0.0, 0.7, 2.5):
        xs = [t * (i + 0.5) / steps for i in range(steps)]
        area = sum(scale * (1 + x * x / df) ** (-(df + 1) / 2) for x in xs) * t / steps
        assert student_t_cdf(t, df) == pytest.approx(0.5 + area, abs=1e-6)


def test_student_refuses():
    with pytest.raises(ValueError):
        student_t_cdf(1.0, 0)
    with pytest.raises(ValueError):
        student_t_quantile(1.0, 3)
    with pytest.raises(ValueError, match="at least two"):
        student_interval([1.0])


def test_student_interval_by_hand():
    """0.60, 0.64, 0.71: mean 0.65, s = 0.05567764, t(2) = 4.302653, half = 4.302653 * s / sqrt(3)."""
    found = student_interval([0.60, 0.64, 0.71])
    assert found.mean == pytest.approx(0.65)
    half = 4.3026527 * statistics.stdev([0.60, 0.64, 0.71]) / math.sqrt(3)
    assert found.low == pytest.approx(0.65 - half, abs=1e-8)
    assert found.high == pytest.approx(0.65 + half, abs=1e-8)
    assert str(Interval(0.65, 0.5, 0.8)) == "0.650 [0.500, 0.800]"


def test_bootstrap_agrees_with_the_normal_interval_and_repeats():
    rng = random.Random(0)
    values = [rng.gauss(2.0, 3.0) for _ in range(800)]
    found = bootstrap_interval(values)
    half = 1.96 * statistics.stdev(values) / math.sqrt(len(values))
    assert found.mean == pytest.approx(statistics.fmean(values))
    assert found.low == pytest.approx(found.mean - half, abs=0.1 * half)
    assert found.high == pytest.approx(found.mean + half, abs=0.1 * half)
    assert bootstrap_interval(values) == found
    assert bootstrap_interval(values, seed=1) != found


def test_bootstrap_of_two_values_is_their_exact_distribution():
    """Means of two draws of {0, 1}: 0, 1/2, 1 with shares 1/4, 1/2, 1/4."""
    assert bootstrap_interval([0.0, 1.0], level=0.4) == (0.5, 0.5, 0.5)
    assert bootstrap_interval([0.0, 1.0], level=0.9) == (0.5, 0.0, 1.0)
    assert bootstrap_interval([3.0]) == (3.0, 3.0, 3.0)
    with pytest.raises(ValueError):
        bootstrap_interval([])


def test_pairs_are_sharper_than_unpaired_values():
    before = [0.1, 0.4, 0.7, 0.9, 0.3]
    after = [value + gain for value, gain in zip(before, (0.1, 0.12, 0.08, 0.11, 0.09), strict=True)]
    found = paired_difference(after, before)
    assert found.mean == pytest.approx(0.1)
    assert 0.07 < found.low < found.high < 0.13
    assert found == student_interval([a - b for a, b in zip(after, before, strict=True)])
    with pytest.raises(ValueError, match="pairs"):
        paired_difference([1.0], [1.0, 2.0])
