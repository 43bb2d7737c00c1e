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
    """64 sequences of 4 symbols, right if strictly increasing, and a random prior that gives those .0822, most of it to
    one of them."""
    reward = np.array([float(a < b < c) for a, b, c in product(range(4), repeat=3)])
    prior = np.random.default_rng(0).dirichlet(np.ones(64))
    prior[reward == 0] *= (1.0 - MASS) / prior[reward == 0].sum()
    prior[reward == 1] = MASS * np.array([0.06, 0.873, 0.04, 0.027])
    return reward, prior


MASS, BETA = 0.0822317, 0.25


def draws(seed, policy, prior, reward, size=4000):
    """Samples of the prior and of a policy."""
    rng = np.random.default_rng(seed)

    def drawn(weights):
        pick = rng.choice(64, size=size, p=weights)
        return Samples(reward[pick], np.log(policy[pick]), np.log(prior[pick]))

    return drawn(prior), drawn(policy)


def test_the_sequences():
    reward, prior = increasing()
    found = exact(prior, prior, reward, BETA)
    assert np.exp(found.log_z) == pytest.approx(5.407439, abs=1e-4)
    assert found.reward == pytest.approx(0.0822, abs=5e-5)
    assert found.target_reward == pytest.approx(0.8303, abs=5e-5)


def collapsed_policy(reward, prior):
    """Where plain reinforcement learning ends: .9991 on one sequence, .0005 on the other right ones, .0004 on wrong."""
    policy = np.where(reward == 1, 0.0005 * prior / (0.127 * MASS), 0.0004 * prior / (1.0 - MASS))
    policy[np.argmax(np.where(reward == 1, prior, 0.0))] = 0.9991
    return policy


def estimates(seeds, sharp=None):
    """The truth; the share of seeds that are close to it in Z, KL(policy || target) and KL(target || policy); and the
    mean effective number of samples. Without ``sharp`` the policy is the collapsed one."""
    reward, prior = increasing()
    policy = collapsed_policy(reward, prior) if sharp is None else prior * np.exp(reward * sharp)
    policy = policy / policy.sum()
    truth = exact(policy, prior, reward, BETA)
    close, effective = [], []
    for seed in seeds:
        found = estimate(*draws(seed, policy, prior, reward), BETA)
        assert found.reliable
        effective.append(found.effective)
        close.append(
            (
                abs(np.exp(found.log_z - truth.log_z) - 1) < 0.1,
                abs(found.kl_to_target - truth.kl_to_target) < 0.12,
                abs(found.kl_from_target - truth.kl_from_target) < 0.35,
            )
        )
    return truth, np.mean(close, 0), np.mean(effective)


@pytest.mark.parametrize("sharp", [None, 10.0, 0.5])
def test_estimates_from_samples(sharp):
    _, close, effective = estimates(range(60), sharp)
    assert (close >= 0.95).all()
    assert effective == pytest.approx(476, abs=15)


@pytest.mark.slow
def test_estimates_from_samples_of_many_seeds():
    truth, close, effective = estimates(range(400))
    assert truth.collapsed
    assert (truth.kl_to_target, truth.kl_from_target, truth.distance) == pytest.approx((0.32, 1.356, 0.279), abs=0.02)
    assert close[0] == pytest.approx(0.98, abs=0.02)
    assert (close[1:] >= 0.95).all()
    assert effective == pytest.approx(476, abs=6)


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
