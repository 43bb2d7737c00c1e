"""What an answer is worth, by the type of the problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from assay.verifiers.parse.fold import nfc, quote
from assay.verifiers.video import texts, values
from assay.verifiers.video.letters import strict_letter
from assay.verifiers.video.truth import letters_of

LEAST_CLOSE = 0.5
"""A number that is further off than half of the right one earns nothing: any digit in any text is some number."""
PROBLEMS = ("mcq", "numerical", "ocr", "free", "regression")


class Worth(NamedTuple):
    """How good an answer is: in [0, 1], whether it could be read, and further parts."""

    value: float
    read: bool = True
    parts: Mapping[str, float] = {}


def reference_of(truth: Mapping[str, Any]) -> tuple[str, str]:
    """The type of a problem and its right answer.

    Raises:
        ValueError: one line; no such type, or an answer that the type cannot have.
    """
    problem, answer = truth.get("problem"), truth.get("answer")
    if problem not in PROBLEMS:
        raise ValueError(f"the truth's problem is one of {', '.join(PROBLEMS)}; got {str(problem)[:40]!r}")
    if problem == "mcq":
        return problem, letters_of(truth)[0]
    if not isinstance(answer, str):
        raise ValueError(f"the truth's answer is text, numbers too; got {type(answer).__name__}")
    if problem in ("numerical", "regression") and values.read_number(answer) is None:
        raise ValueError(f"the truth's answer is one number, got {quote(answer)}")
    if problem in ("ocr", "free"):
        found = nfc(answer).split() if problem == "ocr" else texts.words(answer)
        if not 0 < len(found) <= texts.MOST_WORDS:
            raise ValueError(f"the truth's answer has 1 to {texts.MOST_WORDS} words, got {len(found)}")
    return str(problem), answer


def worth(problem: str, answer: str, right: str, letters: tuple[str, ...]) -> Worth:
    """The strict reading.

    A letter, or a number, is the only one in the answer. ROUGE is squared: a list of n answers has a ROUGE of up to
    2/(n + 1), while a guess among them has 1/n, so that plain ROUGE pays for lists; its square, 4/(n + 1)^2, does not.
    ROUGE-2 is left out where the reference is one word.
    """
    if problem == "mcq":
        letter = strict_letter(answer, letters)
        return Worth(float(letter == right), letter is not None)
    if problem == "numerical":
        number, gold = values.read_number(answer), values.read_number(right)
        assert gold is not None
        return Worth(values.equal(number, gold), number is not None)
    if problem == "regression":
        number, gold = values.read_number(answer), values.read_number(right)
        assert gold is not None
        close = 0.0 if number is None else values.closeness(number[0], gold[0])
        return Worth(close if close >= LEAST_CLOSE else 0.0, number is not None)
    if problem == "ocr":
        said = nfc(answer).split()
        return Worth(1.0 - min(1.0, texts.word_error_rate(nfc(right).split(), said)), bool(said))
    reference, said = texts.words(right), texts.words(answer)
    scores = texts.rouge(reference, said)
    counted = scores if len(reference) > 1 else (scores[0], scores[2])
    return Worth((sum(counted) / len(counted)) ** 2, bool(said), _rouge_parts(scores))


def official_worth(problem: str, answer: str, right: str) -> Worth:
    """The reading of tulerfeng/Video-R1 (revision 59d65c3), quirks included; ROUGE without its stemmer."""
    if problem == "mcq":
        return Worth(float(answer.strip() == right.strip()))
    if problem == "numerical":
        return Worth(values.official_equal(answer, right))
    if problem == "regression":
        return Worth(values.official_closeness(answer, right))
    if problem == "ocr":
        return Worth(1.0 - min(1.0, texts.word_error_rate(right.split(), answer.split())))
    scores = texts.rouge(texts.words(right, parity=True), texts.words(answer, parity=True))
    return Worth(sum(scores) / 3, True, _rouge_parts(scores))


def _rouge_parts(scores: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("rouge1", "rouge2", "rougeL"), scores, strict=True))
