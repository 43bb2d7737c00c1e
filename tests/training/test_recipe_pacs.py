"""PACS: the numbers of arXiv:2509.02522."""

from __future__ import annotations

import math

import pytest
import torch

from assay.training.objectives.anchors import Frozen
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.pacs import PACS
from assay.training.objectives.schedule import DynamicSampling, Plain
from assay.training.recipes import RunFacts, check_recipe, get_recipe


def loss_of(proxies, labels, group=None, constants=None):
    """The minibatch loss and the coefficients -dL/dlog pi of the rows, times the rows."""
    objective = get_recipe("pacs", constants or {}).objective(1)
    logp = torch.tensor(proxies, dtype=torch.float64).unsqueeze(-1).requires_grad_()
    given = torch.tensor(labels, dtype=torch.float64)
    batch = TrajectoryBatch.of(labels, group, correct=given, old_logp=torch.zeros(len(labels), 1))
    advantage = objective.prepare(batch)
    loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, objective.totals(batch, advantage))
    (grad,) = torch.autograd.grad(loss, logp)
    return float(loss.detach()), (-grad[:, 0] * len(labels)).tolist()


def test_a_pair():
    assert loss_of([0.2, -0.1], [1.0, 0.0])[0] == pytest.approx(0.554355, abs=1e-6)


@pytest.mark.parametrize(
    ("right", "size", "up", "down"),
    [(1, 4, 1.333333, -0.444444), (2, 8, 1.142857, -0.380952), (1, 8, 2.285714, -0.326531)],
)
def test_coefficients_at_the_sampling_policy(right, size, up, down):
    labels = [1.0] * right + [0.0] * (size - right)
    loss, found = loss_of([0.0] * size, labels)
    assert loss == pytest.approx(math.log(2), abs=1e-6)
    assert found == pytest.approx([up] * right + [down] * (size - right), abs=1e-5)
    p = right / size
    assert found == pytest.approx([size / (size - 1) * (y - p) / (4 * p * (1 - p)) for y in labels], abs=1e-6)


@pytest.mark.parametrize("size", [4, 8])
def test_coefficients_are_those_of_dr_grpo_but_for_a_factor(size):
    for right in range(1, size):
        labels = [1.0] * right + [0.0] * (size - right)
        loss, found = loss_of([0.0] * size, labels)
        assert loss == pytest.approx(math.log(2), abs=1e-9)
        p = right / size
        factor = size / (size - 1) / (4 * p * (1 - p))
        assert found == pytest.approx([factor * (y - p) for y in labels], abs=1e-9)


def test_unweighted_and_agreeing_groups():
    _, found = loss_of([0.0] * 4, [1.0, 0, 0, 0], constants={"class_weight": "off"})
    assert found == pytest.approx([1.0, -1 / 3, -1 / 3, -1 / 3])  # half of y' minus the mean of the others' y'
    assert loss_of([0.0] * 4, [1.0] * 4)[1] == pytest.approx([0.0] * 4, abs=1e-12)


def test_a_group_that_agrees_pulls_once_the_policy_has_moved_unless_it_is_dropped():
    _, found = loss_of([0.4, -0.1, 0.0, 0.2], [1.0] * 4)
    assert max(map(abs, found)) > 0.01
    dropping = get_recipe("pacs", {"drop_homogeneous": True}).schedule()
    assert dropping == DynamicSampling(1)
    assert not dropping.keep_group([1.0, 1.0])
    assert get_recipe("pacs").schedule() == Plain()


def test_order_and_padding_change_nothing():
    proxies, labels = [0.3, -0.2, 0.1, 0.4, 0.0, -0.5], [1.0, 0, 0, 1, 0, 1]
    groups = [0, 0, 0, 1, 1, 1]
    base, order = loss_of(proxies, labels, groups)[0], [3, 1, 0, 5, 2, 4]
    moved = loss_of([proxies[i] for i in order], [labels[i] for i in order], [groups[i] for i in order])[0]
    assert moved == pytest.approx(base, abs=1e-6)
    mask = torch.tensor([[1.0, 0.0]] * 6)
    batch = TrajectoryBatch.of(
        labels, groups, correct=torch.tensor(labels), action_mask=mask, old_logp=torch.zeros(6, 2)
    )
    noise = torch.tensor([[p, 7.0] for p in proxies])
    assert float(PACS()(PolicyOutputs(noise), batch, mask).mean()) == pytest.approx(base, abs=1e-6)


def test_rows_without_a_verdict_stay_out_of_their_group():
    with_gap, found = loss_of([0.2, 5.0, -0.1], [1.0, math.nan, 0.0])
    assert found[1] == 0.0
    alone, _ = loss_of([0.2, -0.1], [1.0, 0.0])
    assert with_gap == pytest.approx(alone, abs=1e-6)


def test_a_rollout_that_is_alone_with_its_verdict_teaches_nothing():
    _, found = loss_of([0.2, -0.1, 0.3, 0.4], [1.0, 0.0, 1.0, math.nan], [0, 0, 1, 1])
    _, pair = loss_of([0.2, -0.1], [1.0, 0.0])
    assert found[2:] == [0.0, 0.0]
    assert found[0] / found[1] == pytest.approx(pair[0] / pair[1])


def test_a_split_group_and_a_group_of_one_are_refused():
    with pytest.raises(ValueError, match="group_size"):
        check_recipe(get_recipe("pacs"), RunFacts(1, 8))
    with pytest.raises(ValueError, match="splits them"):
        check_recipe(get_recipe("pacs"), RunFacts(8, 8, whole_groups=False))
    with pytest.raises(ValueError, match="beta"):
        get_recipe("pacs", {"beta": 0.0}).objective(8)


@pytest.mark.parametrize("score", ["grpo", "naive"])
def test_other_scores_rank_the_same(score):
    _, found = loss_of([0.2, -0.1, 0.05, 0.0], [1.0, 0.0, 0.0, 1.0], constants={"score": score})
    assert min(found[0], found[3]) > max(found[1], found[2])


def test_log_ratios_against_a_reference_that_is_reset():
    proxies, labels = [0.2, -0.1, 0.4], [1.0, 0.0, 1.0]
    recipe = get_recipe("pacs", {"anchor": "ref", "reset_period": 50})
    objective = recipe.objective(1)
    assert (objective.anchors, objective.uses_old) == ({"ref"}, False)
    logp = torch.tensor(proxies).unsqueeze(-1)
    batch = TrajectoryBatch.of(
        labels, correct=torch.tensor(labels), old_logp=logp + 5.0, anchor_logp={"ref": torch.zeros(3, 1)}
    )
    loss = objective.surrogate(PolicyOutputs(logp), batch, objective.prepare(batch))
    assert float(loss.mean()) == pytest.approx(loss_of(proxies, labels)[0], abs=1e-6)
    _, wanted = recipe.anchors().after_step(50, {})
    assert (wanted.names, wanted.clear_moments) == ({"ref"}, True)
    assert get_recipe("pacs", {"reset_period": 50}).anchors() == Frozen()
    assert get_recipe("pacs").objective(1).uses_old
