"""Equality of two expressions by their values: at high precision, and at several points where there are variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from assay.verifiers.maths.functions import UndefinedError
from assay.verifiers.maths.nodes import Node, name
from assay.verifiers.maths.numeric import UnsupportedError, context, evaluate

PRECISION = 50
MAX_SYMBOLS = 8
_AGREEMENTS = 3
_FRACTIONS = ("0.7310", "1.3097", "2.2711", "0.4129", "1.8353", "3.1907", "0.2903", "2.6129")
_WHOLE = ("4", "7", "10", "3", "8", "5", "6", "9")

Point = Mapping[str, Decimal]


@dataclass
class Budget:
    """What one decision may still cost, to keep hostile answers under a second: nodes to evaluate, seconds of sympy."""

    nodes: int = 5_000
    seconds: float = 0.8

    def allows(self, *trees: Node) -> bool:
        """Take the cost of evaluating these trees once; False where it is more than what is left."""
        self.nodes -= sum(1 for tree in trees for _ in tree.walk())
        return self.nodes >= 0


def symbols(*nodes: Node) -> list[str]:
    """The names of all variables, sorted."""
    return sorted({name(node) for tree in nodes for node in tree.walk() if node.kind == "sym"})


def points(names: list[str]) -> Iterable[tuple[Point, bool]]:
    """Points at which to compare, fixed for all time, each with whether values must be real throughout.

    Two of positive fractions, four of positive whole numbers, three of mixed sign. Where variables are negative only
    real values count, so that sqrt(1/n) and 1/sqrt(n) agree while |x| and x do not.
    """
    for table, shift in ((_FRACTIONS, 0), (_FRACTIONS, 3), (_WHOLE, 0), (_WHOLE, 1), (_WHOLE, 2), (_WHOLE, 5)):
        yield {symbol: Decimal(table[(k + shift) % 8]) for k, symbol in enumerate(names)}, False
    for shift in (1, 4, 6):
        yield (
            {s: Decimal(_FRACTIONS[(k + shift) % 8]) * (-1 if k % 2 == shift % 2 else 1) for k, s in enumerate(names)},
            True,
        )


def same_value(a: Node, b: Node, budget: Budget) -> tuple[bool | None, bool]:
    """Whether two expressions have the same values, and whether a symbolic proof may know more.

    The first is None where too few values could be computed; the second says whether that was for want of complex
    functions. Constants are equal if they agree to 40 digits, and their difference, if it is not 0 at once, vanishes
    as the precision grows.
    """
    names = symbols(a, b)
    if len(names) > MAX_SYMBOLS:
        return None, False
    agreements, beyond = 0, False
    for point, real_only in points(names) if names else [({}, False)]:
        if not budget.allows(a, b, a, b):
            return None, False
        try:
            if not _same_at(a, b, point, real_only):
                return False, False
            agreements += 1
        except UnsupportedError:
            beyond = True
        except (UndefinedError, ArithmeticError):
            continue
    return (True if agreements >= (_AGREEMENTS if names else 1) else None), beyond


def _same_at(a: Node, b: Node, point: Point, real_only: bool) -> bool:
    gap, size = _gap(a, b, point, PRECISION, real_only)
    with localcontext(context(PRECISION)):
        if gap > size * Decimal("1e-40") and gap > Decimal("1e-40"):
            return False
    finer, size = _gap(a, b, point, 2 * PRECISION, real_only)
    with localcontext(context(PRECISION)):
        return finer <= size * Decimal("1e-85") or finer <= gap * Decimal("1e-30")


def _gap(a: Node, b: Node, point: Point, precision: int, real_only: bool) -> tuple[Decimal, Decimal]:
    """The distance of the two values, and the size of the larger."""
    left, right = evaluate(a, point, precision, real_only), evaluate(b, point, precision, real_only)
    with localcontext(context(precision)):
        gap = abs(left[0] - right[0]) + abs(left[1] - right[1])
        return gap, max(abs(left[0]) + abs(left[1]), abs(right[0]) + abs(right[1]))


def proportional(a: Node, b: Node, positive: bool, budget: Budget) -> bool | None:
    """Whether a = c b for a constant c other than 0 (above 0 if ``positive``); None where too few values are known."""
    names = symbols(a, b)
    if not names or len(names) > MAX_SYMBOLS:
        return None
    first: Decimal | None = None
    agreements = 0
    for point, real_only in points(names):
        if not budget.allows(a, b):
            return None
        try:
            left, right = evaluate(a, point, PRECISION, real_only), evaluate(b, point, PRECISION, real_only)
            if left[1] or right[1] or not (left[0] or right[0]):
                continue
            with localcontext(context(PRECISION)):
                ratio = left[0] / right[0] if right[0] else Decimal(0)
                first = first or ratio
                if not ratio or abs(ratio - first) > abs(ratio) * Decimal("1e-35") or (positive and ratio < 0):
                    return False
        except (UndefinedError, ArithmeticError):
            continue
        agreements += 1
    return True if agreements >= _AGREEMENTS else None
