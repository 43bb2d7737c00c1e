"""``spatial.yesno``: the last yes or no."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from assay.verifiers.parse.fold import quote
from assay.verifiers.registry import verifier
from assay.verifiers.score import Score
from assay.verifiers.spatial.layout import Layout
from assay.verifiers.spatial.reading import OPTIONS, laid, text_of, verdict
from assay.verifiers.video import attacks

SAMPLES: tuple[Mapping[str, Any], ...] = ({"answer": "yes"}, {"answer": "no"})
_WORD = re.compile(r"(?<![^\W_])(yes|no)(?![^\W_])", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?\n]")


def _right(truth: Mapping[str, Any]) -> str:
    answer = truth.get("answer")
    if not isinstance(answer, str) or answer.lower() not in ("yes", "no"):
        raise ValueError(f"the truth's answer is yes or no; got {ascii(answer)[:40]}")
    return answer.lower()


def _gold(truth: Mapping[str, Any], **options: Any) -> str:
    return laid(_right(truth), options)


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    _right(truth)
    yield laid("yes", options)
    yield laid("no", options)


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    right = _right(truth)
    wrong = "no" if right == "yes" else "yes"
    for first, second in ((right, wrong), (wrong, right)):
        for joiner in (" or ", "/", " ", ", ", " and ", "|", ") (", "-", " - "):
            yield laid(f"{first}{joiner}{second}", options)
        yield laid(f"neither {first} nor {second}", options)
        yield laid(f"It is {first}, or rather {second}", options)
    yield laid(f"I k{right}w" if right == "no" else "eyes", options)
    yield laid("I do not know; nobody does; none", options)
    yield laid(f"{right}{right}", options)
    yield laid(f"{right} {wrong} " * 50, options)
    yield from attacks.tags(right, wrong)


def last_word(text: str) -> str | None:
    """The yes or no of the last sentence that has one; None where that has both."""
    found = list(_WORD.finditer(text))
    if not found:
        return None
    said = found[-1].group(1).lower()
    for earlier in reversed(found[:-1]):
        if _SENTENCE.search(text, earlier.end(), found[-1].start()):
            break
        if earlier.group(1).lower() != said:
            return None
    return said


def official_word(text: str) -> str | None:
    """As the benchmark's program: the last "yes" or "no" anywhere, inside words too ("know" is a no)."""
    lower = text.lower()
    yes, no = lower.rfind("yes"), lower.rfind("no")
    return None if yes == no else "yes" if yes > no else "no"


@verifier("spatial.yesno", options=OPTIONS, gold=_gold, attacks=_attacks, candidates=_candidates, samples=SAMPLES)
def yesno(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: Layout = "any",
    format_weight: float = 0.0,
    parity: bool = False,
) -> Score:
    """1 if the last yes or no of the response is the right one, else 0.

    Both in the same sentence ("yes or no") are no answer. ``parity`` looks for the last of the two anywhere, inside
    words too: "I don't know" says no.

    Parts: ``score``, 0 or 1; ``format``.

    Args:
        response: what the model said.
        truth: ``{"answer": "yes"}``.
        layout, format_weight, parity: see the options.

    Raises:
        ValueError: malformed truth.
    """
    right = _right(truth)
    text, problem = text_of(response, layout, parity)
    found = None if text is None else (official_word if parity else last_word)(text)
    score = float(found == right)
    detail = f"read {found}, the answer is {right}" if found else problem or f"no yes or no in {quote(text or '')}"
    return verdict(response, score, format_weight, bool(score), found is not None, detail)
