"""Where rows come from: each source gives its splits, or all of its rows as ``train``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.envs.tables import HUB_SPLITS, check_columns, read_hub, read_table
from assay.envs.tables import Row as TableRow
from assay.envs.text_classification.options import Options

_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False, "none": False}


@dataclass(frozen=True, slots=True)
class Row:
    """A text and its label, as they stand in the source; ``uncertain`` marks a row that a cross-fitted model doubts."""

    text: str
    label: str
    uncertain: bool = False


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


def _external(options: Options) -> Source:
    if not options.path:
        raise ValueError(f"source {options.source!r} needs a path")
    columns = [options.text, options.label] + ([options.uncertain] if options.uncertainty != "off" else [])
    if options.source == "hub":
        loaded = read_hub(options.path, options.config, columns[:2])
        parts = {HUB_SPLITS.get(split, split): rows for split, rows in loaded.items()}
        parts = {split: rows for split, rows in parts.items() if split in ("train", "dev", "test")}
        if not parts:
            raise ValueError(f"{options.path} has no train, validation or test split; it has: {', '.join(loaded)}")
        if len(parts) == 1:
            parts = {"train": next(iter(parts.values()))}
        if "train" not in parts:
            raise ValueError(f"{options.path} has no train split; it has: {', '.join(loaded)}")
        check_columns(parts["train"], columns, options.path)
    else:
        files = {"train": options.path, "dev": options.dev_path, "test": options.test_path}
        for path in filter(None, files.values()):
            suffixes = {"csv": (".csv", ".tsv"), "jsonl": (".jsonl", ".ndjson")}.get(options.source, (".parquet",))
            if Path(path).suffix.lower() not in suffixes:
                raise ValueError(f"source {options.source!r} reads {' and '.join(suffixes)} files; got {path}")
        parts = {
            split: read_table(path, columns if split == "train" else columns[:2])
            for split, path in files.items()
            if path
        }
    return Source({split: _rows(rows, options, split) for split, rows in parts.items()}, options.path)


def _rows(table: Iterable[TableRow], options: Options, where: str) -> list[Row]:
    rows = []
    for number, row in enumerate(table, 1):
        text, label = row.get(options.text), row.get(options.label)
        if isinstance(label, bool | int):
            label = str(label)
        if text is None or not isinstance(label, str) or not label.strip():
            missing = options.text if text is None else options.label
            raise ValueError(f"row {number} of {where} has no usable {missing!r}: {row.get(missing)!r}")
        flag = _flag(row.get(options.uncertain)) if options.uncertainty != "off" else False
        rows.append(Row(str(text), label.strip(), flag))
    return rows


def _flag(value: Any) -> bool:
    text = str(value).strip().casefold()
    if text not in _FLAGS:
        raise ValueError(f"an uncertainty flag is true or false (or 1 or 0); got {value!r}")
    return _FLAGS[text]


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
