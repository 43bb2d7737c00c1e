r"""Finding the answer in a response to a mathematical task."""

from __future__ import annotations

import re
from typing import Literal

from assay.verifiers.parse.boxed import boxes
from assay.verifiers.parse.choices import last_number
from assay.verifiers.parse.tags import after_think, block, count_tags

Where = Literal["auto", "boxed", "answer", "last", "whole"]

_STATED = re.compile(
    r"(?:\b(?:answer|result)\b(?:\*\*)?(?:\s{1,4}is|\s{0,4}[:=])(?:\*\*)?\s{0,4}:?|####)", re.IGNORECASE
)
_SEGMENT = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_JOINER = re.compile(r"\s*(?:,|;|or|and|,\s?or|,\s?and)?\s*")
_SENTENCE_END = re.compile(r"[.;]\s|[.;]$|\n|\s(?:because|since|as|which|so)\s")
_MARKS = "*_`~ \t\n"
_LONGEST = 1_000
_UNIT_WORDS = re.compile(r"([-+]?\\?\$?[0-9][0-9,]*(?:\.[0-9]+)?(?:/[0-9]+)?)\s+[A-Za-z]{2,}(?: [A-Za-z]{1,}){0,3}")


def find_answer(response: str, where: Where = "auto") -> str | None:
    r"""The expression that a response gives as its answer, or None.

    ``auto`` takes the first of these that there is, looking only after the thinking (``</think>``):

    1. the content of ``<answer>``; a second answer tag means no answer;
    2. the last ``\boxed{...}``;
    3. what follows the last "answer is", "answer:", "result is" or ``####``, up to the end of the sentence;
    4. the last ``$...$``, together with those that a comma, "or" or "and" joins to it;
    5. the whole response, if it is short.

    Args:
        response: any text.
        where: ``auto``; ``boxed``, ``answer`` (tag) and ``whole`` allow only that; ``last`` takes the last number
            anywhere.
    """
    text = after_think(response)
    if text is None:
        return None
    if where == "last":
        return last_number(text)
    if where in {"auto", "answer"} and count_tags(text, "answer") != (0, 0):
        inside = block(text, "answer")
        return None if inside is None else _inside(inside)
    if where == "answer":
        return None
    if where in {"auto", "boxed"}:
        found = boxes(text)
        if found:
            return clean(found[-1])
        if where == "boxed":
            return None
    if where == "auto":
        stated = _after_statement(text)
        if stated is not None:
            return stated
    delimited = any(mark in text for mark in ("$", "\\(", "\\["))
    return _segments(text) if where == "auto" and delimited else clean(text)


def _inside(text: str) -> str | None:
    found = boxes(text)
    return clean(found[-1]) if found else clean(text)


def clean(text: str) -> str | None:
    """``text`` without emphasis, delimiters, a leading "=", a final full stop and unit words after a number."""
    if len(text) > 2 * _LONGEST:
        text = text.strip()
    if len(text) > _LONGEST:
        return None
    text = _undollar(text.strip(_MARKS).rstrip(".,;:").strip(_MARKS))
    if text.startswith(("\\(", "\\[")) and text.endswith(("\\)", "\\]")):
        text = text[2:-2].strip()
    text = text.removeprefix("=").strip()
    unit = _UNIT_WORDS.fullmatch(text)
    if unit:
        text = unit.group(1)
    return text or None


def _undollar(text: str) -> str:
    r"""``text`` without dollars around it; ``\$`` is a currency sign."""
    text = text.lstrip("$")
    while text.endswith("$") and not text.endswith("\\$"):
        text = text[:-1]
    return text.strip().rstrip(".,;:").strip()


def _after_statement(text: str) -> str | None:
    """The rest of the sentence after the last statement of an answer; None where there is none."""
    last = None
    for last in _STATED.finditer(text):  # noqa: B007 - the last one is the result
        pass
    if last is None:
        return None
    rest = text[last.end() : last.end() + 2 * _LONGEST].lstrip(_MARKS + ":")
    if rest.startswith(("$", "\\(", "\\[")):
        return _run(list(_SEGMENT.finditer(rest)), rest, first=True)
    end = _SENTENCE_END.search(rest)
    return clean(rest[: end.start()] if end else rest)


def _segments(text: str) -> str | None:
    """The last run of formulas; the whole text where nothing is delimited."""
    tail = text[-4 * _LONGEST :]
    found = list(_SEGMENT.finditer(tail))
    return _run(found, tail, first=False) if found else clean(text)


def _run(found: list[re.Match[str]], text: str, first: bool) -> str | None:
    """The first (or last) formulas that only separators stand between, joined."""
    if not found:
        return None
    run = [found[0] if first else found[-1]]
    for match in found[1:] if first else reversed(found[:-1]):
        left, right = (run[-1], match) if first else (match, run[-1])
        if not _JOINER.fullmatch(text[left.end() : right.start()]):
            break
        run.append(match)
    contents = [next(group for group in match.groups() if group is not None) for match in run]
    return clean(", ".join(contents if first else reversed(contents)))
