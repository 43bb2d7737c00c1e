import dataclasses
import json
import math

import pytest

from assay.training.config import MonitorConfig
from assay.training.monitors import RULES, Monitors, repetition

HEALTHY = {
    "loss": 0.1,
    "grad_norm": 1.0,
    "dead_groups": 0.4,
    "entropy": 0.5,
    "kl": 0.05,
    "truncated": 0.02,
    "repetition": 0.01,
    "parsed": 0.97,
    "logprob_gap": 1e-5,
    "value/clip_frac": 0.001,
    "confidence_std": 0.2,
    "length_fall": 0.1,
}
SICK = {
    "dead_groups": {"dead_groups": 1.0},
    "entropy_low": {"entropy": 0.001},
    "kl_high": {"kl": 3.0},
    "truncated": {"truncated": 0.9},
    "repetition": {"repetition": 0.8},
    "unparsed": {"parsed": 0.02},
    "logprob_gap": {"logprob_gap": 0.3},
    "value_clip": {"value/clip_frac": 0.2},
    "confidence_std": {"confidence_std": 0.01},
    "length_fall": {"length_fall": 0.4},
}


def run(monitors, steps):
    return [(step, alert) for step, metrics in steps for alert in monitors.check(step, metrics)]


def test_every_limit_of_the_configuration_has_a_monitor():
    limits = {field.name for field in dataclasses.fields(MonitorConfig)} - {"action", "grace"}
    assert {rule.name for rule in RULES} == limits == set(SICK)


@pytest.mark.parametrize("name", SICK)
def test_each_monitor_fires_once_after_two_graces(name):
    sick = HEALTHY | SICK[name]
    found = run(Monitors(MonitorConfig(grace=5)), [(step, sick) for step in range(1, 40)])
    assert [(step, alert.name) for step, alert in found] == [(10, name)]
    limit = getattr(MonitorConfig(), name)
    assert found[0][1].limit == limit
    assert (found[0][1].value < limit) == (name in ("entropy_low", "confidence_std"))


@pytest.mark.parametrize("name", SICK)
def test_a_value_at_the_limit_is_within_it(name):
    limit = getattr(MonitorConfig(), name)
    metric, value = next(iter(SICK[name])), 1 - limit if name == "unparsed" else limit
    assert run(Monitors(MonitorConfig(grace=0)), [(1, HEALTHY | {metric: value})]) == []


def test_a_healthy_run_raises_nothing():
    steps = [(step, HEALTHY | {"entropy": 1.5 * 0.97**step + 0.02}) for step in range(1, 300)]
    assert run(Monitors(MonitorConfig()), steps) == []


def test_a_step_within_the_limit_starts_the_count_again():
    sick = HEALTHY | SICK["repetition"]
    steps = [(step, HEALTHY if step % 4 == 0 else sick) for step in range(1, 100)]
    assert run(Monitors(MonitorConfig(grace=4)), steps) == []
    assert [step for step, _ in run(Monitors(MonitorConfig(grace=3)), steps)] == [7, *range(11, 100, 4)]


def test_missing_values_are_not_judged():
    bare = {"reward": 0.1, "kl": None, "entropy": float("nan")}
    assert run(Monitors(MonitorConfig(grace=0)), [(step, bare) for step in range(1, 20)]) == []


@pytest.mark.parametrize(("name", "value"), [("loss", math.nan), ("grad_norm", math.inf)])
def test_a_value_that_is_not_finite_is_an_alert_at_once(name, value):
    alerts = Monitors(MonitorConfig(grace=100)).check(1, HEALTHY | {name: value})
    assert [alert.name for alert in alerts] == ["not_finite"]
    assert name.replace("_", " ") in alerts[0].message


def test_warn_does_not_stop_and_stop_does():
    sick = [(1, HEALTHY | SICK["kl_high"])]
    warns, stops, off = (Monitors(MonitorConfig(action=action, grace=0)) for action in ("warn", "stop", "off"))
    assert (len(run(warns, sick)), warns.stop) == (1, False)
    assert (stops.stop, len(run(stops, sick)), stops.stop) == (False, 1, True)
    assert (len(run(off, sick)), off.stop) == (0, False)


def test_a_resumed_run_raises_what_the_unbroken_one_does():
    steps = [(step, HEALTHY | (SICK["truncated"] if step > 3 else {})) for step in range(1, 30)]
    unbroken = run(Monitors(MonitorConfig(grace=6)), steps)
    for cut in range(1, 29):
        first, second = Monitors(MonitorConfig(grace=6)), Monitors(MonitorConfig(grace=6))
        found = run(first, steps[:cut])
        second.load_state_dict(json.loads(json.dumps(first.state_dict())))
        assert found + run(second, steps[cut:]) == unbroken
        assert second.stop == first.stop


def test_repetition_of_texts_made_by_hand():
    assert repetition(range(50)) == 0.0
    assert repetition([]) == repetition([1, 1, 1, 1]) == 0.0
    assert repetition([7] * 13) == pytest.approx(1 - 1 / 10)
    assert repetition([1, 2, 3, 4, 1, 2, 3, 4]) == pytest.approx(1 / 5)
    assert repetition([1, 2] * 20) > 0.9
