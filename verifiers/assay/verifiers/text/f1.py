"""``text.f1``: a short answer against one or more references, as SQuAD compares them."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from assay.verifiers.parse.fold import nfc
from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)

OPTIONS = {
    "reward": Option(
        "exact: 1 for equality after normalisation, else 0; f1: the token F1, which pays for lists", ("exact", "f1")
    ),
    "parity": Option("normalise to the letter as the SQuAD script does (no unicode composition)", (False, True)),
}
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"answer": "Marie Curie"},
    {"answers": ["the Eiffel Tower", "Eiffel tower, Paris"]},
    {"answer": "42"},
    {"answers": ["café au lait"]},
    {"answer": "New York City"},
)


def normalise(text: str, parity: bool = False) -> str:
    """``text`` in lower case without ASCII punctuation and English articles, single-spaced (Rajpurkar et al. 2016)."""
    text = (text if parity else nfc(text)).lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def token_f1(prediction: str, gold: str) -> float:
    """F1 of the two bags of tokens, in [0, 1]; both texts already normalised."""
    ours, theirs = prediction.split(), gold.split()
    if not ours or not theirs:
        return float(ours == theirs)
    same = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * same / (len(ours) + len(theirs))


def references(truth: Mapping[str, Any], parity: bool = False) -> list[str]:
    """The normalised references.

    Raises:
        ValueError: there is none, one is not a string, or one normalises to nothing (an empty response would earn it).
    """
    answers = truth.get("answers", truth.get("answer"))
    answers = [answers] if isinstance(answers, str) else answers
    if not isinstance(answers, list | tuple) or not answers or not all(isinstance(answer, str) for answer in answers):
        raise ValueError('the truth needs "answer": str or "answers": [str, ...]')
    folded = [normalise(answer, parity) for answer in answers]
    if not all(folded) and not parity:
        raise ValueError(f"a reference has no word once articles and punctuation are gone: {answers!r}")
    return folded


def _gold(truth: Mapping[str, Any], **options: Any) -> str:
    references(truth)
    return str(truth["answer"] if "answer" in truth else truth["answers"][0])


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    gold = _gold(truth)
    yield from (
        f"{gold} or something else",
        f"not {gold}",
        f"{gold} {gold}",
        f"xx{gold}",
        f"{gold}xx",
        "the a an",
        "!!!",
    )
    yield from (
        f"It might be {gold}.",
        f"Paris, London, {gold}, Rome",
        " ".join(gold),
        "".join(gold.split()) + " ?" + gold,
    )
    yield f"<answer>{gold}</answer>"


def _ladder(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    gold = _gold(truth)
    yield from ("", f"zyx {gold} zyxw zyxwv zyxwvu", f"zyx {gold} zyxw", f"{gold} zyx", gold)


@verifier("text.f1", options=OPTIONS, gold=_gold, attacks=_attacks, monotone=_ladder, samples=SAMPLES)
def f1(
    response: str, truth: Mapping[str, Any], *, reward: Literal["exact", "f1"] = "exact", parity: bool = False
) -> Score:
    """A short answer: equality, and token F1, with the best of the references (SQuAD, arXiv 1606.05250).

    The default pays for equality only. Paying F1 pays for listing: with n candidates of one word each, a guess earns
    1/n on average, the list of all of them 2/(n + 1). ``correct`` is equality in both cases.

    Parts: ``exact``, ``f1``.

    Args:
        response: the answer and nothing else.
        truth: ``{"answer": str}`` or ``{"answers": [str, ...]}``.
        reward: which part is paid.
        parity: the SQuAD script's normalisation to the letter.

    Raises:
        ValueError: malformed truth.
    """
    golds = references(truth, parity)
    answer = normalise(response, parity)
    exact = float(answer in golds)
    best = max(token_f1(answer, gold) for gold in golds)
    detail = "equal to a reference" if exact else f"F1 {best:.2f} with the nearest of {len(golds)} reference(s)"
    return Score(exact if reward == "exact" else best, {"exact": exact, "f1": best}, bool(exact), bool(answer), detail)
