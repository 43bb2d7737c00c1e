"""Logs of pytest's ``-rA`` summary, and the variants that SWE-bench reads for single projects."""

from __future__ import annotations

import re

from assay.verifiers.swe.logs.types import FAILED, PASSED, SKIPPED, WORDS, Outcomes

_COUNT = re.compile(r"\[\d+\]$")
_COLOUR = re.compile(r"\[\d+m")
_CONTROL = dict.fromkeys(range(1, 32))


def _is_count(word: str, name: str) -> bool:
    """Whether a line counts skipped tests (``SKIPPED [2] file:line: why``) instead of naming one."""
    return word == SKIPPED and _COUNT.match(name) is not None


def pytest(log: str) -> Outcomes:
    """``PASSED name``, ``FAILED name - message`` and so on; the name ends at the first space."""
    for line in log.split("\n"):
        if line.startswith(WORDS):
            fields = (line.replace(" - ", " ") if line.startswith(FAILED) else line).split(None, 2)
            if len(fields) > 1 and not _is_count(fields[0], fields[1]):
                yield fields[1], fields[0]


def pytest_options(log: str) -> Outcomes:
    """As :func:`pytest`; a parameter that is an absolute path is cut to its last component."""
    for name, word in pytest(log):
        first, last = name.find("["), name.rfind("]")
        if first < 0 or last < first:
            yield name, word
            continue
        option = name[first + 1 : last]
        if option[:1] == "/" and option[:2] != "//" and "*" not in option:
            option = option[option.rindex("/") :]
        yield f"{name[:first]}[{option}]", word


def pytest_mouse(log: str) -> Outcomes:
    """As :func:`pytest`, for matplotlib, whose parameters print differently under two versions of Python."""
    return pytest(log.replace("MouseButton.LEFT", "1").replace("MouseButton.RIGHT", "3"))


def pytest_spaces(log: str) -> Outcomes:
    """Names with spaces, lines with colours, and old versions that write the outcome last."""
    for raw in log.split("\n"):
        line = _COLOUR.sub("", raw).translate(_CONTROL)
        if line.startswith(WORDS):
            fields = (line.split(" - ", 1)[0] if line.startswith(FAILED) else line).split()
            if len(fields) > 1 and not _is_count(fields[0], fields[1]):
                yield " ".join(fields[1:]), fields[0]
        elif line.endswith(WORDS):
            fields = line.split()
            if len(fields) > 1:
                yield " ".join(fields[:-1]), fields[-1]


def seaborn(log: str) -> Outcomes:
    """The outcome first, or ``name PASSED [ 10%]``."""
    for line in log.split("\n"):
        fields = line.split(None, 2)
        if len(fields) < 2:
            continue
        if line.startswith(FAILED):
            yield fields[1], FAILED
        elif f" {PASSED} " in line:
            if fields[1] == PASSED:
                yield fields[0], PASSED
        elif line.startswith(PASSED):
            yield fields[1], PASSED


def r2e_summary(log: str) -> Outcomes:
    """R2E-Gym's logs: the lines of the first ``short test summary info``, named by the parts after the file."""
    _, found, summary = log.partition("short test summary info")
    for line in summary.partition("short test summary info")[0].strip().split("\n") if found else ():
        word = next((word for word in ("PASSED", "FAILED", "ERROR") if word in line), None)
        if word:
            name = ".".join(line.split("::")[1:])
            yield (name if word == PASSED else name.split(" - ")[0]), word


def r2e_strict(log: str) -> Outcomes:
    """As :func:`r2e_summary`, but the outcome is the first word of the line, so that no message can forge one."""
    _, found, summary = log.partition("short test summary info")
    for line in summary.strip().split("\n") if found else ():
        word, _, rest = line.partition(" ")
        if word in ("PASSED", "FAILED", "ERROR"):
            name = ".".join(rest.split("::")[1:]) if "::" in rest else rest
            yield name.split(" - ")[0], word
