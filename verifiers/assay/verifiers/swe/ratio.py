"""The similarity of two texts as :class:`difflib.SequenceMatcher` measures it, but fast and in bounded time.

The ratio is twice the number of matched characters over the length of both texts, where the longest common block is
matched first (the earliest in the first text, then in the second) and then what lies left and right of it (Ratcliff
and Obershelp 1988). The standard library finds a block in quadratic time and Python code; here substring search finds
it, with the same result.
"""

from __future__ import annotations

from collections import deque

BUDGET = 1_000_000
_SCAN = 1_000


def ratio(a: str, b: str, *, max_chars: int = 0, budget: int = 0) -> tuple[float, bool]:
    """``SequenceMatcher(None, a, b, autojunk=False).ratio()``, and whether that is what was computed.

    Where it would cost too much, less is matched: characters past ``max_chars`` and blocks that were still to be
    searched when the budget was spent count as unmatched. Equal texts have ratio 1 at any length.

    Args:
        a: the first text; the order matters.
        b: the second text.
        max_chars: characters of each text that are compared; 0 for all.
        budget: number of substring searches, each counted once and once more for each thousand characters that it
            may read; 0.2 to 0.7 microseconds apiece. 0 for no bound.
    """
    if a == b:
        return 1.0, True
    total = len(a) + len(b)
    if not max_chars:
        matched, exact = _matched(a, b, budget)
    else:
        matched, exact = _matched(a[:max_chars], b[:max_chars], budget)
        exact = exact and max(len(a), len(b)) <= max_chars
    return 2.0 * matched / total, exact


def _matched(a: str, b: str, budget: int) -> tuple[int, bool]:
    """Matched characters, and whether the budget sufficed to find every block."""
    matched = spent = 0
    waiting = deque([(a, b)])
    while waiting and (not budget or spent < budget):
        a, b = waiting.popleft()
        start, size, cost = _longest(a, b, budget - spent if budget else 0)
        spent += cost
        if not size:
            continue
        matched += size
        spent += 4 + (len(a) + len(b)) // _SCAN  # for taking both texts apart
        other = b.find(a[start : start + size])
        for left, right in ((a[:start], b[:other]), (a[start + size :], b[other + size :])):
            if left and right:
                waiting.append((left, right))
    return matched, not budget or spent < budget


def _longest(a: str, b: str, budget: int) -> tuple[int, int, int]:
    """Start in ``a`` and size of the longest common block, and what the search cost.

    The best size only grows while the start moves right, so there are at most about two searches a character. A search
    that runs out of budget returns the best block so far, which is still a common one.
    """
    start = size = at = cost = 0
    step = 1 + len(b) // _SCAN
    while at + size < len(a) and (not budget or cost < budget):
        cost += step
        if a[at : at + size + 1] not in b:
            at += 1
            continue
        start, size, jump = at, size + 1, 1
        while at + size + jump <= len(a) and a[at : at + size + jump] in b:
            size += jump
            jump *= 2
            cost += step
    return start, size, cost
