"""Decisions that the user's table holds, and the postings that it names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from assay.envs.resume_screening.records import Job, Label, Person, Record
from assay.envs.tables import read_table

WORDS: dict[str, Label] = {
    **dict.fromkeys(("selected", "select", "accepted", "accept", "hired", "hire", "yes", "true", "1"), "SELECTED"),
    **dict.fromkeys(("rejected", "reject", "declined", "decline", "no", "false", "0"), "REJECTED"),
}


class Row(NamedTuple):
    """One decision: number of the row from 1, the resume's file, the job ("" for the only one), and the person."""

    number: int
    resume: str
    job: str
    label: Label
    person: Person


def read_jobs(path: Path) -> tuple[dict[str, Job], list[str]]:
    """Postings by id, and a line about each that is left out.

    One JSON object a line: ``title`` or ``description``; ``id`` (default: the title), ``required_skills``,
    ``nice_skills``, ``min_years`` and ``min_degree`` where they are known.

    Raises:
        ValueError: one line, if the file cannot be read or holds no posting.
    """
    jobs: dict[str, Job] = {}
    problems: list[str] = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line.decode("utf-8-sig"))
            if not isinstance(data, dict):
                raise ValueError("not a JSON object")
            blank = {"job": data, "resume": {"text": "-"}, "label": "SELECTED"}
            job = Record.from_dict(blank).job
            name = str(data.get("id") or job.title)
            if not name or name in jobs:
                raise ValueError("needs an id" if not name else f"a second job called {name!r}")
        except UnicodeDecodeError:
            problems.append(f"{path.name}, line {number}: not UTF-8 text")
        except (ValueError, RecursionError) as error:
            problems.append(f"{path.name}, line {number}: {error}")
        else:
            jobs[name] = job
    if not jobs:
        raise ValueError(f"{path} holds no posting" + (f"; the first line: {problems[0]}" if problems else ""))
    return jobs, problems


def read_labels(path: Path, columns: Mapping[str, str]) -> tuple[list[Row], list[str]]:
    """Decisions, and a line about each row that is left out.

    Args:
        path: a CSV, JSONL or Parquet table.
        columns: its columns of ``resume`` and ``label``, and of ``job`` if there is one; columns name, pronouns, age
            and address are read where they exist.

    Raises:
        ValueError: one line, naming the table's columns, if one is missing.
    """
    table = read_table(path, [columns["resume"], columns["label"]])
    rows: list[Row] = []
    problems: list[str] = []
    for number, row in enumerate(table, 1):
        said = _text(row, columns["label"])
        label = WORDS.get(said.lower())
        resume = _text(row, columns["resume"])
        if label is None or not resume:
            what = f"the label {said[:40]!r} is neither SELECTED nor REJECTED" if resume else "no resume is named"
            problems.append(f"{path.name}, row {number}: {what}")
            continue
        rows.append(Row(number, resume, _text(row, columns["job"]), label, _person(row)))
    return rows, problems


def check_classes(labels: Sequence[Label], where: str) -> None:
    """Refuse labels of a single class.

    Raises:
        ValueError: one line.
    """
    if len(set(labels)) == 1:
        other = "REJECTED" if labels[0] == "SELECTED" else "SELECTED"
        raise ValueError(f"every usable row of {where} is {labels[0]}: add some that are {other}")


def _person(row: Mapping[str, Any]) -> Person:
    age = _text(row, "age")
    return Person(
        _text(row, "name"), _text(row, "pronouns").lower(), int(age) if age.isdecimal() and len(age) < 4 else 0,
        _text(row, "address"),
    )  # fmt: skip


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value).strip()
