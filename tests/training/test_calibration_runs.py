"""Stated confidences on their way: from a completion to batch, stored episode, evaluation and report."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from assay.agents.chat import Chat
from assay.agents.engines.hf import HFPolicy
from assay.agents.policy import Completion, Request
from assay.agents.scaffolds import make_scaffold
from assay.agents.scaffolds.confidence_prompts import filled_in
from assay.agents.tiny import tiny_model
from assay.envs.base import Step, TaskEnv
from assay.envs.episode import Episode, Outcome
from assay.envs.replay import replay, rescore
from assay.envs.tasks import Task, TaskSet
from assay.envs.text_classification.env import TextClassificationEnv
from assay.training import cli
from assay.training.batch import make_batch
from assay.training.calibration import calibration_of, layout_kept
from assay.training.evaluate import evaluate, measure
from assay.training.experience import describe
from assay.training.logs import read_metrics
from assay.training.objectives.calibrated import RLCRReward
from assay.training.report_reliability import calibration_section, reliability_chart
from assay.training.rollout import Collector, specs_for
from assay.training.sft import demonstrations
from assay.training.stored import episode_files, read_episodes
from assay.training.votes import vote_accuracy
from assay.verifiers.calibration import read_strict

TRUTH = {"label": "cat", "labels": ["cat", "dog", "fox"]}
TASKS = TaskSet([Task(f"t{k}", [{"role": "user", "content": f"animal {k}?"}], {**TRUTH, "n": k}) for k in range(4)])


class Animals(TaskEnv):
    verifier = "classify.label"

    @classmethod
    def gold(cls, task: Task) -> str:
        return "cat"


class Says:
    """One text after the other, by the position in the request's context."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def generate(self, requests: list[Request]) -> list[Completion]:
        return [Completion(self.texts[request.context["place"]]) for request in requests]


def play(*texts: str, lenient: bool = False, tasks: TaskSet = TASKS, env: Any = Animals) -> list[Any]:
    """A rollout of each text; as many of each task as there is room for."""
    samples = len(texts) // len(tasks)
    scaffold = make_scaffold("confidence", lenient=lenient)
    specs = specs_for(tasks, samples)
    place = {(spec.group, spec.index): k for k, spec in enumerate(specs)}

    def context(spec: Any, _: Any) -> dict[str, Any]:
        return {"place": place[spec.group, spec.index]}

    with Collector(lambda: env(tasks=tasks), Says(*texts), scaffold=scaffold, context=context) as collector:
        rollouts: list[Any] = collector.collect(specs).rollouts
    return rollouts


def said(answer: str, q: Any) -> str:
    return filled_in(answer, "tabc", 0.5).replace("0.5", str(q))


def test_what_was_stated_becomes_part_of_the_score() -> None:
    right, wrong, loose, silent = play(said("cat", 0.8), said("dog", 0.3), said("cat", "80%"), "cat")
    assert right.episode.actions == ["cat"]
    assert right.episode.score.parts["confidence"] == 0.8
    assert right.episode.score.parts["format"] == 1.0
    assert (right.episode.score.reward, right.episode.score.correct) == (1.0, True)
    assert (wrong.episode.score.parts["confidence"], wrong.episode.score.correct) == (0.3, False)
    for failed in (loose, silent):
        score = failed.episode.score
        assert (score.reward, score.correct, score.parsed) == (0.0, False, False)
        assert (score.parts["format"], score.parts["confidence"]) == (0.0, 0.0)
        assert failed.episode.actions == [""]
    assert loose.episode.meta["said"] == said("cat", "80%")
    assert wrong.episode.meta["stated"] == {"format": 1.0, "confidence": 0.3}


def test_a_layout_that_fails_earns_nothing_whatever_the_environment_says() -> None:
    class Strict(Animals):
        def act(self, task: Task, action: str) -> Step:
            return Step(score=self.judge(task), reward=None)

        @classmethod
        def score(cls, actions: Any, truth: Any) -> Any:
            from assay.verifiers import Score

            return Score(-1.0, {"malformed": 1.0}, None) if not actions[-1] else super().score(actions, truth)

    rollouts = play(said("cat", 0.8), "cat", said("dog", 1), said("cat", 0), env=Strict)
    assert [r.episode.score.reward for r in rollouts] == [1.0, 0.0, 0.0, 1.0]
    assert [r.episode.score.correct for r in rollouts] == [True, False, False, True]


