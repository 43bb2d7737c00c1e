"""Logs of Maven, Gradle and Quarto."""

from __future__ import annotations

import re
from collections import deque

from assay.verifiers.swe.logs.types import FAILED, PASSED, Outcomes

_STATUS = {"PASSED": PASSED, "FAILED": FAILED}


def maven(log: str) -> Outcomes:
    """One run for each test: ``-Dtest=name`` as the shell echoes it, then ``BUILD SUCCESS`` or ``BUILD FAILURE``.

    Maven does not name the tests that pass. Names and results meet in the order in which they are printed.
    """
    names: deque[str] = deque()
    results: deque[str] = deque()
    for raw in log.split("\n"):
        line = raw.strip()
        name = _maven_name(line)
        if name:
            names.append(name)
        word = next((w for end, w in (("SUCCESS", PASSED), ("FAILURE", FAILED)) if line.endswith(f"BUILD {end}")), None)
        if word and names:
            yield names.popleft(), word
        elif word:
            results.append(word)
    yield from zip(names, results, strict=False)


def _maven_name(line: str) -> str | None:
    """The word after the last ``-Dtest=`` that is followed by one."""
    end = len(line)
    while (at := line.rfind("-Dtest=", 0, end)) >= 0:
        rest = line[at + 7 : at + 8]
        if rest and not rest.isspace():
            return line[at + 7 :].split(None, 1)[0]
        end = at
    return None


def gradle(log: str) -> Outcomes:
    """``Class > test PASSED``; the name and its status may stand on two lines."""
    pending: str | None = None
    for raw in log.split("\n"):
        line = raw.strip()
        word = _STATUS.get(line[-6:])
        name = line[:-7]
        if word and line[-7:-6].isspace() and len(name) > 1 and name[0] != ">":
            yield name, word
            pending = None
        elif line[:1] != ">" and len(fields := line.split(None, 3)) == 3 and fields[1] == ">":
            pending = line
        elif pending is not None and line in _STATUS:
            yield pending, _STATUS[line]
            pending = None


_PREFIX = re.compile(r"\[(?:smoke|unit)\]")
_TEMPORARY = (re.compile(r"/tmp/\w+\.qmd"), re.compile(r"/tmp/\w+/"))


def quarto(log: str) -> Outcomes:
    """``[smoke] > name ... ok`` in colours; a test without a status failed. Temporary names are numbered."""
    numbers: dict[str, int] = {}
    seen: set[str] = set()
    for raw in log.split("\n"):
        line = raw
        if "ERRORS" in line or "failures:" in line:
            return
        if not _PREFIX.search(line):
            continue
        for pattern in _TEMPORARY:
            if match := pattern.search(line):
                line = pattern.sub(f"/tmp/{numbers.setdefault(match[0], len(numbers))}", line)
        if line.startswith("test result:") or "34mINFO" in line:
            continue
        if "passed" in line and "failed" in line and "steps" in line:
            continue
        name = line.split("...", 1)[0].strip()
        word = PASSED if "32mok" in line else FAILED if "31mFAILED" in line else None
        if word or name not in seen:
            seen.add(name)
            yield name, word or FAILED
