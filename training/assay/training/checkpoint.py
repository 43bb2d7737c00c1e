"""Checkpoints that survive a kill at any moment.

A checkpoint is written to a hidden folder, flushed to disk and renamed: it is either whole or absent. Nothing in it is
pickled: tensors are safetensors, the rest is JSON.

    checkpoints/step-000020/  model.safetensors or adapter_model.safetensors + config + tokenizer  (from_pretrained)
                              optimizer.safetensors
                              state.json
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn


def write(folder: Path, step: int, model: Any, tokenizer: Any, optimizer: torch.optim.Optimizer, state: Mapping[str, Any],
          keep: int = 2) -> Path:
    """Write ``folder/step-NNNNNN`` and delete all but the newest ``keep`` checkpoints.

    Raises:
        OSError: if the disk is full or not writable; earlier checkpoints are untouched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final, partial = folder / f"step-{step:06d}", folder / f".partial-{os.getpid()}"
    for stale in folder.glob(".partial-*"):
        shutil.rmtree(stale, ignore_errors=True)
    partial.mkdir()
    model.save_pretrained(partial)
    if tokenizer is not None:
        tokenizer.save_pretrained(partial)
    names = {parameter: name for name, parameter in model.named_parameters()}
    save_file(_flatten(optimizer, names), partial / "optimizer.safetensors")
    (partial / "state.json").write_text(json.dumps({"step": step, **state}, indent=1, sort_keys=True), encoding="utf-8")
    for file in partial.rglob("*"):
        _sync(file)
    _sync(partial)
    if final.exists():
        shutil.rmtree(final)
    partial.rename(final)
    _sync(folder)
    for old in steps(folder)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def steps(folder: Path) -> list[Path]:
    """Whole checkpoints, oldest first."""
    return sorted(path for path in folder.glob("step-*") if (path / "state.json").is_file())


def latest(folder: Path) -> Path | None:
    """The newest whole checkpoint, or None."""
    found = steps(folder)
    return found[-1] if found else None


def read_state(path: Path) -> dict[str, Any]:
    """The JSON state of a checkpoint."""
    state: dict[str, Any] = json.loads((path / "state.json").read_text(encoding="utf-8"))
    return state


def load_optimizer(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Put the stored moments back into an optimizer over the same parameters.

    Raises:
        ValueError: if a stored tensor belongs to no parameter of the model.
    """
    parameters = dict(model.named_parameters())
    for key, value in load_file(path / "optimizer.safetensors").items():
        name, _, slot = key.rpartition("|")
        if name not in parameters:
            raise ValueError(f"{path}: the optimizer holds {name!r}, which this model does not have")
        parameter = parameters[name]
        moved = value if slot == "step" else value.to(parameter.device)
        optimizer.state[parameter][slot] = moved


def _flatten(optimizer: torch.optim.Optimizer, names: Mapping[nn.Parameter, str]) -> dict[str, torch.Tensor]:
    return {
        f"{names[parameter]}|{slot}": value.detach().cpu().contiguous()
        for parameter, slots in optimizer.state.items()
        for slot, value in slots.items()
        if isinstance(value, torch.Tensor)
    }


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
