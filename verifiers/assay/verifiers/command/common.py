"""What the commands share: verifiers and options from the command line, JSON lines."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from assay.verifiers import registry

MAX_LINE = 64 << 20


class UsageError(Exception):
    """The command cannot run as it was given; the message says what to do."""


def import_modules(modules: list[str]) -> None:
    """Import what registers more verifiers, looking in the current folder too.

    Raises:
        UsageError: a module does not import.
    """
    if modules and "" not in sys.path:
        sys.path.insert(0, "")
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:
            raise UsageError(f"--import {module}: {type(error).__name__}: {error}") from None


def find_verifier(name: str, imports: list[str]) -> registry.Verifier:
    """The verifier of that name, after importing ``imports``.

    Raises:
        UsageError: a module does not import, or no verifier has the name.
    """
    import_modules(imports)
    try:
        return registry.get(name)
    except KeyError as error:
        raise UsageError(f"{error.args[0]} All of them: assay-score list") from None


def parse_options(verifier: registry.Verifier, pairs: list[str]) -> dict[str, Any]:
    """``["k=v", ...]`` with each value as the type of the option's default.

    Raises:
        UsageError: no "=", no such option, or a value that it cannot take.
    """
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"--option takes key=value, got {pair!r}")
        option = verifier.options.get(key)
        options[key] = text if option is None else _typed(key, option.default, text)
    try:
        verifier.check(options)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return options


def _typed(key: str, default: Any, text: str) -> Any:
    if isinstance(default, bool):
        values = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if text.lower() not in values:
            raise UsageError(f"--option {key} is true or false, got {text!r}")
        return values[text.lower()]
    if isinstance(default, int | float):
        try:
            return type(default)(text)
        except ValueError:
            raise UsageError(f"--option {key} is a number, got {text!r}") from None
    if isinstance(default, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def open_lines(path: str) -> IO[bytes]:
    """The file for reading, ``-`` being stdin.

    Raises:
        UsageError: it cannot be read.
    """
    if path == "-":
        return sys.stdin.buffer
    try:
        return open(path, "rb")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None


@dataclass(frozen=True)
class Row:
    """One line: its number from 1, where it begins, and its object, or what is wrong with it."""

    number: int
    offset: int
    data: dict[str, Any]
    problem: str = ""


def rows(file: IO[bytes], limit: int = MAX_LINE) -> Iterator[Row]:
    """The lines of a JSONL file; blank ones are skipped, broken and overlong ones (in bytes) come with the problem."""
    number = offset = 0
    while line := file.readline(limit):
        start, offset, number = offset, offset + len(line), number + 1
        if len(line) == limit and not line.endswith(b"\n"):
            while line := file.readline(limit):
                offset += len(line)
                if line.endswith(b"\n"):
                    break
            yield Row(number, start, {}, f"over {limit} bytes")
        elif line.strip():
            yield parse_row(line, number, start)


def parse_row(line: bytes, number: int, offset: int) -> Row:
    """One line as a row."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Row(number, offset, {}, f"not JSON: {error}")
    if not isinstance(data, dict):
        return Row(number, offset, {}, "not a JSON object")
    return Row(number, offset, data)


def as_truth(verifier: registry.Verifier, value: Any) -> Mapping[str, Any]:
    """A truth; a bare string or number stands for the verifier's own key.

    Raises:
        ValueError: anything else.
    """
    if isinstance(value, Mapping):
        return value
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return {verifier.truth_key: value}
    raise ValueError(f"the truth is a JSON object or a bare answer, got {type(value).__name__}")


def all_options(truth: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The task's own options, under those given on the command line.

    Raises:
        ValueError: the task's options are no mapping.
    """
    own = truth.get("options") or {}
    if not isinstance(own, Mapping):
        raise ValueError('"options" in a truth is a mapping')
    return {**own, **given}
