"""Logs of Django's and SymPy's own test runners."""

from __future__ import annotations

import re
from collections.abc import Callable

from assay.verifiers.swe.logs.types import ERROR, FAILED, PASSED, SKIPPED, Outcomes

_PASS_ENDINGS = (" ... ok", " ... OK", " ...  OK")
_VERSION_TEST = "--version is equivalent to version"
_MIGRATION = "Applying sites.0002_alter_domain_unique...test_no_migrations"


def django(log: str) -> Outcomes:
    """``test_name (module.Class) ... ok``, with the lines that Django's own output breaks in two."""
    previous: str | None = None
    for raw in log.split("\n"):
        line = raw.strip()
        if not line:
            continue
        if _VERSION_TEST in line:
            yield _VERSION_TEST, PASSED
        if " ... " in line:
            previous = line.split(" ... ", 1)[0]
        ending = next((ending for ending in _PASS_ENDINGS if line.endswith(ending)), None)
        if ending:
            if line.startswith(_MIGRATION):
                line = line.split("...", 1)[1].strip()
            yield line.rsplit(ending, 1)[0], PASSED
        if " ... skipped" in line:
            yield line.split(" ... skipped", 1)[0], SKIPPED
        for word, mark in ((FAILED, "FAIL"), (ERROR, "ERROR")):
            if line.endswith(f" ... {mark}"):
                yield line.split(f" ... {mark}", 1)[0], word
            if line.startswith(f"{mark}:") and len(fields := line.split(None, 2)) > 1:
                yield fields[1], word
        if line.startswith("ok") and previous is not None:
            yield previous, PASSED
    yield from _broken_lines(log)


def _broken_lines(log: str) -> Outcomes:
    """Names whose ``ok`` stands on a line of its own, after one of three messages."""
    end_of_testing = re.compile(r" silenced\)\.\nok$", re.MULTILINE)

    def testing(start: int) -> int:
        end = end_of_testing.search(log, start)
        return end.end() if end else -1

    def server_error(start: int) -> int:
        line = log.find("\n", start)
        return _ok(line) if line > start and log[line - 1] == "/" else -1

    def _ok(line: int) -> int:
        end = line + 3
        return end if log.startswith("\nok", line) and log[end : end + 1] in ("", "\n") else -1

    yield from _headed(log, r"\s\.\.\.\sTesting against Django installed in ", testing)
    yield from _headed(log, r"\s\.\.\.\sInternal Server Error: /", server_error)
    yield from _headed(log, r"\s\.\.\.\sSystem check identified no issues \(0 silenced\)", _ok)


def _headed(log: str, head: str, tail: Callable[[int], int]) -> Outcomes:
    """The text from the line start to each ``head`` that is followed by what ``tail`` finds; that gives its end."""
    done = line_start = seen = 0
    for match in re.finditer(head, log):
        newline = log.rfind("\n", seen, match.start())
        if newline >= 0:
            line_start = newline + 1
        seen = match.start()
        if line_start < done:
            continue
        end = tail(match.end())
        if end >= 0:
            yield log[line_start : match.start()], PASSED
            done = end + 1
        elif "Testing" in head:
            return  # nothing ends any later one either


def sympy(log: str) -> Outcomes:
    """Headlines of failures (``___ file.py:test ___``), then ``test_name ok``, ``F`` or ``E``."""
    lines = log.split("\n")
    for line in lines:
        first, last = line.find(" "), line.rfind(" ")
        dot = line.rfind(".py:", first + 1, last) if first >= 0 else -1
        if dot >= 0:
            yield f"{line[first + 1 : dot]}.py:{line[dot + 4 : last]}", FAILED
    for raw in lines:
        line = raw.strip()
        if line.startswith("test_"):
            word = next((w for end, w in ((" E", ERROR), (" F", FAILED), (" ok", PASSED)) if line.endswith(end)), None)
            if word:
                yield line.split(None, 1)[0], word
