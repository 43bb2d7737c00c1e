"""Recipes and runs that do not go together, from the command line: one line, before a model is loaded."""

from __future__ import annotations

import json

import pytest

from assay.training import cli

SMALL = ["--env", "countdown", "--model", "tiny", "--steps", "2", "--rollout.groups", "2", "--eval.tasks", "4"]
EARLY = [
    (["gpro"], "no recipe 'gpro'; did you mean gspo, grpo, prorl?"),
    (["nowhere.py:mine"], "no recipe file 'nowhere.py'"),
    (["grpo", "--recipe.kl-betta", "1"], "did you mean --recipe.kl-beta?"),
    (["grpo", "--recipe.kl-beta", "abc"], "--recipe.kl-beta"),
    (["grpo", "--recipe.advantage", "best"], "'rloo'"),
    (["grpo", "--recipe.gamma", "7"], "recipe grpo: gamma must be between 0 and 1, got 7"),
    (["dapo", "--recipe.clip-low", "1.5"], "is upside down: clip_low is 0 to 1, clip_high 0 or more"),
    (["nsr", "--recipe.clip-high", "-1"], "is upside down: clip_low is 0 to 1, clip_high 0 or more"),
    (["grpo", "--rollout.group-size", "1"], "it needs rollout.group_size 2 or more, got 1"),
    (["pacs", "--rollout.group-size", "1"], "it needs rollout.group_size 2 or more, got 1"),
    (["prorl", "--recipe.n-samples", "1"], "it needs rollout.group_size 2 or more, got 1"),
    (["ppo", "--recipe.value-low", "3", "--recipe.value-high", "1"], "value_low 3 is not below value_high 1"),
    (["a-lol"], "learns from stored episodes: name them with --data"),
    (["grpo", "--data", "{logs}"], "learns from rollouts of its own: leave --data out"),
    (["nlpo", "--model.engine", "hf-cb"], "the engine hf-cb cannot: take --model.engine hf"),
    (["gdc", "--rollout.top-p", "0.9"], "leave temperature and top_p at 1 and top_k at 0"),
    (["kl-rl", "--recipe.advantage", "grpo"], "take rloo"),
    (["rorecomp", "--recipe.base", "pacs"], "compares whole groups"),
    (["rorecomp", "--recipe.base", "rovr"], "did you mean rover"),
    (["rorecomp", "--recipe.base-options", "clip_low=7"], "upside down"),
    (["rlcr"], "add --scaffold confidence"),
    (["remix", "--rollout.groups", "1"], "it needs rollout.groups 2 or more, got 1"),
    (["brorl", "--recipe.n-samples-later", "x@y"], "'x@y' is not of the form VALUE@STEP"),
    (["siren", "--recipe.quantile", "1.5"], "quantile must be at least 0 and below 1"),
    (["dapo", "--recipe.overlong-buffer", "5000"], "overlong_buffer must be above 0 and at most"),
    (["dr-grpo", "--scaffold", "ladder"], "unknown scaffold 'ladder'"),
]
LATER = [
    (["a-lol", "--data", "nowhere.jsonl"], "no such file or folder"),
    (["prorl", "--recipe.domains-later", "nowhere@5"], "no training task is of the domain 'nowhere'"),
]
"""What only the tasks or the logs can tell, which are read before the model too."""


@pytest.mark.parametrize(
    ("words", "message", "early"),
    [(*each, True) for each in EARLY] + [(*each, False) for each in LATER],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_one_line_before_a_model_is_loaded(words, message, early, tmp_path, monkeypatch, capsys):
    logs = tmp_path / "logs.jsonl"
    logs.write_text(json.dumps({"prompt": "a", "responses": ["x", "y"], "rewards": [1, 0]}) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("assay.training.assemble.load_policy", lambda *_: pytest.fail("a model was loaded"))
    if early:  # before even the libraries of models are imported
        monkeypatch.setattr("assay.training.trainer.train", lambda *_: pytest.fail("too late"))
    assert cli.train([*SMALL, "--recipe", *(word.format(logs=logs) for word in words)]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert shown.count("\n") == 1
    assert message in shown
    assert not (tmp_path / "runs").exists()
