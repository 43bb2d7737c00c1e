"""MNIST's own format (IDX), as Fashion-MNIST is published: four files, gzipped or not."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import IO, Any

from assay.envs.image_classification.protocol import Item, Source

FASHION_FOLDER = "/usr/share/datasets/fashion-mnist"
"""Where Debian's package ``dataset-fashion-mnist`` puts it."""
FASHION = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
MOST_BYTES = 1 << 30
_KINDS = {"train": "train", "test": "t10k"}
_UNSIGNED_BYTE = 8


def read_idx(folder: str, classes: tuple[str, ...], name: str, licence: str = "") -> Source:
    """The images of a folder with ``train-images-idx3-ubyte`` and so on, and ``t10k-`` for the test split.

    Args:
        folder: where the files are; each may end in ``.gz``.
        classes: names by number; without any, the numbers are the names.
        name: of the data set.
        licence: of the data set.

    Raises:
        ValueError: one line; a file is missing, damaged, too large or not in this format.
    """
    root = Path(folder).expanduser()
    parts: dict[str, list[Item]] = {}
    for split, stem in _KINDS.items():
        images = _find(root, f"{stem}-images-idx3-ubyte", required=split == "train", name=name)
        if images is None:
            continue
        labels = _find(root, f"{stem}-labels-idx1-ubyte", required=True, name=name)
        pixels, numbers = read_images(str(images)), _array(labels, 1)
        if len(pixels) != len(numbers):
            raise ValueError(f"{images} has {len(pixels)} images, {labels} has {len(numbers)} labels")
        if classes and len(numbers) and int(numbers.max()) >= len(classes):
            raise ValueError(f"{labels} has the label {int(numbers.max())}; {name} has {len(classes)} classes")
        parts[split] = [
            Item(f"idx:{i}:{images}", classes[number] if classes else str(number), _digest(image))
            for i, (image, number) in enumerate(zip(pixels, numbers.tolist(), strict=True))
        ]
    known = {item.label for items in parts.values() for item in items}
    return Source(parts, list(classes) or sorted(known, key=int), name, licence)


def _digest(image: Any) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def _find(root: Path, stem: str, required: bool, name: str) -> Path | None:
    spellings = [root / each for each in (stem, f"{stem}.gz", stem.replace("-idx", ".idx"))]
    found = next((path for path in spellings if path.is_file()), None)
    if found is None and required:
        package = ": apt install dataset-fashion-mnist, or give its folder as path" if name == "Fashion-MNIST" else ""
        raise ValueError(f"{root} has no {stem} or {stem}.gz{package}")
    return found


@lru_cache(maxsize=4)
def read_images(path: str) -> Any:
    """The images of an IDX file: uint8 [images, rows, columns], 0 black.

    Raises:
        ValueError: one line, for a file that is none.
    """
    return _array(Path(path), 3)


def _array(path: Path | None, axes: int) -> Any:
    """uint8, with as many axes as the file must have."""
    import numpy as np

    assert path is not None
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            shape, data = _read(gzip.GzipFile(fileobj=raw) if packed else raw, path, axes)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read ({error}): download it again") from None
    return np.frombuffer(data, np.uint8).reshape(shape)


def _read(file: IO[bytes] | gzip.GzipFile, path: Path, axes: int) -> tuple[tuple[int, ...], bytes]:
    head = file.read(4 + 4 * axes)
    if len(head) < 4 + 4 * axes or head[:4] != bytes((0, 0, _UNSIGNED_BYTE, axes)):
        raise ValueError(f"{path} is no IDX file of bytes with {axes} axes")
    shape = tuple(int.from_bytes(head[4 * i : 4 * i + 4], "big") for i in range(1, axes + 1))
    size = prod(shape)
    if size > MOST_BYTES:
        raise ValueError(f"{path} says that it holds {size:,} bytes; more than {MOST_BYTES:,} are not read")
    data = file.read(size + 1)
    if len(data) != size:
        raise ValueError(f"{path} does not hold the {size:,} bytes that its header says: download it again")
    return shape, data
