"""Formats in which one line tells one outcome: a pattern for what stands before the name, and how the name ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assay.verifiers.swe.logs.types import FAILED, PASSED, SKIPPED, Outcomes, last_match

_TIME = re.compile(r"\s\(\d+\s*m?s\)$")
_BARE_TIME = re.compile(r"\s(?:\d+\s*m?s?|\[skipped\])$")


@dataclass(frozen=True, slots=True)
class LineFormat:
    """One outcome a line.

    Attributes:
        head: matches the line from its start (outer whitespace removed); group 1 is the mark of the outcome, and the
            rest of the line begins where the match ends.
        words: what each mark means; a line with another is skipped.
        name: makes the name from the rest and the mark; None where the rest names no test.
        strip: whether outer whitespace is removed from a line first.
    """

    head: re.Pattern[str]
    words: Mapping[str, str]
    name: Callable[[str, str], str | None]
    strip: bool = True

    def __call__(self, log: str) -> Outcomes:
        """The outcomes in a log, in order."""
        for raw in log.split("\n"):
            line = raw.strip() if self.strip else raw
            match = self.head.match(line)
            if match is None:
                continue
            word = self.words.get(match[1])
            name = self.name(line[match.end() :], match[1]) if word else None
            if word and name is not None:
                yield name, word


def _rest(rest: str, mark: str) -> str | None:
    return rest or None


def _any(rest: str, mark: str) -> str | None:
    return rest


def _before(ending: re.Pattern[str]) -> Callable[[str, str], str | None]:
    """The rest without what matches at its end, as long as something is left."""

    def name(rest: str, mark: str) -> str | None:
        found = ending.search(rest, 1) if rest else None
        return rest[: found.start()] if found else rest or None

    return name


def _redis(rest: str, mark: str) -> str | None:
    name = _before(_TIME)(rest, mark)
    if name is None or mark != "err":
        return name
    fields = name.rsplit(None, 2)
    # "name in file": the file goes; rsplit drops whitespace at the end, where there is none to cut
    if len(fields) >= 2 and fields[-2] == "in" and name.endswith(fields[-1]):
        before = name[: -len(fields[-1])].rstrip()[:-2]
        if before != before.rstrip():
            return before.rstrip()
    return name


def _jest(rest: str, mark: str) -> str | None:
    name = _before(_TIME)(rest, mark)
    return None if name is None else name.strip()


def _go(rest: str, mark: str) -> str | None:
    """Up to the last `` (`` that has something between itself and the bracket that ends the line."""
    cut = rest.rfind(" (", 1, len(rest) - 2)
    return rest[:cut] if cut >= 1 and rest.endswith(")") else None


_CARGO_REST = re.compile(r"(\S+)\s+\.\.\.\s+\w+$")
_LAST_TIMES = tuple(re.compile(rf"\s\([\d.]+{unit}\)") for unit in ("ms", r"\ss", "s"))


def _last_time(rest: str, mark: str) -> str:
    """Up to the last duration, of the first unit that occurs."""
    for pattern in _LAST_TIMES:
        if found := last_match(pattern, rest):
            return rest[: found.start()]
    return rest


_PASS_FAIL = {"PASS": PASSED, "FAIL": FAILED}

redis = LineFormat(
    re.compile(r"\[(ok|err|skip|ignore)\]:\s"),
    {"ok": PASSED, "err": FAILED, "skip": SKIPPED, "ignore": SKIPPED},
    _redis,
)
jq = LineFormat(re.compile(r"(PASS|FAIL):\s"), _PASS_FAIL, _rest)
micropython = LineFormat(re.compile(r"(pass|FAIL|skip)\s+"), {"pass": PASSED, "FAIL": FAILED, "skip": SKIPPED}, _rest)
ant = LineFormat(
    re.compile(r"\[junit\]\s+\[(PASS|FAIL|ERR)\]\s+"), {"PASS": PASSED, "FAIL": FAILED, "ERR": FAILED}, _any
)
gotest = LineFormat(re.compile(r"--- (PASS|FAIL|SKIP): "), {**_PASS_FAIL, "SKIP": SKIPPED}, _go)
jest = LineFormat(re.compile(r"([✓✕○])\s"), {"✓": PASSED, "✕": FAILED, "○": SKIPPED}, _jest)
jest_json = LineFormat(re.compile(r"\[(PASSED|FAILED)\]\s"), {"PASSED": PASSED, "FAILED": FAILED}, _rest)
vitest = LineFormat(re.compile(r"([✓×↓])\s"), {"✓": PASSED, "×": FAILED, "↓": SKIPPED}, _before(_BARE_TIME))
tap = LineFormat(re.compile(r"(ok|not ok) \d+ "), {"ok": PASSED, "not ok": FAILED}, _rest)
carbon = LineFormat(re.compile(r"(PASS|FAIL)\s"), _PASS_FAIL, _last_time, strip=False)
marked = LineFormat(re.compile(r"\d+(\))\s"), {")": FAILED}, lambda rest, mark: rest.strip(), strip=False)


def cargo(log: str) -> Outcomes:
    """``test name ... ok`` or ``FAILED``."""
    for line in log.split("\n"):
        fields = line.split(None, 4)
        if len(fields) == 4 and fields[0] == "test" and fields[2] == "...":
            word = {"ok": PASSED, "FAILED": FAILED}.get(fields[3])
            if word:
                yield fields[1], word


_GTEST = re.compile(r"\[\s*(OK|FAILED)\s*\]\s")
_OPEN = re.compile(r"\s\(")


def googletest(log: str) -> Outcomes:
    """``[ OK ] name (3 ms)``; the last such mark of a line counts."""
    for raw in log.split("\n"):
        line = raw.strip()
        if not line.endswith(")"):
            continue
        opening = last_match(_OPEN, line)
        cut = opening.start() if opening else -1
        mark = last_match(_GTEST, line[: max(cut, 0)])
        if mark:
            yield line[mark.end() : cut], PASSED if mark[1] == "OK" else FAILED


def phpunit(log: str) -> Outcomes:
    """``Suite (Class)``, then a mark and a name for each of its tests."""
    suite: str | None = None
    for line in log.split("\n"):
        cut = line.rfind(" (", 2, len(line) - 2) if line.endswith(")") else -1
        if cut >= 2 and (line[0].isalnum() or line[0] == "_"):
            suite = line[:cut]
            continue
        text = line.lstrip()
        word = {"✔": PASSED, "✘": FAILED, "↩": SKIPPED}.get(text[:1])
        if word:
            yield f"{suite} > {text[1:].lstrip()}", word


_RUBY_OUTCOME = re.compile(r":\s+(\.|[EFO]\b)")
_DOTS = re.compile(r" (\.+)(F?)")


def minitest(log: str) -> Outcomes:
    """``Class#test_name. = 0.01 s = .``"""
    for raw in log.split("\n"):
        line = raw.strip()
        if "=" not in line:
            continue
        last = max(line.rfind(mark) for mark in ".FE")
        equals = line.rfind("=", 0, max(last, 0))
        cut = line.rfind(". ", 1, equals) if equals >= 0 else -1
        if cut >= 1:
            yield line[:cut], PASSED if line[last] == "." else FAILED


def cucumber(log: str) -> Outcomes:
    """``feature ....`` or ``feature ...F``: the last run of dots of a line."""
    for raw in log.split("\n"):
        found = None
        line = raw.strip()
        for dots in _DOTS.finditer(line):
            if dots[2] or len(dots[1]) > 1:
                found = dots
        if found:
            yield line[: found.start()], FAILED if found[2] else PASSED


def ruby_unit(log: str) -> Outcomes:
    """``test: name: .``, ``F``, ``E`` or ``O`` (left out)."""
    words = {".": PASSED, "E": FAILED, "F": FAILED, "O": SKIPPED}
    for raw in log.split("\n"):
        line = raw.strip()
        if found := last_match(_RUBY_OUTCOME, line, 1):
            prefix = 6 if line.startswith("test: ") and found.start() > 6 else 0
            yield line[prefix : found.start()], words[found[1]]


def rspec(log: str) -> Outcomes:
    """``name - passed`` or ``failed``; the last such mark of a line counts."""
    for raw in log.split("\n"):
        line = raw.strip()
        good, bad = line.rfind(" - passed", 1), line.rfind(" - failed", 1)
        if max(good, bad) >= 1:
            yield line[: max(good, bad)], PASSED if good > bad else FAILED


_GROMMET_TIME = re.compile(r"\s\([\d.]+\s?m?s\)$")


def whole_files(log: str) -> Outcomes:
    """``FAIL file`` and ``PASS file``; what passed is read last."""
    for word, pattern in ((FAILED, r"^FAIL\s(.*)"), (PASSED, r"^PASS\s(.*)")):
        for match in re.finditer(pattern, log, re.MULTILINE):
            yield match[1].strip(), word


def grommet(log: str) -> Outcomes:
    """As :func:`whole_files`, without durations."""
    for name, word in whole_files(log):
        yield _GROMMET_TIME.sub("", name), word
