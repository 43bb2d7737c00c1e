"""A run that is killed again and again ends with the numbers of one that never was."""

import json
import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from assay.training import trainer
from assay.training.config import EvalConfig, LogConfig, ModelConfig, OptimConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.logs import read_metrics

TIMED = ("seconds", "per_s")


def config(out: Path, resume: bool) -> TrainConfig:
    return TrainConfig(
        env="text_classification",
        env_options={"source": "synthetic", "list_labels": False},
        recipe="grpo",
        recipe_options={"kl_beta": 0.01, "kl_target": 0.02},  # a frozen reference, and a coefficient that moves
        out=str(out),
        steps=14,
        resume=resume,
        save_every=2,
        keep=2,
        threads=1,
        model=ModelConfig(name="tiny"),
        rollout=RolloutConfig(groups=3, group_size=4, max_tokens=4),
        optim=OptimConfig(lr=1e-3, minibatches=2, schedule="cosine", warmup_steps=2),
        sft=SFTConfig(epochs=6, examples=64, lr=5e-3),
        eval=EvalConfig(every=4, tasks=8, patience=50),
        log=LogConfig(report=False),
    )


def run(out: Path, resume: bool) -> None:
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - the process is about to end
    trainer.train(config(out, resume))
    os._exit(0)


def numbers(out: Path) -> list[dict[str, object]]:
    """Every logged value that is not a wall-clock time."""
    return [
        {name: value for name, value in line.items() if not any(word in name for word in TIMED)}
        for line in read_metrics(out)
    ]


def weights(out: Path) -> dict[str, bytes]:
    last = sorted((out / "checkpoints").glob("step-*"))[-1]
    return {
        f"{file.name}:{name}": tensor.tobytes()
        for file in (last / "model.safetensors", last / "optimizer.safetensors")
        for name, tensor in load_file(file).items()
    }


def episodes(out: Path) -> dict[str, list[object]]:
    """Actions and scores of every stored episode."""
    return {
        path.name: [(e["task_id"], [t["action"] for t in e["turns"]], e["score"]) for e in map(json.loads, path.open())]
        for path in sorted((out / "episodes").glob("*.jsonl"))
    }


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
@pytest.mark.parametrize("most", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_moments_and_resumed_it_is_the_unbroken_run(tmp_path, most):
    context = multiprocessing.get_context("fork")  # this process has torch loaded and no thread of it running
    whole = tmp_path / "whole"
    child = context.Process(target=run, args=(whole, False))
    began = time.monotonic()
    child.start()
    child.join()
    assert child.exitcode == 0
    duration = time.monotonic() - began

    broken, rng, kills = tmp_path / "broken", random.Random(7), 0
    while True:
        started = (broken / "config.yaml").exists()
        child = context.Process(target=run, args=(broken, started))
        child.start()
        # Short lives at first, then longer ones, so that the run gets on while the kills still fall everywhere.
        if kills < most:
            child.join(rng.uniform(0.05, 0.35 + 0.05 * kills) * duration)
        else:
            child.join()
        if child.exitcode is not None:
            break
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        kills += 1
    assert child.exitcode == 0
    assert kills >= most // 2
    assert numbers(broken) == numbers(whole)
    assert any(line["kind"] == "train" and line["dead_groups"] < 1 for line in numbers(whole))  # it did learn
    assert weights(broken) == weights(whole)
    assert episodes(broken) == episodes(whole)
