"""One run of the study: a way to learn, images, a protocol and a seed; what is finished is left alone."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
from assay.training.configfile import CONFIG
from assay.training.display import Display
from assay.training.studies.cls_rl.flags import GROUP, Plan

FINAL = "final.json"
RECIPES = {"think": "cls-rl", "none": "no-thinking-cls-rl", "sft": "no-thinking-cls-rl"}
TOKENS = {"think": 32, "none": 8, "sft": 8}
"""Longest answers: a thought of the start takes some 20 tokens, a label three."""


@dataclass(frozen=True)
class Job:
    """One run."""

    plan: Plan
    data: str
    protocol: str
    arm: str
    seed: int
    start: str

    @property
    def dir(self) -> Path:
        """Its folder."""
        return self.plan.out / "runs" / f"{self.data}-{self.protocol}-{self.arm}-s{self.seed}"

    @property
    def config(self) -> TrainConfig:
        """The run as the trainer is told it."""
        plan = self.plan
        return TrainConfig(
            env="image_classification",
            env_options=plan.options(self.data, self.protocol, self.arm, self.seed),
            recipe=RECIPES[self.arm],
            out=str(self.dir),
            steps=plan.steps,
            seed=self.seed,
            save_every=plan.steps,
            keep=1,
            threads=1,
            model=ModelConfig(name=self.start, dtype="float32", device="cpu"),
            rollout=RolloutConfig(groups=plan.groups, group_size=GROUP, max_tokens=TOKENS[self.arm]),
            optim=OptimConfig(lr=plan.lr),
            sft=SFTConfig(epochs=0, batch_size=plan.groups, lr=plan.sft_lr),
            eval=EvalConfig(every=plan.every, tasks=plan.tasks),
            monitor=MonitorConfig(action="off"),
            log=LogConfig(report=False, episodes=False),
        )

    @property
    def asked(self) -> dict[str, Any]:
        """What a stored result must have been asked for to be of use."""
        plan = self.plan
        return {"steps": plan.steps, "groups": plan.groups, "shots": plan.shots, "every": plan.every,
                "tasks": plan.tasks, "lr": plan.sft_lr if self.arm == "sft" else plan.lr,
                "start_steps": plan.start_steps}  # fmt: skip


def jobs_of(plan: Plan, starts: dict[str, str]) -> list[Job]:
    """Every run: all ways of a seed first, so that an early look compares them."""
    from assay.training.studies.cls_rl.flags import ARMS

    return [
        Job(plan, data, protocol, arm, seed, starts[data])
        for seed in plan.seeds
        for data in plan.data
        for protocol in plan.protocols
        for arm in ARMS
    ]


def stored(job: Job) -> dict[str, Any] | None:
    """The result of a finished run of the same kind, or None."""
    path = job.dir / FINAL
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found if found.get("asked") == job.asked else None


def carry_out(job: Job, on_step: Callable[[], None]) -> dict[str, Any]:
    """Run and measure, or take up what was left; returns what :data:`FINAL` holds."""
    if (job.dir / FINAL).exists() or (job.dir.exists() and not (job.dir / CONFIG).exists()):
        shutil.rmtree(job.dir)  # of another plan, or killed before there was anything to go on from
    found = _imitate(job, on_step) if job.arm == "sft" else _reinforce(job, on_step)
    found |= {"asked": job.asked, "data": job.data, "protocol": job.protocol, "arm": job.arm, "seed": job.seed}
    job.dir.mkdir(parents=True, exist_ok=True)
    half = job.dir / f"{FINAL}.half"
    half.write_text(json.dumps(found, indent=1), encoding="utf-8")
    half.replace(job.dir / FINAL)
    return found


def _reinforce(job: Job, on_step: Callable[[], None]) -> dict[str, Any]:
    """The trainer's own run; the curve and the seconds are read from its log."""
    from assay.training import checkpoint
    from assay.training.logs import read_metrics
    from assay.training.studies.cls_rl.measure import measure_model
    from assay.training.trainer import train

    began = checkpoint.latest(job.dir / "checkpoints")
    if began is None or checkpoint.read_state(began)["step"] < job.plan.steps:
        train(replace(job.config, resume=(job.dir / CONFIG).exists()), _Ticking(job.plan.steps, on_step))
    policy = checkpoint.latest(job.dir / "checkpoints")
    spent = {line["step"]: line["seconds_rollout"] + line["seconds_train"] for line in read_metrics(job.dir, "train")}
    curve = [
        (line["step"], sum(seconds for step, seconds in spent.items() if step <= line["step"]), line["accuracy"])
        for line in read_metrics(job.dir, "eval")
    ]
    tokens = [line["tokens"] / line["samples"] for line in read_metrics(job.dir, "train")]
    measured = measure_model(job, str(policy))
    return {"curve": curve, "seconds": sum(spent.values()), "tokens": sum(tokens) / len(tokens)} | measured


class _Ticking(Display):
    """Says when a step is done, and nothing else."""

    def __init__(self, steps: int, tick: Callable[[], None]) -> None:
        super().__init__(steps, quiet=True)
        self._tick = tick

    def step(self, step: int, metrics: Any) -> None:
        self._tick()


def _imitate(job: Job, on_step: Callable[[], None]) -> dict[str, Any]:
    """Supervised steps on the same images, measured as often as the others are."""
    import torch

    from assay.agents.chat import Chat
    from assay.training import sft
    from assay.training.assemble import load_policy
    from assay.training.forward import Scorer
    from assay.training.precision import Weights
    from assay.training.studies.cls_rl.measure import env_of, held_out_accuracy, measured
    from assay.training.update import make_optimizer

    torch.set_num_threads(1)
    config, plan = job.config, job.plan
    model, processor = load_policy(config)
    env, test = env_of(job, "train"), env_of(job, "test")
    rows = sft.demonstrations(env, list(env.tasks), Chat(processor))
    epochs = -(-plan.steps * plan.groups // len(rows))
    wanted = _laps(rows, epochs, job.seed)[: plan.steps * plan.groups]
    curve = [(0, 0.0, held_out_accuracy(job, test, model, processor))]
    clock = {"seconds": 0.0, "since": time.perf_counter()}

    def after(step: int, steps: int, loss: float) -> None:
        clock["seconds"] += time.perf_counter() - clock["since"]
        if step % plan.every == 0 or step == steps:
            curve.append((step, clock["seconds"], held_out_accuracy(job, test, model, processor)))
        on_step()
        clock["since"] = time.perf_counter()

    weights = Weights(model)
    sft.warm_up(Scorer(model, processor=processor), weights, make_optimizer(weights, config.optim), wanted,
                replace(config.sft, epochs=1), job.seed, after)  # fmt: skip
    return {"curve": curve, "seconds": clock["seconds"], "tokens": 0.0} | measured(job, test, model, processor)


def _laps(rows: list[Any], epochs: int, seed: int) -> list[Any]:
    import numpy as np

    return [rows[int(i)] for lap in range(epochs) for i in np.random.default_rng([seed, 5, lap]).permutation(len(rows))]
