"""Every expression of given numbers that reaches a target: exact, by tables over subsets of the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from assay.verifiers.maths.arithmetic import Expression, Operation, canonical, combine

Table = dict[Fraction, dict[str, Expression]]
"""By value: the expressions that have it, by canonical text."""


def solve(numbers: Sequence[int], target: int, *, use: str = "any", keep: int = 32) -> list[Expression]:
    """Expressions that equal ``target`` with each number at most once; none if and only if there is none.

    Different orders and bracketings of the same sums and products count as one. Up to four numbers it takes
    milliseconds, five a second, six some ten.

    Args:
        numbers: 1 to 6 positive numbers; equal ones may be given several times.
        target: what to reach.
        use: ``"any"``: numbers may be left over; ``"all"``: each is used.
        keep: expressions remembered for each value of each subset, the first ones found.

    Raises:
        ValueError: for no numbers, or more than 6.
    """
    if not 1 <= len(numbers) <= 6:
        raise ValueError(f"the solver takes 1 to 6 numbers, got {len(numbers)}")
    everything = (1 << len(numbers)) - 1
    tables: dict[int, Table] = {}
    for subset in range(1, everything):
        tables[subset] = _table(subset, numbers, tables, keep)
    found: dict[str, Expression] = {}
    if use == "any":
        for table in tables.values():
            found |= table.get(Fraction(target), {})
    if len(numbers) == 1:
        return [numbers[0]] if numbers[0] == target else []
    for expression in _reaching(everything, Fraction(target), tables):
        found.setdefault(canonical(expression), expression)
    return list(found.values())


def _table(subset: int, numbers: Sequence[int], tables: dict[int, Table], keep: int) -> Table:
    """Every value that the numbers of ``subset`` reach when all of them are used."""
    if subset & (subset - 1) == 0:
        number = numbers[subset.bit_length() - 1]
        return {Fraction(number): {str(number): number}}
    table: Table = {}
    for first, second in _cuts(subset):
        for left, lefts in tables[first].items():
            for right, rights in tables[second].items():
                for symbol in "+-*/" if first > second else "-/":  # sums and products once
                    reached = combine(symbol, left, right)
                    if reached is not None:
                        _remember(table.setdefault(reached, {}), symbol, lefts, rights, keep)
    return table


def _remember(
    known: dict[str, Expression], symbol: str, lefts: dict[str, Expression], rights: dict[str, Expression], keep: int
) -> None:
    for left in lefts.values():
        for right in rights.values():
            if len(known) >= keep:
                return
            expression = Operation(symbol, left, right)
            known.setdefault(canonical(expression), expression)


def _cuts(subset: int) -> Iterator[tuple[int, int]]:
    """The ways to cut a subset into two that are not empty, in both orders."""
    part = (subset - 1) & subset
    while part:
        yield part, subset ^ part
        part = (part - 1) & subset


def _reaching(subset: int, target: Fraction, tables: dict[int, Table]) -> Iterator[Expression]:
    """Expressions of all numbers of ``subset`` with the value ``target``."""
    for first, second in _cuts(subset):
        others = tables[second]
        for left, lefts in tables[first].items():
            for symbol, right in _partners(left, target, others, first > second):
                for a in lefts.values():
                    for b in others[right].values():
                        yield Operation(symbol, a, b)


def _partners(left: Fraction, target: Fraction, values: Table, once: bool) -> Iterator[tuple[str, Fraction]]:
    """(sign, right) with ``left sign right == target`` among ``values``; sums and products only if ``once``."""
    if once and target - left in values:
        yield "+", target - left
    if left - target in values:
        yield "-", left - target
    if left == 0:
        if target == 0:
            yield from (("*", right) for right in values if once)
            yield from (("/", right) for right in values if right)
        return
    if once and target / left in values:
        yield "*", target / left
    if target and left / target in values:
        yield "/", left / target
