"""Formats that embed a document: mocha's JSON, doctest's XML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from assay.verifiers.swe.logs.types import FAILED, PASSED, Outcomes, lines_with

_TITLE = re.compile(r'"fullTitle":\s"')
_MOCHA = "./node_modules/.bin/mocha"
_MAX_DEPTH = 50


def prismjs(log: str) -> Outcomes:
    """A JSON report after each call of mocha; one that cannot be read says nothing."""
    for part in log.split(f"{_MOCHA} tests/run.js --reporter json")[1:]:
        try:
            report = json.loads("{" + part.split("{", 1)[-1].rsplit("}", 1)[0] + "}")
        except (ValueError, RecursionError):
            continue
        for key, word in (("failures", FAILED), ("passes", PASSED)):
            for title in _titles(report, key):
                yield title, word


def _titles(report: Any, key: str) -> Iterator[str]:
    tests = report.get(key) if isinstance(report, dict) else None
    for test in tests if isinstance(tests, list) else ():
        title = test.get("fullTitle") if isinstance(test, dict) else None
        if isinstance(title, str):
            yield title


def mocha_json(log: str) -> Outcomes:
    """The titles in mocha's JSON lists of passes and failures, read line by line."""
    for part in log.split(f"{_MOCHA} --reporter json")[1:]:
        for opening, end, word in (('"passes": [', "]", PASSED), ('"failures": [', "],", FAILED)):
            yield from _listed(part.split(opening)[-1].rsplit(end, 1)[0], word)


def cypress(log: str) -> Outcomes:
    """As :func:`mocha_json`, for blocks that end at ``../..``."""
    for part in log.split("../..")[:-1]:
        for opening, end, word in (('  "passes": [', "  }", PASSED), ('  "failures": [', "  ],", FAILED)):
            yield from _listed(part.split(opening)[-1].rsplit(end, 1)[0], word)


def _listed(text: str, word: str) -> Outcomes:
    for title in lines_with(text, _TITLE, '",'):
        yield title, word


class _Cases:
    """Collects test cases and their subcases while XML is parsed, without building a tree."""

    def __init__(self) -> None:
        self.cases: list[tuple[str | None, list[int]]] = []
        self.subcases: list[tuple[str | None, bool]] = []
        self._open: list[tuple[str, int]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _MAX_DEPTH:
            raise ValueError("nested too deeply")
        if not self._open:
            self._open.append(("", -1))  # the root is no case, whatever it is called
            return
        index = -1
        if tag == "TestCase":
            index = len(self.cases)
            self.cases.append((attributes.get("name"), []))
        elif tag == "SubCase":
            index = len(self.subcases)
            self.subcases.append((attributes.get("name"), True))
            for kind, case in self._open:
                if kind == "TestCase":
                    self.cases[case][1].append(index)
        elif tag == "Expression" and attributes.get("success") != "true":
            for kind, subcase in self._open:
                if kind == "SubCase":
                    self.subcases[subcase] = (self.subcases[subcase][0], False)
        self._open.append((tag, index))

    def end(self, tag: str) -> None:
        self._open.pop()

    def close(self) -> None:
        pass


def doctest(log: str) -> Outcomes:
    """The first ``<doctest...>`` document: a subcase passes if all expressions in it do.

    A document that is malformed or nested more than 50 deep says nothing. It begins inside the log, so it cannot
    declare entities.
    """
    start = log.find("<doctest")
    end = log.find("</doctest>", start) if start >= 0 else -1
    if end < 0:
        return
    cases = _Cases()
    parser = ElementTree.XMLParser(target=cases)
    try:
        parser.feed(log[start : end + len("</doctest>")].encode("utf-8"))
        parser.close()
    except (ElementTree.ParseError, ValueError):
        return
    for case, subcases in cases.cases:
        for index in subcases:
            subcase, good = cases.subcases[index]
            yield f"{case} > {subcase}", PASSED if good else FAILED
