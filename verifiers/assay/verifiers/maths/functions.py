"""Elementary functions of decimal numbers, to the precision of the current context."""

from __future__ import annotations

from decimal import Decimal, getcontext, localcontext
from functools import lru_cache


class UndefinedError(Exception):
    """The value is not defined, not real where it must be, or out of range."""


@lru_cache(maxsize=16)
def _pi(precision: int) -> Decimal:
    """Machin: pi = 16 atan(1/5) - 4 atan(1/239)."""
    with localcontext() as context:
        context.prec = precision + 10

        def arctan_inverse(n: int) -> Decimal:
            power = Decimal(1) / n
            total, k, square = power, 1, n * n
            while abs(power) > Decimal(10) ** -(precision + 8):
                power /= -square
                k += 2
                total += power / k
            return total

        return 16 * arctan_inverse(5) - 4 * arctan_inverse(239)


def pi() -> Decimal:
    """Pi, to a few more digits than the context's."""
    return _pi(getcontext().prec)


def sin_cos(x: Decimal) -> tuple[Decimal, Decimal]:
    """Sine and cosine of ``x`` radians.

    Raises:
        UndefinedError: beyond 10^15, where the argument keeps too few digits.
    """
    if abs(x) > Decimal(10) ** 15:
        raise UndefinedError
    with localcontext() as context:
        context.prec += 20
        quarter = pi() / 2
        turns = (x / quarter).to_integral_value()
        r = x - turns * quarter
        sine, cosine = _series(r, r), _series(r, Decimal(1))
        for _ in range(int(turns) % 4):
            sine, cosine = cosine, -sine
    return +sine, +cosine


def _series(r: Decimal, first: Decimal) -> Decimal:
    """The alternating series of sine (``first`` = r) or cosine (``first`` = 1)."""
    total = term = first
    k = 1 if first == 1 else 2
    square = r * r
    limit = Decimal(10) ** -(getcontext().prec + 2)
    while abs(term) > limit:
        term *= -square / (k * (k + 1))
        total += term
        k += 2
    return total


def arctan(x: Decimal) -> Decimal:
    """Arc tangent, in (-pi/2, pi/2)."""
    if abs(x) > 1:
        return (pi() / 2).copy_sign(x) - arctan(1 / x)
    with localcontext() as context:
        context.prec += 20
        halvings = 0
        while abs(x) > Decimal("0.1"):
            x = x / (1 + (1 + x * x).sqrt())
            halvings += 1
        total = power = x
        k, square = 1, x * x
        limit = Decimal(10) ** -(context.prec + 2)
        while abs(power) > limit:
            power *= -square
            k += 2
            total += power / k
        total *= Decimal(2) ** halvings
    return +total


def real(function: str, x: Decimal) -> Decimal:
    """A function of one real number by its name.

    Raises:
        UndefinedError: outside its real domain.
    """
    if function in {"sin", "cos", "tan", "cot", "sec", "csc"}:
        sine, cosine = sin_cos(x)
        return _trigonometric(function, sine, cosine)
    if function in {"ln", "log"}:
        if x <= 0:
            raise UndefinedError
        return x.ln()
    if function == "exp":
        return x.exp()
    if function in {"sinh", "cosh", "tanh"}:
        up, down = x.exp(), (-x).exp()
        bottom = up + down if function == "tanh" else Decimal(2)
        return (up + down if function == "cosh" else up - down) / bottom
    if function == "arctan":
        return arctan(x)
    if function in {"arcsin", "arccos"} and abs(x) <= 1:
        sine = (pi() / 2).copy_sign(x) if abs(x) == 1 else arctan(x / (1 - x * x).sqrt())
        return sine if function == "arcsin" else pi() / 2 - sine
    raise UndefinedError


def _trigonometric(function: str, sine: Decimal, cosine: Decimal) -> Decimal:
    if function in {"sin", "cos"}:
        return sine if function == "sin" else cosine
    top, bottom = {
        "tan": (sine, cosine),
        "cot": (cosine, sine),
        "sec": (Decimal(1), cosine),
        "csc": (Decimal(1), sine),
    }[function]
    if abs(bottom) < Decimal(10) ** -(getcontext().prec - 5):
        raise UndefinedError
    return top / bottom