def test_stored_episodes_keep_it_when_scored_or_played_again() -> None:
    for rollout in play(said("cat", 0.8), said("dog", 0.3), said("cat", "80%"), "cat"):
        stored = Episode.from_json(rollout.episode.to_json())
        stored.env_id = "text-classification-v0"
        assert rescore(stored) == rollout.episode.score
        again = replay(stored, TextClassificationEnv(tasks=TASKS))
        assert again.score == rollout.episode.score
        assert again.meta["said"] == rollout.episode.meta["said"]
        stored.meta = {**stored.meta, "stated": {"confidence": "much", "format": math.nan}}
        assert rescore(stored).correct == rollout.episode.score.correct


def test_plain_episodes_state_nothing() -> None:
    with Collector(lambda: Animals(tasks=TASKS), Says("cat"), context=lambda *_: {"place": 0}) as collector:
        found = evaluate(collector, list(TASKS))
    assert found.calibration is None
    assert not {"ece", "brier", "auroc", "reliability"} & set(found.to_metrics())
    assert not {"said", "stated"} & set(found.rollouts[0].episode.meta)
    assert "ece" not in describe(found.rollouts)


def test_an_evaluation_measures_calibration() -> None:
    texts = [
        said("cat", 0.95),
        said("dog", "85%"),
        "so <answer>cat</answer> <confidence>65</confidence>",
        said("fox", 0.15),
    ]
    found = measure(play(*texts, lenient=True), list(TASKS), env=Animals)
    metrics = found.to_metrics()
    assert found.accuracy == 0.5
    assert metrics["ece"] == pytest.approx(0.35)
    assert metrics["brier"] == pytest.approx(0.2175)
    assert metrics["auroc"] == pytest.approx(0.75)
    assert metrics["reliability"] == [[0.15, 0.0, 1], [0.65, 1.0, 1], [0.85, 0.0, 1], [0.95, 1.0, 1]]
    one_class = measure(play(*[said("cat", 0.5)] * 4, lenient=True), list(TASKS))
    assert math.isnan(one_class.to_metrics()["auroc"])
    json.dumps(metrics)


def test_a_step_is_described_with_the_spread_of_its_confidences() -> None:
    found = describe(play(said("cat", 0.2), said("dog", 0.6), "cat", said("cat", 0.4)))
    assert found["confidence_std"] == pytest.approx(math.sqrt(0.08 / 3))  # the failure states nothing
    assert found["part/format"] == 0.75
    measured = calibration_of(play(*["cat"] * 4))
    assert measured is not None
    assert math.isnan(measured.std)
    assert measured.brier == 0.0  # an unreadable confidence is 0, and the answer wrong


def test_training_reads_what_an_evaluation_let_pass() -> None:
    rollouts = play(said("cat", 0.5), said("cat", "50%"), said("cat", 0.2) + ".", "cat", lenient=True)
    assert [r.episode.score.parsed for r in rollouts] == [True, True, True, False]
    assert layout_kept(rollouts, make_scaffold("confidence")) == 0.25
    assert layout_kept(rollouts, make_scaffold("confidence", lenient=True)) == 0.75
    with Collector(lambda: Animals(tasks=TASKS), Says("cat"), context=lambda *_: {"place": 0}) as collector:
        plain = collector.collect(specs_for(TASKS)).rollouts
    assert layout_kept(plain, make_scaffold("chat")) == 1.0


def test_votes_over_samples() -> None:
    three = TaskSet([TASKS[0], TASKS[1]])
    texts = [said("cat", 0.9), said("dog", 0.4), said("Dog.", 0.4), said("fox", 0.1), said("cat", 0.2), "cat"]
    rollouts = play(*texts, lenient=True, tasks=three)
    names = ["majority", "confidence-vote", "max-confidence"]
    found = vote_accuracy(rollouts, list(three), 3, Animals, names)
    assert {name: each.mean for name, each in found.items()} == {
        "majority": 0.0,  # the two spellings of dog are one class, and of fox and cat the first wins
        "confidence-vote": 1.0,
        "max-confidence": 1.0,
    }
    with pytest.raises(ValueError, match="are not 4 of each"):
        vote_accuracy(rollouts, list(three), 4, Animals, names)


