"""``spatial.mcq``: the letter of a multiple-choice question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.verifiers.parse.fold import quote
from assay.verifiers.registry import verifier
from assay.verifiers.score import Score
from assay.verifiers.spatial.choosing import chosen, official_choice
from assay.verifiers.spatial.layout import Layout
from assay.verifiers.spatial.reading import OPTIONS, choices_of, laid, letters_for, text_of, verdict
from assay.verifiers.video import attacks

SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"answer": "B", "choices": ["the red cube", "the blue ball"]},
    {"answer": "A", "choices": ["left", "right", "in front", "behind"]},
    {"answer": "D", "choices": ["A. 2 m", "B. 4 m", "C. 6 m", "D. 8 m"]},
    {"answer": "C", "choices": ["turn left, turn left", "turn left, turn right", "turn right, turn left", "go on"]},
)


def _gold(truth: Mapping[str, Any], **options: Any) -> str:
    return laid(choices_of(truth)[0], options)


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    for letter in letters_for(choices_of(truth)[1]):
        yield laid(letter, options)


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    right, choices = choices_of(truth)
    known = letters_for(choices)
    for text in attacks.letters(right, known):
        yield laid(text, options)
    for joiner in (" ", ", ", " or ", "\n"):
        yield laid(joiner.join(choices), options)
    yield laid("\n".join(f"{letter}. {choice}" for letter, choice in zip(known, choices, strict=True)), options)
    yield from attacks.tags(right, next(letter for letter in known if letter != right))


@verifier("spatial.mcq", options=OPTIONS, gold=_gold, attacks=_attacks, candidates=_candidates, samples=SAMPLES)
def mcq(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: Layout = "any",
    format_weight: float = 0.0,
    parity: bool = False,
) -> Score:
    """1 if the response chooses the right option and no other, else 0.

    Read are a lone letter, a statement ("The answer is (B)."), a letter before its option's text, and an option's text
    alone where it is exactly one of the choices. A second letter means that there is no answer.

    ``parity`` reads as the benchmark's program: phrases, brackets, letters inside words, texts inside sentences. Where
    it finds nothing, it guesses: here the guess depends on the response alone, so that scoring stays pure.

    Parts: ``score``, 0 or 1; ``format``.

    Args:
        response: what the model said.
        truth: ``{"answer": "B", "choices": ["the red cube", "the blue ball"]}``; the first choice is A. Choices may
            carry their letter ("A. the red cube"), as the benchmark's records do.
        layout, format_weight, parity: see the options.

    Raises:
        ValueError: malformed truth.
    """
    right, choices = choices_of(truth)
    text, problem = text_of(response, layout, parity)
    found, guessed = None, False
    if text is not None:
        found, guessed = official_choice(text, choices) if parity else (chosen(text, choices), False)
    score = float(found == right)
    if found is None:
        detail = problem or f"no single option in {quote(text or '')}"
    else:
        detail = f"{'guessed' if guessed else 'read'} {found}, the answer is {right}"
    return verdict(response, score, format_weight, bool(score), found is not None and not guessed, detail)
