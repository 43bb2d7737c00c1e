"""Every recipe from the command line: it runs, leaves finite numbers, and goes on where it stopped."""

from __future__ import annotations

import json
import math

import pytest

from assay.training import cli
from assay.training.logs import read_metrics
from assay.training.recipes import recipe_names
from assay.training.recipes.registry import recipe_class

OURS = [name for name in recipe_names() if recipe_class(name).__module__.startswith("assay.training.recipes.")]
SMALL = ["--env", "countdown", "--env.terse", "--model", "tiny", "--rollout.groups", "2", "--rollout.group-size", "4",
         "--rollout.max-tokens", "8", "--eval.tasks", "4", "--eval.every", "0", "--sft.epochs", "1", "--sft.examples",
         "8", "--save-every", "1", "--threads", "1"]  # fmt: skip
OWN = {
    "prorl": ["--recipe.n-samples", "4", "--recipe.max-num-gen-batches", "2"],
    "prorl-v2": ["--recipe.n-samples", "4", "--recipe.max-num-gen-batches", "2"],
    "brorl": ["--recipe.n-samples", "4", "--recipe.prompts-per-step", "2", "--recipe.max-num-gen-batches", "2"],
    "dapo": ["--recipe.max-num-gen-batches", "2"],
    "gentle-polish": ["--recipe.no-guard", "--optim.schedule", "constant", "--optim.warmup-share", "0"],
    "gencls": ["--rollout.difficulty-tasks", "4"],
    "nft": ["--recipe.max-num-gen-batches", "2"],
    "rft": ["--recipe.max-num-gen-batches", "2"],
    "rlcr": ["--scaffold", "confidence"],
    "kf-grpo": ["--recipe.alpha", "0", "--recipe.contrast-ratio", "0"],  # countdown has no poorer view
    "t-grpo": ["--recipe.alpha", "0", "--recipe.contrast-ratio", "0"],
    "auto-think": ["--recipe.levels", "1=L1", "2=L3"],  # what countdown calls its levels
}
"""Flags beside the common ones: what a recipe asks for, and less work where its own numbers are large."""


@pytest.fixture
def logs(tmp_path):
    """Stored responses with rewards."""
    path = tmp_path / "logs.jsonl"
    lines = [
        {"prompt": f"Say {word}.", "responses": [word, "no", f"{word} {word}"], "rewards": [1.0, 0.0, 0.5]}
        for word in ("one", "two", "three", "four")
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def run_and_resume(name, tmp_path, logs):
    out = tmp_path / "run"
    words = [*SMALL, *OWN.get(name, [])]
    if recipe_class(name).data == "logged":
        words += ["--data", str(logs)]
        if "scale_steps" in recipe_class(name).__dataclass_fields__:
            words += ["--recipe.no-scale-steps", "--recipe.value-prompts", "4", "--recipe.value-epochs", "1"]
    assert cli.train([*words, "--recipe", name, "--steps", "2", "--out", str(out)]) == 0
    assert cli.train(["--resume", "--out", str(out), "--steps", "3"]) == 0
    lines = read_metrics(out, "train")
    assert [line["step"] for line in lines] == [1, 2, 3]
    for line in read_metrics(out):
        numbers = [value for value in line.values() if isinstance(value, float)]
        assert all(math.isfinite(value) for value in numbers), line
    assert (out / "report.html").exists()


@pytest.mark.parametrize("name", ["lite-ppo", "copg", "wbc"])
def test_a_recipe_runs_and_resumes(name, tmp_path, logs):
    run_and_resume(name, tmp_path, logs)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore:recipe")
@pytest.mark.parametrize("name", OURS)
def test_every_recipe_runs_and_resumes(name, tmp_path, logs):
    run_and_resume(name, tmp_path, logs)