def test_warm_up_teaches_the_layout() -> None:
    _, tokenizer = tiny_model(layers=1, hidden=32, heads=2)
    chat = Chat(tokenizer)
    scaffold = make_scaffold("confidence-ac", chat)
    rows = demonstrations(Animals(tasks=TASKS), list(TASKS), chat, scaffold)
    taught = [tokenizer.decode(row.ids[row.prompt :], skip_special_tokens=True) for row in rows]
    assert {read_strict(text, "ac").answer for text in taught} == {"cat"}
    assert all("<confidence>" in tokenizer.decode(row.ids[: row.prompt]) for row in rows)
    plain = demonstrations(Animals(tasks=TASKS), list(TASKS), chat, make_scaffold("chat", chat))
    assert tokenizer.decode(plain[0].ids[plain[0].prompt :], skip_special_tokens=True) == "cat"


class Forced(HFPolicy):
    """Exact tokens of given texts, so that there is a batch with both right and wrong layouts."""

    texts: tuple[str, ...] = ()

    def generate(self, requests: Any) -> list[Completion]:
        chat = self.contexts.chat
        assert chat is not None
        answers = [chat.answer(self.texts[k % len(self.texts)]) for k in range(len(requests))]
        return [Completion(self.texts[k % len(self.texts)], ids, (-1.0,) * len(ids)) for k, ids in enumerate(answers)]


def test_the_batch_holds_what_the_reward_is_made_of() -> None:
    model, tokenizer = tiny_model(layers=1, hidden=32, heads=2)
    policy = Forced(model, tokenizer)
    policy.texts = (said("cat", 0.8), said("dog", 0.8), said("cat", "80%"), said("dog", 0.1))
    scaffold = make_scaffold("confidence", Chat(tokenizer))
    with Collector(lambda: Animals(tasks=TASKS), policy, scaffold=scaffold) as collector:
        batch = make_batch(collector.collect(specs_for(TaskSet([TASKS[0]]), 4)).rollouts, 0)
    assert batch.data.reward_parts["confidence"].tolist() == pytest.approx([0.8, 0.8, 0.0, 0.1])
    assert batch.data.reward_parts["format"].tolist() == [1.0, 1.0, 0.0, 1.0]
    assert RLCRReward("code")(batch.data).tolist() == pytest.approx([1.48, 0.68, 0.0, 0.995])
    assert RLCRReward("paper")(batch.data).tolist() == pytest.approx([0.96, -0.64, 0.0, -0.01])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of few weights."""
    folder = tmp_path_factory.mktemp("model")
    for part in tiny_model(layers=1, hidden=64, heads=2, context=2048):
        part.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Texts with two labels that are short to say."""
    rows = [f"{'one two' if k % 2 else 'five six'} {k},{'yes' if k % 2 else 'no'}" for k in range(60)]
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    path.write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    return str(path)


