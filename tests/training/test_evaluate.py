"""Evaluation: the verdict and never the reward, intervals over tasks, pass@k, confusion, baselines."""

from __future__ import annotations

import json
import math

import pytest

from assay.agents.policy import Completion
from assay.envs.base import TaskEnv
from assay.envs.errors import InfraError, VerifierError
from assay.envs.tasks import Task, TaskSet
from assay.training.evaluate import NO_ANSWER, evaluate, measure, trivial_baselines
from assay.training.rollout import Collector
from assay.training.stats import wilson
from assay.verifiers.score import Score

LABELS = ["ant", "bee", "cat"]


def task(i, label, **meta):
    prompt = [{"role": "user", "content": f"item {i}"}]
    return Task(f"t{i:02d}", prompt, {"label": label, "labels": LABELS}, {"level": f"L{i % 2}", **meta})


TASKS = TaskSet(task(i, LABELS[i % 3]) for i in range(12))


class Label(TaskEnv):
    """Pays 0.9 for any wrong label and 0.1 for the right one, so that a reward cannot pass for a verdict."""

    @classmethod
    def score(cls, actions, truth):
        if actions[-1] == "die":
            raise InfraError("gone")
        if actions[-1] == "crash":
            raise VerifierError("broken")
        if actions[-1] == "abstain":
            return Score(0.5, correct=None)
        right, parsed = actions[-1] == truth["label"], actions[-1] in truth["labels"]
        return Score(0.1 if right else 0.9, correct=right, parsed=parsed)

    @classmethod
    def gold(cls, task):
        return task.truth["label"]

    @classmethod
    def trivial(cls, tasks):
        return {"majority": "ant"}


class Scripted:
    """Says what ``answers(task number, sample index)`` says."""

    def generate(self, requests):
        return [Completion(request.context["say"]) for request in requests]


def run(answers, *, env=Label, tasks=TASKS, **options):
    with Collector(
        lambda: env(tasks=tasks),
        Scripted(),
        context=lambda spec, _: {"say": answers(int(spec.task.id[1:]), spec.index)},
        retry_delay=0.0,
    ) as collector:
        return evaluate(collector, list(tasks), **options)


def test_accuracy_is_the_verdict_and_its_interval_wilsons():
    found = run(lambda i, _: LABELS[i % 3] if i < 9 else "ant" if i % 3 else "bee")
    assert (found.n, found.samples) == (12, 1)
    assert (found.accuracy, found.low, found.high) == tuple(wilson(9, 12))
    assert found.reward == pytest.approx((9 * 0.1 + 3 * 0.9) / 12)
    assert (found.parsed, found.truncated, found.tokens) == (1.0, 0.0, 0.0)
    assert [r.episode.task_id for r in found.rollouts] == TASKS.ids


def test_samples_of_one_task_are_not_independent_trials():
    """Even samples right: accuracy 1/2 on every task. The interval is that of 12 trials, not of 48."""
    found = run(lambda i, sample: LABELS[i % 3] if sample % 2 else "nothing", samples=4, k=(1, 2, 4))
    assert (found.accuracy, found.low, found.high) == tuple(wilson(6, 12))
    assert found.pass_at[1] == pytest.approx(0.5)
    assert found.pass_at[2] == pytest.approx(1 - 1 / 6)
    assert found.pass_at[4] == 1.0
    assert found.parsed == 0.5
    assert len(found.rollouts) == 48


def test_errors_and_missing_verdicts_are_counted_apart():
    def answers(i, _):
        return {0: "die", 1: "crash", 2: "abstain"}.get(i, LABELS[i % 3])

    found = run(answers)
    assert (found.infra_errors, found.verifier_errors, found.no_verdict) == (1, 1, 1)
    assert found.n == 9
    assert found.accuracy == 1.0
    assert found.reward == pytest.approx((9 * 0.1 + 0.5) / 10)


