"""``video.mcq_letter``: the letter of a multiple-choice question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from assay.verifiers.parse.fold import quote
from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score
from assay.verifiers.video import attacks
from assay.verifiers.video import layout as _layout
from assay.verifiers.video.letters import first_letter, priority_letter, strict_letter
from assay.verifiers.video.truth import letters_of

OPTIONS = {
    **_layout.OPTIONS,
    "parity": Option(
        "False: one letter or none; priority: as lmms-eval ranks formats (LVBench); first: the first letter anywhere, "
        "as its VideoMME task",
        (False, True, "priority", "first"),
    ),
}
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"answer": "A"},
    {"answer": "B", "letters": ["A", "B", "C", "D"]},
    {"answer": "D", "letters": ["A", "B", "C", "D"]},
    {"answer": "E", "letters": ["A", "B", "C", "D", "E"]},
)


def _gold(truth: Mapping[str, Any], **options: Any) -> str:
    return _layout.tagged(letters_of(truth)[0], options.get("layout", "any"), options.get("format_weight", 0.0))


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    for letter in letters_of(truth)[1]:
        yield _layout.tagged(letter, options.get("layout", "any"), options.get("format_weight", 0.0))


def letter_attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    """Lists, hedges and second answers, in the layout asked for."""
    for text in attacks.letters(*letters_of(truth)):
        yield _layout.tagged(text, options.get("layout", "any"), options.get("format_weight", 0.0))
    yield from attacks.tags(letters_of(truth)[0], next(x for x in letters_of(truth)[1] if x != truth["answer"]))


def read_letter(text: str, letters: tuple[str, ...], parity: bool | str = False) -> str | None:
    """The letter that an answer gives, or None."""
    if parity is False:
        return strict_letter(text, letters)
    return (first_letter if parity == "first" else priority_letter)(text, letters) or None


@verifier(
    "video.mcq_letter", options=OPTIONS, gold=_gold, attacks=letter_attacks, candidates=_candidates, samples=SAMPLES
)
def mcq_letter(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: _layout.Layout = "any",
    format_weight: float = 0.0,
    parity: Literal[False, True, "priority", "first"] = False,
) -> Score:
    """1 if the response gives the right letter and no other, else 0 (multiple-choice questions on videos).

    The default reads a lone letter, a statement ("The answer is (B).") or a letter before its option's text; a second
    letter means that there is no answer. ``parity`` reads as the benchmarks' program does (``True`` is ``priority``):
    lists and letters inside words can then be right, which is for comparing with published numbers, not for training.

    Parts: ``accuracy``; ``format``, whether the whole response is ``<think>..</think><answer>..</answer>``.

    Args:
        response: what the model said.
        truth: ``{"answer": "B", "letters": ["A", "B", "C", "D"]}``; letters A to D where none are given.
        layout, format_weight, parity: see the options.

    Returns:
        A score with reward in [0, 1 + format_weight]; ``correct`` is the accuracy.

    Raises:
        ValueError: malformed truth.
    """
    right, letters = letters_of(truth)
    text, problem = _layout.answer_in(response, layout)
    found = None if text is None else read_letter(text, letters, parity)
    accuracy, fmt = float(found == right), _layout.formatted(response)
    if found is None:
        detail = problem or f"no single letter in {quote(text or '')}"
    else:
        detail = f"{found} is right" if accuracy else f"read {found}, the answer is {right}"
    reward = accuracy + format_weight * fmt
    return Score(reward, {"accuracy": accuracy, "format": fmt}, bool(accuracy), found is not None, detail)
