"""RoRecomp: the numbers of arXiv:2509.25958 through the real recipe, and every way to compose it wrongly."""

from __future__ import annotations

import math

import pytest
import torch

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.rorecomp import RoRecomp
from assay.training.objectives.schedule import DynamicSampling, Plain, Pool, RolloutPlan
from assay.training.recipes import RunFacts, check_recipe, get_recipe


def rows_of(correct, lengths, version=0, width=12, **given):
    mask = (torch.arange(width) < torch.tensor(lengths).unsqueeze(-1)).float()
    verdict = torch.tensor([float(value) for value in correct])
    return TrajectoryBatch.of(
        verdict, list(range(len(correct))), correct=verdict, action_mask=mask,
        policy_version=torch.full((len(correct),), version), **given,
    )  # fmt: skip


def compose(data, advantage=None, version=0, step=0, seed=0, fresh=None, live=None, **constants):
    schedule = get_recipe("rorecomp", {"batch_rows": 10**6, **constants}).schedule()
    if advantage is None:
        advantage = (2 * data.correct - 1).unsqueeze(-1) * data.action_mask
    if fresh is None:
        fresh = torch.ones(len(data), dtype=torch.bool)
    return schedule.recompose(Pool(data, advantage, fresh, version, live), step, 1, seed)


SIX = rows_of([1, 1, 1, 1, 0, 0], [5, 2, 9, 4, 3, 8])


@pytest.mark.parametrize(("alpha", "first", "later"), [(0.5, [1, 3, 5], [0, 2, 4]), (0.8, [0, 1, 2, 3, 4, 5], [])])
def test_cheap_right_and_expensive_wrong_rows_come_first(alpha, first, later):
    found = compose(SIX, alpha=alpha)
    assert [rows.tolist() for rows in found.minibatches] == [first]
    assert found.keep.tolist() == later
    assert not found.extra


def test_what_is_logged():
    found = compose(SIX).metrics
    assert (found["cost_right"], found["cost_right_first"]) == (5.0, 3.0)
    assert (found["cost_wrong"], found["cost_wrong_first"]) == (5.5, 8.0)
    assert (found["comp_buffer"], found["comp_steps"], found["comp_evicted"]) == (3.0, 0.0, 0.0)
    assert found["accuracy_per_1k_tokens"] == pytest.approx(1000 * 4 / 31)


def test_one_class_alone_and_ties():
    assert compose(rows_of([1, 1, 1], [4, 4, 4])).minibatches[0].tolist() == [0, 1]
    assert compose(rows_of([0, 0, 0], [4, 4, 4])).minibatches[0].tolist() == [0, 1]


def test_ceil_does_not_stumble_over_rounding():
    assert len(compose(rows_of([1] * 20, [3] * 20), alpha=0.55).minibatches[0]) == 11


def test_the_scope_can_be_the_group():
    data = rows_of([1, 1, 1, 1], [1, 2, 8, 9])
    data.group_id = torch.tensor([0, 0, 1, 1])
    assert compose(data).minibatches[0].tolist() == [0, 1]
    assert compose(data, scope="group").minibatches[0].tolist() == [0, 2]


def test_tool_calls_are_a_cost_with_ties_broken_by_tokens():
    data = rows_of([1, 1, 1, 1], [9, 2, 3, 1], tool_calls=torch.tensor([0.0, 1.0, 1.0, 2.0]))
    assert compose(data, cost="tool_calls").minibatches[0].tolist() == [0, 1]
    data = rows_of([0, 0, 0, 0], [9, 2, 3, 1], tool_calls=torch.tensor([0.0, 1.0, 1.0, 2.0]))
    assert compose(data, cost="tool_calls").minibatches[0].tolist() == [2, 3]
    with pytest.raises(ValueError, match="take cost tokens"):
        compose(rows_of([1, 1], [2, 3]), cost="tool_calls")


def test_rows_without_advantage_are_left_out_unless_wanted():
    data = rows_of([1, 1, 1, 0], [1, 2, 3, 4])
    advantage = torch.tensor([0.0, 1.0, 1.0, 0.0]).unsqueeze(-1) * data.action_mask
    found = compose(data, advantage)
    assert (found.minibatches[0].tolist(), found.keep.tolist()) == ([1], [2])
    found = compose(data, advantage, drop_zero_adv=False)
    assert (found.minibatches[0].tolist(), found.keep.tolist()) == ([0, 1, 3], [2])
    assert compose(data, advantage * 0).minibatches == []


