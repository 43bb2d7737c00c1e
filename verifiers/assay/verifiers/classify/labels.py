"""The label set of a task, and reading a label out of an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from assay.verifiers.parse.fold import fold

_PAIRS = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»", "„": "“"}
_SLACK = 4  # a decomposed character is at most four code points


def label_key(text: str) -> str:
    """What two spellings of a label must share: no outer quotes, no final period, no case, single spaces."""
    text = _unwrap(text.strip())
    return fold(text)


def _unwrap(text: str) -> str:
    text = text.removesuffix(".").rstrip()
    if len(text) >= 2 and _PAIRS.get(text[0]) == text[-1]:
        text = text[1:-1].strip().removesuffix(".").rstrip()
    return text


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The closed set of answers: ``keys`` maps a folded spelling (or a number, where labels are numbered) to its label.

    ``exact`` does the same for unfolded spellings; ``longest`` bounds the length of any spelling.
    """

    keys: Mapping[str, str]
    exact: Mapping[str, str]
    longest: int

    def read(self, text: str) -> str | None:
        """The label that the first line of ``text`` is, or None: equality after folding, never a substring."""
        line = text.strip()
        end = line.find("\n")
        line = line if end < 0 else line[:end]
        line = " ".join(line.split())
        if len(line) > self.longest:
            return None
        return self.keys.get(label_key(line))

    def spelling(self, label: str) -> str:
        """How ``label`` is to be written: itself, or its number."""
        return next(spelling for spelling, value in self.exact.items() if value == label)


def label_set(truth: Mapping[str, Any]) -> tuple[LabelSet, str]:
    """The label set and the right label of a truth.

    Args:
        truth: ``label``, ``labels`` and, where labels are numbered, ``numeric``: ``{number: label}``.

    Raises:
        ValueError: a key is missing or has another type; labels are equal after folding; the label or a number's
            label is not among the labels, or the numbering is not one to one.
    """
    gold, labels, numeric = truth.get("label"), truth.get("labels"), truth.get("numeric")
    if not isinstance(gold, str) or not isinstance(labels, Sequence) or isinstance(labels, str):
        raise ValueError('the truth needs "label": str and "labels": [str, ...]')
    if numeric is not None and not isinstance(numeric, Mapping):
        raise ValueError('"numeric" is a mapping from number to label')
    try:
        known = _build(tuple(labels), None if numeric is None else tuple(numeric.items()))
    except TypeError:
        raise ValueError('"labels" holds strings, and "numeric" maps numbers to them') from None
    if gold not in labels:
        raise ValueError(f"the label {gold!r} is not among the {len(labels)} labels")
    return known, gold


@lru_cache(maxsize=1024)
def _build(labels: tuple[str, ...], numeric: tuple[tuple[Any, str], ...] | None) -> LabelSet:
    spellings = {label: label for label in labels} if numeric is None else {str(n): label for n, label in numeric}
    if not all(isinstance(label, str) for label in labels):
        raise ValueError('"labels" holds strings')
    keys: dict[str, str] = {}
    for label in labels:
        key = label_key(label)
        if not key or key in keys:
            raise ValueError(
                f"the label {label!r} is empty or equals {keys.get(key)!r} once case and spaces are folded"
            )
        keys[key] = label
    if numeric is not None:
        if sorted(spellings.values()) != sorted(labels) or len(spellings) != len(numeric):
            raise ValueError('"numeric" gives every label exactly one number')
        if not all(spelling.isascii() and spelling.isdigit() for spelling in spellings):
            raise ValueError('the numbers in "numeric" are whole numbers')
        keys = dict(spellings)
    return LabelSet(keys, spellings, _SLACK * max(map(len, spellings)) + 8)
