"""BroRL: its identity, its simulator, and groups of hundreds of rollouts."""

from __future__ import annotations

import math

import pytest
import torch

from assay.agents.chat import Chat
from assay.agents.engines.hf import HFPolicy
from assay.agents.engines.waves import waves
from assay.agents.policy import Sampling
from assay.agents.rollout import Branch, Rollout, Segment
from assay.agents.tiny import tiny_model
from assay.envs.base import TaskEnv
from assay.envs.episode import Episode, Outcome
from assay.envs.tasks import Task, TaskSet
from assay.training.analysis.mass_balance import Setting, mass_balance, simulate, stepped, undrawn_moment
from assay.training.curriculum import TaskStream
from assay.training.diversity import undrawn_moment as estimated_moment
from assay.training.diversity import unique_fraction
from assay.training.experience import describe, gather
from assay.training.objectives.budget import sqrt_scale
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.groups import GroupSums, group_stats
from assay.training.objectives.schedule import RolloutPlan
from assay.training.recipes import get_recipe
from assay.training.rollout import Collector
from assay.verifiers.score import Score


def setting(p, correct, drawn, eta, draws):
    arms = torch.arange(len(p))
    return Setting(
        torch.tensor(p, dtype=torch.float64),
        torch.isin(arms, torch.tensor(correct)),
        torch.isin(arms, torch.tensor(drawn)),
        eta=eta,
        draws=draws,
    )


def moved(step):
    return float(stepped(step)[step.correct].sum() - step.p[step.correct].sum())


def test_the_identity():
    step = setting([0.4, 0.1, 0.3, 0.2], [0, 1], [0, 2], eta=0.1, draws=2)
    assert step.baseline == pytest.approx(0.1)
    found = mass_balance(step)
    assert found.total == pytest.approx(0.00615, abs=1e-12)
    assert (found.right, found.wrong) == pytest.approx((0.05 * 0.9 * 0.5 * 0.16, 0.05 * 1.1 * 0.5 * 0.09))
    assert found.undrawn == pytest.approx(0.05 * 0.1 * (0.5 * 0.04 - 0.5 * 0.01))
    assert moved(step) == pytest.approx(0.006149, abs=5e-7)
    small = setting([0.4, 0.1, 0.3, 0.2], [0, 1], [0, 2], eta=1e-6, draws=2)
    assert moved(small) * 1e5 == pytest.approx(0.00615, abs=1e-8)


def test_what_was_not_drawn_can_cost_right_answers():
    step = setting([0.05, 0.6, 0.3, 0.05], [0, 1], [0], eta=0.1, draws=1)
    assert mass_balance(step).total == pytest.approx(-0.000246, abs=5e-7)
    assert moved(step) < 0
    g = torch.Generator().manual_seed(0)
    for _ in range(50):
        p = torch.softmax(3 * torch.randn(12, generator=g, dtype=torch.float64), -1)
        correct, drawn = torch.rand(2, 12, generator=g) < 0.5
        drawn[0] = True
        step = Setting(p, correct, drawn, eta=1e-5, draws=3)
        found = mass_balance(step)
        assert min(found.right, found.wrong) >= 0
        assert moved(step) == pytest.approx(found.total, abs=1e-9)
        everything = Setting(p, correct, torch.ones(12, dtype=torch.bool))
        assert mass_balance(everything).undrawn == 0
        assert mass_balance(everything).total > 0


def test_the_undrawn_moment_vanishes():
    assert undrawn_moment(0.1, 16) == pytest.approx(0.001853, abs=5e-7)
    assert undrawn_moment(0.1, 512) == pytest.approx(3.7e-26, rel=0.02)


def test_more_draws_improve_more_right_tokens():
    runs = {draws: simulate(draws, vocab=2_000, correct=200, steps=300) for draws in (4, 16, 64, 512, 4096)}
    few, *_, most = runs.values()
    assert few.before == pytest.approx(0.697, abs=5e-4)
    assert [run.after for run in runs.values()] == pytest.approx([0.722, 0.736, 0.742, 0.756, 0.767], abs=2e-3)
    assert [run.improved for run in runs.values()] == pytest.approx([0.71, 0.925, 0.99, 1.0, 1.0], abs=0.02)
    for value in ("after", "improved"):
        found = [getattr(run, value) for run in runs.values()]
        assert found == sorted(found)
    assert runs[512].improved == runs[4096].improved == 1
    assert few.worst == pytest.approx(-3.7e-4, abs=2e-5)
    assert most.worst > 0
    with pytest.raises(ValueError, match="0 < correct < vocab"):
        simulate(4, vocab=10, correct=10)


def test_the_budget_and_the_learning_rate():
    assert sqrt_scale(65_536, 8_192) == pytest.approx(2.828427, abs=1e-6)
    plan = get_recipe("brorl").schedule().plan(0, RolloutPlan(16, 8, 1.0))
    assert (plan.groups, plan.group_size, plan.temperature) == (128, 512, 1.0)
    assert plan.lr_scale == pytest.approx(2.828427, abs=1e-6)
    fixed = get_recipe("brorl", {"lr_batch_scaling": "none"}).schedule().plan(0, RolloutPlan(16, 8, 1.0))
    assert fixed.lr_scale == 1
    small = get_recipe("brorl", {"n_samples": 8, "prompts_per_step": 0, "base_batch": 128}).schedule()
    assert small.plan(0, RolloutPlan(64, 8, 1.0)).lr_scale == 2
    with pytest.raises(ValueError, match="base_batch"):
        get_recipe("brorl", {"base_batch": 0}).schedule()
    two, one = get_recipe("brorl").objective(64), get_recipe("prorl-v2").objective(64)
    assert two == one


