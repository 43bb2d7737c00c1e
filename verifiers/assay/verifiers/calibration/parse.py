"""Answer and confidence out of a response laid out in tags (RLCR, arXiv 2507.16806).

A pattern names the blocks in order, a letter each: ``t`` reasoning that ends in ``</think>`` (its opening tag may stand
in the prompt), ``a`` ``<answer>``, ``b`` ``<analysis>``, ``c`` ``<confidence>``. Every function takes linear time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from assay.verifiers.parse.tags import last_block

Pattern = Literal["tabc", "ta", "tac", "tbac", "abc", "bac", "ac"]
PATTERNS: tuple[str, ...] = get_args(Pattern)
"""The first four are the paper's; without ``t`` for models that do not reason in writing."""
TAGS = {"a": "answer", "b": "analysis", "c": "confidence"}

_FLOAT = re.compile(r"[-+]?(?:[0-9]{1,32}(?:\.[0-9]{0,32})?|\.[0-9]{1,32})(?:[eE][-+]?[0-9]{1,3})?")
_FIRST = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")
_MOST = 120
"""Characters of a confidence that are worth reading as a number."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a response states.

    Attributes:
        answer: the content of the answer block, stripped; None where there is none to be read.
        confidence: q in [0, 1]; 0 where it cannot be read or the pattern asks for none.
        formatted: in the strict reading, whether the layout is the one asked for; in the lenient one, whether a
            confidence could be read.
        problem: what is wrong, as the end of a sentence; empty where nothing is.
        end: position in the response after the closing tag of the answer; -1 where there is none.
    """

    answer: str | None
    confidence: float
    formatted: bool
    problem: str = ""
    end: int = -1


def read_strict(response: str, pattern: str = "tabc") -> Stated:
    """The reading for training: the blocks of ``pattern`` in order, up to the end, or nothing at all.

    Blocks are found from the end backwards, so the last occurrence of a tag counts; earlier ones may stand in the
    reasoning, and an answer may be revised before the analysis. What an analysis quotes is no answer. The answer must
    not be empty, and the confidence is a plain number in [0, 1]: "80%", "1.2", "nan" and "inf" are format failures.

    Raises:
        ValueError: for an unknown pattern.
    """
    if pattern not in PATTERNS:
        raise ValueError(f"pattern must be one of {', '.join(PATTERNS)}, got {pattern!r}")
    rest, inside, end = response.rstrip(), dict[str, str](), -1
    for letter in reversed(pattern.removeprefix("t")):
        name = TAGS[letter]
        opening, closing = f"<{name}>", f"</{name}>"
        start = rest.rfind(opening)
        if not rest.endswith(closing) or start < 0:
            return _failed(f"no <{name}> where the layout {pattern} has it")
        inside[letter] = rest[start + len(opening) : -len(closing)]
        if closing in inside[letter]:
            return _failed(f"</{name}> closes more than it opened")
        end = len(rest) if letter == "a" else end
        rest = rest[:start].rstrip()
    if pattern.startswith("t"):
        if "</think>" not in rest:
            return _failed("the reasoning does not end in </think>")
        rest = rest.rpartition("</think>")[2].lstrip()
    if rest and not rest.startswith(f"<{TAGS[pattern.removeprefix('t')[0]]}>"):
        return _failed("there is text before the first block")
    answer = inside["a"].strip()
    if not answer:
        return _failed("the answer is empty")
    if "c" not in inside:
        return Stated(answer, 0.0, True, end=end)
    q = _number(inside["c"])
    if q is None or not 0.0 <= q <= 1.0:
        return _failed("the confidence is no number from 0 to 1")
    return Stated(answer, abs(q), True, end=end)


def read_lenient(response: str, pattern: str = "tabc") -> Stated:
    """The reading for evaluation: the answer of the strict one where that succeeds, else the last answer block.

    The confidence is that of the last ``<confidence>``: a number in [0, 1] as it is, one in (1, 100] divided by 100;
    where the content is no number, the first number in it, read likewise; else 0, and ``formatted`` is False.
    """
    strict = read_strict(response, pattern)
    if strict.formatted:
        return strict
    found = (last_block(response, "answer") or "").strip()
    answer = found or None
    stated = last_block(response, "confidence")
    q = None if stated is None else _share(stated)
    if q is None:
        return Stated(answer, 0.0, False, "no confidence can be read")
    return Stated(answer, q, True)


def _failed(problem: str) -> Stated:
    return Stated(None, 0.0, False, problem)


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text) if len(text) <= _MOST and _FLOAT.fullmatch(text) else None


def _share(text: str) -> float | None:
    q = _number(text)
    if q is None:
        first = _FIRST.search(text)
        if first is None:
            return None
        q = float(first.group())
    if 0.0 <= q <= 1.0:
        return abs(q)
    return q / 100 if 1.0 < q <= 100.0 else None
