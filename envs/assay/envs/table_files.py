"""Table files as strangers write them: any delimiter, JSON in five shapes, gzip; what is broken is left out."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

Row = dict[str, Any]
MOST_BYTES = 2**31
"""A file that is larger once it is unpacked is refused."""
BROKEN_SHARE = 0.1
"""Where more rows than this share are broken, the file is refused."""
_DELIMITERS = (",", "\t", ";", "|")
_LOOKED_AT = 1 << 18
_FOREIGN = {
    b"PK\x03\x04": "a spreadsheet or archive",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"%PDF": "a PDF",
    b"PAR1": "a Parquet file with another suffix",
    b"SQLite format 3": "a database",
}


class DataWarning(UserWarning):
    """Something in a data set was left out or guessed; one line that says what."""


def tell(line: str) -> None:
    """Warn of what was left out or guessed."""
    warnings.warn(line, DataWarning, stacklevel=2)


def read_text(path: Path) -> str:
    """The text of a file: UTF-8, UTF-16 with its mark, or Windows-1252 in the lines that are not UTF-8; gzip or not.

    Raises:
        ValueError: one line; it is no text, too large, or a damaged archive.
    """
    data = _unpacked(path)
    kind = next((what for magic, what in _FOREIGN.items() if data.startswith(magic)), "")
    if kind:
        raise ValueError(f"{path} is {kind}, not text: export it as CSV, JSONL or Parquet")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            pass
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _line_by_line(data, path)


def _unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            source: Any = gzip.GzipFile(fileobj=file) if packed else file
            data: bytes = source.read(MOST_BYTES + 1)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is a damaged gzip file ({error}): download it again") from None
    if len(data) > MOST_BYTES:
        raise ValueError(f"{path} holds more than {MOST_BYTES >> 30} GiB: give a part of it")
    return data


def _line_by_line(data: bytes, path: Path) -> str:
    lines, odd, first = [], 0, 0
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            lines.append(line.decode("utf-8"))
        except UnicodeDecodeError:
            odd, first = odd + 1, first or number
            lines.append(_western(line))
    total = len(lines) - (not lines[-1])
    tell(f"{path}: {odd} of {total} lines are not UTF-8 (the first is line {first}); they are read as Windows-1252")
    return "\n".join(lines)


def _western(line: bytes) -> str:
    try:
        return line.decode("cp1252")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def read_csv(path: Path) -> list[Row]:
    """Rows of a delimited file; the delimiter is the one that its header and first rows agree on.

    Rows with too few or too many fields are left out.

    Raises:
        ValueError: one line; no header, a quote that is never closed, or too many broken rows.
    """
    text = read_text(path)
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # the default refuses fields over 128 KB
    try:
        return _csv_rows(text, path, delimiter_of(text, "\t" if ".tsv" in path.suffixes else ","))
    except csv.Error as error:
        raise ValueError(f"{path} is not a CSV file: {error}") from None
    finally:
        csv.field_size_limit(before)


def delimiter_of(text: str, usual: str = ",") -> str:
    """Comma, tab, semicolon or bar: by which most of the first rows have as many fields as the header, at least two."""
    head = text[:_LOOKED_AT]
    if len(text) > len(head) and "\n" in head:
        head = head[: head.rindex("\n") + 1]

    def fit(delimiter: str) -> tuple[float, bool, int]:
        try:
            rows = list(islice(_records(head, delimiter), 50))
        except csv.Error:
            return (0.0, False, 0)
        width = len(_trimmed(rows[0])) if rows else 0
        alike = sum(len(_trimmed(row)) == width or len(row) == len(rows[0]) for row in rows)
        return (round(alike / len(rows), 1), delimiter == usual, width) if width > 1 else (0.0, False, 0)

    best = max(_DELIMITERS, key=fit)
    return best if fit(best)[2] else usual


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    return (row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row)


def _trimmed(row: Sequence[str]) -> list[str]:
    """A row without the empty fields at its end."""
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return list(row[:end])


def _csv_rows(text: str, path: Path, delimiter: str) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = _names(next((row for row in reader if row), []))
    rows: list[Row] = []
    broken: list[int] = []
    number, line = 0, reader.line_num
    for fields in reader:
        began, line = line + 1, reader.line_num
        if not fields:
            continue
        number += 1
        if len(fields) != len(names):
            short = _trimmed(fields)
            if len(short) > len(names) or len(fields) < len(names):
                if line > began and _to_the_end(text, fields):
                    raise ValueError(f"{path}: a quote that opens in line {began} is never closed")
                broken.append(number)
                continue
            fields = (short + [""] * len(names))[: len(names)]
        rows.append({name: value for name, value in zip(names, fields, strict=True) if name})
    _told(path, broken, number, f"does not have the {len(names)} fields of the header", "data row")
    return rows


def _to_the_end(text: str, fields: Sequence[str]) -> bool:
    """Whether the last field holds lines and is what the file ends with: no quote closed it."""
    return "\n" in fields[-1] and text.endswith(fields[-1])


def _names(header: Sequence[str]) -> list[str]:
    names: list[str] = []
    for raw in header:
        name, again = raw.strip(), 2
        while name and name in names:
            name, again = f"{raw.strip()} ({again})", again + 1
        names.append(name)
    return names


def _told(path: Path, broken: Sequence[int], total: int, what: str, unit: str) -> None:
    if not broken:
        return
    if len(broken) > BROKEN_SHARE * total:
        more = f", and {len(broken) - 1} more of {total}" if len(broken) > 1 else ""
        raise ValueError(f"{path}: {unit} {broken[0]} {what}{more}")
    others = f", and {len(broken) - 1} more do not either" if len(broken) > 1 else ""
    tell(f"{path}: {unit} {broken[0]} {what}{others}; left out, the other {total - len(broken)} are kept")


def read_jsonl(path: Path) -> list[Row]:
    """Rows of a file with one JSON object a line; what is none is left out.

    Raises:
        ValueError: one line; too many lines are broken.
    """
    return _json_lines(read_text(path), path)


def _json_lines(text: str, path: Path) -> list[Row]:
    rows: list[Row] = []
    wrong: list[tuple[int, str]] = []
    total = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        total += 1
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            wrong.append((number, f"is not JSON: {error}"))
            continue
        if isinstance(row, dict):
            rows.append(row)
        else:
            wrong.append((number, "is not a JSON object"))
    if wrong and len(wrong) > BROKEN_SHARE * total:
        raise ValueError(f"{path}:{wrong[0][0]} {wrong[0][1]}")
    if wrong:
        tell(f"{path}:{wrong[0][0]} {wrong[0][1]} ({len(wrong)} of {total} lines are left out)")
    return rows


def read_json(path: Path) -> list[Row]:
    """Rows of a JSON file: a list of objects, one object a line, ``{"data": [...]}``, or values or lists by column.

    Raises:
        ValueError: one line, for another shape.
    """
    text = read_text(path)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return _json_lines(text, path)
    if isinstance(data, dict):
        data = _from_object(data)
    if isinstance(data, list) and data and all(isinstance(row, dict) for row in data):
        return data
    raise ValueError(f"{path} is no table: give a JSON list of objects, or one object a line")


def _from_object(data: Mapping[str, Any]) -> Any:
    lists = [value for value in data.values() if isinstance(value, list)]
    if len(lists) == 1 and lists[0] and isinstance(lists[0][0], dict):
        return lists[0]
    if lists and len(lists) == len(data) and len({len(value) for value in lists}) == 1:
        return [dict(zip(data, values, strict=True)) for values in zip(*lists, strict=True)]
    if data and all(isinstance(value, dict) for value in data.values()):
        keys = list(next(iter(data.values())))
        if all(list(column) == keys for column in data.values()):
            return [{name: column[key] for name, column in data.items()} for key in keys]
    return [data]


def read_parquet(path: Path) -> list[Row]:
    """Rows of a Parquet file.

    Raises:
        ImportError: naming the extra to install.
        ValueError: one line, for a damaged file.
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise ImportError("Parquet files need pyarrow: pip install 'assay[data]'") from None
    try:
        rows: list[Row] = pyarrow.parquet.read_table(path).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path} is not a whole Parquet file ({why}): download or write it again") from None
    return rows


READERS = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".txt": read_csv,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_json,
    ".parquet": read_parquet,
}
"""By suffix; those of text may be gzipped."""
