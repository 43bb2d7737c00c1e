"""``classify.label``: is the response the right one of a closed set of labels?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from assay.verifiers.classify import official
from assay.verifiers.classify.attacks import SAMPLES, label_attacks, label_candidates, label_gold
from assay.verifiers.classify.labels import LabelSet, label_set
from assay.verifiers.classify.layout import ThinkMode, answer_text, well_formed
from assay.verifiers.parse.fold import fold, quote
from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score

Mode = Literal["exact", "tagged", "contains"]
Equality = Literal["folded", "strip", "strict"]

OPTIONS = {
    "mode": Option(
        "exact: the answer is one label and nothing else; tagged: the same, inside <answer>; contains: exactly one "
        "label occurs in the answer as whole words (lenient: 'not sports' contains 'sports')",
        ("exact", "tagged", "contains"),
    ),
    "think_mode": Option(
        "layout asked for: none; think, then <answer>; after: <answer>, then think; adaptive: think, or <answer> alone",
        ("none", "think", "after", "adaptive"),
    ),
    "equality": Option(
        "folded: first line, without case, outer quotes and a final period (GenCLS++); strip: exact but for outer "
        "whitespace; strict: exact",
        ("folded", "strip", "strict"),
    ),
    "parity": Option("reward exactly as the official code of CLS-RL does", (False, True)),
    "format_weight": Option("weight of the format part where thinking is on: 1 in CLS-RL, 0.1 in GenCLS++"),
    "uncertain": Option("suffix that marks an unsure answer; stripped before reading, and reported; '' for none"),
}


@verifier(
    "classify.label",
    options=OPTIONS,
    truth_key="label",
    gold=label_gold,
    attacks=label_attacks,
    candidates=label_candidates,
    samples=SAMPLES,
)
def label(
    response: str,
    truth: Mapping[str, Any],
    *,
    mode: Mode = "exact",
    think_mode: ThinkMode = "none",
    equality: Equality = "folded",
    parity: bool = False,
    format_weight: float = 1.0,
    uncertain: str = " | uncertain",
) -> Score:
    """One label out of a closed set (GenCLS++, arXiv 2504.19898; CLS-RL, arXiv 2503.16188).

    Reward = accuracy, plus ``format_weight`` x format where thinking is on. ``correct`` is the accuracy. There is no
    credit for a label inside other text, and none for a second answer tag.

    Parts: ``accuracy``; ``format`` (thinking only); ``lenient``, the official substring test of CLS-RL, never paid;
    ``uncertain``, whether the answer carried the suffix.

    ``parity=True`` differs from the default reading thus: without thinking the whole output must equal the label to
    the letter; with thinking, the first answer tag on one line counts, later tags are ignored, an answer over two
    lines falls back to the whole output, and repeated or nested tags can be well formed. ``mode``, ``equality``,
    ``format_weight`` and ``uncertain`` do not apply. The official symbolic comparison of numbers is left out.

    Args:
        response: what the model wrote.
        truth: ``{"label": str, "labels": [str, ...]}`` and, where the task asks for numbers, ``"numeric": {number:
            label}``.
        mode: see ``OPTIONS``, which documents every option.
        think_mode: the layout asked for.
        equality: how two spellings are compared.
        parity: the official reading of CLS-RL.
        format_weight: weight of the format part.
        uncertain: the suffix of an unsure answer.

    Returns:
        A score with reward in [0, 1 + format_weight].

    Raises:
        ValueError: malformed truth.
    """
    labels, gold = label_set(truth)
    target = labels.spelling(gold)
    if parity:
        return _official(response, target, think_mode)
    text, problem = answer_text(response, think_mode, mode == "tagged")
    answer, unsure = (None, False) if text is None else _read(text, labels, mode, equality, uncertain)
    accuracy = float(answer == gold)
    parts = {"accuracy": accuracy, "lenient": float(official.lenient(response, target)), "uncertain": float(unsure)}
    reward = accuracy
    if think_mode != "none":
        parts["format"] = float(well_formed(response, think_mode, strip=equality != "strict"))
        reward += format_weight * parts["format"]
    if answer is None:
        detail = problem or f"{quote(text or '')} is not one of the {len(labels.keys)} labels"
    else:
        detail = f"{quote(answer)} is right" if accuracy else f"read {quote(answer)}, the label is {quote(gold)}"
    return Score(reward, parts, bool(accuracy), answer is not None, detail)


def _official(response: str, target: str, think_mode: ThinkMode) -> Score:
    accuracy = official.accuracy_reward(response, target, think_mode)
    parts = {"accuracy": accuracy, "lenient": float(official.lenient(response, target))}
    if think_mode != "none":
        parts["format"] = official.format_reward(response, think_mode)
    reward = accuracy + parts.get("format", 0.0)
    return Score(
        reward, parts, bool(accuracy), True, f"{quote(response)}, the label is {quote(target)} (official reading)"
    )


def _read(text: str, labels: LabelSet, mode: Mode, equality: Equality, uncertain: str) -> tuple[str | None, bool]:
    """The label that ``text`` gives, and whether it was marked as unsure."""
    found = _match(text, labels, mode, equality)
    if found is not None or not uncertain:
        return found, False
    sure = _without_suffix(text, uncertain, equality)
    return (None, False) if sure is None else (_match(sure, labels, mode, equality), True)


def _match(text: str, labels: LabelSet, mode: Mode, equality: Equality) -> str | None:
    if mode == "contains":
        return _contained(text, labels)
    if equality == "folded":
        return labels.read(text)
    return labels.exact.get(text.strip() if equality == "strip" else text)


def _without_suffix(text: str, suffix: str, equality: Equality) -> str | None:
    """``text`` up to the suffix, or None where it does not end with it."""
    line = text
    if equality != "strict":
        line, suffix = line.strip(), suffix.rstrip()
    if equality == "folded":
        line = line.partition("\n")[0].rstrip().removesuffix(".")
        if line[-len(suffix) :].casefold() != suffix.casefold():
            return None
        return line[: -len(suffix)]
    return line.removesuffix(suffix) if line.endswith(suffix) else None


def _contained(text: str, labels: LabelSet) -> str | None:
    """The one label that occurs in ``text`` as whole words; of overlapping ones the longest that starts first."""
    found = {labels.keys[match] for match in _any_of(tuple(labels.keys)).findall(fold(text))}
    return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=256)
def _any_of(keys: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(keys, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
