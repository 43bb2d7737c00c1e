"""The whole decision on two texts: reading both, then comparing."""

from __future__ import annotations

import re
from collections.abc import Callable

from assay.verifiers.maths.canon import canonical
from assay.verifiers.maths.compare import Rules, Verdict, compare
from assay.verifiers.maths.nodes import Node
from assay.verifiers.maths.parser import read
from assay.verifiers.parse.fold import fold

_WORD = re.compile(r"[^\W\d_]{3,}")
_FORMULA = re.compile(r"[\\0-9(){}^_=+*/<>|]")
_GROUP_OF_ZEROS = re.compile(r",0[0-9]{2}(?![0-9])")


def decide(
    gold: str, answer: str, given: tuple[str, ...], form: str, percent: str, rel_tol: float, symbolic: bool
) -> tuple[bool, bool, str, str]:
    """``(equal, parsed, tier, note)`` for two cleaned texts.

    A gold that is no expression is compared as folded text. Where the gold is a list, ``1,000`` in the answer may be
    one too.
    """
    if gold == answer or (fold(gold) == fold(answer) and _is_prose(gold)):
        return True, True, "text", ""
    expected = read(gold)
    found = read(answer)
    if expected is None:
        same = fold(gold) == fold(answer)
        return same, True, "text", ""
    if found is None:
        return False, False, "", ""
    if any(_same_form(found, read(text)) for text in given) and not _same_form(found, expected):
        return False, True, "structural", "it only repeats the question"
    rules = Rules(form, percent, rel_tol, _prover() if symbolic else None)
    verdict = compare(expected, found, rules)
    if not verdict.equal and (expected.kind == "set") != (found.kind == "set"):
        verdict = _as_lists(gold, answer, rules) or verdict
    return verdict.equal, True, verdict.tier, verdict.note


def _same_form(found: Node, other: Node | None) -> bool:
    return other is not None and canonical(found) == canonical(other)


def _is_prose(text: str) -> bool:
    """Whether a text is words, in which case does not matter, rather than variables, in which it does."""
    return text.lower() == "no" or bool(_WORD.search(text) and not _FORMULA.search(text))


def _as_lists(gold: str, answer: str, rules: Rules) -> Verdict | None:
    """The verdict where commas that may group digits separate members instead."""
    if _GROUP_OF_ZEROS.search(gold) or _GROUP_OF_ZEROS.search(answer):
        return None
    expected, found = read(gold, grouping=False), read(answer, grouping=False)
    if expected is None or found is None or expected.kind != "set" or found.kind != "set":
        return None
    return compare(expected, found, rules)


def _prover() -> Callable[[Node, Node, float], bool | None] | None:
    from assay.verifiers.maths import symbolic

    return symbolic.prove if symbolic.available() else None
