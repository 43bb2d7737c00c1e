"""The runs of a study: each training strategy once a seed, some of them going on with rewards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay.training.config import TrainConfig
from assay.training.configfile import CONFIG, check_resume
from assay.training.display import Display
from assay.training.studies.gencls.flags import Plan
from assay.training.studies.gencls.strategy import NAIVE, Strategy

SFT, RL = "SFT", "SFT + RL"
_WATCHED = 16
"""Held-out tasks that a run looks at by itself; the study measures more of them afterwards."""


@dataclass(frozen=True)
class Arm:
    """One run.

    Attributes:
        data: name of the data set's folder.
        strategy: that it is trained with.
        stage: :data:`SFT` or :data:`RL`.
        seed: of everything.
    """

    data: str
    strategy: Strategy
    stage: str
    seed: int

    def folder(self, out: Path) -> Path:
        """The run directory."""
        stage = "rl" if self.stage == RL else "sft"
        return out / "runs" / self.data / f"{self.strategy.name.replace('+', '_')}-{stage}-s{self.seed}"


def arms_of(plan: Plan, data: str) -> list[Arm]:
    """The runs on one data set, those of seed 0 first; a run follows what it starts from."""
    thinking = [replace(NAIVE, think=True)] if plan.think and NAIVE in plan.rl else []
    arms = []
    for seed in plan.seeds:
        arms += [Arm(data, each, SFT, seed) for each in [*plan.train, *thinking]]
        arms += [Arm(data, each, RL, seed) for each in [*plan.rl, *thinking]]
    return arms


def config_of(arm: Arm, plan: Plan, options: dict[str, Any], start: str) -> TrainConfig:
    """The configuration of a run."""
    base, supervised = plan.base, arm.stage == SFT
    tokens = plan.think_tokens if arm.strategy.think else base.rollout.max_tokens
    rollout = replace(base.rollout, max_tokens=tokens, difficulty=0 if supervised else base.rollout.difficulty)
    chosen = {**base.env_options, **options, **arm.strategy.options}
    return replace(
        base,
        env_options=chosen,
        out=str(arm.folder(plan.out)),
        seed=arm.seed,
        recipe="dr-grpo" if supervised else base.recipe,
        recipe_options={} if supervised else base.recipe_options,
        steps=0 if supervised else base.steps,
        model=replace(base.model, name=start),
        sft=base.sft if supervised else replace(base.sft, epochs=0),
        rollout=rollout,
        eval=replace(base.eval, every=0, tasks=_WATCHED, split="dev"),
    )


def start_of(arm: Arm, plan: Plan, first: str) -> str:
    """What a run starts from: the study's model, or the supervised run's."""
    if arm.stage == SFT:
        return first
    return str(model_of(replace(arm, stage=SFT), plan))


def model_of(arm: Arm, plan: Plan) -> Path:
    """The model that a run left."""
    from assay.training import checkpoint

    found = checkpoint.latest(arm.folder(plan.out) / "checkpoints")
    assert found is not None, "a finished run has a checkpoint"
    return found


def finished(config: TrainConfig) -> bool:
    """Whether a run has made its last step.

    Raises:
        UserError: if its folder holds a run of another configuration.
    """
    from assay.training import checkpoint

    folder = Path(config.out)
    if (folder / CONFIG).exists():
        check_resume(folder, replace(config, resume=True))
    found = checkpoint.latest(folder / "checkpoints")
    return found is not None and checkpoint.read_state(found)["step"] >= config.steps


class _Ticking(Display):
    """Shows nothing; tells that a step is done."""

    def __init__(self, steps: int, tick: Callable[[int], None]) -> None:
        super().__init__(steps, quiet=True)
        self._tick = tick

    def step(self, step: int, metrics: Any) -> None:
        self._tick(1)


def carry_out(config: TrainConfig, tick: Callable[[int], None]) -> None:
    """Train, or go on where a run was stopped."""
    from assay.training.trainer import train

    folder = Path(config.out)
    from assay.training import checkpoint

    started = checkpoint.latest(folder / "checkpoints") is not None
    if folder.exists() and not started:
        shutil.rmtree(folder)  # killed before there was anything to go on from
    with _Ticking(config.steps, tick) as display:
        train(replace(config, resume=started), display)
