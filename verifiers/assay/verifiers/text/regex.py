"""``text.regex``: does the response match a pattern?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from assay.verifiers.parse.fold import nfc
from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score

OPTIONS = {
    "mode": Option(
        "fullmatch: the pattern matches the whole response; search: it matches somewhere, which long text can exploit",
        ("fullmatch", "search"),
    ),
    "ignore_case": Option("letters match without case", (False, True)),
    "strip": Option("ignore whitespace around the response", (True, False)),
}
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"pattern": r"[A-Z]{3}-\d{4}", "example": "ABC-1234"},
    {"pattern": r"(?:yes|no), since it is (?:late|early|\w{12,})", "example": "yes, since it is late"},
    {"pattern": r"(a+)+b", "example": "aaab"},
    {"pattern": r"\bcafé\b\n?", "example": "café"},
)


def _gold(truth: Mapping[str, Any], **options: Any) -> str | None:
    return truth.get("example")


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    yield str(truth["pattern"])
    example = truth.get("example")
    if example:
        yield from (f"{example} {example}", f"x{example}", f"{example}\n{example}", f"The answer is {example}")
    yield from ("(?:)", ".*", "a" * 40 + "!")


@verifier("text.regex", options=OPTIONS, truth_key="pattern", gold=_gold, attacks=_attacks, samples=SAMPLES)
def regex(
    response: str,
    truth: Mapping[str, Any],
    *,
    mode: Literal["fullmatch", "search"] = "fullmatch",
    ignore_case: bool = False,
    strip: bool = True,
) -> Score:
    r"""1 if the response matches the truth's pattern, else 0.

    The pattern language is Python's, less what needs backtracking: no back-references, look-around, atomic groups,
    possessive repeats or flags inside a group; at most 1,000 automaton states (``a{500}`` takes 1,000). It is run by
    an automaton, never by :mod:`re`, so ``(a+)+b`` is as cheap as ``a+b``. An empty response never earns anything,
    whatever the pattern. A match that a long text would make too costly counts as none (``parsed`` is False then).

    Args:
        response: any text; composed to NFC first.
        truth: ``{"pattern": str}``, and optionally ``"example"``, a response that matches, for the audit.
        mode: match everything or anything.
        ignore_case: letters match without case.
        strip: ignore whitespace around the response.

    Raises:
        ValueError: the pattern is missing, invalid or not supported.
    """
    pattern = truth.get("pattern")
    if not isinstance(pattern, str):
        raise ValueError('the truth needs "pattern": str')
    from assay.verifiers.text.dfa import matches

    text = nfc(response.strip() if strip else response)
    found = matches(pattern, text, re.IGNORECASE if ignore_case else 0, mode == "search")
    if not text.strip():
        return Score(0.0, correct=False, parsed=False, detail="the response is empty")
    if found is None:
        return Score(0.0, correct=False, parsed=False, detail="too costly to decide for a response of this length")
    return Score(float(found), correct=found, detail="the pattern matches" if found else "the pattern does not match")
