"""Whole runs from stored episodes, with a model of a few thousand weights."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from safetensors.torch import load_file

from assay.training import cli, trainer
from assay.training.config import (
    EvalConfig,
    LogConfig,
    ModelConfig,
    MonitorConfig,
    OptimConfig,
    RolloutConfig,
    SFTConfig,
    TrainConfig,
)
from assay.training.display import Display
from assay.training.errors import UserError
from assay.training.logs import read_metrics

WALL_CLOCK = ("seconds", "per_s")


def config(out, recipe="dr-grpo", data=(), **more):
    given = {
        "env": "text_classification",
        "env_options": {"source": "synthetic", "list_labels": False},
        "recipe": recipe,
        "data": tuple(map(str, data)),
        "out": str(out),
        "steps": 4,
        "save_every": 2,
        "threads": 1,
        "model": ModelConfig(name="tiny"),
        "rollout": RolloutConfig(groups=4, group_size=4, max_tokens=4),
        "optim": OptimConfig(lr=1e-3),
        "sft": SFTConfig(epochs=0),
        "eval": EvalConfig(every=0, tasks=8),
        "monitor": MonitorConfig(action="warn", grace=0),
        "log": LogConfig(report=False),
    }
    return TrainConfig(**{**given, **more})


def run(*given, **more):
    return trainer.train(config(*given, **more), Display(0, quiet=True))


def steps(folder):
    """Every logged value of the steps that is not a wall-clock time."""
    return [
        {name: value for name, value in line.items() if not any(word in name for word in WALL_CLOCK)}
        for line in read_metrics(folder, "train")
    ]


def weights(folder):
    last = sorted((folder / "checkpoints").glob("step-*"))[-1]
    files = [last / name for name in ("model.safetensors", "optimizer.safetensors")]
    return {(file.name, name): value.numpy().tobytes() for file in files for name, value in load_file(file).items()}


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A run that sampled, whose answers are partly right."""
    folder = tmp_path_factory.mktemp("logged") / "first"
    run(folder, steps=6, sft=SFTConfig(epochs=6, examples=64, lr=5e-3))
    rewards = [line["reward"] for line in read_metrics(folder, "train")]
    assert 0.05 < sum(rewards) / len(rewards) < 0.95
    return folder


@pytest.mark.parametrize("recipe", ["a-lol", "copg"])
def test_a_run_learns_from_the_episodes_of_another_and_resumes_exactly(logged, tmp_path, recipe, monkeypatch):
    warm = ModelConfig(name=str(logged / "checkpoints" / "step-000004"))
    more = {"steps": 8, "model": warm, "recipe_options": {"value_prompts": 24} if recipe == "a-lol" else {}}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run(whole, recipe, [logged / "episodes"], **more)
    found = steps(whole)
    taken = len(found)
    assert taken == 8 if recipe == "copg" else 1 <= taken <= 8
    assert all(line["loss"] is not None and line["grad_norm"] > 0 for line in found)
    assert not any(name in line for line in found for name in ("logprob_gap", "repetition", "truncated", "parsed"))
    assert {line["name"] for line in read_metrics(whole, "alert")} <= {"entropy_low", "kl_high", "dead_groups"}
    assert not list((whole / "episodes").glob("train-*"))
    assert list((whole / "episodes").glob("eval-*"))

    class Killed(Exception):
        pass

    real = trainer.Run._one_step

    def dies(self, collector):
        if self.step == min(3, taken - 1):
            raise Killed
        return real(self, collector)

    monkeypatch.setattr(trainer.Run, "_one_step", dies)
    with pytest.raises(Killed):
        run(broken, recipe, [logged / "episodes"], **more)
    monkeypatch.setattr(trainer.Run, "_one_step", real)
    run(broken, recipe, [logged / "episodes"], resume=True, **more)
    assert steps(broken) == found
    assert weights(broken) == weights(whole)


def test_what_the_reference_says_is_worked_out_once(logged, tmp_path, monkeypatch):
    from assay.training.remembered import RememberingScorer

    counted = []
    real = RememberingScorer.score

    def score(self, rows, width, *rest):
        before = self.computed
        found = real(self, rows, width, *rest)
        counted.append((len(rows), self.computed - before))
        return found

    monkeypatch.setattr(RememberingScorer, "score", score)
    run(tmp_path / "a", "copg", [logged], steps=18)  # 24 prompts, 4 a step: three epochs
    assert sum(new for _, new in counted[:6]) > 0
    assert sum(new for _, new in counted[6:]) == 0
    assert sum(rows for rows, _ in counted[6:]) == 2 * 96


def test_a_jsonl_of_ones_own(tmp_path):
    rows = [
        {"prompt": f"Is {n} even?", "responses": ["yes", "no"], "rewards": [float(n % 2 == 0) * 5, float(n % 2) * 5]}
        for n in range(12)
    ]
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for recipe in ("a-lol-seq", "a-lol-kl", "ipo", "wbc", "r-lol", "r-gold", "nll"):
        out = tmp_path / recipe
        run(out, recipe, [path], steps=2, eval=EvalConfig(every=0, tasks=2))
        assert steps(out)[0]["reward"] == pytest.approx(2.5, abs=2.5)
        kept = json.loads((out / "offline.json").read_text(encoding="utf-8"))
        if recipe.startswith("a-lol"):
            assert kept["source"] == "logged"
            assert len(kept["values"]) == 12
            assert all(0 < value < 1 for value in kept["values"])
            assert steps(out)[0]["share_above"] == pytest.approx(0.5)
            assert len(steps(out)) == 1  # half of two steps
        mapped = {"scale": 0.2, "shift": 0.0} if recipe not in ("ipo", "nll") else {"scale": 1.0, "shift": 0.0}
        assert kept["rewards"] == pytest.approx(mapped)


def test_a_changed_file_is_not_resumed_from(logged, tmp_path):
    data, out = tmp_path / "data", tmp_path / "run"
    shutil.copytree(logged / "episodes", data)
    run(out, "nll", [data], steps=1)
    first = sorted(data.glob("train-*"))[0]
    first.write_text("".join(first.read_text(encoding="utf-8").splitlines(True)[1:]), encoding="utf-8")
    with pytest.raises(UserError, match="not what they were when this run began"):
        run(out, "nll", [data], steps=2, resume=True)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--recipe", "dr-grpo", "--data", "{data}"], "leave --data out"),
        (["--recipe", "a-lol"], "name them with --data"),
        (["--recipe", "a-lol", "--data", "nowhere"], "--data nowhere: no such file or folder"),
        (
            ["--recipe", "nll", "--data", "{data}", "--env", "image_classification"],
            "an episode of text-classification-v0",
        ),
        (["--recipe", "a-lol", "--recipe.eps", "2", "--data", "{data}"], "eps must be between 0 and 1"),
    ],
)
def test_mistakes_are_one_line_before_a_model_is_loaded(logged, tmp_path, capsys, monkeypatch, flags, words):
    from assay.training import assemble

    monkeypatch.setattr(assemble, "load_model", lambda *_, **__: pytest.fail("a model was loaded"))
    monkeypatch.chdir(tmp_path)
    flags = [flag.format(data=logged) for flag in flags]
    assert cli.train(["--model", "tiny", "--out", os.fspath(tmp_path / "x"), *flags]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert shown.count("\n") == 1
    assert words in shown
