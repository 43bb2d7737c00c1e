"""Distances between sequences of words, a machine word's worth of rows at a time."""

from __future__ import annotations

from collections.abc import Sequence


def _places(items: Sequence[str]) -> dict[str, int]:
    """Of each distinct item, a number whose set bits are its positions."""
    places: dict[str, int] = {}
    for position, item in enumerate(items):
        places[item] = places.get(item, 0) | 1 << position
    return places


def common_length(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """Length of a longest common subsequence.

    Bit-parallel (Hyyro, "Bit-parallel LCS-length computation revisited", 2004): one pass over ``theirs`` with numbers
    of ``len(ours)`` bits.
    """
    places, every = _places(ours), (1 << len(ours)) - 1
    row = every
    for item in theirs:
        matched = row & places.get(item, 0)
        if matched:
            row = ((row + matched) | (row - matched)) & every
    return len(ours) - row.bit_count()


def edit_distance(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """Least number of insertions, deletions and substitutions that turn one into the other.

    Bit-parallel (Myers, JACM 1999, in Hyyro's form): one pass over ``theirs`` with numbers of ``len(ours)`` bits.
    """
    if not ours:
        return len(theirs)
    places, every, top = _places(ours), (1 << len(ours)) - 1, 1 << (len(ours) - 1)
    up, down, distance = every, 0, len(ours)
    for item in theirs:
        same = places.get(item, 0)
        vertical = same | down
        horizontal = (((same & up) + up) ^ up) | same
        rises, falls = down | (every & ~(horizontal | up)), up & horizontal
        distance += bool(rises & top) - bool(falls & top)
        rises, falls = (rises << 1 | 1) & every, falls << 1 & every
        up, down = falls | (every & ~(vertical | rises)), rises & vertical
    return distance
