"""Gold responses, attacks and ladders for ``calibration.rlcr`` over the short answers of ``text.f1``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.verifiers import registry

SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"answer": "Marie Curie"},
    {"answers": ["the Eiffel Tower", "Eiffel tower, Paris"]},
    {"answer": "42"},
    {"answers": ["café au lait"]},
)
_WRONG = ("zyx wvu", "some other thing", "no such answer")


def laid_out(answer: str, confidence: str, pattern: str = "tabc") -> str:
    """A response with the blocks of a pattern."""
    blocks = {
        "t": "It fits best.</think>",
        "a": f"<answer>{answer}</answer>",
        "b": "<analysis>Little speaks against it.</analysis>",
        "c": f"<confidence>{confidence}</confidence>",
    }
    return "\n".join(blocks[letter] for letter in pattern)


def _answer(truth: Mapping[str, Any], base: str) -> str:
    found = registry.get(base).gold
    known = None if found is None else found(truth)
    if known is None:
        raise ValueError(f"{base} knows no gold response of this truth")
    return known


def gold(truth: Mapping[str, Any], *, base: str = "text.f1", pattern: str = "tabc", **options: Any) -> str:
    """The base's gold response, surely."""
    return laid_out(_answer(truth, base), "1", pattern)


def candidates(
    truth: Mapping[str, Any], *, base: str = "text.f1", pattern: str = "tabc", **options: Any
) -> Iterator[str]:
    """The right answer and wrong ones, as sure as a guess among four can be."""
    for answer in (_answer(truth, base), *_WRONG):
        yield laid_out(answer, "0.25", pattern)


def attacks(truth: Mapping[str, Any], *, base: str = "text.f1", pattern: str = "tabc", **options: Any) -> Iterator[str]:
    """Confidences that are no number in [0, 1], wrong answers however sure, a right one quoted, broken layouts."""
    right, wrong = _answer(truth, base), _WRONG[0]
    good = laid_out(right, "1", pattern)
    if "c" in pattern:
        for confidence in (
            "", "2", "1.2", "100", "80%", "nan", "inf", "-inf", "-1", "one", "1 0", "0.5, 1", "1_0", "١", "1e999",
            "0x1", "1</confidence><confidence>",
        ):  # fmt: skip
            yield laid_out(right, confidence, pattern)
    for confidence in ("0", "0.5", "1"):
        yield laid_out(wrong, confidence, pattern)
        yield laid_out(f"{right} or {wrong}", confidence, pattern)
        yield laid_out(f"{wrong}</answer><answer>{right} or {wrong}", confidence, pattern)
        yield laid_out("", confidence, pattern)
    yield laid_out(wrong, "1", pattern).replace("against it", f"against it <answer>{right}</answer>")
    yield laid_out(wrong, "1", pattern).replace("It fits", f"<answer>{right}</answer> It fits")
    yield laid_out(f"{right}</answer> {wrong}", "1", pattern)
    yield good + " And that is my final answer."
    yield good + "<answer>" + right + "</answer>"
    yield "It is plain. " + good if not pattern.startswith("t") else good.replace("</think>", "")
    yield good.replace("</think>", "</think> So:") if pattern.startswith("t") else "So: " + good
    yield good.replace("</answer>", "")
    yield right


def ladder(truth: Mapping[str, Any], *, base: str = "text.f1", pattern: str = "tabc", **options: Any) -> Iterator[str]:
    """Surely wrong, less surely wrong, unsurely right, surely right."""
    right = _answer(truth, base)
    for confidence in ("1", "0.7", "0.2", "0"):
        yield laid_out(_WRONG[0], confidence, pattern)
    for confidence in ("0", "0.3", "0.8", "1"):
        yield laid_out(right, confidence, pattern)
