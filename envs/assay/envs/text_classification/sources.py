"""Where rows come from: each source gives its splits, or all of its rows as ``train``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assay.envs.tables import HUB_SPLITS, read_hub, read_table, table_suffix
from assay.envs.tables import Row as TableRow
from assay.envs.text_classification.options import Options
from assay.envs.text_classification.rows import Row, to_rows

__all__ = ["Row", "Source", "read_definitions", "read_source"]


@dataclass
class Source:
    """Raw rows by split (``train``, ``dev``, ``test``); those without any are all ``train``."""

    parts: dict[str, list[Row]]
    name: str
    licence: str = ""
    definitions: dict[str, str] = field(default_factory=dict)


def read_source(options: Options) -> Source:
    """The rows that ``options.source`` names.

    Raises:
        ValueError: one line; a file, column or value is missing or wrong.
    """
    source = _embedded(options) if options.source in ("docstrings", "synthetic") else _external(options)
    if options.definitions_path:
        source.definitions = read_definitions(options.definitions_path)
    return source


def _embedded(options: Options) -> Source:
    given = [name for name in ("path", "test_path", "dev_path") if getattr(options, name)]
    if given:
        raise ValueError(f"source {options.source!r} takes no {given[0]}; for a file give source csv, jsonl or parquet")
    if options.uncertainty != "off":
        raise ValueError(f"source {options.source!r} has no uncertainty flags; give rows with a column of them")
    if options.source == "synthetic":
        from assay.envs.text_classification import synthetic

        rows = [Row(*pair) for pair in synthetic.synthetic_rows(options.seed)]
        return Source({"train": rows}, f"synthetic (seed {options.seed})", "Apache-2.0", dict(synthetic.DEFINITIONS))
    import platform

    from assay.envs.text_classification import docstrings

    name = f"documentation of Python {platform.python_version()}"
    rows = [Row(*pair) for pair in docstrings.docstring_rows()]
    return Source({"train": rows}, name, "PSF-2.0", dict(docstrings.DEFINITIONS))


_SUFFIXES = {
    "csv": (".csv", ".tsv", ".txt"),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "parquet": (".parquet",),
}


def _external(options: Options) -> Source:
    if not options.path:
        raise ValueError(f"source {options.source!r} needs a path")
    tables = _hub(options) if options.source == "hub" else _files(options)
    flagged = options.uncertainty != "off"
    parts = {
        split: to_rows(rows, options, where, flagged and split == "train") for split, (rows, where) in tables.items()
    }
    kept = {split: rows for split, rows in parts.items() if rows}
    if "train" not in kept:
        raise ValueError(f"{tables['train'][1]}: no row has both a text and a label: name the columns")
    return Source(kept, options.path)


Tables = dict[str, tuple[list[TableRow], str]]
"""By split: rows, and what they are called in messages."""


def _files(options: Options) -> Tables:
    files = {"train": options.path, "dev": options.dev_path, "test": options.test_path}
    suffixes = _SUFFIXES[options.source]
    for path in filter(None, files.values()):
        if table_suffix(path) not in suffixes:
            known = ", ".join(suffixes[:-1]) + (" and " if suffixes[:-1] else "") + suffixes[-1]
            raise ValueError(f"source {options.source!r} reads {known} files; got {path}")
    return {split: (read_table(path), path) for split, path in files.items() if path}


def _hub(options: Options) -> Tables:
    loaded = read_hub(options.path, options.config)
    parts = {HUB_SPLITS.get(split, split): (rows, f"{options.path} ({split})") for split, rows in loaded.items()}
    parts = {split: rows for split, rows in parts.items() if split in ("train", "dev", "test")}
    if not parts:
        raise ValueError(f"{options.path} has no train, validation or test split; it has: {', '.join(loaded)}")
    if len(parts) == 1:
        parts = {"train": next(iter(parts.values()))}
    if "train" not in parts:
        raise ValueError(f"{options.path} has no train split; it has: {', '.join(loaded)}")
    return parts


def read_definitions(path: str) -> dict[str, str]:
    """Definitions by label from a JSON file: ``{label: text}`` or ``[{"name": label, "definition": text}]``.

    Raises:
        ValueError: one line, if the file is missing or has another form.
    """
    try:
        data = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if isinstance(data, list) and all(
        isinstance(item, Mapping) and {"name", "definition"} <= set(item) for item in data
    ):
        data = {item["name"]: item["definition"] for item in data}
    if not isinstance(data, dict) or not all(isinstance(text, str) for text in data.values()):
        raise ValueError(f'{path} must hold {{label: text}} or [{{"name": label, "definition": text}}]')
    return data


def longest_label(options: Options) -> int:
    """Bytes of the longest label of a file; 0 for other sources, which are not looked at."""
    if options.source not in _SUFFIXES or not options.path or options.numeric:
        return 0
    rows = to_rows(read_table(options.path), options, options.path, flagged=False)
    wanted = set(options.labels)
    return max((len(row.label.encode()) for row in rows if not wanted or row.label in wanted), default=0)
