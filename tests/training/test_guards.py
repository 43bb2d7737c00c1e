"""Guards: a run that is ended ends with its best weights, and goes on alike after a kill."""

from __future__ import annotations

import math

import pytest
import torch
from safetensors.torch import load_file

from assay.training import checkpoint
from assay.training.config import EvalConfig, LogConfig, ModelConfig, OptimConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.display import Display
from assay.training.guards import Best
from assay.training.logs import read_metrics
from assay.training.precision import Weights
from assay.training.trainer import train

RECIPE = '''
from dataclasses import dataclass, replace
from typing import Any

from assay.training.guards import Guard
from assay.training.objectives.entropy import EntropyBonus
from assay.training.recipes import get_recipe, recipe
from assay.training.recipes.base import Recipe


@dataclass(frozen=True)
class AfterSome(Guard):
    """Trips at its fourth evaluation."""

    seen: int = 0

    def after_evaluation(self, step, found):
        after = AfterSome(self.seen + 1)
        return after, "four evaluations" if after.seen == 4 else None

    def state(self):
        return {"seen": self.seen}

    def restored(self, state):
        return AfterSome(state["seen"])


@recipe("guarded")
@dataclass(frozen=True)
class Guarded(Recipe):
    """It ends at its fourth evaluation."""

    guarded: bool = True
    """Whether there is a guard."""

    def objective(self, max_length):
        return replace(get_recipe("dr-grpo").objective(max_length), regularisers=(EntropyBonus(0.1),))

    def guards(self):
        return (AfterSome(),) if self.guarded else ()

    def merit(self, found):
        return -abs(found.reward - 10.0)
'''


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipes") / "mine.py"
    path.write_text(RECIPE, encoding="utf-8")
    return str(path)


def run(out, recipe, *, steps=8, resume=False, save_every=2, every=2, **more):
    config = TrainConfig(
        env="text_classification",
        env_options={"source": "synthetic", "list_labels": False},
        recipe=recipe,
        recipe_options=more.pop("recipe_options", {}),
        out=str(out),
        steps=steps,
        resume=resume,
        save_every=save_every,
        model=ModelConfig(name="tiny", **more),
        rollout=RolloutConfig(groups=3, group_size=4, max_tokens=4),
        optim=OptimConfig(lr=1e-3),
        sft=SFTConfig(epochs=0),
        eval=EvalConfig(every=every, tasks=6),
        log=LogConfig(report=False, episodes=False),
    )
    return train(config, Display(steps, quiet=True))


def weights_of(out, step):
    return load_file(out / "checkpoints" / f"step-{step:06d}" / "model.safetensors")


@pytest.fixture(scope="module")
def whole(recipe_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    return run(out, recipe_file), out


def test_a_run_that_is_ended_ends_with_its_best_weights(whole, tmp_path, recipe_file):
    result, out = whole
    assert result.stopped == "four evaluations"
    steps = [line["step"] for line in read_metrics(out, "train")]
    assert steps == [1, 2, 3, 4, 5, 6]
    evals = read_metrics(out, "eval")
    assert [line["step"] for line in evals] == [0, 2, 4, 6, 6]
    rewards = [line["reward"] for line in evals[:-1]]
    best = 2 * max(range(4), key=lambda i: (rewards[i], -i))
    (alert,) = read_metrics(out, "alert")
    assert (alert["name"], alert["step"], alert["restored"]) == ("guard", 6, best)
    assert "four evaluations" in alert["message"]
    assert evals[-1]["restored"] == best
    assert evals[-1]["reward"] == evals[best // 2]["reward"] == result.after.reward
    assert checkpoint.latest(out / "checkpoints").name == "step-000006"
    assert [path.name for path in (out / "checkpoints").glob("best-*")] == [f"best-{best:06d}"]
    if best:
        unguarded = run(tmp_path / "free", recipe_file, steps=best, recipe_options={"guarded": False})
        wanted = weights_of(unguarded.run_dir, best)
    else:
        wanted = None
    found = weights_of(out, 6)
    if wanted is not None:
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[name], wanted[name]) for name in found)


def test_it_goes_on_alike_after_a_kill(whole, tmp_path, recipe_file):
    _, out = whole
    for broken in (2, 4):
        again = tmp_path / f"broken-{broken}"
        run(again, recipe_file, steps=broken)
        assert run(again, recipe_file, resume=True).stopped == "four evaluations"
        one, two = weights_of(again, 6), weights_of(out, 6)
        assert all(torch.equal(one[name], two[name]) for name in one)
        drop = ("seconds_rollout", "seconds_train", "samples_per_s", "tokens_per_s")
        lines = [[{k: v for k, v in line.items() if k not in drop} for line in read_metrics(d)] for d in (again, out)]
        assert lines[0] == lines[1]


def test_a_run_that_was_ended_stays_so(tmp_path, recipe_file):
    out = tmp_path / "run"
    run(out, recipe_file)
    before = (checkpoint.latest(out / "checkpoints") / "model.safetensors").read_bytes()
    assert run(out, recipe_file, steps=20, resume=True).stopped == "four evaluations"
    assert len(read_metrics(out, "train")) == 6
    assert (checkpoint.latest(out / "checkpoints") / "model.safetensors").read_bytes() == before


def test_a_guard_that_trips_after_the_last_step_still_puts_the_best_back(tmp_path, recipe_file):
    out = tmp_path / "run"
    result = run(out, recipe_file, steps=6, save_every=3)
    assert result.stopped == "four evaluations"
    assert read_metrics(out, "alert")[0]["name"] == "guard"
    state = checkpoint.read_state(checkpoint.latest(out / "checkpoints"))
    assert (state["step"], state["guards"]["tripped"]) == (6, "four evaluations")


def test_adapters_are_put_back_too(tmp_path, recipe_file):
    out = tmp_path / "run"
    assert run(out, recipe_file, lora_rank=4).stopped == "four evaluations"
    last, repeated = read_metrics(out, "eval")[-1], read_metrics(out, "eval")
    assert last["reward"] == next(line["reward"] for line in repeated if line["step"] == last["restored"])


def test_without_guards_nothing_is_kept(tmp_path, recipe_file):
    out = tmp_path / "run"
    assert run(out, recipe_file, steps=4, recipe_options={"guarded": False}).stopped is None
    assert not list((out / "checkpoints").glob("best-*"))


def test_the_best_is_the_first_of_equals_and_nan_is_the_worst(tmp_path):
    model = torch.nn.Linear(2, 2, dtype=torch.bfloat16)
    weights = Weights(model)
    best = Best(tmp_path, weights)
    with pytest.raises(ValueError, match="best weights"):
        best.put_back()
    assert best.offer(0, math.nan)
    weights.masters["weight"].data.fill_(1 / 3)
    assert best.offer(10, 0.5)
    weights.masters["weight"].data.fill_(9.0)
    assert not best.offer(20, 0.5)
    assert not best.offer(20, math.nan)
    assert best.put_back() == 10
    assert torch.equal(weights.masters["weight"], torch.full((2, 2), 1 / 3))
    assert torch.equal(model.weight, torch.full((2, 2), 1 / 3, dtype=torch.bfloat16))
    assert {path.name for path in tmp_path.iterdir()} == {"best-000000", "best-000010"}
    best.prune()
    assert {path.name for path in tmp_path.iterdir()} == {"best-000010"}
