"""Two classes of which one accepts: the rates of the classes, the guard on them, and what a reward makes pay."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from assay.training.accepting import AcceptRateGuard, rates_of
from assay.training.classes import class_rates
from assay.training.evaluate import Evaluation
from assay.training.recipes import get_recipe
from assay.training.settings import configured

YES, NO = "SELECTED", "REJECTED"


def confusion(tp, fn, fp, tn, unread=0):
    """Truth -> answer -> count; ``unread`` of the true accepts could not be read, and are none of ``fn``."""
    return {NO: {NO: tn, YES: fp}, YES: {NO: fn, YES: tp, "(none)": unread}}


def evaluation(counts, **more):
    plain = {"n": 40, "samples": 1, "accuracy": 0.5, "low": 0.4, "high": 0.6, "pass_at": {}, "parsed": 1.0,
             "reward": 0.0, "tokens": 9.0, "truncated": 0.0, "no_verdict": 0, "infra_errors": 0, "verifier_errors": 0,
             "by": {}, "rollouts": []}  # fmt: skip
    return Evaluation(**{**plain, **more}, confusion=counts)


def test_the_rates_of_the_specification():
    counts = confusion(tp=17, fn=3, fp=0, tn=15)
    rates = class_rates(counts)[YES]
    assert rates.precision.mean == 1.0
    assert rates.recall.mean == pytest.approx(0.85)
    assert rates.f1 == pytest.approx(0.91892, abs=1e-5)
    assert rates.rate.mean == pytest.approx(17 / 35)
    assert rates.share.mean == pytest.approx(20 / 35)
    other = class_rates(counts)[NO]
    assert (other.precision.mean, other.recall.mean) == (pytest.approx(15 / 18), 1.0)


def test_rates_by_counting_one_by_one():
    counts = confusion(tp=5, fn=2, fp=3, tn=7, unread=4)
    pairs = [(truth, said) for truth, row in counts.items() for said, n in row.items() for _ in range(n)]
    for name, rates in class_rates(counts).items():
        true = [pair for pair in pairs if pair[0] == name]
        said = [pair for pair in pairs if pair[1] == name]
        both = [pair for pair in pairs if pair == (name, name)]
        assert rates.precision.mean == pytest.approx(len(both) / len(said))
        assert rates.recall.mean == pytest.approx(len(both) / len(true))
        p, r = rates.precision.mean, rates.recall.mean
        assert rates.f1 == pytest.approx(2 * p * r / (p + r))
        assert rates.rate.mean == pytest.approx(len(said) / len(pairs))


def test_a_precision_without_accepts_is_undefined():
    rates = class_rates(confusion(tp=0, fn=20, fp=0, tn=20))[YES]
    assert rates.precision is None
    assert rates.f1 == 0.0
    assert rates.to_metrics()["precision"] is None
    assert rates.to_metrics()["recall"][0] == 0.0


def test_two_classes_are_told_apart_in_the_metrics_and_many_are_not():
    two = evaluation(confusion(17, 3, 0, 15)).to_metrics()
    assert two["classes"][YES]["recall"][0] == pytest.approx(0.85)
    assert two["classes"][YES]["recall"][1] < 0.85 < two["classes"][YES]["recall"][2]
    three = {"a": {"a": 1}, "b": {"b": 1}, "c": {"c": 1}}
    assert "classes" not in evaluation(three).to_metrics()


def asked(guard, *counts):
    """What the guard says to each evaluation, its state going through JSON in between."""
    said = []
    for step, each in enumerate(counts):
        found, reason = guard.after_evaluation(step, evaluation(each))
        said.append(reason)
        guard = guard.restored(found.state())
    return said


FAIR = confusion(16, 4, 4, 16)
FEW = confusion(8, 12, 1, 19)  # 9 accepts for 20 that are true: below half
MANY = confusion(20, 0, 11, 9)  # 31 accepts: above one and a half


def test_the_guard_counts_evaluations_in_a_row():
    guard = AcceptRateGuard(YES, f1_fall=1.0)
    assert asked(guard, FAIR, FEW, FEW, FEW)[:3] == [None] * 3
    assert "in 22.5% of the cases, against 50.0% in truth" in asked(guard, FAIR, FEW, FEW, FEW)[3]
    assert asked(guard, FEW, FEW, FAIR, FEW, FEW, FAIR) == [None] * 6
    assert asked(guard, FEW, MANY, FEW)[2] is not None  # outside is outside, on whichever side
    edge = confusion(10, 10, 0, 20)  # exactly half is inside
    assert asked(guard, edge, edge, edge, edge) == [None] * 4


def test_the_guard_compares_f1_with_the_best_so_far():
    guard = AcceptRateGuard(YES)
    better, slightly, worse = confusion(17, 3, 3, 17), confusion(33, 7, 6, 34), confusion(16, 4, 4, 16)
    assert asked(guard, FAIR, better, slightly) == [None, None, None]  # .85 -> .835: within two points
    assert asked(guard, FAIR, better, worse) == [None, None, "F1 of SELECTED fell from 0.850 to 0.800, more than 0.02"]
    assert asked(guard, worse, worse, worse) == [None] * 3


@pytest.mark.parametrize("counts", [{}, {"spam": {"spam": 3}, "ham": {"ham": 2}}, {YES: {}, NO: {}, "third": {}}])
def test_a_guard_without_its_class_says_what_to_do(counts):
    with pytest.raises(ValueError, match=r"SELECTED.*--recipe\.positive.*--recipe\.no-guard"):
        AcceptRateGuard(YES).after_evaluation(0, evaluation(counts))


def test_merit_is_f1_and_accuracy_where_there_is_no_such_class():
    recipe = get_recipe("gentle-polish", {"best_by": "f1"})
    assert recipe.merit(evaluation(confusion(17, 3, 0, 15))) == pytest.approx(34 / 37)
    assert recipe.merit(evaluation({})) == 0.5
    macro = get_recipe("gentle-polish")
    assert macro.merit(evaluation(confusion(17, 3, 0, 15))) == pytest.approx((34 / 37 + 30 / 33) / 2)
    assert macro.merit(evaluation({})) == 0.5
    everybody, fair = evaluation(confusion(20, 0, 20, 0)), evaluation(confusion(12, 8, 8, 12))
    assert recipe.merit(everybody) > recipe.merit(fair)
    assert macro.merit(everybody) < macro.merit(fair)
    other = get_recipe("gentle-polish", {"positive": NO, "best_by": "f1"})
    assert other.merit(evaluation(confusion(17, 3, 0, 15))) == pytest.approx(30 / 33)
    assert rates_of(evaluation({}), YES) is None


def test_the_recipes_are_the_table_of_the_specification():
    gentle, aggressive = get_recipe("gentle-polish"), get_recipe("aggressive")
    assert (gentle.kl_beta, gentle.clip_low, gentle.clip_high, gentle.advantage_eps) == (0.1, 0.1, 0.1, 1e-4)
    assert (aggressive.kl_beta, aggressive.clip_low, aggressive.clip_high) == (0.0, 0.2, 0.2)
    assert gentle.guards() == (AcceptRateGuard(YES, 0.5, 1.5, 3, 0.02),)
    assert aggressive.guards() == ()
    runs = [configured({"env": "countdown", "recipe": name}) for name in ("gentle-polish", "aggressive")]
    found = [(run.optim.lr, run.optim.schedule, run.optim.warmup_share, run.optim.clip_norm, run.rollout.temperature,
              run.rollout.top_p, run.steps) for run in runs]  # fmt: skip
    assert found == [(1e-6, "cosine", 0.1, 0.1, 0.8, 0.95, 300), (2e-5, "constant", 0.0, 1.0, 1.0, 1.0, 900)]
    for run in runs:
        assert (run.rollout.group_size, run.sft.epochs, run.sft.lr, run.sft.batch_size) == (8, 3, 2e-5, 16)
        assert run.sft.keep == "best"
        assert run.env_options == {}  # countdown has no such rewards
    assert gentle.objective(8).anchors == frozenset({"ref"})
    assert not aggressive.objective(8).anchors


def test_nothing_is_compared_with_nan():
    guard = replace(AcceptRateGuard(YES), best=math.inf)
    assert guard.after_evaluation(1, evaluation(FAIR))[1].startswith("F1")
