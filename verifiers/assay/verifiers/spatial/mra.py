"""``spatial.mra``: a number, paid by mean relative accuracy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from assay.verifiers.parse.fold import quote
from assay.verifiers.registry import verifier
from assay.verifiers.score import Score
from assay.verifiers.spatial.layout import Layout
from assay.verifiers.spatial.reading import FARTHEST, OPTIONS, laid, text_of, verdict
from assay.verifiers.video import attacks
from assay.verifiers.video.values import read_number

SAMPLES: tuple[Mapping[str, Any], ...] = ({"answer": "2.40"}, {"answer": "10"}, {"answer": "0.31"}, {"answer": "-7.5"})
THRESHOLDS = (*(0.5 + place * ((0.95 - 0.5) / 9) for place in range(9)), 0.95)
"""0.50, 0.55, ..., 0.95 with the very roundings of the benchmark's program, which decide at the edges."""
RIGHT = 0.9
"""Score from which an answer counts as right: at most 10 % off."""
_NUMBER = re.compile(r"-?\d+\.?\d*")


def accuracy(value: float, target: float) -> float:
    """The share of the ten thresholds th with ``|value - target| / |target| <= 1 - th``; 0 where the target is 0."""
    if target == 0:
        return 0.0
    off = abs(value - target) / abs(target)
    return sum(off <= 1 - threshold for threshold in THRESHOLDS) / len(THRESHOLDS)


def official_number(text: str) -> float | None:
    """The first number once all commas are gone, so that "(3,4) 12" is 34; None where there is none."""
    found = _NUMBER.search(text.replace(",", ""))
    return None if found is None else float(found.group())


def _target(truth: Mapping[str, Any]) -> float:
    answer = truth.get("answer")
    try:
        value = float(answer) if isinstance(answer, str) and len(answer) < 40 else None
    except ValueError:
        value = None
    if value is None or not abs(value) <= FARTHEST:
        raise ValueError(f'the truth\'s answer is a number as a text, such as "2.40"; got {ascii(answer)[:40]}')
    return value


def _gold(truth: Mapping[str, Any], **options: Any) -> str:
    _target(truth)
    return laid(str(truth["answer"]), options)


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    target = _target(truth)
    for factor in (1, 3, 0.2, -1):
        yield laid(f"{target * factor:.4f}", options)


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    target = _target(truth)
    right, wrong = str(truth["answer"]).strip(), f"{4 * target + 9:.2f}"
    for text in attacks.values(right, wrong):
        if text != "many":
            yield laid(text, options)
    yield laid(f"between {0.9 * target:.2f} and {1.1 * target:.2f}", options)
    yield laid(", ".join(f"{target * factor:.2f}" for factor in (0.5, 0.75, 1, 1.25, 1.5)), options)
    yield laid(f"({right}, {wrong})", options)
    yield from attacks.tags(right, wrong)


def _ladder(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    target = _target(truth)
    for factor in (2.0, 1.48, 1.38, 1.28, 1.18, 1.08, 1.0):
        yield laid(f"{target * factor:.4f}", options)


@verifier(
    "spatial.mra", options=OPTIONS, gold=_gold, attacks=_attacks, candidates=_candidates, monotone=_ladder,
    samples=SAMPLES, partial=True,
)  # fmt: skip
def mra(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: Layout = "any",
    format_weight: float = 0.0,
    parity: bool = False,
) -> Score:
    """Mean relative accuracy of a number: the share of the ten thresholds that it meets (VSI-Bench, SpatialTree).

    The thresholds are 0.50, 0.55, ..., 0.95: an answer within 5 % earns 1, one that is more than 50 % off nothing.
    ``correct`` from a score of 0.9. The response must hold exactly one number. ``parity`` takes the first number
    after all commas are removed, and a right number below 0 pays for everything, as in the program.

    Parts: ``score`` in steps of 0.1; ``format``.

    Args:
        response: what the model said; units are passed over, not converted.
        truth: ``{"answer": "2.40"}``; where 0 is right nothing earns anything.
        layout, format_weight, parity: see the options.

    Raises:
        ValueError: malformed truth.
    """
    target = _target(truth)
    text, problem = text_of(response, layout, parity)
    if text is None:
        value = None
    elif parity:
        value = official_number(text)
    else:
        read = read_number(text)
        value = None if read is None or not abs(read[0]) <= FARTHEST else read[0]
    if value is None:
        return verdict(response, 0.0, format_weight, False, False, problem or f"no one number in {quote(text or '')}")
    score = 1.0 if parity and target < 0 else accuracy(value, target)
    return verdict(response, score, format_weight, score >= RIGHT - 1e-9, True, f"read {value:g}, right is {target:g}")
