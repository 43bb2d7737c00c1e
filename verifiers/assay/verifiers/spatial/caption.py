"""``spatial.caption``: what a description says, slot by slot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score
from assay.verifiers.spatial.layout import Layout
from assay.verifiers.spatial.reading import OPTIONS, laid, text_of, verdict
from assay.verifiers.spatial.slots import Slots, agreement, mentions, slots_of
from assay.verifiers.video import attacks

SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"keywords": [["left", "leftwards"], ["fast", "quickly"]], "wrong": [["right", "rightwards"], ["slow", "slowly"]]},
    {"keywords": [["red cube"], ["behind", "in back of"], ["blue ball"]],
     "wrong": [["green cone", "red ball"], ["in front of", "left of"], ["yellow cube", "blue cube"]]},
    {"keywords": [["forward", "ahead"], ["turns left", "pans left"], ["backward", "back"]],
     "wrong": [["upward"], ["turns right", "pans right"], ["downward"]], "ordered": True},
)  # fmt: skip
RIGHT = 0.999
_PARITY = Option("no effect: the benchmark asks a language model to judge, which is not deterministic", (False, True))


def _said(slots: Slots) -> str:
    return (", then " if slots.ordered else ", ").join(min(words, key=lambda w: (len(w), w)) for words in slots.right)


def _gold(truth: Mapping[str, Any], **options: Any) -> str:
    return laid(_said(slots_of(truth)), options)


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    slots = slots_of(truth)
    yield laid(_said(slots), options)
    if all(slots.wrong):
        yield laid(", ".join(sorted(words)[0] for words in slots.wrong), options)
        yield laid(", ".join(sorted(words)[-1] for words in slots.wrong), options)


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    slots = slots_of(truth)
    right, wrong = _said(slots), ", ".join(sorted(words)[0] for words in slots.wrong if words)
    if wrong and not slots.ordered:
        both = [sorted(words) for pair in zip(slots.right, slots.wrong, strict=True) for words in pair]
        yield laid(f"{right}. {wrong}", options)
        yield laid(f"{wrong}, {right}", options)
        yield laid(", ".join(word for words in both for word in words), options)
        yield laid(
            " or ".join(f"{good[0]} or {bad[0]}" for good, bad in zip(both[::2], both[1::2], strict=True) if bad),
            options,
        )
    if wrong:
        yield laid(wrong, options)
        yield laid(" ".join([wrong, right] * 150), options)
        yield from attacks.tags(right, wrong)
    for word in ("not ", "never ", "it is not ", "without ", "it isn't "):
        yield laid(". ".join(word + min(words, key=lambda w: (len(w), w)) for words in slots.right), options)
    yield laid("".join(filter(str.isalnum, right)) + "ish", options)
    yield laid(" ".join(f"x{word}x" for word in right.replace(",", "").split()), options)


@verifier(
    "spatial.caption", options={**OPTIONS, "parity": _PARITY}, truth_key="keywords", gold=_gold, attacks=_attacks,
    candidates=_candidates, samples=SAMPLES, partial=True,
)  # fmt: skip
def caption(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: Layout = "any",
    format_weight: float = 0.0,
    parity: bool = False,
) -> Score:
    """F1 of the slots that a description gets right: an offline stand-in for the benchmark's language-model judge.

    A slot is right where one of its keywords is said and none of its wrong words. Precision divides by the slots of
    which anything is said, recall by all slots. Words are whole words, compared without case; a word behind a negation
    ("not left", "instead of left") is not said; more than 200 mentions or 20,000 characters are a list and say
    nothing.

    ``ordered`` truths compare sequences: the longest common subsequence of the slots and of what is said (any slot's
    right or wrong words, repetitions merged, of them the first as many as there are slots), less one for each thing
    said beyond these. ``correct`` where nothing is missing and nothing is wrong.

    A slot without wrong words can be had by listing words: give each slot the other values that it could have had.

    Parts: ``score`` (F1), ``precision``, ``recall``; ``format``.

    Args:
        response: what the model said.
        truth: ``{"keywords": [["left", "leftwards"], ["fast"]], "wrong": [["right"], ["slow", "slowly"]]}``, one list
            of synonyms a slot (a keyword may be several words) and one list of wrong words a slot; ``"ordered": true``
            where the order counts. A word may be right for one slot and wrong for another only where ``ordered``.
        layout, format_weight: see the options.
        parity: accepted for the sake of the others; the score is the same.

    Raises:
        ValueError: malformed truth.
    """
    del parity
    slots = slots_of(truth)
    text, problem = text_of(response, layout, False)
    said = None if text is None else mentions(text, slots)
    if not said:
        reason = problem or ("nothing of what is asked for is said" if said == [] else "too long, a list of words")
        return verdict(response, 0.0, format_weight, False, False, reason, precision=0.0, recall=0.0)
    right, named = agreement(said, slots)
    precision, recall = right / named if named else 0.0, right / len(slots.right)
    score = 2 * right / (named + len(slots.right))
    detail = f"{right} of {len(slots.right)} slots right, {named} things said"
    return verdict(response, score, format_weight, score >= RIGHT, True, detail, precision=precision, recall=recall)
