"""What a log parser gives: an iterator of test names and the words that swebench has for their outcomes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PASSED, FAILED, SKIPPED, ERROR, XFAIL = "PASSED", "FAILED", "SKIPPED", "ERROR", "XFAIL"
WORDS = (FAILED, PASSED, SKIPPED, ERROR, XFAIL)

Outcome = tuple[str, str]
Outcomes = Iterator[Outcome]
Reader = Callable[[str], Outcomes]

_ANSI = re.compile(r"\x1b(?:[@-Z\\-_]|\[[0-?]*[ -/]*[@-~])")
_HALF = re.compile(r"\x1b\[[0-?]*[ -/]*(?![ -/@-~])")


@dataclass(frozen=True, slots=True)
class Run:
    """Which task a log belongs to: three projects write their logs in more than one way.

    Attributes:
        instance_id: the task's id, ``owner__name-number``; empty where it is not known.
        version: the project's version, such as ``1.27``; empty where it is not known.
    """

    instance_id: str = ""
    version: str = ""


def without_ansi(text: str) -> str:
    """The text without terminal escape sequences."""
    return _ANSI.sub("", text)


def last_match(pattern: re.Pattern[str], text: str, start: int = 0) -> re.Match[str] | None:
    """The last of the matches that do not overlap."""
    found = None
    for match in pattern.finditer(text, start):
        found = match
    return found


def indent_of(line: str) -> int:
    """Number of whitespace characters that a line begins with."""
    return len(line) - len(line.lstrip())


def lines_with(text: str, head: re.Pattern[str], tail: str, *, spaced: bool = False) -> Iterator[str]:
    r"""What stands between ``head`` and ``tail`` where the tail ends the line that the head ends on.

    The same as all matches of ``head(.*)tail\n``, or with ``spaced`` of ``head(.*)\stail\n``, in linear time. The head
    must be of bounded length, up to runs of digits and the like.
    """
    at, line_end = 0, -1
    while (match := head.search(text, at)) is not None:
        start = match.end()
        if line_end < start:
            line_end = text.find("\n", start)
        if line_end < 0:
            return
        stop = line_end - len(tail) - spaced
        if spaced and text.startswith(f"\n{tail}\n", line_end):
            yield text[start:line_end]
            at = line_end + len(tail) + 2
        elif stop >= start and text.startswith(tail, stop + spaced) and (not spaced or text[stop].isspace()):
            yield text[start:stop]
            at = line_end + 1
        else:
            at = match.start() + 1
