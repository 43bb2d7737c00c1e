"""Images that stand in a table: as paths, or as the bytes of a file, bare or in a struct of bytes and path."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
from functools import lru_cache
from pathlib import Path
from typing import Any

from assay.envs.columns import find_column
from assay.envs.image_classification.options import Options
from assay.envs.image_classification.pictures import check_image
from assay.envs.image_classification.protocol import Item, Source
from assay.envs.labels import label_text, told_unusable
from assay.envs.tables import columns_of, read_table, tell

_EMBEDDED = "data:image/"


def read_rows(path: str, options: Options) -> Source:
    """The images of a table, in one part: ``train``. Rows without a label or a readable image are left out.

    Raises:
        ValueError: one line; a column is missing, or no row is of use.
    """
    from assay.envs.image_classification.sources import class_list

    table = _table(str(Path(path).expanduser()))
    columns = columns_of(table)
    image = find_column(columns, options.image, "image", path)
    label = find_column(columns, options.label, "label", path)
    lacking: dict[str, list[int]] = {image: [], label: []}
    items: list[Item] = []
    wrong: list[tuple[int, str]] = []
    folder = Path(path).expanduser().parent
    for number, row in enumerate(table, 1):
        name, value = label_text(row.get(label), label, number, path), row.get(image)
        if value in (None, "") or not name:
            lacking[label if not name else image].append(number)
            continue
        try:
            items.append(_item(value, name, f"cell:{image}:{number - 1}:{Path(path).expanduser()}", folder))
        except (OSError, ValueError, SyntaxError) as error:
            wrong.append((number, str(error).splitlines()[0]))
    told_unusable(lacking, len(table), path)
    if wrong:
        line = f"{path}, row {wrong[0][0]}: {wrong[0][1]}"
        if not items or len(wrong) > len(items):
            raise ValueError(f"{line}; {len(wrong)} of {len(table)} rows have no readable image")
        tell(f"{line}; {len(wrong)} of {len(table)} rows have no readable image and are left out")
    return Source({"train": items}, class_list({"train": items}), path)


def _item(value: Any, label: str, ref: str, folder: Path) -> Item:
    data = _bytes(value)
    if data is not None:
        check_image(io.BytesIO(data))
        return Item(ref, label, hashlib.sha256(data).hexdigest())
    name = value.get("path") if isinstance(value, dict) else value
    if not isinstance(name, str) or not name:
        raise ValueError(f"an image is a path or the bytes of a file, not {type(value).__name__}")
    file = folder / Path(name).expanduser()
    if not file.is_file():
        raise ValueError(f"no such image: {file}")
    check_image(file)
    with file.open("rb") as opened:
        return Item(str(file), label, hashlib.file_digest(opened, "sha256").hexdigest())


def _bytes(value: Any) -> bytes | None:
    """The file that a cell holds, or None where it holds a path."""
    if isinstance(value, dict):
        value = value.get("bytes")
    if isinstance(value, str) and value.startswith(_EMBEDDED):
        try:
            return base64.b64decode(value.partition(",")[2], validate=True)
        except binascii.Error:
            raise ValueError("a data: address that is not base64") from None
    return value if isinstance(value, bytes) and value else None


def _table(path: str) -> list[dict[str, Any]]:
    file = Path(path)
    stamp = (file.stat().st_mtime_ns, file.stat().st_size) if file.is_file() else (0, 0)
    return _kept(path, stamp)


@lru_cache(maxsize=2)
def _kept(path: str, stamp: tuple[int, int]) -> list[dict[str, Any]]:
    return read_table(path)


@lru_cache(maxsize=4)
def cells(path: str, column: str) -> list[bytes]:
    """The files that a column holds, by row; empty where it holds none."""
    return [_bytes_or_none(row.get(column)) for row in _table(path)]


def _bytes_or_none(value: Any) -> bytes:
    try:
        return _bytes(value) or b""
    except ValueError:
        return b""
