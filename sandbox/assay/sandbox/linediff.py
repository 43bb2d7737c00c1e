"""Which lines two texts share, in time that no input can make quadratic."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TypeAlias

Block: TypeAlias = tuple[int, int, int]
"""(start in the first, start in the second, lines): a run of equal lines."""

MAX_STEPS = 4_000_000
"""Steps that all gaps of two texts may cost; gaps searched after that count as wholly different."""
MAX_EDITS = 400
"""Insertions and deletions looked for in one gap."""
MAX_DEPTH = 6
"""Times that anchors are looked for between anchors."""


def split_lines(data: bytes) -> list[bytes]:
    """Lines with their ends; only LF ends a line."""
    lines = data.split(b"\n")
    last = lines.pop()
    out = [line + b"\n" for line in lines]
    return [*out, last] if last else out


def matching_blocks(a: Sequence[bytes], b: Sequence[bytes]) -> list[Block]:
    """Equal runs, in order, neither overlapping nor touching on both sides.

    Common ends are cut off; lines that occur exactly once on both sides anchor what is left (patience diff, B. Cohen,
    2008); the gaps between anchors are searched for their shortest edit script (Myers, "An O(ND) difference
    algorithm", 1986) with a bound on the work. Applying the result is always right; a gap beyond the bound is only
    longer than it need be.
    """
    blocks: list[Block] = []
    todo = [(0, len(a), 0, len(b), 0)]
    steps = MAX_STEPS
    while todo:
        a0, a1, b0, b1, depth = todo.pop()
        head = _common(a, b, a0, a1, b0, b1)
        if head:
            blocks.append((a0, b0, head))
            a0, b0 = a0 + head, b0 + head
        tail = _common_end(a, b, a0, a1, b0, b1)
        if tail:
            blocks.append((a1 - tail, b1 - tail, tail))
            a1, b1 = a1 - tail, b1 - tail
        if a0 == a1 or b0 == b1:
            continue
        anchors = _anchors(a, b, a0, a1, b0, b1) if depth < MAX_DEPTH else []
        if not anchors:
            found, steps = _shortest(a, b, a0, a1, b0, b1, steps)
            blocks += found
            continue
        last = (a0, b0)
        for i, j in anchors:
            todo.append((last[0], i, last[1], j, depth + 1))
            blocks.append((i, j, 1))
            last = (i + 1, j + 1)
        todo.append((last[0], a1, last[1], b1, depth + 1))
    return _merge(blocks)


def _common(a: Sequence[bytes], b: Sequence[bytes], a0: int, a1: int, b0: int, b1: int) -> int:
    n = 0
    limit = min(a1 - a0, b1 - b0)
    while n < limit and a[a0 + n] == b[b0 + n]:
        n += 1
    return n


def _common_end(a: Sequence[bytes], b: Sequence[bytes], a0: int, a1: int, b0: int, b1: int) -> int:
    n = 0
    limit = min(a1 - a0, b1 - b0)
    while n < limit and a[a1 - 1 - n] == b[b1 - 1 - n]:
        n += 1
    return n


def _unique(lines: Sequence[bytes], start: int, stop: int) -> dict[bytes, int]:
    where: dict[bytes, int] = {}
    for i in range(start, stop):
        where[lines[i]] = -1 if lines[i] in where else i
    return {line: i for line, i in where.items() if i >= 0}


def _anchors(a: Sequence[bytes], b: Sequence[bytes], a0: int, a1: int, b0: int, b1: int) -> list[tuple[int, int]]:
    """Pairs of lines unique on both sides, the longest run of them that rises on both."""
    there = _unique(b, b0, b1)
    pairs = sorted((i, there[line]) for line, i in _unique(a, a0, a1).items() if line in there)
    tails: list[int] = []  # smallest last position in b of a rising run, by length
    ends: list[int] = []  # index into pairs of that last one
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        at = bisect_left(tails, j)
        before.append(ends[at - 1] if at else -1)
        if at == len(tails):
            tails.append(j)
            ends.append(index)
        else:
            tails[at], ends[at] = j, index
    run: list[tuple[int, int]] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        run.append(pairs[index])
        index = before[index]
    return run[::-1]


def _shortest(
    a: Sequence[bytes], b: Sequence[bytes], a0: int, a1: int, b0: int, b1: int, steps: int
) -> tuple[list[Block], int]:
    """Equal lines of a shortest edit script, or none if it would take more than the bounds; and the steps left."""
    n, m = a1 - a0, b1 - b0
    furthest = {1: 0}
    trace: list[dict[int, int]] = []
    for edits in range(min(n + m, MAX_EDITS) + 1):
        if steps < 0:
            break
        trace.append(dict(furthest))
        steps -= 2 * edits + 1
        for k in range(-edits, edits + 1, 2):
            start = x = furthest[k + 1] if _is_down(furthest, k, edits) else furthest[k - 1] + 1
            y = x - k
            while x < n and y < m and a[a0 + x] == b[b0 + y]:
                x, y = x + 1, y + 1
            steps -= x - start
            furthest[k] = x
            if x >= n and y >= m:
                return [(a0 + i, b0 + j, length) for i, j, length in _walk_back(trace, n, m)], steps
    return [], steps


def _is_down(furthest: dict[int, int], k: int, edits: int) -> bool:
    """Whether the best way onto diagonal ``k`` is an insertion; else it is a deletion."""
    return k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1])


def _walk_back(trace: list[dict[int, int]], n: int, m: int) -> list[Block]:
    blocks: list[Block] = []
    x, y = n, m
    for edits in range(len(trace) - 1, 0, -1):
        furthest = trace[edits]
        k = x - y
        down = _is_down(furthest, k, edits)
        before = k + 1 if down else k - 1
        start = furthest[before] if down else furthest[before] + 1
        if x > start:
            blocks.append((start, start - k, x - start))
        x = furthest[before]
        y = x - before
    if x:
        blocks.append((0, 0, x))
    return blocks


def _merge(blocks: list[Block]) -> list[Block]:
    merged: list[Block] = []
    for i, j, n in sorted(blocks):
        if merged and merged[-1][0] + merged[-1][2] == i and merged[-1][1] + merged[-1][2] == j:
            merged[-1] = (merged[-1][0], merged[-1][1], merged[-1][2] + n)
        else:
            merged.append((i, j, n))
    return merged
