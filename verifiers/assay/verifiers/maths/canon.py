"""The structural tier: one canonical tree for expressions that differ in form only."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from assay.verifiers.maths.exact import rational
from assay.verifiers.maths.nodes import Node, num, number

_ONE, _MINUS_ONE = num(1), num(-1)


@lru_cache(maxsize=8192)
def canonical(node: Node) -> Node:
    """An equal tree that ignores order, grouping, notation and like terms, but neither expands nor factors.

    Rational subexpressions are folded, quotients become powers of -1, roots become powers, sums and products are
    flattened, collected and sorted. Two trees with the same canonical form are equal wherever they are defined.
    """
    value = rational(node)
    if value is not None:
        return num(value)
    args = tuple(canonical(arg) for arg in node.args)
    kind = node.kind
    if kind == "neg":
        return _product([_MINUS_ONE, args[0]])
    if kind in {"add", "mixed"}:
        return _sum(args)
    if kind == "mul":
        return _product(args)
    if kind == "div":
        return _product([args[0], _power(args[1], _MINUS_ONE)])
    if kind == "pow":
        return _power(*args)
    if kind == "percent":
        return _product([num(Fraction(1, 100)), args[0]])
    if kind == "set":
        return Node("set", None, tuple(sorted(args, key=order)))
    if kind == "union":
        return Node("union", None, tuple(sorted(args, key=order)))
    return Node(kind, node.value, args)


@lru_cache(maxsize=8192)
def order(node: Node) -> tuple[Any, ...]:
    """A key that sorts trees; numbers may be too long to be written out."""
    text, value = (node.value, Fraction(0)) if isinstance(node.value, str) else ("", node.value or Fraction(0))
    return (node.kind, text, value, tuple(order(arg) for arg in node.args))


def _power(base: Node, exponent: Node) -> Node:
    if exponent == _ONE:
        return base
    whole = exponent.kind == "num" and number(exponent).denominator == 1
    if base.kind == "pow" and whole and base.args[1].kind == "num":
        return _power(base.args[0], num(number(base.args[1]) * number(exponent)))
    if base.kind == "mul" and whole:
        return _product([_power(factor, exponent) for factor in base.args])
    if base.kind == "num" and whole:
        folded = rational(Node("pow", None, (base, exponent)))
        if folded is not None:
            return num(folded)
    return Node("pow", None, (base, exponent))


def _flat(kind: str, nodes: Iterable[Node]) -> Iterable[Node]:
    for node in nodes:
        if node.kind == kind:
            yield from _flat(kind, node.args)
        else:
            yield node


def _product(factors: Iterable[Node]) -> Node:
    """Constants multiplied, equal bases with rational exponents joined, the rest sorted."""
    coefficient = Fraction(1)
    exponents: dict[Node, Fraction] = {}
    for factor in _flat("mul", factors):
        if factor.kind == "num":
            coefficient *= number(factor)
        elif factor.kind == "pow" and factor.args[1].kind == "num":
            exponents[factor.args[0]] = exponents.get(factor.args[0], Fraction(0)) + number(factor.args[1])
        else:
            exponents[factor] = exponents.get(factor, Fraction(0)) + 1
    if not coefficient:
        return num(0)
    rest = [base if power == 1 else _power(base, num(power)) for base, power in exponents.items() if power]
    for factor in [factor for factor in rest if factor.kind == "num"]:
        coefficient *= number(factor)
        rest.remove(factor)
    rest.sort(key=order)
    if coefficient != 1 or not rest:
        rest.insert(0, num(coefficient))
    return rest[0] if len(rest) == 1 else Node("mul", None, tuple(rest))


def _sum(terms: Iterable[Node]) -> Node:
    """Constants added, like terms joined, the rest sorted."""
    constant = Fraction(0)
    coefficients: dict[Node, Fraction] = {}
    for term in _flat("add", terms):
        if term.kind == "num":
            constant += number(term)
            continue
        scale, body = Fraction(1), term
        if term.kind == "mul" and term.args[0].kind == "num":
            scale = number(term.args[0])
            body = term.args[1] if len(term.args) == 2 else Node("mul", None, term.args[1:])
        coefficients[body] = coefficients.get(body, Fraction(0)) + scale
    rest = [_product([num(scale), body]) for body, scale in coefficients.items() if scale]
    rest.sort(key=order)
    if constant or not rest:
        rest.insert(0, num(constant))
    return rest[0] if len(rest) == 1 else Node("add", None, tuple(rest))
