"""The numeric tier: values of expressions at given points, as complex numbers of decimals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext

from assay.verifiers.maths.functions import UndefinedError, pi, real
from assay.verifiers.maths.nodes import Node, name, number

Complex = tuple[Decimal, Decimal]
_ZERO, _ONE = Decimal(0), Decimal(1)


class UnsupportedError(UndefinedError):
    """The value may well exist, but this tier cannot compute it."""


def context(precision: int) -> Context:
    """A decimal context with all the range there is, which raises instead of returning infinities."""
    return Context(
        prec=precision,
        Emax=MAX_EMAX,
        Emin=MIN_EMIN,
        traps=[DivisionByZero, InvalidOperation, Overflow],
        capitals=1,
        clamp=0,
    )


def evaluate(node: Node, point: Mapping[str, Decimal], precision: int, real_only: bool = False) -> Complex:
    """The value of ``node`` where the variables are those of ``point``.

    Args:
        node: an expression without relations, sets or text.
        point: a value for every variable.
        precision: decimal digits.
        real_only: refuse complex numbers on the way, even where the result would be real.

    Raises:
        UndefinedError: division by zero, out of range, complex where ``real_only``, a structure that has no value.
        UnsupportedError: a complex function, or a combinatorial one of fractions.
    """
    with localcontext(context(precision)):
        try:
            return _value(node, point, real_only)
        except (ArithmeticError, MemoryError) as error:
            raise UndefinedError(str(error)) from None


def _value(node: Node, point: Mapping[str, Decimal], real_only: bool) -> Complex:
    kind = node.kind
    if kind == "num":
        fraction = number(node)
        return Decimal(fraction.numerator) / Decimal(fraction.denominator), _ZERO
    if kind == "sym":
        return point[name(node)], _ZERO
    if kind == "const":
        return _constant(name(node), real_only)
    values = [_value(arg, point, real_only) for arg in node.args]
    if kind == "neg":
        return -values[0][0], -values[0][1]
    if kind in {"add", "mixed"}:
        return sum((v[0] for v in values), _ZERO), sum((v[1] for v in values), _ZERO)
    if kind == "mul":
        product: Complex = (_ONE, _ZERO)
        for value in values:
            product = _times(product, value)
        return product
    if kind == "div":
        return _times(values[0], _inverse(values[1]))
    if kind == "pow":
        return _power(values[0], values[1], real_only)
    if kind == "percent":
        return values[0][0] / 100, values[0][1] / 100
    if kind == "call":
        return _call(name(node), values)
    raise UndefinedError


def _constant(constant: str, real_only: bool) -> Complex:
    if constant == "pi":
        return +pi(), _ZERO
    if constant == "e":
        return _ONE.exp(), _ZERO
    if constant == "i" and not real_only:
        return _ZERO, _ONE
    raise UndefinedError


def _times(a: Complex, b: Complex) -> Complex:
    if not a[1] and not b[1]:
        return a[0] * b[0], _ZERO
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _inverse(a: Complex) -> Complex:
    if not a[1]:
        return 1 / a[0], _ZERO
    size = a[0] * a[0] + a[1] * a[1]
    return a[0] / size, -a[1] / size


def _power(base: Complex, exponent: Complex, real_only: bool) -> Complex:
    if exponent[1]:
        raise UnsupportedError
    power = exponent[0]
    whole = power == power.to_integral_value()
    if not base[1] and (base[0] > 0 or whole):
        if not base[0] and power <= 0:
            raise UndefinedError
        return base[0] ** power, _ZERO
    if not base[0] and not base[1]:
        return _ZERO, _ZERO
    if real_only:
        raise UndefinedError
    if whole and abs(power) <= 64:
        result: Complex = (_ONE, _ZERO)
        for _ in range(abs(int(power))):
            result = _times(result, base)
        return result if power > 0 else _inverse(result)
    if power == Decimal("0.5"):
        return _square_root(base)
    raise UnsupportedError


def _square_root(a: Complex) -> Complex:
    """The principal root: the one with a positive real part, or a positive imaginary one."""
    size = (a[0] * a[0] + a[1] * a[1]).sqrt()
    x, y = ((size + a[0]) / 2).sqrt(), ((size - a[0]) / 2).sqrt()
    return x, y.copy_sign(a[1]) if a[1] else y


def _call(function: str, values: list[Complex]) -> Complex:
    (x, imaginary), *rest = values
    if function == "abs":
        return (x * x + imaginary * imaginary).sqrt() if imaginary else abs(x), _ZERO
    if imaginary or any(value[1] for value in rest):
        raise UnsupportedError
    if function in {"floor", "ceil"}:
        if x != (nearest := x.to_integral_value()) and abs(x - nearest) < Decimal("1e-20"):
            raise UnsupportedError  # a whole number that rounding missed
        return x.to_integral_value("ROUND_FLOOR" if function == "floor" else "ROUND_CEILING"), _ZERO
    if function in {"factorial", "binom"}:
        return _combinatorial(function, x, rest), _ZERO
    if function == "log":
        base = rest[0][0] if rest else Decimal(10)
        return real("ln", x) / real("ln", base), _ZERO
    if function in {"ln", "exp"} or not rest:
        try:
            return real(function, x), _ZERO
        except UndefinedError:
            raise UnsupportedError from None  # the complex function has a value there
    raise UnsupportedError


def _combinatorial(function: str, n: Decimal, rest: list[Complex]) -> Decimal:
    k = rest[0][0] if rest else _ZERO
    if n != n.to_integral_value() or k != k.to_integral_value():
        raise UnsupportedError
    if max(abs(n), abs(k)) > 1000:
        raise UndefinedError
    if n < 0 or k < 0:
        raise UnsupportedError
    return Decimal(math.comb(int(n), int(k)) if function == "binom" else math.factorial(int(n)))
