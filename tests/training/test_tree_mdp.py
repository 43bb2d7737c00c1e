"""Exact values of the random policy on small trees: the numbers and theorems of arXiv:2509.24981."""

from __future__ import annotations

import random

import pytest

from assay.training.analysis.tree_mdp import (
    best,
    greedy,
    leaves,
    q_values,
    softmax_policy,
    success,
    success_bound,
    tree_of,
)

GOALS = ("ACD", "BDC", "CAB", "DBA")
TREE = tree_of(GOALS, "ABCD")


def test_values_of_the_random_policy():
    assert q_values(TREE) == (0.0625,) * 4
    assert q_values(TREE[0]) == (0.0, 0.0, 0.25, 0.0)
    assert q_values(TREE[0][2]) == (0.0, 0.0, 0.0, 1.0)
    assert q_values(1.0) == ()


@pytest.mark.parametrize(("rho", "wanted"), [(1, 0.1425), (0.25, 0.4506), (0.1, 0.8023), (0.05, 0.9802), (0.02, 1.0)])
def test_success_of_the_softmax(rho, wanted):
    assert success(TREE, rho) == pytest.approx(wanted, abs=5e-5)
    right = [probability for _, reward, probability in leaves(TREE, rho) if reward]
    assert right == pytest.approx([wanted / 4] * 4, abs=2e-5)
    assert sum(probability for *_, probability in leaves(TREE, rho)) == pytest.approx(1.0)


def grown(rng, depth, chance):
    if not depth:
        return float(rng.random() < chance)
    return tuple(grown(rng, depth - 1, chance) for _ in range(rng.randint(2, 4)))


def test_greedy_finds_a_right_leaf_wherever_there_is_one():
    rng, solvable = random.Random(0), 0
    for _ in range(300):
        tree = grown(rng, rng.randint(1, 4), rng.uniform(0.02, 0.3))
        assert greedy(tree) == best(tree)
        solvable += best(tree) == 1.0
        for rho in (0.02, 0.1, 1.0):
            assert success(tree, rho) >= success_bound(tree, rho) - 1e-12
            assert success(tree, rho) <= best(tree) + 1e-12
    assert 50 < solvable < 300  # both kinds are among them


def test_a_small_temperature_overflows_nothing():
    assert softmax_policy((0.0, 1.0), 1e-4) == [0.0, 1.0]
    assert success(TREE, 1e-4) == pytest.approx(1.0)


@pytest.mark.parametrize("goals", [[], ["A", "AB"], ["AX"]])
def test_goals_that_make_no_tree(goals):
    with pytest.raises(ValueError, match="one length"):
        tree_of(goals, "ABCD")
