"""ProRL: the numbers of its specification, by the recipe, the rule and the trainer themselves."""

from __future__ import annotations

import math

import pytest
import torch
from safetensors.torch import load_file

from assay.envs.tasks import Task, TaskSet
from assay.training import checkpoint
from assay.training.config import EvalConfig, LogConfig, ModelConfig, OptimConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.curriculum import TaskStream
from assay.training.display import Display
from assay.training.logs import read_metrics
from assay.training.mixture import blended, check_domains, domain_of
from assay.training.objectives.aggregate import aggregate
from assay.training.objectives.anchors import AtStep, Every, Frozen, OnStall, Refresh, Together
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.reward import StopProperly
from assay.training.objectives.schedule import RolloutPlan
from assay.training.recipes import RunFacts, check_recipe, get_recipe
from assay.training.trainer import train
from assay.training.update import learning_rate

OPTIMA = [0.2320, 0.4509, 0.6906, 0.8585, 0.9428, 0.9782]


def two_arms(resets, evaluations=80):
    """Probability of the arm with reward 1 at each plateau: exact gradients of the recipe's own loss."""
    recipe = get_recipe(
        "prorl-v2",
        {"advantage": "dr_grpo", "kl_beta": 1.0, "reset_min_delta": 1e-5, "reset_cooldown": 0, "reset_period": "none"},
    )
    objective, rule = recipe.objective(1), recipe.anchors() if resets else Frozen()
    logits = torch.tensor([0.1, 0.9]).log().requires_grad_()
    ref, plateaus = torch.log_softmax(logits.detach(), -1), []
    for evaluation in range(1, evaluations + 1):
        for _ in range(20):
            logp = torch.log_softmax(logits, -1).unsqueeze(-1)
            old = logp.detach()
            batch = TrajectoryBatch.of([1.0, 0.0], rollout_logp=old, anchor_logp={"ref": ref.unsqueeze(-1)})
            advantage = objective.prepare(batch)
            out, share = PolicyOutputs(logp), 2.0 * old.exp()  # the rows weigh as often as they are drawn
            loss = objective.surrogate(out, batch, advantage) + objective.regularisers[0](out, batch)
            total = aggregate(loss * share, batch.action_mask, objective.totals(batch, advantage), "token-mean")
            (grad,) = torch.autograd.grad(total, logits)
            with torch.no_grad():
                logits -= 1.0 * grad
        now = torch.log_softmax(logits.detach(), -1)
        rule, wanted = rule.after_evaluation(evaluation, float(now[0].exp()))
        if wanted is not None:
            plateaus.append(float(now[0].exp()))
            ref = now
    return plateaus, float(now[0].exp())


def test_each_reset_multiplies_by_the_reward_once_more():
    plateaus, _ = two_arms(resets=True)
    assert plateaus[:6] == pytest.approx(OPTIMA, abs=1e-3)


def test_without_resets_the_reference_holds_the_policy():
    plateaus, final = two_arms(resets=False)
    assert plateaus == []
    assert final == pytest.approx(OPTIMA[0], abs=1e-3)


def asked(rule, scores, every=100):
    """Evaluations, from 1, at which the rule refreshes."""
    fired = []
    for number, score in enumerate(scores, 1):
        rule, wanted = rule.after_evaluation(number * every, score)
        if wanted is not None:
            fired.append(number)
    return fired


def test_a_stall_is_no_progress_within_the_window():
    rule = get_recipe("prorl").anchors()
    assert (rule.window, rule.min_delta, rule.cooldown, rule.clear_moments) == (3, 0.002, 100, True)
    assert asked(rule, [0.30, 0.35, 0.36, 0.36, 0.361, 0.36]) == [6]
    assert asked(rule, [0.30, 0.35, 0.36, 0.36, 0.363, 0.36]) == []
    assert asked(rule, [0.5, 0.4, 0.3, 0.2]) == [4]  # a fall is a stall
    assert asked(rule, [0.5, math.nan, 0.5, 0.5, math.nan]) == []  # an evaluation without a score is none


def test_a_reset_rests_and_remembers_across_a_checkpoint():
    flat = [0.3] * 9
    assert asked(OnStall(cooldown=100), flat, every=50) == [4, 6, 8]
    assert asked(OnStall(cooldown=100), flat, every=100) == [4, 5, 6, 7, 8, 9]
    rule = OnStall()
    for number, score in enumerate(flat[:5], 1):
        rule, _ = rule.after_evaluation(number * 50, score)
    assert OnStall().restored(rule.state()) == rule
    assert (rule.last, rule.count) == (200, 1)


