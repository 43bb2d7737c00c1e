"""Choosing one of several samples: by number, by stated confidence, or by both."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

SAME = 1e-9
"""Weights that differ by no more than this are tied."""


def majority(answers: Sequence[str | None], confidences: Sequence[float] = ()) -> int:
    """The first sample of the most frequent answer; a tie goes to the answer that was given first.

    Args:
        answers: what each sample answers, equal texts for equal answers; None where nothing could be read. A sample
            without an answer is chosen only if none has one, and then it is the first.
        confidences: not looked at.

    Raises:
        ValueError: if there are no samples.
    """
    return _heaviest(answers, [1.0] * len(answers))


def confidence_vote(answers: Sequence[str | None], confidences: Sequence[float]) -> int:
    """The first sample of the answer whose confidences add up to most; where all are 0, :func:`majority`.

    Args:
        answers: as there; a tie likewise goes to the answer that was given first.
        confidences: of each sample, not negative.

    Raises:
        ValueError: if there are no samples, or not one confidence each.
    """
    _check(answers, confidences)
    stated = [q for answer, q in zip(answers, confidences, strict=True) if answer is not None]
    return _heaviest(answers, confidences) if any(stated) else majority(answers)


def max_confidence(answers: Sequence[str | None], confidences: Sequence[float]) -> int:
    """The sample of highest confidence among those with an answer, the first of equals.

    Raises:
        ValueError: as in :func:`confidence_vote`.
    """
    _check(answers, confidences)
    readable = [i for i, answer in enumerate(answers) if answer is not None]
    return max(readable, key=lambda i: (confidences[i], -i), default=0)


SELECTORS: dict[str, Callable[[Sequence[str | None], Sequence[float]], int]] = {
    "majority": majority,
    "confidence-vote": confidence_vote,
    "max-confidence": max_confidence,
}
"""Ways to choose: (answers, confidences) -> index of the chosen sample."""


def _heaviest(answers: Sequence[str | None], weights: Sequence[float]) -> int:
    if not answers:
        raise ValueError("there are no samples to choose from")
    shares: dict[str, list[float]] = {}
    for answer, weight in zip(answers, weights, strict=True):
        if answer is not None:
            shares.setdefault(answer, []).append(weight)
    if not shares:
        return 0
    totals = {answer: math.fsum(own) for answer, own in shares.items()}
    most = max(totals.values())
    winner = next(answer for answer, total in totals.items() if total >= most - SAME)
    return answers.index(winner)


def _check(answers: Sequence[str | None], confidences: Sequence[float]) -> None:
    if not answers or len(answers) != len(confidences):
        raise ValueError(f"{len(answers)} samples and {len(confidences)} confidences: each sample needs one")