def test_a_run_from_warm_up_to_report(tiny: str, answers: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["--recipe", "rlcr", "--scaffold", "confidence-ac", "--model", tiny, "--out", str(out), "--steps", "2",
             "--dataset", answers, "--text", "text", "--label", "label", "--rollout.groups", "2",
             "--rollout.group-size", "4", "--rollout.max-tokens", "48", "--eval.tasks", "4", "--threads", "1",
             "--sft.examples", "32", "--sft.batch-size", "4", "--sft.lr", "1e-2"]  # fmt: skip
    assert cli.train(words) == 0
    assert len(read_metrics(out, "sft")) == 32  # by itself, since nothing could be read
    steps = read_metrics(out, "train")
    assert len(steps) == 2
    assert {"part/confidence", "part/format", "ece", "brier", "confidence_std"} <= set(steps[0])
    assert max(step["part/format"] for step in steps) > 0.5  # the warm-up has taught the layout
    assert max(step["advantage_abs"] for step in steps) > 0
    last = read_metrics(out, "eval")[-1]
    assert {"ece", "brier", "auroc", "reliability"} <= set(last)
    episodes = list(read_episodes(episode_files(out, "train")))
    assert all({"confidence", "format"} <= set(e.score.parts) for e in episodes if e.score is not None)
    assert any(e.meta["stated"]["format"] == 1.0 and e.outcome is Outcome.SCORED for e in episodes)
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "chart reliability" in report
    assert cli.episodes(["rescore", str(out)]) == 0
    again = tmp_path / "again.jsonl"
    told = ["rescore", str(out), "--verifier", "calibration.rlcr", "-o", "base=classify.label", "-o", "pattern=ac"]
    assert cli.episodes([*told, "--out", str(again)]) == 0
    rescored = [e.score for e in read_episodes([again])]
    kept = [score for score in rescored if score is not None and score.parts["format"] == 1.0]
    assert kept
    assert all(s.reward == pytest.approx(s.parts["accuracy"] - s.parts["brier"]) for s in kept)


def evaluated(*words: str, out: Path) -> dict[str, Any]:
    assert cli.evaluate([*words, "--tasks", "12", "--out", str(out)]) == 0
    (line,) = read_metrics(out, "eval")
    return line


def test_eval_agent_votes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vote = ["--vote", "majority", "confidence-vote", "max-confidence"]
    line = evaluated("--model", "oracle", "--scaffold", "confidence", "--samples", "4", *vote, out=tmp_path / "a")
    assert line["accuracy"] == 1.0
    assert [line[f"vote/{name}"] for name in vote[1:]] == [1.0] * 3
    assert math.isnan(line["auroc"]) if isinstance(line["auroc"], float) else line["auroc"] is None
    printed = capsys.readouterr().out
    assert "one of 4 samples" in printed
    assert "ECE" in printed
    plain = evaluated("--model", "random", "--samples", "4", "--vote", "majority", out=tmp_path / "b")
    assert 0 <= plain["vote/majority"] <= 1
    assert "ece" not in plain


def test_eval_agent_samples_analyses_again(tiny: str, tmp_path: Path) -> None:
    line = evaluated("--model", tiny, "--scaffold", "confidence-abc", "--analyses", "2", "--temperature", "1",
                     "--max-tokens", "12", "--threads", "1", out=tmp_path / "c")  # fmt: skip
    assert line["n"] == 12


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--vote", "confidence-vote", "--samples", "2"], "add --scaffold confidence"),
        (["--vote", "majority"], "--samples 2 or more"),
        (["--vote", "confidence-votes", "--samples", "2"], "did you mean confidence-vote?"),
        (["--analyses", "4"], "add --scaffold confidence"),
        (["--analyses", "1", "--scaffold", "confidence"], "2 or more"),
        (["--analyses", "4", "--scaffold", "confidence-tac"], "confidence-abc"),
        (["--analyses", "4", "--scaffold", "confidence"], "temperature 0"),
        (["--analyses", "4", "--scaffold", "confidence", "--temperature", "1", "--model", "oracle"], "local model"),
        (["--scaffold", "confidense"], "did you mean 'confidence'?"),
    ],
)
def test_mistakes_are_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.evaluate(words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_training_without_the_scaffold_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert cli.train(["--recipe", "rlcr", "--model", "nowhere", "--out", str(out)]) == 2
    assert "recipe rlcr rewards a stated confidence" in capsys.readouterr().err
    assert not out.exists()


def test_the_diagram_takes_what_a_file_may_hold() -> None:
    svg = reliability_chart([(0.1, 0.0, 3), (0.9, 0.75, 12)])
    assert svg.count("<circle") == 2
    assert "12 answers stated 0.900 on average; 75.0 % of them were right" in svg
    assert reliability_chart([]) == ""
    assert calibration_section({"ece": 0.1}) == ""
    assert calibration_section({"reliability": "<script>"}) == ""
    odd = [["<b>", 0.5, 1], [0.5, 0.5], [0.5, 0.5, 4], None]
    found = calibration_section({"reliability": odd, "ece": 0.1, "auroc": None, "brier": "<i>"})
    assert found.count("<circle") == 1
    assert "<b>" not in found
    assert "<i>" not in found
