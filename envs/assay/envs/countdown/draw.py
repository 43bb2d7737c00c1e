"""Random expressions of given numbers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction

from assay.verifiers.maths.arithmetic import Expression, Operation, combine


def join_at_random(numbers: Sequence[int], rng: random.Random) -> tuple[Expression, Fraction | None]:
    """All of ``numbers`` joined in random order by random signs, and the value: None after a division by zero."""
    parts: list[tuple[Expression, Fraction | None]] = [(number, Fraction(number)) for number in numbers]
    while len(parts) > 1:
        (left, a), (right, b) = (parts.pop(rng.randrange(len(parts))) for _ in range(2))
        symbol = rng.choice("+-*/")
        parts.append((Operation(symbol, left, right), None if a is None or b is None else combine(symbol, a, b)))
    return parts[0]
