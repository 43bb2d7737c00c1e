"""Rows of labelled data from files and dataset repositories, with errors that name the columns that exist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from assay.envs.table_files import READERS, DataWarning, Row, tell

__all__ = ["DataWarning", "Row", "check_columns", "load_hub", "read_hub", "read_table", "table_suffix", "tell"]


def read_table(path: str | Path, columns: Sequence[str] = ()) -> list[Row]:
    """Read a CSV, TSV, JSON, JSONL or Parquet file, by its suffix; ``columns`` must exist.

    A few broken rows or lines are left out with a :class:`DataWarning`.

    Raises:
        ValueError: one line; no such file, a suffix that is not known, a broken file, no rows, or a missing column.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise ValueError(f"no such file: {path}")
    try:
        rows = READERS[table_suffix(path)](path)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    return check_columns(rows, columns, str(path))


def table_suffix(path: str | Path) -> str:
    """The suffix that says how a table is read, ``.gz`` aside.

    Raises:
        ValueError: one line, for one that is not known.
    """
    path = Path(path)
    suffix = (Path(path.stem) if path.suffix.lower() == ".gz" else path).suffix.lower()
    if suffix not in READERS:
        known = f"cannot read {suffix or 'a file without suffix'}; known: {', '.join(READERS)}"
        raise ValueError(f"{path}: {known}{SPREADSHEET if suffix in ('.xlsx', '.xls', '.ods') else ''}")
    return suffix


SPREADSHEET = " (save the sheet as CSV)"


def check_columns(rows: list[Row], columns: Iterable[str], where: str) -> list[Row]:
    """``rows``, if there are any and the first one has all ``columns``.

    Raises:
        ValueError: one line, naming the columns that exist.
    """
    if not rows:
        raise ValueError(f"{where} has no rows: give data with at least one row for each split and label")
    known = columns_of(rows)
    for column in columns:
        if column not in known:
            raise ValueError(f"{where} has no column {column!r}; it has: {', '.join(known)}")
    return rows


def columns_of(rows: Sequence[Row]) -> list[str]:
    """The columns of a table, as its first rows have them: JSON leaves out what a row does not have."""
    return list(dict.fromkeys(str(name) for row in rows[:_LOOKED_AT] for name in row))


_LOOKED_AT = 100


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
