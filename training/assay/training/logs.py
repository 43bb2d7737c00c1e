"""Where a run's numbers go: metrics.jsonl always, and TensorBoard, trackio or Weights & Biases by flag."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from assay.training.config import TrainConfig
from assay.training.errors import MissingExtraError, UserError

METRICS = "metrics.jsonl"


class Sink(Protocol):
    """A second place for numbers."""

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Store the values of one step; names are ``kind/metric``."""

    def close(self) -> None:
        """Hand over what is buffered."""


class MetricsLog:
    """Appends one JSON object a line to ``metrics.jsonl`` and copies its numbers to the sinks of the configuration.

    Every line is one ``write`` of the operating system, so that a killed process leaves at most one torn last line,
    which :func:`read_metrics` and the next run drop. A checkpoint must be written after the lines of its step.

    Args:
        run_dir: the run directory; made where missing.
        config: the run's configuration.
        resume_step: the step of the checkpoint that the run continues from: later lines are dropped, atomically, since
            the run will write them again. None starts from nothing.

    Raises:
        UserError: if the folder already holds a run that is not to be resumed.
        MissingExtraError: if a wanted sink is not installed.
    """

    def __init__(self, run_dir: Path, config: TrainConfig, resume_step: int | None = None) -> None:
        run_dir.mkdir(parents=True, exist_ok=True)
        self.path = run_dir / METRICS
        if resume_step is not None or config.resume:
            _keep_until(self.path, -1 if resume_step is None else resume_step)
        elif self.path.exists() and self.path.stat().st_size:
            raise UserError(f"{run_dir} already holds a run: add --resume to continue it, or choose another --out")
        self._sinks = _open_sinks(run_dir, config, resume_step)
        self._file = self.path.open("ab", buffering=0)

    def write(self, kind: str, step: int, **values: Any) -> None:
        """Append one line.

        Args:
            kind: ``"train"``, ``"eval"``, ``"sft"``, ``"baseline"``, ``"alert"`` or ``"refresh"``.
            step: optimisation steps done so far.
            **values: JSON data; scalars of numpy and torch count as numbers, and what is not finite becomes null.
        """
        line = {"step": int(step), "kind": kind, **{name: plain(value) for name, value in values.items()}}
        self._file.write(json.dumps(line, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace") + b"\n")
        if self._sinks:
            numbers = dict(_numbers(kind, line))
            for sink in self._sinks:
                sink.write(step, numbers)

    def close(self) -> None:
        """Close the file and the sinks."""
        self._file.close()
        for sink in self._sinks:
            sink.close()

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_metrics(run_dir: str | Path, kind: str | None = None) -> list[dict[str, Any]]:
    """The lines of a run, in order; of one ``kind`` only where it is given.

    A last line without its newline is what a killed process leaves, and is skipped.

    Raises:
        ValueError: naming the line that is not a JSON object.
    """
    path = Path(run_dir) / METRICS
    lines = [line for line, _ in _complete_lines(path)] if path.exists() else []
    return lines if kind is None else [line for line in lines if line["kind"] == kind]


def plain(value: Any) -> Any:
    """``value`` as JSON data: scalars unwrapped, NaN and infinities as None, mappings and sequences inside out."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # arrays and tensors of any rank, without importing either library
        return plain(value.tolist())
    return str(value)


def _complete_lines(path: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    whole, _, _torn = path.read_bytes().rpartition(b"\n")
    for number, raw in enumerate(whole.split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            line = json.loads(raw)
            line["step"], line["kind"]
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{path}:{number}: not a line of metrics") from None
        yield line, raw


def _keep_until(path: Path, step: int) -> None:
    if not path.exists():
        return
    kept = b"".join(raw + b"\n" for line, raw in _complete_lines(path) if line["step"] <= step)
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as out:
        out.write(kept)
        out.flush()
        os.fsync(out.fileno())
    os.replace(temporary, path)


def _numbers(kind: str, values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if name != "step" and isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{kind}/{name}", float(value)


def _open_sinks(run_dir: Path, config: TrainConfig, resume_step: int | None) -> list[Sink]:
    sinks: list[Sink] = []
    if config.log.tensorboard:
        sinks.append(TensorBoardSink(run_dir, resume_step))
    if config.log.trackio:
        sinks.append(TrackioSink(run_dir, config))
    if config.log.wandb:
        sinks.append(WandbSink(run_dir, config))
    return sinks


class TensorBoardSink:
    """Event files under ``run_dir/tensorboard``; events after the step resumed from are purged by the viewer."""

    def __init__(self, run_dir: Path, resume_step: int | None) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingExtraError("tensorboard", "tensorboard") from None
        purge = None if resume_step is None else resume_step + 1
        self._writer = SummaryWriter(str(run_dir / "tensorboard"), purge_step=purge)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """One scalar a name."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush and close the event file."""
        self._writer.close()


class TrackioSink:
    """A run of the local trackio project ``assay``, named as the run directory."""

    def __init__(self, run_dir: Path, config: TrainConfig) -> None:
        try:
            import trackio
        except ImportError:
            raise MissingExtraError("trackio", "trackio") from None
        self._run = trackio.init(
            project="assay", name=run_dir.name, config=plain(dataclasses.asdict(config)), resume="allow"
        )

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """One log call a step."""
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()


class WandbSink:
    """A run of the wandb project ``assay``; a resumed run directory continues its own run there."""

    def __init__(self, run_dir: Path, config: TrainConfig) -> None:
        try:
            import wandb
        except ImportError:
            raise MissingExtraError("wandb", "wandb") from None
        identity = run_dir / "wandb-id.txt"
        if not identity.exists():
            identity.write_text(secrets.token_hex(4), encoding="utf-8")
        self._run = wandb.init(
            project="assay",
            name=run_dir.name,
            id=identity.read_text(encoding="utf-8").strip(),
            resume="allow",
            dir=str(run_dir),
            config=plain(dataclasses.asdict(config)),
        )

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """One log call a step."""
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()