def test_a_truncated_row_is_wrong_and_the_most_expensive():
    data = rows_of([1, 0, 0, 0], [2, 9, 8, 7])
    data.truncated = torch.tensor([True, False, False, False])
    assert compose(data, (data.correct - 0.5).unsqueeze(-1) * data.action_mask).minibatches[0].tolist() == [0, 1]


def test_rows_that_the_objective_leaves_out_are_not_ranked():
    data = rows_of([0, 0, 0], [9, 3, 2])
    assert compose(data, live=torch.tensor([False, True, True])).minibatches[0].tolist() == [1]
    empty = rows_of([1, 1], [0, 3])
    assert compose(empty, torch.ones(2, 12)).minibatches[0].tolist() == [1]


def test_a_row_without_a_verdict_is_told_by_its_advantage():
    data = rows_of([math.nan, math.nan, 1], [3, 5, 9])
    advantage = torch.tensor([1.0, -1.0, 1.0]).unsqueeze(-1) * data.action_mask
    assert compose(data, advantage).minibatches[0].tolist() == [0, 1]
    data.reward = torch.tensor([0.2, 0.9, 0.1])
    assert compose(data, advantage, correct_threshold=0.5).minibatches[0].tolist() == [1, 2]


@pytest.mark.parametrize(("step", "probability"), [(0, 1.0), (50, 0.5), (100, 0.0)])
def test_compensation_fades(step, probability):
    begun = get_recipe("rorecomp").schedule().begun(100, RolloutPlan(4, 8, 1.0))
    assert begun.probability(step) == pytest.approx(probability, abs=1e-12)
    always = get_recipe("rorecomp", {"p": "constant"}).schedule().begun(100, RolloutPlan(4, 8, 1.0))
    assert always.probability(step) == 1.0


def test_compensation_is_drawn_with_that_probability():
    data = rows_of([1, 1], [1, 2])
    buffered = torch.tensor([False, True])
    schedule = RoRecomp(batch_rows=1, steps=3)
    pool = Pool(data, data.action_mask, buffered, 0)
    taken = [len(schedule.recompose(pool, 1, 1, seed).extra) for seed in range(400)]
    assert sum(taken) == pytest.approx(400 * 0.75, abs=40)
    dropped = schedule.recompose(pool, 3, 1, 0)
    assert not dropped.extra
    assert not len(dropped.keep), "a batch that gets no step is dropped"


def buffer_of(versions):
    data = rows_of([1] * len(versions), [3] * len(versions))
    data.policy_version = torch.tensor(versions)
    return data, torch.zeros(len(versions), dtype=torch.bool)


def test_the_oldest_leave_the_buffer_first():
    data, fresh = buffer_of([1, 1, 2, 3])
    found = compose(data, version=3, fresh=fresh, batch_rows=2)
    assert [rows.tolist() for rows in found.extra] == [[0, 1]]
    assert found.keep.tolist() == [2, 3]


def test_the_old_are_evicted_and_counted():
    data, fresh = buffer_of([1, 2])
    found = compose(data, version=6, fresh=fresh, max_age=4)
    assert found.keep.tolist() == [1]
    assert found.metrics["comp_evicted"] == 1.0


def test_advantages_are_those_of_the_complete_group():
    objective = get_recipe("rorecomp").objective(8)
    data = TrajectoryBatch.of([1.0, 1.0, 0.0, 0.0], correct=torch.tensor([1.0, 1, 0, 0]), length=2,
                              anchor_logp={"ref": torch.zeros(4, 2)})  # fmt: skip
    data.policy_version = torch.zeros(4, dtype=torch.int64)
    advantage = objective.prepare(data)
    pool = Pool.of(data, advantage)
    found = get_recipe("rorecomp", {"batch_rows": 99}).schedule().recompose(pool, 0, 1, 0)
    (first,) = found.minibatches
    assert first.tolist() == [0, 2]
    assert advantage[first, 0].tolist() == pytest.approx([0.866025, -0.866025], abs=1e-5)


def test_the_ratio_of_a_compensation_row_is_to_the_policy_that_sampled_it():
    objective = get_recipe("rorecomp", {"base_options": ("kl_beta=0",)}).objective(8)
    batch = TrajectoryBatch.of([1.0], old_logp=torch.tensor([[-1.2]]))
    out = PolicyOutputs(torch.tensor([[-1.0]], requires_grad=True))
    one = torch.ones(1, 1)
    loss, metrics = objective.loss(out, batch, one, objective.totals(batch, one))
    assert metrics.result()["ratio"] == pytest.approx(1.221403, abs=1e-6)
    assert float(loss.detach()) == pytest.approx(-1.2, abs=1e-6)
    assert torch.autograd.grad(loss, out.logp)[0] == 0


