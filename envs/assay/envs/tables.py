"""Rows of labelled data from files and dataset repositories, with errors that name the columns that exist."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def read_table(path: str | Path, columns: Sequence[str] = ()) -> list[Row]:
    """Read a CSV, TSV, JSONL or Parquet file, by its suffix; ``columns`` must exist.

    Raises:
        ValueError: one line; no such file, a suffix that is not known, a broken line, no rows, or a missing column.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise ValueError(f"no such file: {path}")
    readers = {".csv": _csv, ".tsv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl, ".parquet": _parquet}
    if path.suffix.lower() not in readers:
        raise ValueError(f"{path}: cannot read {path.suffix or 'a file without suffix'}; known: {', '.join(readers)}")
    try:
        rows = readers[path.suffix.lower()](path)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 (byte {error.start}): convert it first") from None
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    return check_columns(rows, columns, str(path))


def check_columns(rows: list[Row], columns: Iterable[str], where: str) -> list[Row]:
    """``rows``, if there are any and the first one has all ``columns``.

    Raises:
        ValueError: one line, naming the columns that exist.
    """
    if not rows:
        raise ValueError(f"{where} has no rows: give data with at least one row for each split and label")
    for column in columns:
        if column not in rows[0]:
            raise ValueError(f"{where} has no column {column!r}; it has: {', '.join(map(str, rows[0]))}")
    return rows


HUB_SPLITS = {"train": "train", "test": "test", "validation": "dev", "valid": "dev", "val": "dev", "dev": "dev"}
"""What the splits of published data sets are called, and what they are here."""


def load_hub(name: str, config: str = "") -> Any:
    """A dataset repository or folder that ``datasets`` can load, by split.

    Raises:
        ImportError: if ``datasets`` is not installed.
        ValueError: one line, if it cannot be loaded.
    """
    try:
        import datasets
    except ImportError:
        raise ImportError("the hub source needs datasets: pip install 'assay[data]'") from None
    try:
        return datasets.load_dataset(name, config or None)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ValueError(
            f"cannot load the data set {name!r} ({reason}): check the spelling and the network, or give a file "
            "(.csv, .jsonl, .parquet)"
        ) from None


def read_hub(name: str, config: str = "", columns: Sequence[str] = ()) -> dict[str, list[Row]]:
    """The rows of :func:`load_hub` by split; class indices become class names.

    Raises:
        ImportError: if ``datasets`` is not installed.
        ValueError: one line; the data set cannot be loaded, or lacks a column.
    """
    loaded = load_hub(name, config)
    return {split: check_columns(_named_classes(data), columns, f"{name} ({split})") for split, data in loaded.items()}


def _named_classes(data: Any) -> list[Row]:
    names = {column: feature.names for column, feature in data.features.items() if hasattr(feature, "names")}
    rows = [dict(row) for row in data]
    for row in rows:
        for column, classes in names.items():
            if isinstance(row[column], int):
                row[column] = classes[row[column]] if row[column] >= 0 else None
    return rows


def _csv(path: Path) -> list[Row]:
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # the default refuses fields over 128 KB
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ","))
    except csv.Error as error:
        raise ValueError(f"{path} is not a CSV file: {error}") from None
    finally:
        csv.field_size_limit(before)
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise ValueError(f"{path}: data row {number} does not have the {len(rows[0])} fields of the header")
    return rows


def _jsonl(path: Path) -> list[Row]:
    rows: list[Row] = []
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{path}:{number} is not JSON: {error}") from None
            if not isinstance(row, dict):
                raise ValueError(f"{path}:{number} is not a JSON object")
            rows.append(row)
    return rows


def _parquet(path: Path) -> list[Row]:
    try:
        import pyarrow.parquet
    except ImportError:
        raise ImportError("Parquet files need pyarrow: pip install 'assay[data]'") from None
    try:
        rows: list[Row] = pyarrow.parquet.read_table(path).to_pylist()
    except pyarrow.ArrowException as error:
        raise ValueError(
            f"{path} is not a whole Parquet file ({str(error).splitlines()[0]}): download or write it again"
        ) from None
    return rows