def test_resets_by_divergence_and_by_the_clock():
    rule = OnStall(kl_max=0.5, cooldown=10)
    rule, wanted = rule.after_step(1, {"kl": 0.5})
    assert wanted is None
    rule, wanted = rule.after_step(2, {"kl": 0.6})
    assert wanted.names == {"ref"}
    assert rule.after_step(3, {"kl": 9.0})[1] is None
    assert rule.after_step(12, {"kl": 9.0})[1] is not None
    rule, steps = OnStall(on_stall=False, period=7, cooldown=0), []
    for step in range(1, 22):
        rule, wanted = rule.after_step(step, {})
        steps += [step] if wanted is not None else []
        assert rule.after_evaluation(step, 0.1)[1] is None
    assert steps == [7, 14, 21]
    for wrong in ({"window": 0}, {"period": 0}, {"cooldown": -1}):
        with pytest.raises(ValueError, match="a reset needs"):
            OnStall(**wrong)


def test_rules_together():
    rule = Together((Every("prev", lagging=True), AtStep(2, frozenset({"ref", "prev"}), True), OnStall(period=3)))
    assert rule.looks_back
    assert not Together((AtStep(2),)).looks_back
    rule, first = rule.after_step(1, {})
    assert first == Refresh(frozenset({"prev"}), lagging=frozenset({"prev"}))
    rule, second = rule.after_step(2, {})
    assert (second.names, second.clear_moments, second.lagging) == ({"ref", "prev"}, True, frozenset())
    rule, _ = rule.after_step(3, {})
    again = Together((Every("prev", lagging=True), AtStep(2), OnStall(period=3))).restored(rule.state())
    assert again.rules[2].last == 3
    with pytest.raises(ValueError, match="every 1 or more"):
        Every("prev", 0)


SMALL = {"n_samples": 3, "dynamic_sampling": False, "entropy_coef": 0.1, "reset_cooldown": 0}


def run(out, constants, steps=3):
    config = TrainConfig(
        env="text_classification",
        env_options={"source": "synthetic", "list_labels": False},
        recipe="prorl",
        recipe_options={**SMALL, **constants},
        out=str(out),
        steps=steps,
        save_every=1,
        keep=9,
        model=ModelConfig(name="tiny"),
        rollout=RolloutConfig(groups=2, group_size=2, max_tokens=4),
        optim=OptimConfig(lr=1e-3, schedule="cosine"),
        sft=SFTConfig(epochs=0),
        eval=EvalConfig(every=0, tasks=4),
        log=LogConfig(report=False, episodes=False),
    )
    train(config, Display(steps, quiet=True))
    return config


@pytest.mark.parametrize("clear", [True, False])
def test_a_reset_of_a_run(tmp_path, clear):
    config = run(tmp_path, {"reset_period": 2, "reset_optimizer": clear})
    lines = read_metrics(tmp_path, "train")
    assert lines[1]["kl"] > 0
    assert lines[2]["kl"] == 0
    assert [line["lr"] for line in lines] == [learning_rate(config.optim, step, 3) for step in range(3)]
    (reset,) = read_metrics(tmp_path, "refresh")
    assert (reset["step"], reset["names"], reset["clear_moments"]) == (2, ["ref"], clear)
    moments = [
        sum(
            float(value.abs().sum()) for key, value in load_file(path / "optimizer.safetensors").items() if "exp" in key
        )
        for path in checkpoint.steps(tmp_path / "checkpoints")
    ]
    assert moments[1] > 0
    assert (moments[2] == 0) == clear
    assert moments[3] > 0


def test_without_a_divergence_there_is_no_reference_to_reset(tmp_path):
    run(tmp_path, {"reset_period": 1, "kl_beta": 0.0}, steps=1)
    assert read_metrics(tmp_path, "refresh") == []


@pytest.mark.parametrize(("coef", "reward"), [(0.0, 0.0), (0.5, 0.4), (-0.5, -0.5), (1.0, 0.8)])
def test_responses_that_do_not_stop(coef, reward):
    batch = TrajectoryBatch.of([0.8, 0.8, math.nan], truncated=torch.tensor([True, False, True]))
    found = StopProperly(coef)(batch).tolist()
    assert found[:2] == pytest.approx([reward, 0.8])
    assert math.isnan(found[2])


def test_the_transform_comes_before_the_advantage():
    objective = get_recipe("prorl", {"non_stop_coef": -0.5, "advantage": "dr_grpo", "kl_beta": 0}).objective(4)
    batch = TrajectoryBatch.of([0.8, 0.8], truncated=torch.tensor([True, False]))
    assert objective.prepare(batch)[:, 0].tolist() == pytest.approx([-0.65, 0.65])
    with pytest.raises(ValueError, match="at most 1"):
        get_recipe("prorl", {"non_stop_coef": 1.5}).objective(4)


SIZES = {"math": 40_000, "code": 24_000, "stem": 25_000, "logic": 37_000, "instructions": 10_000}


@pytest.fixture(scope="module")
def tasks():
    return TaskSet([Task(f"{name}-{i}", [], {}, {"domain": name}) for name, size in SIZES.items() for i in range(size)])