def test_a_sample_lost_to_an_error_leaves_the_others():
    found = run(lambda i, s: "die" if (i, s) == (0, 0) else LABELS[i % 3] if s else "bad", samples=3, k=(1, 3))
    assert found.n == 12
    assert found.accuracy == pytest.approx((11 * 2 / 3 + 1.0) / 12)
    assert found.pass_at[3] == 1.0
    assert found.pass_at[1] == pytest.approx(found.accuracy)


def test_breakdown_by_meta():
    found = run(lambda i, _: LABELS[i % 3] if i % 2 else "cat")
    assert found.by["level"] == {"L0": (2 / 6, 6), "L1": (1.0, 6)}
    unique = TaskSet(task(i, "ant", source=f"file{i}", same="x") for i in range(6))
    assert set(run(lambda i, _: "ant", tasks=unique).by) == {"level"}, "not by keys that tell every task apart, or none"


def test_confusion_counts_every_answer_by_its_truth():
    def answers(i, _):
        return {0: "bee", 1: "gibberish", 2: "die", 3: "ant"}.get(i, LABELS[i % 3])

    found = run(answers)
    assert found.confusion == {
        "ant": {"ant": 3, "bee": 1},
        "bee": {NO_ANSWER: 1, "bee": 3},
        "cat": {"cat": 3},
    }
    assert list(found.confusion) == sorted(found.confusion)


def test_no_confusion_without_classes():
    class Free(Label):
        @classmethod
        def predicted(cls, actions, truth):
            return None

    assert run(lambda i, _: "ant", env=Free).confusion == {}


def test_metrics_are_json_with_the_names_the_log_and_the_report_use():
    metrics = run(lambda i, _: "ant", samples=2, k=(1, 2)).to_metrics()
    assert json.loads(json.dumps(metrics)) == metrics
    assert {"n", "samples", "accuracy", "low", "high", "parsed", "reward", "tokens", "truncated"} < set(metrics)
    assert metrics["pass@1"] == metrics["pass@2"] == pytest.approx(1 / 3)
    assert metrics["by"]["level"]["L0"] == {"accuracy": pytest.approx(1 / 3), "n": 6}
    assert metrics["confusion"]["bee"] == {"ant": 8}


def test_without_any_verdict_the_accuracy_is_unknown():
    found = run(lambda i, _: "abstain")
    assert math.isnan(found.accuracy)
    assert (found.n, found.low, found.high, found.no_verdict) == (0, 0.0, 1.0, 12)


@pytest.mark.parametrize(("options", "match"), [({"samples": 0}, "samples"), ({"samples": 2, "k": (3,)}, r"k = \[3\]")])
def test_impossible_requests_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        run(lambda i, _: "ant", **options)


def test_no_tasks_are_refused():
    with (
        Collector(lambda: Label(tasks=TASKS), Scripted()) as collector,
        pytest.raises(ValueError, match="no tasks"),
    ):
        evaluate(collector, [])
    with pytest.raises(ValueError, match="rollouts are not"):
        measure([], list(TASKS))


def test_trivial_baselines():
    train = TaskSet(task(i, "ant" if i % 4 else "bee") for i in range(100, 200))
    many = TaskSet(task(i, LABELS[i % 3]) for i in range(600))
    found = trivial_baselines(Label, train, list(many))
    assert set(found) == {"majority", "random"}
    assert found["majority"].accuracy == pytest.approx(1 / 3)
    assert found["majority"].confusion == {label: {"ant": 200} for label in LABELS}
    assert found["random"].low < 1 / 3 < found["random"].high
    said = sum(row.get("ant", 0) for row in found["random"].confusion.values())
    assert 0.68 < said / 600 < 0.82, "it answers as often as the training answers do"
    again = trivial_baselines(Label, train, list(many))
    assert again["random"].confusion == found["random"].confusion


def test_on_done_sees_every_rollout():
    seen = []
    found = run(lambda i, _: "ant", samples=2, on_done=seen.append)
    assert sorted(map(id, seen)) == sorted(map(id, found.rollouts))
