"""One run of a study, and all of them: what is finished is left alone, what was killed goes on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from assay.training.config import TrainConfig
from assay.training.configfile import CONFIG, check_resume
from assay.training.display import Display
from assay.training.errors import UserError
from assay.training.logs import read_metrics
from assay.training.studies.recipes.flags import Plan

FINAL = "final.json"

Tick = Callable[[str, int], None]
"""Called with what is being done (``"steps"`` or ``"answers"``) and how much of it is done."""


@dataclass(frozen=True)
class Job:
    """One seed of one arm, and how its policy is measured at the end."""

    label: str
    config: TrainConfig
    start: str
    samples: int
    ks: tuple[int, ...]

    @property
    def dir(self) -> Path:
        """The run directory."""
        return Path(self.config.out)

    @property
    def asked(self) -> dict[str, Any]:
        """What a stored measurement must have been asked for to be of use."""
        return {"samples": self.samples, "ks": list(self.ks), "steps": self.config.steps,
                "tasks": self.config.eval.tasks}  # fmt: skip


def jobs_of(plan: Plan, start: str) -> list[Job]:
    """Every run: all arms of seed 0 first, so that an early look compares all of them."""
    return [
        Job(arm.label, _config(config, plan, seed, start, arm.folder), start, plan.samples, plan.ks)
        for seed in plan.seeds
        for arm, config in zip(plan.arms, plan.configs, strict=True)
    ]


def _config(config: TrainConfig, plan: Plan, seed: int, start: str, folder: str) -> TrainConfig:
    out = str(plan.out / "runs" / f"{folder}-s{seed}")
    return replace(config, seed=seed, out=out, model=replace(config.model, name=start),
                   sft=replace(config.sft, epochs=0))  # fmt: skip


def stored(job: Job) -> dict[str, Any] | None:
    """The measurement of a finished run, or None.

    Raises:
        UserError: if the folder holds a run of another configuration.
    """
    if (job.dir / CONFIG).exists():
        check_resume(job.dir, replace(job.config, resume=True))
    return read_final(job.dir, job.asked)


def read_final(folder: Path, asked: dict[str, Any]) -> dict[str, Any] | None:
    """A measurement, if it is there and of what was asked."""
    path = folder / FINAL
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found if found.get("asked") == asked else None


def write_final(folder: Path, found: dict[str, Any]) -> None:
    """Store a measurement, whole or not at all."""
    from assay.training.logs import plain

    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{FINAL}"
    partial.write_text(json.dumps(plain(found)), encoding="utf-8")
    os.replace(partial, folder / FINAL)


class _Ticking(Display):
    """Shows nothing; tells how many steps are done."""

    def __init__(self, steps: int, tick: Tick) -> None:
        super().__init__(steps, quiet=True)
        self._tick = tick

    def step(self, step: int, metrics: Any) -> None:
        self._tick("steps", step)


def carry_out(job: Job, tick: Tick = lambda what, done: None) -> dict[str, Any]:
    """Train (or go on), measure, store; returns the measurement."""
    found = stored(job)
    if found is not None:
        return found
    from assay.training import checkpoint
    from assay.training.studies.recipes.measure import measure_policy
    from assay.training.trainer import train

    if job.dir.exists() and not (job.dir / CONFIG).exists():
        shutil.rmtree(job.dir)  # killed before it had a configuration: nothing to go on from
    began = checkpoint.latest(job.dir / "checkpoints")
    if began is None or checkpoint.read_state(began)["step"] < job.config.steps:
        with _Ticking(job.config.steps, tick) as display:
            train(replace(job.config, resume=(job.dir / CONFIG).exists()), display)
    policy = checkpoint.latest(job.dir / "checkpoints")
    assert policy is not None, "a finished run has a checkpoint"
    answers = iter(range(1, 10**9))
    measured = measure_policy(job.config, policy, job.start, job.samples, job.ks,
                              lambda: tick("answers", next(answers)))  # fmt: skip
    found = {"label": job.label, "seed": job.config.seed, "asked": job.asked, **measured, **spent(job.dir)}
    write_final(job.dir, found)
    return found


def spent(folder: Path) -> dict[str, Any]:
    """What a run cost: rollouts sampled, tokens sampled, optimiser steps, seconds of sampling and learning."""
    lines = read_metrics(folder, "train")

    def total(name: str) -> float:
        return sum(line.get(name) or 0.0 for line in lines)

    return {"sampled": total("samples"), "tokens": total("tokens"), "updates": total("optimizer_steps"),
            "batches": len(lines), "seconds": total("seconds_rollout") + total("seconds_train")}  # fmt: skip


def run_all(jobs: Sequence[Job], workers: int, tick: Callable[[Job, str, int], None]) -> Iterator[Job]:
    """Carry out every run, ``workers`` at a time; yields each as it is finished.

    Raises:
        UserError: what was wrong with a run, with its name.
    """
    if workers == 1:
        for job in jobs:
            try:
                carry_out(job, lambda what, done, job=job: tick(job, what, done))  # type: ignore[misc]
            except UserError as error:
                raise UserError(f"{job.label}, seed {job.config.seed}: {error}") from None
            yield job
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running: dict[Future[dict[str, Any]], Job] = {pool.submit(carry_out, job): job for job in jobs}
        try:
            for future in as_completed(running):
                job = running[future]
                try:
                    future.result()
                except UserError as error:
                    raise UserError(f"{job.label}, seed {job.config.seed}: {error}") from None
                yield job
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
