"""Formats in which tests are indented below the names of their suites."""

from __future__ import annotations

import re

from assay.verifiers.swe.logs.types import FAILED, PASSED, Outcomes, indent_of, last_match, without_ansi

_MS = re.compile(r"\(\d+ms\)")
_LAST_MS = re.compile(r"\s\(\d+m+s\)")
_NUMBER = re.compile(r"\d+\)")


class Suites:
    """The names of the suites that an indented line stands in."""

    def __init__(self) -> None:
        self._stack: list[tuple[str, int]] = []

    def enter(self, line: str) -> None:
        """Take an indented line that is no test as a suite's name."""
        indent = indent_of(line)
        while self._stack and self._stack[-1][1] >= indent:
            self._stack.pop()
        self._stack.append((line.strip(), indent))

    def name(self, test: str, joint: str = " - ") -> str:
        """The full name of a test here."""
        return joint.join([*(name for name, _ in self._stack), test])

    def path(self) -> str:
        """The names of the suites alone."""
        return " - ".join(name for name, _ in self._stack)


def calypso(log: str) -> Outcomes:
    """Jest's tree, after each call of ``jest``, up to its first summary."""
    suites = Suites()
    for part in log.split(" ./node_modules/.bin/jest ")[1:]:
        for line in part.split("\n"):
            text = line.strip()
            if line.startswith(("Test Suites", "  ● ")):
                break
            if text[:1] in ("✓", "✕"):
                name = _calypso_name(line)
                if name is not None:
                    yield f"{suites.path()} - {name}".strip(), PASSED if text[0] == "✓" else FAILED
            elif indent_of(line):
                suites.enter(line)


def _calypso_name(line: str) -> str | None:
    """What stands between the mark and the duration; None for a line of another form."""
    rest = line.lstrip()[1:]
    if not indent_of(line) or not rest[:1].isspace():
        return None
    if _MS.search(line) is None:
        return rest[1:]
    cut = rest.rfind("(")
    return rest[1:cut] if cut >= 1 and _MS.fullmatch(rest, cut) else None


def next_karma(log: str) -> Outcomes:
    """Karma's tree after each ``xvfb-run``, without assertion messages."""
    suites = Suites()
    for part in _without_assertions(without_ansi(log)).split(" xvfb-run ")[1:]:
        for line in part.split("Starting browser Chrome")[-1].split("\n"):
            if line.startswith("TOTAL"):
                break
            if line.strip().startswith(("ERROR", "LOG", "WARN", "Check", "in")):
                continue
            for mark, word in (("✗", FAILED), ("✓", PASSED)):
                if mark in line:
                    yield suites.name(line.split(mark, 1)[1].lstrip()), word
                    break
            else:
                if indent_of(line):
                    suites.enter(line)


_ASSERTION = re.compile(r"AssertionError:\s+#")


def _without_assertions(log: str) -> str:
    kept = []
    at = 0
    while (match := _ASSERTION.search(log, at)) is not None:
        end = log.find("\n\n", match.end())
        if end < 0:
            break
        kept.append(log[at : match.start()])
        at = end + 2
    return "".join(kept) + log[at:]


_CYPRESS_SUITE = re.compile(r"\)\n{3}\s{2}(.*)\n")
_CYPRESS_FAILURE = re.compile(r"^\s{4}\d+\)\s(.*)", re.MULTILINE)
_CYPRESS_SUCCESS = re.compile(r"^\s{4}✓\s(.*)\(", re.MULTILINE)


def next_cypress(log: str) -> Outcomes:
    """Cypress's output: one block for each ``Running: file)``."""
    heads: list[re.Match[str]] = []
    at = 0
    while (head := _CYPRESS_SUITE.search(log, at)) is not None:
        line = max(log.rfind("\n", at, head.start()) + 1, at)
        if log.find("Running:", line, head.start()) >= 0:
            heads.append(head)
            at = head.end()
        else:
            at = head.start() + 1
    ends = [log.rfind("Running:", 0, head.start()) for head in heads[1:]]
    for k, head in enumerate(heads):
        block = log[head.end() : _first_running(log, head.end(), ends[k]) if k < len(ends) else len(log)]
        for pattern, word in ((_CYPRESS_FAILURE, FAILED), (_CYPRESS_SUCCESS, PASSED)):
            for match in pattern.finditer(block):
                yield f"{head[1]}: {match[1].strip()}", word


