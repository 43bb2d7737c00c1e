"""Where images come from: each source gives its splits, or all of its images as ``train``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from assay.envs.columns import find_column
from assay.envs.image_classification.coop import read_coop
from assay.envs.image_classification.idx import FASHION, FASHION_FOLDER, read_idx
from assay.envs.image_classification.options import Options, SourceName
from assay.envs.image_classification.pictures import check_image
from assay.envs.image_classification.protocol import Item, Source
from assay.envs.tables import HUB_SPLITS, tell
from assay.envs.tasks import content_id

T = TypeVar("T")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm"})
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SHAPES_TRAIN, SHAPES_TEST = 20, 10
_SLOW = 2000


def read_source(kind: SourceName, path: str, options: Options) -> Source:
    """The images of a source.

    Raises:
        ValueError: one line; a folder, file or column is missing or empty.
        ImportError: naming the extra to install.
    """
    if kind == "fashion-mnist":
        return read_idx(path or FASHION_FOLDER, FASHION, "Fashion-MNIST", "MIT")
    if kind in ("shapes", "digits"):
        if path:
            raise ValueError(f"source {kind!r} takes no path; for files give source folder or csv")
        return _shapes(options) if kind == "shapes" else _digits()
    if not path:
        raise ValueError(f"source {kind!r} needs a path")
    if kind == "hub":
        return _hub(path, options)
    if kind == "idx":
        return read_idx(path, (), Path(path).name)
    if kind == "csv":
        from assay.envs.image_classification.rows import read_rows

        return read_rows(path, options)
    given = Path(path).expanduser()
    classes: list[str] = []
    if kind == "coop":
        parts, classes = read_coop(given)
    else:
        parts = _folder(given)
    found = items_of_files(parts, path)
    return Source(found, classes or class_list(found), path)


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


def items_of_files(parts: Mapping[str, list[tuple[Path, str]]], where: str) -> dict[str, list[Item]]:
    """Items of (image file, label); files that are no images are left out with a warning.

    Raises:
        ValueError: one line, if none is an image.
    """
    broken: list[str] = []
    found = {split: list(_files(pairs, broken)) for split, pairs in parts.items()}
    if not any(found.values()):
        raise ValueError(
            f"{where}: none of its {len(broken)} files is an image; the first: {broken[0] if broken else ''}"
        )
    if broken:
        tell(f"{where}: {len(broken)} files cannot be read as images (the first: {broken[0]}); left out")
    return {split: items for split, items in found.items() if items}


def _files(pairs: list[tuple[Path, str]], broken: list[str]) -> Iterator[Item]:
    for path, label in _progress(pairs):
        try:
            check_image(path)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError, SyntaxError):
            broken.append(str(path))
            continue
        yield Item(str(path), label, digest)


def _hub(name: str, options: Options) -> Source:
    from assay.envs.image_classification.pictures import hub_splits

    loaded = hub_splits(name, options.config)
    parts: dict[str, list[Item]] = {}
    classes: list[str] = []
    for split, data in loaded.items():
        if split not in HUB_SPLITS:
            continue
        column = find_column(data.column_names, options.image, "image", f"{name} ({split})")
        label_column = find_column(data.column_names, options.label, "label", f"{name} ({split})")
        feature = data.features[label_column]
        names = getattr(feature, "names", None)
        classes = classes or list(names or [])
        labels = [names[value] if names else str(value) for value in data[label_column]]
        where = f"hub:{options.config}:{split}:{column}"
        parts[HUB_SPLITS[split]] = [
            Item(f"{where}:{i}:{name}", label, _content(data[i][column], column))
            for i, label in _progress(list(enumerate(labels)))
        ]
    if not parts:
        raise ValueError(f"{name} has no train, validation or test split; it has: {', '.join(loaded)}")
    if len(parts) == 1:
        parts = {"train": next(iter(parts.values()))}
    return Source(parts, classes or class_list(parts), name)


def _progress(steps: list[T]) -> Iterable[T]:
    if len(steps) < _SLOW:
        return steps
    from rich.progress import track

    return track(steps, description="Reading images", transient=True)


def _content(picture: Any, column: str) -> str:
    if not hasattr(picture, "tobytes"):
        raise ValueError(f"the column {column!r} holds no images but {type(picture).__name__}")
    return hashlib.sha256(f"{picture.mode}{picture.size}".encode() + picture.tobytes()).hexdigest()


def class_list(parts: Mapping[str, list[Item]]) -> list[str]:
    """The labels of all items, sorted without case."""
    names = {item.label for items in parts.values() for item in items}
    return sorted(names, key=lambda name: (name.casefold(), name))
