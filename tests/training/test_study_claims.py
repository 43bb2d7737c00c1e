"""The claims study: every entry can be run, and verdicts follow from intervals alone."""

import importlib.util
import sys
from pathlib import Path

import pytest

from assay.training.stats import Interval
from assay.training.studies.recipes.arms import check_arms, read_arms
from assay.training.studies.recipes.flags import parse
from assay.training.studies.recipes.table import metrics_of

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


claims = loaded("study_claims")
driver = loaded("study_recipes")


@pytest.mark.parametrize(
    ("sign", "margin", "low", "high", "verdict"),
    [
        ("more", 0.0, 0.01, 0.2, "holds"), ("more", 0.0, -0.1, 0.2, "undecided"), ("more", 0.0, -0.2, -0.1, "does not"),
        ("less", 0.0, 0.01, 0.2, "does not"), ("less", 0.0, -0.1, 0.2, "undecided"), ("less", 0.0, -0.2, -0.1, "holds"),
        ("no less", 0.03, -0.02, 0.2, "holds"), ("no less", 0.03, -0.05, 0.2, "undecided"),
        ("no less", 0.03, -0.2, -0.05, "does not"), ("no less", 0.0, -0.01, 0.2, "undecided"),
    ],
)  # fmt: skip
def test_a_verdict_needs_the_whole_interval(sign, margin, low, high, verdict):
    check = claims.Check("pass@1", "a", sign, "b", margin)
    assert check.judged(Interval((low + high) / 2, low, high)) == verdict


def test_a_claim_holds_only_if_all_of_it_does():
    assert claims.overall(["holds", "holds"]) == "holds"
    assert claims.overall(["holds", "undecided"]) == "undecided"
    assert claims.overall(["undecided", "does not", "holds"]) == "does not"


def test_differences_are_paired_and_may_be_to_the_start():
    summary = {
        "start": {"entropy": 1.0, "pass@1": 0.2},
        "arms": {
            "a": {"entropy": [0.9, 1.2], "pass@1": [0.3, 0.4]},
            "b": {"entropy": [0.5, 0.8], "pass@1": [0.1, 0.1]},
        },
    }
    assert claims.difference(claims.Check("pass@1", "a", "more", "b"), summary).mean == pytest.approx(0.25)
    assert claims.difference(claims.Check("pass@1", "a", "more", "start"), summary).mean == pytest.approx(0.15)
    drift = claims.difference(claims.Check("entropy drift", "a", "less", "b"), summary)
    assert drift.mean == pytest.approx((0.1 + 0.2) / 2 - (0.5 + 0.2) / 2)


def test_every_claim_can_be_run_and_measured(tmp_path):
    log = tmp_path / "logs.jsonl"
    log.write_text('{"prompt": "1 2 = 3", "responses": ["1+2", "2"], "rewards": [1.0, 0.0]}\n')
    assert len({claim.key for claim in claims.CLAIMS}) == len(claims.CLAIMS) >= 8
    for setting in driver.SETTINGS:
        chosen = [claim for claim in claims.CLAIMS if claim.setting == setting]
        arms = dict.fromkeys([driver.YARDSTICK[setting], *(arm for claim in chosen for arm in claim.arms)])
        words = [*driver.TASK, *driver.RUN, *driver.SETTINGS[setting], "--recipes", *map(claims.entry, arms)]
        plan = parse([*words, "--data", str(log)] if setting == "logged" else words)
        assert [arm.label for arm in plan.arms] == list(arms)
        known = {*metrics_of(plan.ks, calibrated=True), "entropy drift"}
        assert {check.metric for claim in chosen for check in claim.checks} <= known
        assert check_arms(read_arms(list(map(claims.entry, arms))), plan.base)
