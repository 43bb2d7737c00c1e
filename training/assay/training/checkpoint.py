"""Checkpoints that survive a kill at any moment.

A checkpoint is written to a hidden folder, flushed to disk and renamed: it is either whole or absent. Nothing in it is
pickled: tensors are safetensors, the rest is JSON.

    checkpoints/step-000020/  model.safetensors or adapter_model.safetensors + config + tokenizer  (from_pretrained)
                              optimizer.safetensors
                              NAME.safetensors, for whatever else a run has to remember
                              state.json
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from assay.training.precision import Weights

MASTER = "master"
STATE = "state.json"


def write(
    folder: Path,
    step: int,
    model: Any,
    tokenizer: Any,
    weights: Weights,
    optimizer: torch.optim.Optimizer,
    state: Mapping[str, Any],
    keep: int = 2,
    extra: Mapping[str, Mapping[str, torch.Tensor]] | None = None,
) -> Path:
    """Write ``folder/step-NNNNNN`` and delete all but the newest ``keep`` checkpoints.

    ``extra`` maps names to sets of tensors, each its own file; an empty set has none (:func:`read_extra`).

    Raises:
        OSError: if the disk is full or not writable; earlier checkpoints are untouched.
    """
    final = folder / f"step-{step:06d}"

    def fill(partial: Path) -> None:
        _save_model(partial, model, tokenizer)
        save_file(moments(weights, optimizer), partial / "optimizer.safetensors")
        for name, tensors in (extra or {}).items():
            if tensors:
                save_file(dict(tensors), partial / f"{name}.safetensors")
        text = json.dumps({"step": step, **state}, indent=1, sort_keys=True)
        (partial / STATE).write_text(text, encoding="utf-8")

    _whole(final, fill)
    for old in steps(folder)[: -max(1, keep)]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def write_model(folder: Path, model: Any, tokenizer: Any) -> None:
    """Write a model and its tokenizer to ``folder``, whole or not at all."""
    _whole(folder, lambda partial: _save_model(partial, model, tokenizer))


def write_tensors(folder: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write named tensors to ``folder``, whole or not at all, for :func:`read_extra` as ``tensors``."""
    _whole(folder, lambda partial: save_file(dict(tensors), partial / "tensors.safetensors"))


def _whole(final: Path, fill: Callable[[Path], None]) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    for stale in final.parent.glob(".partial-*"):
        shutil.rmtree(stale, ignore_errors=True)
    partial = final.parent / f".partial-{os.getpid()}"
    partial.mkdir()
    fill(partial)
    for file in partial.rglob("*"):
        _sync(file)
    _sync(partial)
    if final.exists():
        shutil.rmtree(final)
    partial.rename(final)
    _sync(final.parent)


def _save_model(folder: Path, model: Any, tokenizer: Any) -> None:
    model.save_pretrained(folder)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)


def steps(folder: Path) -> list[Path]:
    """Whole checkpoints, oldest first."""
    return sorted(path for path in folder.glob("step-*") if (path / STATE).is_file())


def latest(folder: Path) -> Path | None:
    """The newest whole checkpoint, or None."""
    found = steps(folder)
    return found[-1] if found else None


def read_state(path: Path) -> dict[str, Any]:
    """The JSON state of a checkpoint."""
    state: dict[str, Any] = json.loads((path / STATE).read_text(encoding="utf-8"))
    return state


def read_extra(path: Path, name: str) -> dict[str, torch.Tensor]:
    """The tensors that :func:`write` was given under a name; none where it had none."""
    file = path / f"{name}.safetensors"
    return load_file(file) if file.is_file() else {}


def restore(path: Path, weights: Weights, optimizer: torch.optim.Optimizer) -> None:
    """Put stored moments and masters back; the model itself is loaded from the checkpoint by its own loader.

    Raises:
        ValueError: if a stored tensor belongs to no trainable parameter of the model.
    """
    put_back(load_file(path / "optimizer.safetensors"), weights, optimizer, path)


def put_back(
    stored: Mapping[str, torch.Tensor], weights: Weights, optimizer: torch.optim.Optimizer, path: Path
) -> None:
    """Put back the tensors of :func:`moments` that ``path`` held.

    Raises:
        ValueError: if one belongs to no trainable parameter.
    """
    for key, value in stored.items():
        name, _, slot = key.rpartition("|")
        if name not in weights.masters:
            raise ValueError(f"{path}: the optimiser holds {name!r}, which this model does not train")
        master = weights.masters[name]
        if slot == MASTER:
            master.data.copy_(value)
        else:
            optimizer.state[master][slot] = value if slot == "step" else value.to(master.device)


def moments(weights: Weights, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's moments, and the masters that are not the parameters themselves, on the CPU, as ``name|slot``."""
    tensors = {
        f"{name}|{slot}": value
        for name, master in weights.masters.items()
        for slot, value in optimizer.state[master].items()
        if isinstance(value, torch.Tensor)
    }
    tensors |= {f"{name}|{MASTER}": value for name, value in weights.split_masters().items()}
    return {key: value.detach().cpu().contiguous() for key, value in tensors.items()}


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