def _first_running(log: str, start: int, last: int) -> int:
    """Where the next block's head begins: the first ``Running:`` on the line of its last one."""
    line = max(log.rfind("\n", start, last) + 1, start)
    return log.find("Running:", line)


_RUN = re.compile(r"running\s\d+\stest\sfiles")
_PASSING = re.compile(r"\d\spassing")


def lighthouse_mocha(log: str) -> Outcomes:
    """Mocha's tree after each ``running n test files``, up to its summary."""
    for part in _RUN.split(log)[1:]:
        suites = Suites()
        for line in _up_to_summary(part).strip().split("\n"):
            outcome = _mocha_line(line.strip())
            if outcome:
                yield suites.name(outcome[0]), outcome[1]
            elif indent_of(line):
                suites.enter(line)


def _up_to_summary(text: str) -> str:
    match = _PASSING.search(text)
    if match is None:
        return text
    end = match.start()
    while end and text[end - 1].isdecimal():
        end -= 1
    return text[:end]


def _mocha_line(text: str) -> tuple[str, str] | None:
    number = _NUMBER.match(text)
    mark = 1 if text.startswith("✔") else number.end() if number else 0
    if not mark or not text[mark : mark + 1].isspace():
        return None
    rest = text[mark + 1 :]
    cut = last_match(_LAST_MS, rest)
    return rest[: cut.start()] if cut else rest, FAILED if number else PASSED


_EPILOGUE = re.compile(r"\n[ \t]*\d+ passing")


def highlightjs(log: str) -> Outcomes:
    """Mocha's tree up to its summary, with the nearest suite only."""
    match = _EPILOGUE.search(log)
    suite: list[str] = []
    for line in (log[: match.start()] if match else log).split("\n"):
        text = line.strip()
        if text[:1] in ("✓", "✔"):
            yield ".".join([*suite, _untimed(line.split(text[0], 1)[1])]), PASSED
        elif _NUMBER.match(text):
            yield ".".join([*suite, _untimed(line.split(")", 1)[1])]), FAILED
        elif line.startswith("  "):
            suite = [text]


def _untimed(name: str) -> str:
    return _MS.sub("", name).strip()


_KARMA = re.compile(r"(\s*)([✔✖])\s(.*)$")


def karma(log: str) -> Outcomes:
    """Karma's tree from ``Starting browser`` to ``SUMMARY:``, names joined by `` > ``."""
    suite: list[str] = []
    depth, started = -1, False
    for line in log.split("\n"):
        if line.startswith("SUMMARY:"):
            return
        if "Starting browser" in line:
            started = True
        elif started:
            if match := _KARMA.match(line):
                yield " > ".join([*suite, match[3]]), PASSED if match[2] == "✔" else FAILED
                continue
            indent = indent_of(line) - 1  # the last one belongs to no level
            if indent > max(depth, 0):
                depth = indent
                suite.append(line[indent + 1 :])
            elif 0 < indent < depth:
                depth = indent
                if suite:
                    suite.pop()


_COLON = re.compile(r"\s:")


def plotly(log: str) -> Outcomes:
    """``- suite :`` and ``* test : ok`` lines, nested by indentation."""
    suite: list[str] = []
    depth = 0
    for line in log.split("\n"):
        if match := _marked(line, "-"):
            while suite and match[0] <= depth:
                suite.pop()
            suite.append(match[1])
            depth = match[0]
        elif match := _marked(line, "*"):
            while suite and match[0] <= depth:
                suite.pop()
            status = match[2].lower()
            good = "ok" in status and "failed" not in status
            yield ".".join([*suite, match[1]]), PASSED if good else FAILED


def _marked(line: str, mark: str) -> tuple[int, str, str] | None:
    """Indent, name and rest of an indented ``mark name : rest``."""
    text = line.lstrip()
    indent = len(line) - len(text)
    if not indent or text[:1] != mark or not text[1:2].isspace():
        return None
    rest = text[1:].lstrip()
    colon = _COLON.search(rest)
    if colon:
        return indent, rest[: colon.start()].rstrip(), rest[colon.end() :].lstrip()
    # a nameless entry, where two spaces stand before the colon
    return (indent, "", rest[1:].lstrip()) if rest[:1] == ":" and len(text) - len(rest) > 2 else None
