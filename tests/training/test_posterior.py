"""The distance to the target distribution: exact by enumeration, estimated from samples."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from assay.training.analysis.posterior import Samples, bootstrap, estimate, exact


def test_three_arms():
    uniform, reward = np.full(3, 1 / 3), np.array([2.5, 2.0, 1.0])
    found = exact(uniform, uniform, reward, 0.5)
    assert found.target == pytest.approx([0.705385, 0.259496, 0.035119], abs=1e-6)
    assert np.exp(found.log_z) == pytest.approx(70.133455, abs=1e-5)
    assert found.best == pytest.approx(2.125200, abs=1e-6)
    assert found.objective == pytest.approx(1.833333, abs=1e-6)
    assert found.best - found.objective == pytest.approx(0.291867, abs=1e-6)
    assert found.kl_to_target == pytest.approx(0.583733, abs=1e-6)
    assert found.kl_from_target == pytest.approx(0.384747, abs=1e-6)
    assert found.distance == pytest.approx(0.372051, abs=1e-6)
    assert found.target_entropy == pytest.approx(0.713866, abs=1e-6)
    assert found.target_reward == pytest.approx(2.317573, abs=1e-6)
    assert not found.collapsed


def test_what_is_left_to_gain_is_the_divergence_to_the_target():
    rng = np.random.default_rng(0)
    for _ in range(100):
        policy, prior, reward = rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(6)), rng.normal(size=6)
        beta = rng.uniform(0.05, 5)
        found = exact(policy, prior, reward, beta)
        assert abs(found.objective - found.best + beta * found.kl_to_target) < 1e-9


def test_limits_and_what_is_forbidden():
    prior, reward = np.array([0.2, 0.3, 0.5]), np.array([1.0, 1.0, 0.0])
    assert exact(prior, prior, reward, 1e-3).target == pytest.approx([0.4, 0.6, 0.0])
    assert exact(prior, prior, reward, 1e6).target == pytest.approx(prior, abs=1e-5)
    found = exact(prior, prior, np.array([0.0, 0.0, -np.inf]), 1.0)
    assert found.target == pytest.approx([0.4, 0.6, 0.0])
    assert found.kl_to_target == np.inf
    with pytest.raises(ValueError, match="positive beta"):
        exact(prior, prior, reward, 0.0)
    with pytest.raises(ValueError, match="no target"):
        exact(prior, prior, np.full(3, -np.inf), 1.0)


def increasing():
    """64 sequences of 4 symbols, right if strictly increasing, and a random prior."""
    sequences = list(product(range(4), repeat=3))
    reward = np.array([float(a < b < c) for a, b, c in sequences])
    return reward, np.random.default_rng(0).dirichlet(np.ones(64))


@pytest.mark.parametrize("sharp", [40.0, 2.0])
def test_estimates_from_samples(sharp):
    reward, prior = increasing()
    beta = 0.25
    policy = prior * np.exp(reward * sharp / 4)
    policy /= policy.sum()
    truth = exact(policy, prior, reward, beta)
    close, rounds = 0, 60
    for seed in range(rounds):
        rng = np.random.default_rng(seed)

        def drawn(weights, rng=rng):
            pick = rng.choice(64, size=4000, p=weights)
            return Samples(reward[pick], np.log(policy[pick]), np.log(prior[pick]))

        found = estimate(drawn(prior), drawn(policy), beta)
        assert found.reliable
        good = abs(np.exp(found.log_z - truth.log_z) - 1) < 0.1 and abs(found.kl_to_target - truth.kl_to_target) < 0.12
        close += good and abs(found.kl_from_target - truth.kl_from_target) < 0.35
    assert close >= 0.9 * rounds


def test_bootstrap_intervals_hold_the_estimate():
    reward, prior = increasing()
    pick = np.random.default_rng(1).choice(64, size=500, p=prior)
    samples = Samples(reward[pick], np.log(prior[pick]), np.log(prior[pick]))
    found, intervals = estimate(samples, samples, 0.5), bootstrap(samples, samples, 0.5)
    for name, (low, high) in intervals.items():
        assert low <= getattr(found, name) <= high
    few = Samples(np.array([1.0, -np.inf]), np.zeros(2), np.zeros(2))
    assert not estimate(few, samples, 0.5).reliable
    with pytest.raises(ValueError, match="sample more"):
        estimate(Samples(np.full(2, -np.inf), np.zeros(2), np.zeros(2)), samples, 0.5)
