"""Order questions and a table: ordered frames come to serve better than shuffled ones, with alpha and without."""

from __future__ import annotations

import pytest
import torch

from assay.training.analysis.order_table import OrderWorld, learn
from assay.training.recipes import get_recipe


def learnt(world, seed=0, start=(0.0, 0.0, -1.0), **constants):
    recipe = get_recipe("kf-grpo", {"kl_beta": 0, **constants})
    return learn(world, recipe.objective(1), recipe.schedule(), seed=seed, start=start, every=100)


def test_exact_accuracies_are_those_of_many_draws():
    world, rng = OrderWorld(3, telling=0.7, noise=0.2), torch.Generator().manual_seed(0)
    logits = torch.randn(3, 2, 3, generator=rng)
    cue, truth = world.draw(200_000, rng)
    for ordered in (True, False):
        probs = torch.softmax(logits[cue, world.seen(truth, ordered, rng)], -1)
        drawn = float(probs.gather(-1, truth[:, None]).mean())
        assert world.accuracy(logits, ordered) == pytest.approx(drawn, abs=0.004)


def test_who_answers_what_it_sees_gains_half_and_who_follows_the_cue_nothing():
    world = OrderWorld(2, telling=0.8)
    reads, follows = torch.zeros(2, 2, 3), torch.zeros(2, 2, 3)
    for cue in range(2):
        for seen in range(2):
            reads[cue, seen, seen] = follows[cue, seen, cue] = 50.0
    assert world.accuracy(reads, True) == pytest.approx(1.0)
    assert world.gap(reads) == pytest.approx(0.5)
    assert world.accuracy(follows, True) == pytest.approx(0.8)
    assert world.gap(follows) == pytest.approx(0.0)


def test_the_gap_grows_with_alpha_and_just_as_much_without():
    """Accuracy alone asks for the order where nothing else tells the answer; alpha is shared by all right answers."""
    compared, without = learnt(OrderWorld()), learnt(OrderWorld(), alpha=0)
    assert compared.gap[0] == pytest.approx(0.0)
    assert compared.gap[-1] - compared.gap[0] >= 0.2
    assert without.gap[-1] == pytest.approx(compared.gap[-1], abs=0.01)
    assert compared.paid > 0.9


def test_a_short_cut_that_serves_better_closes_the_gap_in_spite_of_alpha():
    world = OrderWorld(telling=0.95, noise=0.2)
    found = learnt(world)
    assert max(found.gap) > 0.01
    assert found.gap[-1] < 0.02
    assert found.accuracy[-1] > 0.9
