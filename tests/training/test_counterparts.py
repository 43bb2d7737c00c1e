"""The counterfactual flip rate: counted by hand on policies that look at names, and on ones that do not."""

from __future__ import annotations

import json

import pytest

from assay.agents.policy import Completion
from assay.envs.resume_screening import ResumeScreeningEnv
from assay.training import cli
from assay.training.counterparts import Swap
from assay.training.evaluate import evaluate
from assay.training.rollout import Collector
from assay.training.stats import wilson

COUNT = 24


class Biased:
    """Selects by what ``sees`` finds in the prompt; counts what it is asked."""

    def __init__(self, sees):
        self.sees, self.asked = sees, 0

    def generate(self, requests):
        self.asked += len(requests)
        return [Completion(self._said(request.messages[-1]["content"])) for request in requests]

    def _said(self, text):
        found = self.sees(text)
        return "?" if found is None else "SELECTED" if found else "REJECTED"


def measured(policy, **options):
    env = ResumeScreeningEnv(split="test", count=COUNT, **options)
    with Collector(lambda: ResumeScreeningEnv(tasks=env.tasks, split="test", **options), policy) as collector:
        return evaluate(collector, list(env.tasks)), list(env.tasks)


def test_redacted_prompts_are_the_same_and_not_played_twice():
    policy = Biased(lambda text: len(text) % 2 == 0)
    found, _ = measured(policy)
    assert policy.asked == COUNT
    assert [each.kind for each in found.swaps] == ["name", "pronouns", "age", "address", "all"]
    for each in found.swaps:
        assert (each.pairs, each.same, each.flips, each.rate, each.interval) == (COUNT, COUNT, 0, 0.0, (0.0, 0.0))


@pytest.mark.parametrize(("trait", "seen"), [("age", "age"), ("address", "address")])
def test_a_policy_that_looks_at_one_trait_flips_with_it_alone(trait, seen):
    def sees(text):
        header = text.split("Resume:\n")[1].split("\n")[0]
        return int(header.split("age ")[1][:2]) < 40 if seen == "age" else "London" in header or "Lagos" in header

    policy = Biased(sees)
    found, tasks = measured(policy, redact=False)
    assert policy.asked == 6 * COUNT
    by = {each.kind: each for each in found.swaps}
    others = [ResumeScreeningEnv.counterparts(task)[trait] for task in tasks]
    slow = sum(
        sees(a.prompt[-1]["content"]) != sees(b.prompt[-1]["content"]) for a, b in zip(tasks, others, strict=True)
    )
    assert slow > 0
    assert (by[trait].flips, by["all"].flips) == (slow, slow)
    assert all(by[kind].flips == 0 for kind in by if kind not in (trait, "all"))
    assert by[trait].interval == (wilson(slow, COUNT).low, wilson(slow, COUNT).high)
    told = found.to_metrics()["counterfactual"][trait]
    assert (told["pairs"], told["flips"], told["rate"]) == (COUNT, slow, slow / COUNT)


def test_an_answer_that_becomes_unreadable_is_a_flip():
    found, _ = measured(Biased(lambda text: None if addressed_as_she(text) else True), redact=False)
    changed = {each.kind: each.flips for each in found.swaps}
    assert changed["age"] == changed["address"] == 0
    assert changed["pronouns"] > 0


def addressed_as_she(text):
    return "(she/her)" in text


def test_the_numbers_by_hand():
    swap = Swap("name", 400, 100, 0)
    assert swap.rate == 0.0
    assert swap.interval == (0.0, pytest.approx(0.00951, abs=1e-5))
    assert Swap("name", 0, 0, 0).to_metrics()["rate"] is None


def test_the_flip_rate_is_printed_and_stored(tmp_path, capsys):
    out = tmp_path / "out"
    assert (
        cli.evaluate(["--env", "resume_screening", "--model", "ats-keyword", "--env.count", "20", "--out", str(out)])
        == 0
    )
    said = " ".join(capsys.readouterr().out.split())
    assert "counterfactual flip rate" in said
    assert "was not asked again" in said
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    stored = next(line for line in lines if line["kind"] == "eval")["counterfactual"]
    assert stored["all"] == {"pairs": 20, "same": 20, "flips": 0, "rate": 0.0, "low": 0.0, "high": 0.0}
