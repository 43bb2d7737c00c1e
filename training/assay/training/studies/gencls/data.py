"""The rows of a study, frozen before anything is trained: splits, definitions and doubts in files that all runs read.

data/NAME/train.jsonl dev.jsonl test.jsonl     text, label, uncertain (false until rows are cross-fitted)
data/NAME/definitions.json                     given with the data, else written from central training texts
data/NAME/told.json                            what they were made from
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay.envs.candidates import seeded
from assay.envs.text_classification.corpus import Corpus, build_corpus
from assay.envs.text_classification.definitions import complete_definitions
from assay.envs.text_classification.options import Options
from assay.envs.text_classification.sources import Source, read_source
from assay.training.errors import UserError

EMBEDDED = ("docstrings", "synthetic")
_FILES = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_LABELS = ("label", "category", "intent", "class", "topic")
TOLD = "told.json"


@dataclass(frozen=True)
class Wanted:
    """One data set as a command line names it.

    Attributes:
        name: ``docstrings``, ``synthetic``, a file, or a folder with train and test files.
        text, label: columns; an empty label is looked for.
        classes: labels kept, drawn by a fixed seed; 0: all.
        per_label: training rows of each label; 0: all.
    """

    name: str
    text: str = "text"
    label: str = ""
    classes: int = 0
    per_label: int = 0

    @property
    def folder(self) -> str:
        """Its name as that of a folder."""
        return re.sub(r"[^A-Za-z0-9]+", "-", Path(self.name).stem).strip("-").lower() or "data"


def check(wanted: Wanted) -> Options:
    """Where the rows are.

    Raises:
        UserError: one line, where there are none.
    """
    if wanted.name in EMBEDDED:
        return Options(source=wanted.name, dev_share=0.15)  # type: ignore[arg-type]
    path = Path(wanted.name).expanduser()
    files = {"path": path}
    if path.is_dir():
        found = {split: [path / f"{split}{end}" for end in _FILES if (path / f"{split}{end}").is_file()]
                 for split in ("train", "dev", "test")}  # fmt: skip
        if not found["train"]:
            raise UserError(f"{path} has no train file: it should hold train.csv (or .jsonl, .parquet), and test.csv")
        files = {"path" if split == "train" else f"{split}_path": each[0] for split, each in found.items() if each}
    elif not path.is_file():
        raise UserError(f"no such data: {wanted.name} (a file, a folder with train.csv and test.csv, or "
                        f"{' or '.join(EMBEDDED)})")  # fmt: skip
    kind = _FILES.get(path.suffix.lower() if path.is_file() else files["path"].suffix.lower())
    if kind is None:
        raise UserError(f"{path} cannot be read: give {', '.join(_FILES)}")
    label = wanted.label or _label_column(files["path"])
    given: dict[str, Any] = {"source": kind, "text": wanted.text, "label": label, "overlap": "drop", "dev_share": 0.15}
    given |= {name: str(file) for name, file in files.items()}
    return Options(**given)


def prepare(wanted: Wanted, folder: Path) -> dict[str, Any]:
    """Write the files of a data set, where they are not there yet; the environment's options that read them.

    Raises:
        UserError: if the folder holds others.
        ValueError: one line, for data that cannot be used.
    """
    told = {"name": wanted.name, "text": wanted.text, "label": wanted.label, "classes": wanted.classes,
            "per_label": wanted.per_label}  # fmt: skip
    path = folder / TOLD
    if path.exists():
        if json.loads(path.read_text(encoding="utf-8")) != told:
            raise UserError(f"{folder} was made from other data or with other sizes: choose another --out")
        return options_of(folder)
    options = check(wanted)
    source = read_source(options)
    corpus = build_corpus(source, replace(options, per_label=wanted.per_label, labels=_drawn(source, wanted.classes)))
    empty = [split for split in ("train", "dev", "test") if not corpus.rows[split]]
    if empty:
        raise UserError(f"{wanted.name} leaves no {empty[0]} rows: give more rows, or a {empty[0]} file")
    write_rows(folder, corpus)
    write_text(folder / "definitions.json", json.dumps(complete_definitions(corpus), indent=1, ensure_ascii=False))
    write_text(path, json.dumps(told))
    return options_of(folder)


def options_of(folder: Path) -> dict[str, Any]:
    """The environment's options that read a folder of :func:`prepare`."""
    files = {"path": "train.jsonl", "dev_path": "dev.jsonl", "test_path": "test.jsonl",
             "definitions_path": "definitions.json"}  # fmt: skip
    whole = folder.resolve()  # a run may be asked again from anywhere
    return {"source": "jsonl", "overlap": "drop"} | {name: str(whole / file) for name, file in files.items()}


def write_rows(folder: Path, corpus: Corpus) -> None:
    """The three splits."""
    for split, rows in corpus.rows.items():
        lines = [{"text": row.text, "label": row.label, "uncertain": row.uncertain} for row in rows]
        write_lines(folder / f"{split}.jsonl", lines)


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """JSON lines, whole or not at all."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_text(path: Path, text: str) -> None:
    """A file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """What :func:`write_lines` wrote."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _drawn(source: Source, classes: int) -> tuple[str, ...]:
    known = sorted({row.label for rows in source.parts.values() for row in rows})
    if not classes or classes >= len(known):
        return ()
    return tuple(sorted(seeded("classes", 0).sample(known, classes)))


def _label_column(path: Path) -> str:
    from assay.envs.tables import read_table

    columns = read_table(path)[0]
    found = [name for name in _LABELS if name in columns]
    if not found:
        raise UserError(f"which column of {path} is the label? give --label; it has: {', '.join(map(str, columns))}")
    return found[0]
