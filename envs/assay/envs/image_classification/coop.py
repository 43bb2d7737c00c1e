"""The layout in which CoOp and CLS-RL share few-shot data: images, and a JSON file that lists each split."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.envs.tables import tell

_SPLITS = {"train": "train", "val": "dev", "test": "test"}
_MOST_BYTES = 1 << 30
Pairs = list[tuple[Path, str]]


def read_coop(path: Path) -> tuple[dict[str, Pairs], list[str]]:
    """Image files with their classes by split, and the classes in the order of their numbers.

    The file ``split_zhou_NAME.json`` holds ``{"train": [[path, number, class name], ...], "val": ..., "test": ...}``.
    Its paths are relative to a folder beside it (such as ``images``) or to its own. Missing images are left out.

    Args:
        path: that file, or its folder.

    Raises:
        ValueError: one line; no such file, another content, or no image at all.
    """
    file = _split_file(path)
    data = _read(file)
    names: dict[int, str] = {}
    parts: dict[str, Pairs] = {}
    for key, split in _SPLITS.items():
        rows = data.get(key, [])
        if not isinstance(rows, list):
            raise ValueError(f"{file}: {key!r} is no list")
        for number, row in enumerate(rows):
            image, label, name = _row(row, f"{file}: {key}[{number}]")
            if names.setdefault(label, name) != name:
                raise ValueError(f"{file}: class {label} is called {names[label]!r} and {name!r}")
            parts.setdefault(split, []).append((Path(image), name))
    if not parts.get("train"):
        raise ValueError(f"{file} lists no training images")
    return _located(parts, file), [names[label] for label in sorted(names)]


def _split_file(path: Path) -> Path:
    if path.is_file():
        return path
    found = sorted(path.glob("split_zhou_*.json"))
    if len(found) == 1:
        return found[0]
    what = "no split_zhou_NAME.json" if not found else f"{len(found)} files split_zhou_*.json: name one of them"
    raise ValueError(f"{path} has {what}" if path.is_dir() else f"no such file or folder: {path}")


def _read(file: Path) -> Mapping[str, Any]:
    if file.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{file} is larger than {_MOST_BYTES >> 30} GiB: that is no list of splits")
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise ValueError(f"{file} must hold an object with train, val and test")
    return data


def _row(row: Any, where: str) -> tuple[str, int, str]:
    if isinstance(row, list) and len(row) == 3:
        image, label, name = row
        if isinstance(image, str) and type(label) is int and isinstance(name, str) and name.strip():
            return image, label, " ".join(name.split())
    raise ValueError(f"{where} is not [path, class number, class name]")


def _located(parts: Mapping[str, Pairs], file: Path) -> dict[str, Pairs]:
    """The same with paths that exist."""
    first = next(iter(parts.values()))[0][0]
    folders = [file.parent, *sorted(each for each in file.parent.iterdir() if each.is_dir())]
    root = next((folder for folder in folders if (folder / first).is_file()), file.parent)
    found = {split: [(root / image, name) for image, name in rows] for split, rows in parts.items()}
    there = {split: [pair for pair in rows if pair[0].is_file()] for split, rows in found.items()}
    total, kept = (sum(map(len, each.values())) for each in (found, there))
    if not there["train"]:
        raise ValueError(f"{file}: no image such as {first} in {file.parent} or a folder of it")
    if kept < total:
        tell(f"{file}: {total - kept} of {total} images are missing; left out")
    return there
