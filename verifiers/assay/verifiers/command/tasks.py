"""Where the truth of a response line comes from."""

from __future__ import annotations

from typing import IO, Any, Protocol

from assay.verifiers.command.common import Row, UsageError, parse_row, rows


class Source(Protocol):
    """Finds the truth of a response."""

    def truth(self, row: Row) -> Any:
        """The truth of a response line; LookupError or ValueError, in one line, where there is none."""

    def skip(self) -> None:
        """Pass over the truth of a response line that cannot be scored."""


def _field(data: dict[str, Any], field: str, where: str) -> Any:
    if field not in data:
        raise ValueError(f"{where} has no field {field!r}; name another with --truth-field")
    return data[field]


class Carried:
    """Each response line carries its own truth."""

    def __init__(self, field: str) -> None:
        self._field = field

    def truth(self, row: Row) -> Any:
        """See :class:`Source`."""
        return _field(row.data, self._field, "the line")

    def skip(self) -> None:
        """See :class:`Source`."""


class ByOrder:
    """Line by line: the n-th task belongs to the n-th response."""

    def __init__(self, file: IO[bytes], field: str) -> None:
        self._rows, self._field = rows(file), field

    def truth(self, row: Row) -> Any:
        """See :class:`Source`."""
        task = next(self._rows, None)
        if task is None:
            raise LookupError("there are fewer tasks than responses")
        if task.problem:
            raise ValueError(f"its task is {task.problem}")
        return _field(task.data, self._field, "its task")

    def skip(self) -> None:
        """See :class:`Source`."""
        next(self._rows, None)


class ById:
    """By id: memory holds where each task begins, not the tasks.

    Raises:
        UsageError: a task has no id, two have the same, or a line is broken.
    """

    def __init__(self, file: IO[bytes], path: str, id_field: str, truth_field: str) -> None:
        self._file, self._id, self._truth = file, id_field, truth_field
        self._offsets: dict[str, int] = {}
        self._last: tuple[str, Any] | None = None
        for row in rows(file):
            if row.problem:
                raise UsageError(f"{path}:{row.number}: {row.problem}")
            if id_field not in row.data:
                raise UsageError(
                    f"{path}:{row.number}: no {id_field!r}; name another with --id-field, or use --join order"
                )
            key = _key(row.data[id_field])
            if key in self._offsets:
                raise UsageError(f"{path}:{row.number}: the id {row.data[id_field]!r} occurs twice")
            self._offsets[key] = row.offset

    def truth(self, row: Row) -> Any:
        """See :class:`Source`."""
        if self._id not in row.data:
            raise ValueError(f"no {self._id!r}; name another with --id-field, or use --join order")
        key = _key(row.data[self._id])
        if self._last is None or self._last[0] != key:
            if key not in self._offsets:
                raise LookupError(f"no task has the id {row.data[self._id]!r}")
            self._file.seek(self._offsets[key])
            task = parse_row(self._file.readline(), 0, 0)
            self._last = (key, _field(task.data, self._truth, "its task"))
        return self._last[1]

    def skip(self) -> None:
        """See :class:`Source`."""


def _key(value: Any) -> str:
    """Ids compare as text, so that 7 and "7" are the same."""
    return str(value)
