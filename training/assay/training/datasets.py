"""``--dataset``, ``--text``, ``--label`` and ``--image``: what a user's data are, as options of an environment."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.envs.tables import HUB_SPLITS, table_suffix
from assay.training.errors import UserError

_SOURCES = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
            ".parquet": "parquet"}  # fmt: skip
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm"})
_LAYOUTS = {"coop": "split_zhou_*.json", "idx": "train-images*idx3-ubyte*"}
"""Sources of images that a file of theirs gives away."""
_ENOUGH = 2000
IMAGES = "image_classification"


def about(tasks: Any) -> str:
    """One line on labelled data: sizes, how even the classes are, what was left out; ``""`` where nobody knows."""
    known = getattr(tasks, "summary", None)
    if not isinstance(known, Mapping) or "majority_share" not in known:
        return ""
    sizes = ", ".join(f"{count} {split}" for split, count in known.get("rows", {}).items() if count)
    times = known["imbalance"]
    spread = "some have no training row" if times == float("inf") else f"{times:.3g} times the rarest"
    line = f"data: {sizes}; {known['labels']} labels, the most frequent is {100 * known['majority_share']:.2g} %"
    line += f" of the training rows, {spread}"
    dropped = ", ".join(f"{count} {reason}" for reason, count in known.get("dropped", {}).items())
    return f"{line}; left out: {dropped}" if dropped else line


def image_env(dataset: str, image: str = "") -> str:
    """The environment for images, where ``--dataset`` is a folder of them or ``--image`` is given; else ``""``."""
    folder = Path(dataset).expanduser() if dataset else None
    if image or (folder is not None and folder.is_dir() and (_laid_out(folder) or _holds_pictures(folder))):
        return IMAGES
    return ""


def _laid_out(folder: Path) -> bool:
    return any(any(folder.glob(pattern)) for pattern in _LAYOUTS.values())


def dataset_options(options: type, dataset: str, text: str = "", label: str = "", image: str = "") -> dict[str, Any]:
    """Environment options for ``--dataset`` and its columns; the source is inferred from what ``dataset`` is.

    Raises:
        UserError: if the environment takes no such data, or nobody can tell what ``dataset`` is.
    """
    hints = typing.get_type_hints(options)
    given: dict[str, Any] = _source(dataset, typing.get_args(hints.get("source"))) if dataset else {}
    columns = {"text": text, "label": label, "image": image}
    given |= {name: value for name, value in columns.items() if value}
    missing = [name for name in given if name not in hints]
    if missing:
        flag = missing[0] if missing[0] in columns else "dataset"
        raise UserError(f"this environment takes no --{flag}: see its own flags with --env NAME --help")
    return given


def _source(dataset: str, sources: Sequence[str]) -> dict[str, Any]:
    path = Path(dataset).expanduser()
    if path.is_dir():
        return _folder(path, dataset, sources)
    if path.exists() or _table(path):
        if not path.exists():
            raise UserError(f"no such file: {dataset}")
        try:
            guess = _SOURCES[table_suffix(path)]
        except ValueError as error:
            raise UserError(str(error)) from None
        guess = guess if guess in sources else "csv"  # one reader of tables for all of them
    else:
        guess = "hub"
        if dataset.startswith(("/", ".", "~")) or dataset.count("/") > 1:
            raise UserError(f"no such file or folder: {dataset}")
    return {"source": _taken(guess, dataset, sources), "path": dataset}


def _table(path: Path) -> bool:
    try:
        return bool(table_suffix(path))
    except ValueError:
        return False


def _folder(path: Path, dataset: str, sources: Sequence[str]) -> dict[str, Any]:
    """A folder of images, of one table a split, or of something that the library of data sets may know."""
    for source, pattern in _LAYOUTS.items():
        if source in sources and any(path.glob(pattern)):
            return {"source": source, "path": dataset}
    if "folder" in sources and _holds_pictures(path):
        return {"source": "folder", "path": dataset}
    splits = _split_tables(path)
    kinds = {_SOURCES[table_suffix(file)] for file in splits.values()}
    if "train" in splits and len(kinds) == 1 and kinds <= set(sources):
        names = {"train": "path", "dev": "dev_path", "test": "test_path"}
        return {"source": kinds.pop()} | {names[split]: str(file) for split, file in splits.items()}
    if _holds_pictures(path):
        raise UserError(f"{dataset} holds images: add --env {IMAGES}")
    return {"source": _taken("hub", dataset, sources), "path": dataset}


def _split_tables(path: Path) -> Mapping[str, Path]:
    found = [file for file in sorted(path.iterdir()) if file.is_file() and _table(file)]
    names = {HUB_SPLITS.get(file.name.partition(".")[0].lower()): file for file in found}
    return {split: file for split, file in names.items() if split}


def _holds_pictures(folder: Path) -> bool:
    """Whether there is an image in a folder of this folder, among the first few thousand files."""
    for seen, file in enumerate(folder.rglob("*")):
        if file.suffix.lower() in _PICTURES and file.parent != folder:
            return True
        if seen > _ENOUGH:
            break
    return False


def _taken(guess: str, dataset: str, sources: Sequence[str]) -> str:
    if guess in sources:
        return guess
    known = ", ".join(source for source in ("csv", "jsonl", "parquet", "folder", "hub") if source in sources)
    raise UserError(f"cannot read {dataset} as a data set: this environment takes {known or 'none'}")
