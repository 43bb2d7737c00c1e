"""Formats that name failures only; what they do not name passed, if the run is known to have happened."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.verifiers.swe.logs.types import FAILED, Outcomes, lines_with, without_ansi

_NUMBERED = re.compile(r"\s{2}\d+\)")
_NUMBERED_LINE = re.compile(r"^\s{2}\d+\)", re.MULTILINE)
_CASE = re.compile(r"^case\s(.*):\smismatch", re.MULTILINE)


_GAP, _WORD = re.compile(r"\s"), re.compile(r"\S")


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def eslint(log: str) -> Outcomes:
    """``  1) name``, up to the line that holds an ``...Error``."""
    at = 0
    while (head := _NUMBERED.search(log, at)) is not None:
        found = _before_error(log, head.end())
        if found is None:
            return
        end, at = found
        yield _squeezed(log[head.end() : end]), FAILED


def _before_error(log: str, start: int) -> tuple[int, int] | None:
    """The first whitespace after which, once it ends, the same line holds ``Error``; and where the last of it ends."""
    at = start
    while at < len(log):
        gap = _GAP.search(log, at)
        if gap is None:
            return None
        word = _WORD.search(log, gap.start())
        if word is None:
            return None
        line_end = log.find("\n", word.start())
        line_end = len(log) if line_end < 0 else line_end
        error = log.rfind("Error", word.start(), line_end)
        if error >= 0:
            return gap.start(), error + len("Error")
        stripped = log[word.start() : line_end].rstrip()
        at = word.start() + len(stripped)  # no gap before the end of this line can do better
    return None


_BPMN = (
    re.compile(r"2KPhantomJS\s[\d.]+\s\(Linux\s[\d.]+\)\s"),
    re.compile(r"2KPhantomJS\s[\d.]+\s\(Linux\sx86_64\)\s"),
)
_BPMN_HEADLESS = re.compile(r"HeadlessChrome\s[\d.]+\s\(Linux\s[\d.]+\)\s")
_HEADLESS = re.compile(r"Chrome\sHeadless\s")
_PLATFORM = re.compile(r"\s\(Linux\sx86_64\)\s")


def bpmn_js(log: str) -> Outcomes:
    """Karma's ``Browser 1.2 (Linux 3.4) name FAILED``, under four names of the browser."""
    for head in _BPMN:
        for name in lines_with(log, head, "FAILED"):
            yield name, FAILED
    for name in _headless(log):
        yield name, FAILED
    for name in lines_with(log, _BPMN_HEADLESS, "FAILED"):
        yield name, FAILED


def _headless(log: str) -> Iterator[str]:
    """What stands between the last platform of a line and ``FAILED``, after a ``Chrome Headless``."""
    at = 0
    while (head := _HEADLESS.search(log, at)) is not None:
        line_end = log.find("\n", head.end())
        line_end = len(log) if line_end < 0 else line_end
        at = max(head.start() + 1, line_end - len("Chrome Headless"))  # the next head may end with this line
        # a line break may stand for any of the blanks, so the platform may reach into the lines below
        for platform in reversed(list(_PLATFORM.finditer(log, head.end(), line_end + 20))):
            end = log.find("\n", platform.end())
            if platform.start() <= line_end and end - len("FAILED") >= platform.end():
                if log.startswith("FAILED", end - len("FAILED")):
                    yield log[platform.end() : end - len("FAILED")]
                    at = end + 1
                    break
                if platform.end() <= line_end:
                    break  # the ones before end on the same line


_OPENLAYERS = (
    (re.compile(r"Chrome\sHeadless\s[\d.]+\s\(Linux\s\S+\)\s"), True),
    (re.compile(r"Chrome\s[\d.]+\s\(Linux\s\S+\)\s"), False),
)


def openlayers(log: str) -> Outcomes:
    """Karma's failures, mocha's numbered ones, and the cases of the rendering tests that do not match."""
    for head, spaced in _OPENLAYERS:
        for name in lines_with(log, head, "FAILED", spaced=spaced):
            yield _squeezed(name), FAILED
    at = 0
    while (number := _NUMBERED_LINE.search(log, at)) is not None:
        end = log.find("Error:", number.end())
        if end < 0:
            break
        yield _squeezed(log[number.end() : end]), FAILED
        at = end + len("Error:")
    for case in _CASE.finditer(log):
        yield _squeezed(case[1]), FAILED


_CHROME = re.compile(r"Chrome\s[\d.]+[^\S\r\n]\(")
_CLOSE = re.compile(r"\)[^\S\r\n]")


def chart_js(log: str) -> Outcomes:
    """``Chrome 1.2 (Linux) name FAILED`` at the end of a line."""
    text = without_ansi(log) + "\n"
    for rest in lines_with(text, _CHROME, "FAILED"):
        close = _CLOSE.search(rest, 1)
        if close:
            yield rest[close.end() :], FAILED


_NUMBER = re.compile(r"^[^\S\n]*\d+\)", re.MULTILINE)
_REACH = 1_000


def p5js(log: str) -> Outcomes:
    """Mocha's numbered failures: suites and test on lines of growing indentation, up to a colon."""
    text = _without_xml(_without_json(without_ansi(log)))
    at = 0
    while (number := _NUMBER.search(text, at)) is not None:
        colon = text.find(":", number.end(), number.end() + _REACH + 1)
        if colon < 0:
            at = number.end()
            continue
        at = colon + 1
        lines = text[number.end() : colon].split("\n")
        indents = [len(line) - len(line.lstrip()) for line in lines]
        if all(before < after for before, after in zip([0, *indents], indents, strict=False)):
            yield ":".join(line.strip() for line in lines), FAILED


def _without_json(log: str) -> str:
    """The log without lines that open, close or are inside a JSON object or list."""
    kept = []
    in_object = in_list = False
    for line in log.split("\n"):
        text = line.rstrip()
        if text.endswith("{"):
            in_object = True
        elif text.endswith("["):
            in_list = True
        elif text == "}" and in_object:
            in_object = False
        elif text == "]" and in_list:
            in_list = False
        elif not in_object and not in_list and (text[:1] + text[-1:]) not in ("{}", "[]"):
            kept.append(line)
    return "\n".join(kept)


_TAG = re.compile(r"<(\w+)>")
_CLOSING = re.compile(r"</(\w+)>")


def _without_xml(text: str) -> str:
    """The text without ``<tag>...</tag>``; opening tags inside of one take part in what follows."""
    closings: dict[str, list[int]] = {}
    for match in _CLOSING.finditer(text):
        closings.setdefault(match[1], []).append(match.start())
    waiting = {tag: iter(places) for tag, places in closings.items()}
    ahead = {tag: next(places) for tag, places in waiting.items()}

    def closing(tag: str, start: int) -> int:
        while tag in ahead and ahead[tag] < start:
            following = next(waiting[tag], None)
            if following is None:
                del ahead[tag]
            else:
                ahead[tag] = following
        return ahead.get(tag, -1)

    return "".join(_outside(text, closing))


def _outside(text: str, closing: object) -> Iterator[str]:
    at = searched = 0
    assert callable(closing)
    while (tag := _TAG.search(text, searched)) is not None:
        name, mark = tag[1], tag[0]
        end = closing(name, tag.end())
        if end < 0:
            searched = tag.end()
            continue
        yield text[at : tag.start()]
        opened, at = 1, tag.end()
        while opened and end >= 0:
            opened += text.count(mark, at, end) - 1
            at = end + len(name) + 3
            end = closing(name, at)
        searched = at
        yield mark * opened
    yield text[at:]