def test_all_of_alpha_is_the_base():
    data = rows_of([1, 0, 1, 0], [1, 2, 3, 4])
    pool = Pool.of(data, data.action_mask * 0)
    whole = get_recipe("rorecomp", {"alpha": 1}).schedule()
    assert not whole.remembers
    found, plain = whole.recompose(pool, 0, 2, 0), Plain().recompose(pool, 0, 2, 0)
    assert [rows.tolist() for rows in found.minibatches] == [rows.tolist() for rows in plain.minibatches]
    assert not len(found.keep)


def test_a_minibatch_loses_rows_and_never_gains_any():
    data = rows_of([1, 0, 1, 0, 1, 1, 0, 0], range(1, 9))
    data.group_id = torch.arange(8) // 2
    pool = Pool.of(data, data.action_mask)
    found = get_recipe("rorecomp", {"batch_rows": 99}).schedule().recompose(pool, 0, 2, 0)
    assert [rows.tolist() for rows in found.minibatches] == [[0, 2], [6, 7]]


def test_the_base_decides_everything_else():
    chosen = get_recipe("rorecomp", {"base": "dapo", "base_options": "clip_high=0.3, max_num_gen_batches = 4"})
    base = get_recipe("dapo", {"clip_high": 0.3, "max_num_gen_batches": 4})
    assert chosen.objective(64) == base.objective(64)
    assert chosen.schedule().base == DynamicSampling(4)
    assert not chosen.schedule().keep_group([1.0, 1.0])
    assert chosen.schedule().wants_more(1, 2, 3)
    assert not chosen.schedule().wants_more(1, 2, 4)
    assert chosen.anchors() == base.anchors()
    assert chosen.critic() is None
    ppo = get_recipe("rorecomp", {"base": "ppo", "base_options": "normalise=batch"})
    assert ppo.critic() == get_recipe("ppo").critic()
    assert ppo.schedule().epochs(1) == get_recipe("ppo").schedule().epochs(1)


def test_begun_knows_the_batch():
    begun = get_recipe("rorecomp").schedule().begun(7, RolloutPlan(4, 8, 1.0))
    assert (begun.steps, begun.configured) == (7, 32)


@pytest.mark.parametrize(
    ("constants", "words"),
    [
        ({"base": "pacs"}, ["recipe.base pacs", "whole groups", "recipe.alpha"]),
        ({"base": "copg"}, ["recipe.base copg", "whole groups", "recipe.alpha"]),
        ({"base": "remix"}, ["remembers rows"]),
        ({"base": "rorecomp"}, ["another recipe"]),
        ({"base": "ppo"}, ["whitens", "normalise=batch"]),
        ({"base": "gpro"}, ["no recipe 'gpro'", "grpo"]),
        ({"base_options": "clip_high"}, ["name=value"]),
        ({"base_options": "clip_hig=1"}, ["clip_hig", "clip_high"]),
        ({"alpha": 0}, ["alpha"]),
        ({"alpha": 1.5}, ["alpha"]),
        ({"p_comp": 2}, ["p_comp"]),
        ({"batch_rows": 0}, ["batch_rows"]),
        ({"alpha": 0.95}, ["max_age 16", "above 21.3333"]),
        ({"max_age": 2}, ["max_age 2", "batch_rows 64"]),
        ({"alpha": 0.9, "scope": "group"}, ["alpha 0.9", "of 8 rows"]),
    ],
)
def test_what_cannot_work_is_one_line(constants, words):
    with pytest.raises(ValueError, match=r"recipe rorecomp") as error:
        check_recipe(get_recipe("rorecomp", constants), RunFacts(8, 32, steps=100, groups=8))
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_a_base_that_refuses_is_heard():
    with pytest.raises(ValueError, match="group_size"):
        check_recipe(get_recipe("rorecomp"), RunFacts(1, 32, steps=10, groups=8))
    with pytest.raises(ValueError, match="top_p"):
        check_recipe(get_recipe("rorecomp", {"base": "gdc"}), RunFacts(8, 8, top_p=0.9, steps=10, groups=8))
