"""Runs that remember: resumed they are the unbroken one, and each metric of a step says what happened."""

from __future__ import annotations

import shutil

import pytest

from assay.training import checkpoint
from assay.training.config import EvalConfig, LogConfig, ModelConfig, OptimConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.display import Display
from assay.training.logs import read_metrics
from assay.training.trainer import train

STEPS = 6
RECIPES = {
    "remix": {"reincarnate_at": 4, "lambda_after": 1, "lambda_every": 1},
    "remix-ppo": {"reincarnate_at": 5, "value_lr": 1e-3},
    "rorecomp": {"base": "reinforce++", "alpha": 0.3},
}


def run(out, recipe, options, steps=STEPS, resume=False, **optim):
    config = TrainConfig(
        env="text_classification",
        env_options={"source": "synthetic", "list_labels": True},
        recipe=recipe,
        recipe_options=options,
        out=str(out),
        steps=steps,
        resume=resume,
        save_every=2,
        keep=9,
        model=ModelConfig(name="tiny"),
        rollout=RolloutConfig(groups=5, group_size=4, max_tokens=4),
        optim=OptimConfig(lr=1e-3, **optim),
        sft=SFTConfig(epochs=0 if recipe == "remix-ppo" else 3, examples=48, lr=3e-3),
        eval=EvalConfig(every=0, tasks=2),
        log=LogConfig(report=False, episodes=False),
    )
    return train(config, Display(steps, quiet=True))


def numbers(run_dir):
    drop = ("seconds_rollout", "seconds_train", "samples_per_s", "tokens_per_s")
    return [{k: v for k, v in line.items() if k not in drop} for line in read_metrics(run_dir, "train")]


@pytest.fixture(scope="module", params=list(RECIPES))
def whole(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / request.param
    run(out, request.param, RECIPES[request.param])
    return request.param, out


def test_resumed_it_is_the_unbroken_run(tmp_path, whole):
    recipe, unbroken = whole
    broken = tmp_path / "broken"
    shutil.copytree(unbroken, broken)
    for step in (4, 6):
        shutil.rmtree(broken / "checkpoints" / f"step-{step:06d}")
    memory = checkpoint.read_extra(checkpoint.latest(broken / "checkpoints"), "memory")
    assert len(memory["lengths"]) > 0, "nothing is remembered at the break, so that nothing is tested"
    run(broken, recipe, RECIPES[recipe], resume=True)
    assert numbers(broken) == numbers(unbroken)
    mine, theirs = (checkpoint.latest(out / "checkpoints") for out in (broken, unbroken))
    assert mine.name == theirs.name == f"step-{STEPS:06d}"
    for file in theirs.glob("*.safetensors"):
        assert (mine / file.name).read_bytes() == file.read_bytes(), file.name


def test_the_window_is_used_until_step_t_and_the_base_is_the_policy_after_it(whole):
    recipe, out = whole
    if recipe == "rorecomp":
        pytest.skip("another memory")
    until, lines = RECIPES[recipe]["reincarnate_at"], numbers(out)
    for line in lines:
        assert ("replay_share" in line) is (line["step"] <= until)
        assert ("length_fall" in line) is (line["step"] <= until)
    assert lines[0]["replay_share"] == 0.0
    assert max(line["replay_share"] for line in lines[1:until]) > 0.3
    assert lines[until - 1]["replay_kept"] == 0.0
    assert lines[until]["kl"] == 0.0
    assert lines[until - 1]["kl"] > 0.0
    assert lines[0]["kl_prev"] == 0.0
    assert all(line["kl_prev"] > 0.0 for line in lines[1:])
    last = checkpoint.latest(out / "checkpoints")
    assert not (last / "memory.safetensors").exists()


def test_the_buffer_fills_and_is_emptied(whole):
    recipe, out = whole
    if recipe != "rorecomp":
        pytest.skip("another memory")
    lines = numbers(out)
    assert sum(line["comp_steps"] for line in lines) >= 1
    assert [line["comp_probability"] for line in lines] == sorted(line["comp_probability"] for line in lines)[::-1]
    assert all({"comp_buffer", "comp_evicted", "accuracy_per_1k_tokens"} <= line.keys() for line in lines)
    assert any("cost_wrong_first" in line for line in lines)