def large_batch(groups=3, size=512, length=3):
    g = torch.Generator().manual_seed(5)
    rows = groups * size
    mask = (torch.rand(rows, length, generator=g) < 0.8).float()
    reward = (torch.rand(rows, generator=g) < 0.1).float() + 0.1 * torch.rand(rows, generator=g)
    reward[::97] = torch.nan
    reward[torch.arange(rows) % groups == 2] = 1.0  # one group agrees
    old = torch.randn(rows, length, generator=g).double() * 0.3 - 1
    return TrajectoryBatch.of(
        reward,
        (torch.arange(rows) % groups).tolist(),
        action_mask=mask,
        rollout_logp=old,
        old_logp=old + 0.1 * torch.randn(rows, length, generator=g),
        anchor_logp={"ref": old - 0.2},
    )


@pytest.mark.parametrize("chunk", [64, 7, 384])
def test_statistics_of_a_large_group_merge_from_chunks(chunk):
    batch = large_batch()
    whole = group_stats(batch)
    parts = [batch.rows(index) for index in torch.arange(len(batch)).split(chunk)]
    sums = GroupSums.of(parts[0])
    for part in parts[1:]:
        sums = sums.merge(GroupSums.of(part))
    merged = [group_stats(part, sums) for part in parts]
    for name in ("reward", "size", "mean", "std", "centred"):
        found = torch.cat([getattr(stats, name) for stats in merged])
        assert torch.allclose(found, getattr(whole, name), rtol=0, atol=1e-12)
    assert whole.std[2] == 0
    assert torch.equal(torch.cat([stats.centred for stats in merged])[2::3], torch.zeros(512, dtype=torch.float64))


@pytest.mark.parametrize("recipe", ["brorl", "dr-grpo", "grpo"])
def test_the_loss_does_not_know_how_many_ranks_share_a_group(recipe):
    batch = large_batch()
    objective = get_recipe(recipe).objective(8)
    advantage = objective.prepare(batch)
    totals = objective.totals(batch, advantage)

    def learned(ranks):
        logp = (batch.old_logp + 0.05).requires_grad_()
        total = 0.0
        for rank in range(ranks):
            index = torch.arange(rank, len(batch), ranks)  # every group lies on all of them
            loss, _ = objective.loss(PolicyOutputs(logp[index]), batch.rows(index), advantage[index], totals)
            loss.backward()
            total += float(loss.detach())
        return total, logp.grad

    (one, whole), (four, shared) = learned(1), learned(4)
    assert one == pytest.approx(four, abs=1e-9)
    assert torch.equal(whole, shared)
    assert whole.abs().max() > 0


class Guess(TaskEnv):
    """Pays answers of an even length."""

    @classmethod
    def score(cls, actions, truth):
        return Score(float(len(actions[-1]) % 2 == 0), correct=len(actions[-1]) % 2 == 0)


def test_hundreds_of_rollouts_of_one_prompt_all_differ_in_bounded_memory(monkeypatch):
    model, tokenizer = tiny_model()
    cut = []

    def counted(*args, **kwargs):
        for wave in waves(*args, **kwargs):
            cut.append(len(wave.rows))
            yield wave

    monkeypatch.setattr("assay.agents.engines.hf.waves", counted)
    policy = HFPolicy(model, tokenizer, max_batch_tokens=512)
    tasks = TaskSet([Task("t", [{"role": "user", "content": "say"}], {})])
    schedule = get_recipe("brorl", {"prompts_per_step": 1, "dynamic_sampling": False}).schedule()
    with Collector(lambda: Guess(tasks=tasks), policy, Chat(tokenizer)) as collector:
        plan = schedule.plan(0, RolloutPlan(4, 8, 1.0))
        found = gather(collector, TaskStream(tasks, 0), schedule, plan, Sampling(max_tokens=4), seed=1)
    assert len(found.kept) == 512
    assert len({rollout.episode.seed for rollout in found.kept}) == 512
    assert len(cut) > 4
    assert max(cut) <= 512 // 4
    measured = describe(found.sampled)
    assert measured["rollout/unique_fraction"] > 0.95
    assert 0 <= measured["rollout/undrawn_moment"] < 1e-3


def spoken(group, *responses):
    score = Score(1.0, correct=True)
    return [
        Rollout(
            Episode("e-v0", f"t{group}", 0, [], Outcome.SCORED, score),
            (Branch((Segment((1, 2), False), Segment(tuple(ids), True, (-1.0,) * len(ids)))),),
            group=group,
        )
        for ids in responses
    ]


def test_what_diversity_measures():
    rollouts = spoken(0, (3, 4), (3, 4), (3, 5), (6,)) + spoken(1, (3,), (3,), (4,), (4,), (5,))
    assert unique_fraction(rollouts) == pytest.approx((3 / 4 + 3 / 5) / 2)
    assert estimated_moment(rollouts) == pytest.approx((0 / 6 + 2 / 10) / 2)  # 3 thrice; 3 and 4 twice
    assert math.isnan(unique_fraction([]))
    assert math.isnan(estimated_moment(spoken(0, (1,), (1,))))


def test_the_estimate_has_the_right_mean():
    p = torch.tensor([0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05], dtype=torch.float64)
    g, draws, found = torch.Generator().manual_seed(0), 12, []
    for _ in range(3000):
        tokens = torch.multinomial(p, draws, replacement=True, generator=g).tolist()
        found.append(estimated_moment(spoken(0, *[(token,) for token in tokens])))
    mean = sum(found) / len(found)
    error = (sum((x - mean) ** 2 for x in found) / len(found)) ** 0.5 / len(found) ** 0.5
    assert abs(mean - float((p**2 * (1 - p) ** (draws - 2)).sum())) < 3 * error
