"""What a change does to each file, as a unified diff without its two header lines."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

BUDGET = 3_000_000
CONTEXT = 3
_T = TypeVar("_T")


class _TooCostlyError(Exception):
    pass


class _Matcher(difflib.SequenceMatcher[str]):
    """A sequence matcher that counts its inner steps before it takes them, and gives up past a budget."""

    def __init__(self, old: Sequence[str], new: Sequence[str], budget: int) -> None:
        super().__init__(None, old, new)
        self._left = budget
        self._before = [0]  # steps for old[:k], so that the price of a range is known at once
        places = self.b2j  # type: ignore[attr-defined]  # lines of the new text and where they stand; not in the stubs
        for line in old:
            self._before.append(self._before[-1] + 1 + len(places.get(line, ())))

    def find_longest_match(
        self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
    ) -> difflib.Match:
        high = len(self._before) - 1 if ahi is None else ahi
        self._left -= self._before[high] - self._before[alo]
        if self._left < 0:
            raise _TooCostlyError
        return super().find_longest_match(alo, ahi, blo, bhi)


def diffs(context: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """The diff of every file of ``new`` that differs from ``context``; a path that ``context`` lacks was empty."""
    found = {path: unified_diff(context.get(path, ""), text) for path, text in new.items()}
    return {path: text for path, text in found.items() if text}


@lru_cache(maxsize=64)
def unified_diff(old: str, new: str) -> str:
    r"""The unified diff of two texts with three lines of context, from its first ``@@`` line on; empty if none differ.

    Equal to :func:`difflib.unified_diff` of the two lists of lines. Only where that would take more than three million
    steps (many equal lines in long files) everything between the first and the last line that differ is replaced as
    one block: still a true diff, but a longer one. A missing newline at the end is not seen.
    """
    if old == new:
        return ""
    before, after = old.splitlines(), new.splitlines()
    try:
        groups = list(_Matcher(before, after, BUDGET).get_grouped_opcodes(CONTEXT))
    except _TooCostlyError:
        groups = [_one_block(before, after)]
    lines: list[str] = []
    for group in groups:
        lines.append(f"@@ -{_range(group[0][1], group[-1][2])} +{_range(group[0][3], group[-1][4])} @@")
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [" " + line for line in before[i1:i2]]
            else:
                lines += ["-" + line for line in before[i1:i2]]
                lines += ["+" + line for line in after[j1:j2]]
    return "\n".join(lines)


def _range(start: int, stop: int) -> str:
    """A line range as a hunk header writes it: from 1, the length left out where it is 1."""
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _one_block(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    first, last = max(head - CONTEXT, 0), min(tail, CONTEXT)
    i, j = len(old) - tail, len(new) - tail
    blocks = [
        ("equal", first, head, first, head),
        ("replace", head, i, head, j),
        ("equal", i, i + last, j, j + last),
    ]
    return [block for block in blocks if block[1] < block[2] or block[3] < block[4]]


def _common(a: Sequence[_T], b: Sequence[_T]) -> int:
    """How many items two sequences share at their beginning."""
    size = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        size += 1
    return size
