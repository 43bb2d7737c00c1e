"""Where a run lives, and whether it may begin or continue there."""

from __future__ import annotations

from pathlib import Path

from assay.training import checkpoint
from assay.training.config import TrainConfig
from assay.training.configfile import CONFIG, check_resume
from assay.training.errors import UserError
from assay.training.logs import METRICS


def run_dir(config: TrainConfig) -> Path:
    """The run directory of a configuration."""
    return Path(config.out or f"runs/{config.env}-{config.recipe}-s{config.seed}")


def continuation(config: TrainConfig) -> Path | None:
    """The checkpoint that a run continues from; None to begin at the beginning.

    Raises:
        UserError: if there is a run that was not to be resumed, none to resume, or one of another configuration.
    """
    folder = run_dir(config)
    if not config.resume:
        if (folder / METRICS).exists():
            raise UserError(f"{folder} already holds a run: add --resume to continue it, or choose another --out")
        return None
    if not (folder / CONFIG).exists():
        raise UserError(f"there is no run to resume in {folder}: check --out, or leave --resume away")
    check_resume(folder, config)
    return checkpoint.latest(folder / "checkpoints")


def drop_episodes_after(folder: Path, step: int) -> None:
    """Delete what a killed run stored after the checkpoint of ``step``: it will be sampled again."""
    for path in (folder / "episodes").glob("*-[0-9]*.jsonl"):
        if int(path.stem.rpartition("-")[2]) > step:
            path.unlink()
