"""The rational tier: exact values of expressions without variables, with bounds on how large they may grow."""

from __future__ import annotations

import math
from fractions import Fraction

from assay.verifiers.maths.nodes import Node, number

MAX_BITS = 20_000
MAX_FACTORIAL = 1_000


class NotRationalError(Exception):
    """The expression has no exact rational value within the bounds."""


def rational(node: Node) -> Fraction | None:
    """The exact value, or None where there is none, it is undefined, or it needs more than 20,000 bits."""
    try:
        return _value(node)
    except NotRationalError:
        return None


def _value(node: Node) -> Fraction:
    kind = node.kind
    if kind == "num":
        return number(node)
    if kind in {"sym", "const", "text", "pm", "set", "seq", "rel", "union", "matrix", "ratio", "row"}:
        raise NotRationalError
    values = [_value(arg) for arg in node.args]
    if kind == "neg":
        result = -values[0]
    elif kind == "add":
        result = sum(values, Fraction(0))
    elif kind == "mul":
        result = math.prod(values, start=Fraction(1))
    elif kind == "div":
        result = _divide(values[0], values[1])
    elif kind == "pow":
        result = _power(values[0], values[1])
    elif kind == "percent":
        result = values[0] / 100
    elif kind == "mixed":
        result = values[0] + values[1]
    elif kind == "quantity":
        result = values[0]
    else:
        result = _call(str(node.value), values)
    if _bits(result) > MAX_BITS:
        raise NotRationalError
    return result


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def _divide(top: Fraction, bottom: Fraction) -> Fraction:
    if not bottom:
        raise NotRationalError
    return top / bottom


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        return _root(base, exponent)
    if not base and exponent <= 0:
        raise NotRationalError
    if base in (0, 1, -1):
        return base if exponent % 2 else base * base
    if abs(exponent) * _bits(base) > 2 * MAX_BITS:
        raise NotRationalError
    return base ** int(exponent)


def _root(base: Fraction, exponent: Fraction) -> Fraction:
    """A rational power that happens to be rational, as 4^(1/2)."""
    degree = exponent.denominator
    if base < 0 or degree > 64:
        raise NotRationalError
    top, bottom = _integer_root(base.numerator, degree), _integer_root(base.denominator, degree)
    if top is None or bottom is None:
        raise NotRationalError
    return _power(Fraction(top, bottom), Fraction(exponent.numerator))


def _integer_root(value: int, degree: int) -> int | None:
    """The exact root of a whole number, or None."""
    if degree == 2:
        root = math.isqrt(value)
        return root if root * root == value else None
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high) // 2
        if middle**degree < value:
            low = middle + 1
        else:
            high = middle
    return low if low**degree == value else None


def _call(function: str, values: list[Fraction]) -> Fraction:
    first = values[0]
    if function == "abs":
        return abs(first)
    if function == "floor":
        return Fraction(math.floor(first))
    if function == "ceil":
        return Fraction(math.ceil(first))
    if function == "factorial" and first.denominator == 1 and 0 <= first <= MAX_FACTORIAL:
        return Fraction(math.factorial(int(first)))
    if function == "binom" and all(value.denominator == 1 and 0 <= value <= MAX_FACTORIAL for value in values):
        return Fraction(math.comb(int(first), int(values[1])))
    raise NotRationalError
