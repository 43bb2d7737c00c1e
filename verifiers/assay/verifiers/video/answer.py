"""``video.answer``: one front for the problem types of video questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.verifiers.parse.fold import quote
from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score
from assay.verifiers.video import attacks
from assay.verifiers.video import layout as _layout
from assay.verifiers.video.problems import official_worth, reference_of, worth
from assay.verifiers.video.truth import LETTERS, letters_of

OPTIONS = {
    **_layout.OPTIONS,
    "parity": Option("read and pay as Video-R1's training code: the first answer tag, plain ROUGE", (False, True)),
}
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"problem": "mcq", "answer": "B", "letters": ["A", "B", "C", "D"]},
    {"problem": "mcq", "answer": "D"},
    {"problem": "numerical", "answer": "3"},
    {"problem": "numerical", "answer": "7.50"},
    {"problem": "regression", "answer": "128"},
    {"problem": "ocr", "answer": "NO ENTRY 24h"},
    {"problem": "free", "answer": "a red kite falls behind the old stone bridge"},
    {"problem": "free", "answer": "café"},
)
_ALMOST = 1.0 - 1e-9


def _laid(text: str, options: Mapping[str, Any]) -> str:
    return _layout.tagged(text, "tagged" if options.get("parity") else options.get("layout", "any"),
                          options.get("format_weight", 0.0))  # fmt: skip


def _gold(truth: Mapping[str, Any], **options: Any) -> str:
    return _laid(reference_of(truth)[1], options)


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    problem, right = reference_of(truth)
    if problem == "mcq":
        found = list(letters_of(truth)[1])
    elif problem in ("numerical", "regression"):
        found = [right, *(f"{sign}{right}" for sign in ("-", "9", "4"))]
    else:
        size = len(right.split())  # the square of ROUGE is safe against lists of answers of one length
        found = [right, *(" ".join([word] * size) for word in ("dogs", "EXIT", "blue"))]
    for each in found:
        yield _laid(each, options)


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    problem, right = reference_of(truth)
    if problem == "mcq":
        wrong = next(letter for letter in letters_of(truth)[1] if letter != right)
        found = list(attacks.letters(*letters_of(truth)))
    else:
        wrong = "17" if problem in ("numerical", "regression") else "something else"
        found = list(attacks.values(right, wrong) if wrong == "17" else attacks.stuffing(right))
    for each in found:
        yield _laid(each, options)
    yield from attacks.tags(right, wrong)


@verifier(
    "video.answer", options=OPTIONS, gold=_gold, attacks=_attacks, candidates=_candidates, samples=SAMPLES,
    floor=0.5, partial=True,
)  # fmt: skip
def answer(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: _layout.Layout = "any",
    format_weight: float = 0.0,
    parity: bool = False,
) -> Score:
    """An answer to a question on a video, by problem type (the accuracy rewards of Video-R1, arXiv 2503.21776).

    ``mcq``: the letter. ``numerical``: equal to two decimals, a decimal point in both or in neither. ``ocr``: 1 - word
    error rate. ``free``: the square of the mean of ROUGE-1, ROUGE-2 and ROUGE-L. ``regression``: 1 - relative error,
    and nothing below one half. All are in [0, 1]; ``correct`` is whether it is 1.

    ``parity`` differs thus: the first answer tag counts, whatever comes later; a letter must equal the tag's content;
    a comma is a decimal point; ROUGE is not squared, knows ASCII alone and counts ROUGE-2 of one word as 0 (the
    stemmer of the original is left out); a regression pays below one half too, 1 for ``nan`` and 0
    for a right 0.

    Answers of more than 32 times the reference's words earn nothing for ``free``, those of twice as many nothing for
    ``ocr``; references have at most 4096 words.

    Parts: ``accuracy``; ``format``, whether the whole response is ``<think>..</think><answer>..</answer>``;
    ``rouge1``, ``rouge2`` and ``rougeL`` for ``free``.

    Args:
        response: what the model said.
        truth: ``{"problem": type, "answer": str}``, and ``letters`` for ``mcq``; numbers are text too.
        layout, format_weight, parity: see the options; ``layout`` does not apply with parity.

    Returns:
        A score with reward in [0, 1 + format_weight].

    Raises:
        ValueError: malformed truth.
    """
    problem, right = reference_of(truth)
    fmt = _layout.formatted(response)
    text, why = (_layout.first_tag(response), "") if parity else _layout.answer_in(response, layout)
    if text is None:
        return Score(format_weight * fmt, {"accuracy": 0.0, "format": fmt}, False, False, why)
    letters = letters_of(truth)[1] if problem == "mcq" else LETTERS
    found = official_worth(problem, text, right) if parity else worth(problem, text, right, letters)
    correct = found.value >= _ALMOST
    detail = f"{quote(text, 40)} is worth {found.value:.2f} where {quote(right, 40)} is right"
    parts = {"accuracy": found.value, "format": fmt, **found.parts}
    return Score(found.value + format_weight * fmt, parts, correct, found.read, detail)