def test_domains_weigh_by_their_size(tasks):
    drawn = [domain_of(task) for task in TaskStream(tasks, seed=1).take(13_600)]
    for name, size in SIZES.items():
        share = size / 136_000
        assert abs(drawn.count(name) - 13_600 * share) < 3 * math.sqrt(13_600 * share * (1 - share))


def test_a_domain_appears_only_after_its_step(tasks):
    schedule = get_recipe("prorl", {"domains_later": "instructions@3,logic@5"}).schedule()
    stream, seen = TaskStream(tasks, seed=1), []
    for step in range(7):
        taken = stream.take(400, lambda task, step=step: schedule.admits(step, domain_of(task)))
        seen.append({domain_of(task) for task in taken})
    assert [("instructions" in found, "logic" in found) for found in seen] == [
        (step >= 3, step >= 5) for step in range(7)
    ]
    assert all({"math", "code", "stem"} <= found for found in seen)
    resumed = TaskStream(tasks, seed=1, position=stream.position)
    assert [t.id for t in resumed.take(9)] == [t.id for t in stream.take(9)]
    with pytest.raises(ValueError, match="no task may appear"):
        TaskStream(TaskSet(tasks[:5]), seed=1).take(1, lambda _: False)


def test_domains_that_do_not_exist_are_refused(tasks):
    check_domains(get_recipe("prorl", {"domains_later": "logic@5"}).schedule(), tasks)
    check_domains(get_recipe("prorl").schedule(), [])
    with pytest.raises(ValueError, match="no training task is of the domain 'lojic'; there are code, instructions"):
        check_domains(get_recipe("prorl", {"domains_later": "lojic@5"}).schedule(), tasks)
    with pytest.raises(ValueError, match="at the first step"):
        check_domains(get_recipe("prorl", {"domains_later": "math@5"}).schedule(), tasks[:3])


def test_the_score_of_a_mixture_is_the_mean_over_domains():
    assert blended(0.9, {"domain": {"a": (1.0, 90), "b": (0.0, 10)}, "level": {"1": (0.3, 100)}}) == 0.5
    assert blended(0.9, {}) == 0.9


def test_the_presets():
    one, two = get_recipe("prorl").objective(64), get_recipe("prorl-v2").objective(64)
    assert repr(one.surrogate) == "PPOClip(low=0.2, high=0.4, dual=3.0)"
    assert repr(two.surrogate) == "PPOClip(low=0.2, high=0.27, dual=None)"
    assert (one.aggregation, two.aggregation) == ("token-mean", "token-mean")
    assert [(kl.beta, kl.estimator) for kl in (*one.regularisers, *two.regularisers)] == [(1e-4, "k3"), (1e-4, "k2")]
    assert [type(o.advantage).__name__ for o in (one, two)] == ["GRPO", "ReinforcePPBaseline"]
    assert [repr(slot) for slot in two.weights] == ["Mismatch(mode='mask', level='token', low=0.5, high=5.0)"]
    assert (one.transforms, two.transforms) == ((), (StopProperly(0.0),))
    assert get_recipe("prorl-v2").anchors().clear_moments is False


def test_the_stages_of_the_paper():
    schedule = get_recipe("prorl", {"n_samples_later": "32@1500,16@2200", "prompts_per_step": 256}).schedule()
    plans = [schedule.plan(step, RolloutPlan(8, 4, 1.0)) for step in (0, 1499, 1500, 2199, 2200)]
    assert [plan.group_size for plan in plans] == [16, 16, 32, 32, 16]
    assert {(plan.groups, plan.temperature, plan.lr_scale) for plan in plans} == {(256, 1.2, 1.0)}
    plain = get_recipe("prorl", {"n_samples": 0, "temperature": 0, "dynamic_sampling": False}).schedule()
    assert plain.plan(3, RolloutPlan(8, 4, 0.7)) == RolloutPlan(8, 4, 0.7)
    assert plain.keep_group([1.0, 1.0])
    assert not plain.wants_more(0, 8, 1)
    assert get_recipe("prorl").schedule().wants_more(0, 8, 9)


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ({"n_samples_later": "32"}, "VALUE@STEP"),
        ({"n_samples_later": "32@5,16@5"}, "two values"),
        ({"n_samples_later": "x@5"}, "whole number"),
        ({"domains_later": "logic"}, "VALUE@STEP"),
        ({"prompts_per_step": -1}, "must not be negative"),
        ({"n_samples": 1}, "rollout.group_size 2 or more"),
        ({"reset_window": 0}, "window"),
        ({"clip_low": -0.1}, "clip"),
    ],
)
def test_mistakes_are_one_line_before_a_model_is_loaded(constants, message):
    with pytest.raises(ValueError, match=message) as raised:
        check_recipe(get_recipe("prorl", constants), RunFacts(8, 64))
    assert str(raised.value).startswith("recipe prorl")
