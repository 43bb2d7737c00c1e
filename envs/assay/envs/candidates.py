"""Closed lists of candidate classes, as in CLS-RL (arXiv 2503.16188): how long, and which, fixed for each item."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

_CAP = 100
_SMALL = 30


def seeded(*keys: object) -> random.Random:
    """A generator that depends on ``keys`` alone, the same in every process and Python version."""
    blob = "\x1f".join(map(str, keys)).encode("utf-8", "surrogatepass")
    return random.Random(int.from_bytes(hashlib.sha256(blob).digest()[:8], "big"))


def candidate_count(classes: int, rule: str = "auto") -> int:
    """How many of ``classes`` are listed.

    ``auto``: 40 % rounded down, all of them if that is under 30, at most 100. ``all``: all. A number: that many, at
    most all.

    Raises:
        ValueError: for any other rule, or a number below 2.
    """
    if rule == "all":
        return classes
    if rule == "auto":
        share = classes * 2 // 5
        return classes if share < _SMALL else min(share, _CAP)
    if not rule.isdecimal() or int(rule) < 2:
        raise ValueError(f"candidates must be auto, all or a number of at least 2; got {rule!r}")
    return min(int(rule), classes)


def draw_candidates(classes: Sequence[str], truth: str, count: int, rng: random.Random) -> list[str]:
    """``count`` different classes in random order, the true one among them.

    Drawn at random; where the true one is missing it replaces the last; then shuffled.

    Raises:
        ValueError: if ``truth`` is not one of ``classes``.
    """
    if truth not in classes:
        raise ValueError(f"{truth!r} is not among the {len(classes)} classes")
    drawn = rng.sample(list(classes), count)
    if truth not in drawn:
        drawn[-1] = truth
    rng.shuffle(drawn)
    return drawn
