"""``classify.calibrated``: a label and how sure the model is of it, rewarded by a proper scoring rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from assay.verifiers.classify.attacks import SAMPLES
from assay.verifiers.classify.labels import label_set
from assay.verifiers.parse.tags import block
from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score

_TAGS = {"a": "answer", "b": "analysis", "c": "confidence"}
_CONFIDENCE = re.compile(r"0?\.[0-9]{1,17}|[01](?:\.0{0,17})?")

OPTIONS = {
    "pattern": Option(
        "the blocks asked for, in order: t thinking that ends in </think>, a <answer>, b <analysis>, c <confidence>",
        ("tabc", "tac", "tbac", "abc", "ac"),
    ),
    "form": Option(
        "paper: ok - (q - ok)^2, in [-1, 1]; code: half of format + ok + 1 - (q - ok)^2, in [0, 1.5]", ("paper", "code")
    ),
}


def _gold(truth: Mapping[str, Any], *, confidence: str = "1", answer: str = "", **options: Any) -> str:
    labels, label = label_set(truth)
    blocks = {
        "t": "It fits best.</think>",
        "a": f"<answer>{answer or labels.spelling(label)}</answer>",
        "b": "<analysis>No other label comes near.</analysis>",
        "c": f"<confidence>{confidence}</confidence>",
    }
    return "\n".join(blocks[letter] for letter in options.get("pattern", "tabc"))


def _wrong(truth: Mapping[str, Any]) -> str:
    labels, gold = label_set(truth)
    return next((spelling for spelling, label in labels.exact.items() if label != gold), "none of them")


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    for spelling in label_set(truth)[0].exact:
        yield _gold(truth, confidence="0.25", answer=spelling, **options)


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    good, everything = _gold(truth, **options), ", ".join(label_set(truth)[0].exact)
    for confidence in ("", "2", "100", "80%", "1e0", "nan", "inf", "-1", "-0.0", "one", "1 0", "0.5, 1", "١"):
        yield _gold(truth, confidence=confidence, **options)
    for confidence in ("0", "0.5", "1"):
        yield _gold(truth, confidence=confidence, answer=everything, **options)
        yield _gold(truth, confidence=confidence, answer=_wrong(truth), **options)
    yield good + "<confidence>1</confidence>"
    yield good.replace("<answer>", f"<answer>{_wrong(truth)}</answer><answer>")
    yield good + " And that is my final answer."
    yield good.replace("<confidence>", "")


def _ladder(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    """Surely wrong, less surely wrong, unsurely right, surely right."""
    for confidence in ("1", "0.7", "0.2", "0"):
        yield _gold(truth, confidence=confidence, answer=_wrong(truth), **options)
    for confidence in ("0", "0.3", "0.8", "1"):
        yield _gold(truth, confidence=confidence, **options)


@verifier(
    "classify.calibrated",
    options=OPTIONS,
    truth_key="label",
    gold=_gold,
    attacks=_attacks,
    candidates=_candidates,
    monotone=_ladder,
    samples=SAMPLES,
)
def calibrated(
    response: str,
    truth: Mapping[str, Any],
    *,
    pattern: Literal["tabc", "tac", "tbac", "abc", "ac"] = "tabc",
    form: Literal["paper", "code"] = "paper",
) -> Score:
    """A label with a stated confidence q, rewarded ok - (q - ok)^2 (RLCR, arXiv 2507.16806).

    With ok = 1 for a right label, the expected reward is largest when q is the true probability of being right, so that
    honesty pays and correctness is never traded for it. ``form="code"`` is the affine version of the official code.

    The strict reading: the blocks of ``pattern`` in that order up to the end, each tag exactly once after the
    thinking, and q a plain decimal in [0, 1]. Anything else is a format failure and earns 0 (not less: a wrong and
    sure answer can earn less than an unreadable one, a wrong answer with an honest q cannot, on average). The
    official code takes the last of repeated tags; a second answer is no answer here.

    Parts: ``format``, ``accuracy`` (ok), ``brier`` = (q - ok)^2, ``confidence`` = q; all 0 on a format failure.

    Args:
        response: what the model wrote.
        truth: as for ``classify.label``.
        pattern: the blocks asked for.
        form: which version of the reward.

    Raises:
        ValueError: malformed truth.
    """
    labels, gold = label_set(truth)
    answer, q = _read(response, pattern)
    if answer is None or q is None:
        failed = {"format": 0.0, "accuracy": 0.0, "brier": 0.0, "confidence": 0.0}
        return Score(0.0, failed, False, False, f"the response is not laid out as {pattern!r} asks")
    found = labels.read(answer)
    ok = float(found == gold)
    brier = (q - ok) ** 2
    reward = ok - brier if form == "paper" else 0.5 + 0.5 * ok + 0.5 * (1 - brier)
    parts = {"format": 1.0, "accuracy": ok, "brier": brier, "confidence": q}
    verdict = f"{gold!r} is right" if ok else f"read {found!r}, the label is {gold!r}"
    return Score(reward, parts, bool(ok), found is not None, f"{verdict}, confidence {q:g}")


def _read(response: str, pattern: str) -> tuple[str | None, float | None]:
    """The answer and the confidence, or None for what could not be read; both None where the layout is wrong."""
    text = response.strip()
    if pattern.startswith("t"):
        if text.count("</think>") != 1:
            return None, None
        text = text.partition("</think>")[2].strip()
    inside = {letter: block(text, _TAGS[letter]) for letter in pattern.removeprefix("t")}
    rest = text
    for letter, content in inside.items():
        whole = f"<{_TAGS[letter]}>{content}</{_TAGS[letter]}>"
        if content is None or not rest.startswith(whole):
            return None, None
        rest = rest[len(whole) :].lstrip()
    confidence = (inside["c"] or "").strip()
    if rest or not (inside["a"] or "").strip() or not _CONFIDENCE.fullmatch(confidence):
        return None, None
    return inside["a"], float(confidence)
