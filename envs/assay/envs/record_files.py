"""Files of task records, one JSON object a line, as the minters write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

FILE = "tasks.jsonl"
T = TypeVar("T")


def records_file(path: str | Path, minter: str) -> Path:
    """The file of records that a path names: itself, or ``tasks.jsonl`` in a folder.

    Args:
        path: a file or a folder.
        minter: the kind of ``assay-mint`` that writes such files, for the message.

    Raises:
        ValueError: one line, if there is none.
    """
    path = Path(path).expanduser()
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise ValueError(f"no such file: {file} (records of assay-mint {minter}, one JSON line each)")
    return file


def read_lines(file: Path, make: Callable[[Any, str], T]) -> list[T]:
    """What ``make(data, where)`` gives for each line that is not blank; ``where`` is ``FILE:LINE``.

    Raises:
        ValueError: one line that names the file, and the line if that is to blame; whatever ``make`` raises.
    """
    found = []
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                where = f"{file}:{number}"
                try:
                    data = json.loads(line)
                except (ValueError, RecursionError):
                    raise ValueError(f"{where}: not a line of JSON") from None
                found.append(make(data, where))
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not UTF-8") from None
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror or error}") from None
    if not found:
        raise ValueError(f"{file} holds no records")
    return found
