"""Arithmetic on whole numbers: ``+ - * /`` and brackets, read by hand, evaluated exactly; nothing is ever executed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

LONGEST: Final = 200
"""Characters of the longest expression that is read; also bounds its depth and the size of its value."""
_TOKEN = re.compile(r"\s*([0-9]{1,9}(?![0-9])|[-+*/()])")
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-"})
_RANK = {"+": 1, "-": 1, "*": 2, "/": 2}


@dataclass(frozen=True, slots=True)
class Operation:
    """``left symbol right``; the symbol is one of ``+ - * /``."""

    symbol: str
    left: Expression
    right: Expression


Expression: TypeAlias = int | Operation
"""A whole number, or an operation on two expressions."""


class ArithmeticSyntaxError(ValueError):
    """The text is not an expression; the message says where."""


def parse(text: str) -> Expression:
    """The expression that ``text`` writes, with the usual precedence, from left to right; ``× · ÷ −`` are signs too.

    There are no signed numbers, no juxtaposition and no decimal points.

    Raises:
        ArithmeticSyntaxError: one line, for anything else, and for more than :data:`LONGEST` characters.
    """
    if len(text) > LONGEST:
        raise ArithmeticSyntaxError(f"more than {LONGEST} characters")
    operands: list[Expression] = []
    pending: list[str] = []
    wants_operand = True
    for token in _tokens(text.translate(_SIGNS)):
        if wants_operand and (token == "(" or token.isdecimal()):
            if token == "(":
                pending.append(token)
            else:
                operands.append(int(token))
                wants_operand = False
        elif not wants_operand and token in _RANK:
            _reduce(operands, pending, _RANK[token])
            pending.append(token)
            wants_operand = True
        elif not wants_operand and token == ")":
            _reduce(operands, pending, 0)
            if not pending:
                raise ArithmeticSyntaxError("a bracket is closed that was never opened")
            pending.pop()
        else:
            raise ArithmeticSyntaxError(f"{token!r} where {'a number' if wants_operand else 'a sign'} belongs")
    if wants_operand:
        raise ArithmeticSyntaxError("it ends where a number belongs")
    _reduce(operands, pending, 0)
    if pending:
        raise ArithmeticSyntaxError("a bracket is never closed")
    return operands[0]


def _tokens(text: str) -> Iterator[str]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise ArithmeticSyntaxError(f"{text[at:].lstrip()[:1]!r} is neither a number nor a sign")
        yield found.group(1)
        at = found.end()


def _reduce(operands: list[Expression], pending: list[str], rank: int) -> None:
    """Carry out what waits and binds at least as tightly as ``rank``, up to an open bracket."""
    while pending and pending[-1] != "(" and _RANK[pending[-1]] >= rank:
        right, left = operands.pop(), operands.pop()
        operands.append(Operation(pending.pop(), left, right))


def value(expression: Expression) -> Fraction | None:
    """The exact value, or None where something is divided by zero."""
    if isinstance(expression, int):
        return Fraction(expression)
    left, right = value(expression.left), value(expression.right)
    return None if left is None or right is None else combine(expression.symbol, left, right)


def combine(symbol: str, left: Fraction, right: Fraction) -> Fraction | None:
    """``left symbol right``, or None for a division by zero."""
    if symbol == "+":
        return left + right
    if symbol == "-":
        return left - right
    if symbol == "*":
        return left * right
    return left / right if right else None


def numbers(expression: Expression) -> list[int]:
    """The numbers of an expression from left to right."""
    if isinstance(expression, int):
        return [expression]
    return [*numbers(expression.left), *numbers(expression.right)]


def write(expression: Expression) -> str:
    """The expression with no more brackets than are needed, without spaces; :func:`parse` reads it back."""
    if isinstance(expression, int):
        return str(expression)
    rank = _RANK[expression.symbol]
    left, right = write(expression.left), write(expression.right)
    if isinstance(expression.left, Operation) and _RANK[expression.left.symbol] < rank:
        left = f"({left})"
    # a-(b+c) needs its brackets; a+(b+c) keeps them too, so that what is written is what is read back
    if isinstance(expression.right, Operation) and _RANK[expression.right.symbol] <= rank:
        right = f"({right})"
    return f"{left}{expression.symbol}{right}"


def canonical(expression: Expression) -> str:
    """One text for all orders and bracketings of the same sums and products: ``2+3*4``, ``(4*3)+2`` are alike."""
    if isinstance(expression, int):
        return str(expression)
    rank = _RANK[expression.symbol]
    plain, inverse = ("+", "-") if rank == 1 else ("*", "/")
    parts: dict[str, list[str]] = {plain: [], inverse: []}
    _gather(expression, rank, False, plain, inverse, parts)
    terms = [f"{plain}{term}" for term in sorted(parts[plain])] + [
        f"{inverse}{term}" for term in sorted(parts[inverse])
    ]
    return f"({''.join(terms)})"


def _gather(
    expression: Expression, rank: int, inverted: bool, plain: str, inverse: str, parts: dict[str, list[str]]
) -> None:
    if isinstance(expression, int) or _RANK[expression.symbol] != rank:
        parts[inverse if inverted else plain].append(canonical(expression))
        return
    _gather(expression.left, rank, inverted, plain, inverse, parts)
    _gather(expression.right, rank, inverted != (expression.symbol == inverse), plain, inverse, parts)
