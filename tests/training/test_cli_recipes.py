"""What is listed of the recipes, and the advice on a configuration."""

from __future__ import annotations

import json

import pytest

from assay.training import cli
from assay.training.advice import advice, facts_of
from assay.training.recipes import recipe_names


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")


def test_every_recipe_is_listed_with_its_paper_slots_and_constants(capsys):
    assert cli.train(["recipes"]) == 0
    shown = capsys.readouterr().out
    words = " ".join(shown.split())
    for name in recipe_names():
        assert f"\n{name} " in f"\n{shown}"
    assert "arXiv:2503.14476" in words
    assert "surrogate PPOClip" in words
    assert "clip_high 0.28" in words


def test_one_recipe_in_full(capsys):
    assert cli.train(["recipes", "dapo", "w_reinforce"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "--recipe.overlong-buffer 0.2" in words
    assert "--recipe.lambda-pos 0.1 Weight of right answers" in words
    assert "schedule DynamicSampling" in words
    assert cli.train(["recipes", "dappo"]) == 2
    assert "did you mean dapo" in capsys.readouterr().err


def states(*words):
    found = advice(facts_of(list(words)))
    return [(each.rule, each.state) for each in found]


def test_what_a_base_model_is_told():
    model = ["--model", "Qwen/Qwen3-4B-Base", "--recipe"]
    assert states(*model, "lite-ppo") == [
        ("T1", "unknown"), ("T2", "follows"), ("T3", "follows"), ("T4", "does not apply"), ("T5", "does not apply"),
        ("T6", "follows"), ("T6", "does not apply"), ("T7", "differs"), ("L", "follows"),
    ]  # fmt: skip
    grpo = dict(states(*model, "grpo")[:3])
    assert grpo == {"T1": "unknown", "T2": "differs", "T3": "follows"}
    assert dict(states(*model, "dapo"))["T3"] == "differs"
    assert ("T7", "follows") in states(*model, "dapo")
    assert ("T7", "does not apply") in states(*model, "dapo", "--rollout.max-tokens", "20480")


def test_what_an_aligned_model_is_told():
    small = states("--model", "Qwen/Qwen3-4B-Instruct", "--recipe", "dapo")
    assert ("T4", "follows") in small
    assert ("T5", "differs") in small
    assert small[5:7] == [("T6", "does not apply"), ("T6", "differs")]
    assert dict(states("--model", "Qwen/Qwen3-8B-it", "--recipe", "dapo"))["T5"] == "does not apply"
    unknown = states("--model", "some/thing", "--recipe", "grpo")
    assert [state for _, state in unknown].count("unknown") == 7
    assert {state for _, state in states("--recipe", "pacs")} == {"does not apply"}


def test_advice_on_a_run_uses_what_it_measured(tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("recipe: grpo\nmodel: {name: some-7b-base}\n")
    lines = [{"kind": "train", "step": step, "dead_groups": dead} for step, dead in ((1, 0.7), (2, 0.9))]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert cli.train(["advise", str(tmp_path)]) == 0
    words = capsys.readouterr().out
    assert "7 billion parameters" in words
    assert "80 % of groups agree with themselves" in words
    assert "T1" in words
    assert states(str(tmp_path))[0] == ("T1", "differs")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--kind", "good"], "--kind is base or instruct"),
        (["--recipe", "grpo", "--size", "big"], "--size is a number"),
        (["--recipe", "nothing-like-it"], "no recipe"),
    ],
)
def test_mistakes_are_one_line(words, message, capsys):
    assert cli.train(["advise", *words]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error


def test_help_teaches(capsys):
    assert cli.train(["advise", "--help"]) == 0
    assert "arXiv:2508.08221" in capsys.readouterr().out
