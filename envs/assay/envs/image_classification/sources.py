"""Where images come from: each source gives its splits, or all of its images as ``train``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from assay.envs.image_classification.options import Options, SourceName
from assay.envs.image_classification.protocol import Item
from assay.envs.tables import HUB_SPLITS, read_table
from assay.envs.tasks import content_id

T = TypeVar("T")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm"})
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SHAPES_TRAIN, SHAPES_TEST = 20, 10
_SLOW = 2000


@dataclass
class Source:
    """``parts``: items by split (``train``, ``dev``, ``test``), all of them ``train`` where there is none."""

    parts: dict[str, list[Item]]
    classes: list[str]
    name: str
    licence: str = ""


def read_source(kind: SourceName, path: str, options: Options) -> Source:
    """The images of a source.

    Raises:
        ValueError: one line; a folder, file or column is missing or empty.
        ImportError: naming the extra to install.
    """
    if kind in ("shapes", "digits"):
        if path:
            raise ValueError(f"source {kind!r} takes no path; for files give source folder or csv")
        return _shapes(options) if kind == "shapes" else _digits()
    if not path:
        raise ValueError(f"source {kind!r} needs a path")
    if kind == "hub":
        return _hub(path, options)
    parts = _csv(Path(path).expanduser(), options) if kind == "csv" else _folder(Path(path).expanduser())
    found = {split: list(_files(pairs)) for split, pairs in parts.items()}
    return Source(found, _classes(found), path)


def _shapes(options: Options) -> Source:
    from assay.envs.image_classification.shapes import class_names

    names = class_names(options.classes)

    def items(variants: range) -> list[Item]:
        return [
            Item(f"shapes:{options.seed}:{v}:{name}", name, content_id("shapes", options.seed, name, v))
            for name in names
            for v in variants
        ]

    last = SHAPES_TRAIN + SHAPES_TEST
    parts = {"train": items(range(SHAPES_TRAIN)), "test": items(range(SHAPES_TRAIN, last))}
    parts["dev"] = items(range(last, last + SHAPES_TEST // 2))
    return Source(parts, names, f"shapes (seed {options.seed})", "Apache-2.0")


def _digits() -> Source:
    from assay.envs.image_classification.pictures import digit_arrays

    images, targets = digit_arrays()
    items = [
        Item(f"digits:{i}", DIGITS[int(target)], hashlib.sha256(image.tobytes()).hexdigest())
        for i, (image, target) in enumerate(zip(images, targets, strict=True))
    ]
    return Source({"train": items}, list(DIGITS), "digits of scikit-learn", "CC BY 4.0")


def _folder(root: Path) -> dict[str, list[tuple[Path, str]]]:
    if not root.is_dir():
        raise ValueError(f"no such folder: {root}")
    inner = {folder.name: folder for folder in sorted(root.iterdir()) if folder.is_dir()}
    splits = {HUB_SPLITS[name.lower()]: folder for name, folder in inner.items() if name.lower() in HUB_SPLITS}
    if "train" in splits and len(splits) == len(inner):
        return {split: _class_folders(folder) for split, folder in splits.items()}
    return {"train": _class_folders(root)}


def _class_folders(root: Path) -> list[tuple[Path, str]]:
    found = [
        (path, folder.name)
        for folder in sorted(root.iterdir())
        if folder.is_dir()
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES
    ]
    if not found:
        raise ValueError(f"{root} has no images in class folders ({root.name}/CLASS/IMAGE.png or .jpg)")
    return found


def _csv(path: Path, options: Options) -> dict[str, list[tuple[Path, str]]]:
    pairs = []
    for number, row in enumerate(read_table(path, (options.image, options.label)), 1):
        file, label = path.parent / str(row[options.image]), str(row[options.label]).strip()
        if not label or not file.is_file():
            raise ValueError(f"{path}, row {number}: {'no label' if not label else f'no such image: {file}'}")
        pairs.append((file, label))
    return {"train": pairs}


def _files(pairs: list[tuple[Path, str]]) -> Iterator[Item]:
    for path, label in _progress(pairs):
        with path.open("rb") as file:
            yield Item(str(path), label, hashlib.file_digest(file, "sha256").hexdigest())


def _hub(name: str, options: Options) -> Source:
    from assay.envs.image_classification.pictures import hub_splits
    from assay.envs.tables import check_columns

    loaded = hub_splits(name, options.config)
    parts: dict[str, list[Item]] = {}
    classes: list[str] = []
    for split, data in loaded.items():
        if split not in HUB_SPLITS:
            continue
        check_columns([dict.fromkeys(data.column_names)], (options.image, options.label), f"{name} ({split})")
        feature = data.features[options.label]
        names = getattr(feature, "names", None)
        classes = classes or list(names or [])
        labels = [names[value] if names else str(value) for value in data[options.label]]
        where = f"hub:{options.config}:{split}:{options.image}"
        parts[HUB_SPLITS[split]] = [
            Item(f"{where}:{i}:{name}", label, _content(data[i][options.image], options.image))
            for i, label in _progress(list(enumerate(labels)))
        ]
    if not parts:
        raise ValueError(f"{name} has no train, validation or test split; it has: {', '.join(loaded)}")
    if len(parts) == 1:
        parts = {"train": next(iter(parts.values()))}
    return Source(parts, classes or _classes(parts), name)


def _progress(steps: list[T]) -> Iterable[T]:
    if len(steps) < _SLOW:
        return steps
    from rich.progress import track

    return track(steps, description="Reading images", transient=True)


def _content(picture: Any, column: str) -> str:
    if not hasattr(picture, "tobytes"):
        raise ValueError(f"the column {column!r} holds no images but {type(picture).__name__}")
    return hashlib.sha256(f"{picture.mode}{picture.size}".encode() + picture.tobytes()).hexdigest()


def _classes(parts: dict[str, list[Item]]) -> list[str]:
    names = {item.label for items in parts.values() for item in items}
    return sorted(names, key=lambda name: (name.casefold(), name))
