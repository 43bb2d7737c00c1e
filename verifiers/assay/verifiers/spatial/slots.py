"""What a caption says, slot by slot: whole words, no credit for what is negated or said both ways."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from assay.verifiers.parse.fold import fold

MOST_MENTIONS = 200
"""A caption that names more words than this is a list of words, and says nothing."""
LONGEST = 20_000
"""Nor does one of more characters."""
MOST_SLOTS = 64
_NEGATED = re.compile(
    r"(?<!\w)(?:not|no|never|without|neither|nor|cannot|\w{1,7}n't|rather than|instead of|opposite of)"
    r"(?: (?:a|an|the|any|to|be|being|been|is|are|was|very|really|at all|move|moves|moving|go|going|it))*\s?$"
)
_WINDOW = 48


@dataclass(frozen=True, slots=True)
class Slots:
    """The checked truth of a caption.

    Attributes:
        right: for each slot the words that say it, folded.
        wrong: for each slot the words that say something else there, folded.
        ordered: whether the slots must be named in their order.
    """

    right: tuple[frozenset[str], ...]
    wrong: tuple[frozenset[str], ...]
    ordered: bool


def slots_of(truth: Mapping[str, Any]) -> Slots:
    """``keywords``, ``wrong`` (optional, as long) and ``ordered`` (optional) of a truth.

    Raises:
        ValueError: they are not lists of lists of words, or a word is both right and wrong: for one slot, or, where the
            order does not count, for any.
    """
    right = _words(truth.get("keywords"), "keywords", empty=False)
    wrong = _words(truth["wrong"], "wrong", empty=True) if "wrong" in truth else tuple(frozenset() for _ in right)
    ordered = truth.get("ordered", False)
    if not isinstance(ordered, bool):
        raise ValueError("the truth's ordered is true or false")
    if len(wrong) != len(right):
        raise ValueError(f"the truth has {len(right)} slots of keywords and {len(wrong)} of wrong words")
    if any(good & bad for good, bad in zip(right, wrong, strict=True)):
        raise ValueError("a word of the truth is right and wrong for the same slot")
    if not ordered and frozenset().union(*right) & frozenset().union(*wrong):
        raise ValueError("a word of the truth is right for one slot and wrong for another, and it is not ordered")
    return Slots(right, wrong, ordered)


def _words(value: Any, key: str, empty: bool) -> tuple[frozenset[str], ...]:
    wanted = f"the truth's {key} is a list of slots, each a list of words"
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MOST_SLOTS:
        raise ValueError(wanted)
    for slot in value:
        if not isinstance(slot, list | tuple) or not (slot or empty):
            raise ValueError(wanted)
        if not all(isinstance(word, str) and fold(word) for word in slot):
            raise ValueError(wanted)
    return tuple(frozenset(fold(word) for word in slot) for slot in value)


def mentions(text: str, slots: Slots) -> list[str] | None:
    """The words of any slot that a text says, in order, without those that are negated; None where it is too long.

    Of overlapping words the longest counts ("left to right" is not "left").
    """
    if len(text) > LONGEST:
        return None
    text, found = fold(text.replace("\u2019", "'")), []
    for match in _any_of(frozenset().union(*slots.right, *slots.wrong)).finditer(text):
        before = re.split(r"[.;:!?]", text[max(0, match.start() - _WINDOW) : match.start()])[-1]
        if not _NEGATED.search(before):
            found.append(match.group())
        if len(found) > MOST_MENTIONS:
            return None
    return found


@lru_cache(maxsize=256)
def _any_of(words: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


def agreement(said: Sequence[str], slots: Slots) -> tuple[int, int]:
    """How many slots are said rightly, and how many things are said in all (what F1's precision divides by)."""
    if slots.ordered:
        # Read no further than a guess would go, and less for each thing too many: a list is worth no more than a guess.
        things, count = _merged(said, slots), len(slots.right)
        spare = max(0, len(things) - count)
        return max(0, _in_order(things[:count], slots) - spare), len(things)
    words, right, named = frozenset(said), 0, 0
    for good, bad in zip(slots.right, slots.wrong, strict=True):
        named += bool(words & (good | bad))
        right += bool(words & good) and not words & bad
    return right, named


def _merged(said: Sequence[str], slots: Slots) -> list[str]:
    """The words said, without one that only repeats the meaning of the one before it."""
    found: list[str] = []
    for word in said:
        if not found or not any({word, found[-1]} <= group for group in (*slots.right, *slots.wrong)):
            found.append(word)
    return found


def _in_order(said: Sequence[str], slots: Slots) -> int:
    """The longest common subsequence of the words said and the slots."""
    row = [0] * (len(slots.right) + 1)
    for word in said:
        corner = 0
        for place, good in enumerate(slots.right, 1):
            above = row[place]
            row[place] = corner + 1 if word in good else max(above, row[place - 1])
            corner = above
    return row[-1]
