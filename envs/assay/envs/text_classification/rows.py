"""From table rows to texts and labels: what a row needs, and what is told of those that lack it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.envs.columns import find_column
from assay.envs.labels import label_text, told_unusable
from assay.envs.tables import Row as TableRow
from assay.envs.tables import check_columns, columns_of
from assay.envs.text_classification.options import Options

_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False, "none": False}


@dataclass(frozen=True, slots=True)
class Row:
    """A text and its label, as they stand in the source; ``uncertain`` marks a row that a cross-fitted model doubts."""

    text: str
    label: str
    uncertain: bool = False


def to_rows(table: list[TableRow], options: Options, where: str, flagged: bool) -> list[Row]:
    """The rows that have a text and a label; the others are left out with a warning. An empty text keeps its row.

    Args:
        table: rows as they were read.
        options: names the columns.
        where: what the table is called in messages.
        flagged: the column of uncertainty must be there.

    Raises:
        ValueError: one line; a column is missing, or holds something other than texts, or than one label a row.
    """
    columns = columns_of(check_columns(table, (), where))
    text = find_column(columns, options.text, "text", where)
    label = find_column(columns, options.label, "label", where)
    if text == label:
        raise ValueError(f"{where}: the column {text!r} cannot be both text and label; it has: {', '.join(columns)}")
    if flagged:
        check_columns(table, (options.uncertain,), where)
    rows: list[Row] = []
    lacking: dict[str, list[int]] = {text: [], label: []}
    for number, row in enumerate(table, 1):
        said, name = _text(row.get(text), text, number, where), label_text(row.get(label), label, number, where)
        if said is None or not name:
            lacking[text if said is None else label].append(number)
            continue
        flag = _flag(row.get(options.uncertain)) if options.uncertainty != "off" else False
        rows.append(Row(said, name, flag))
    told_unusable(lacking, len(table), where)
    return rows


def _text(value: Any, column: str, number: int, where: str) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    raise ValueError(f"{where}, row {number}: the column {column!r} holds no text but {type(value).__name__}")


def _flag(value: Any) -> bool:
    text = str(value).strip().casefold()
    if text not in _FLAGS:
        raise ValueError(f"an uncertainty flag is true or false (or 1 or 0); got {value!r}")
    return _FLAGS[text]
