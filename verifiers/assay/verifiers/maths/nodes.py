"""The expression tree that answers are parsed into.

Kinds (arguments in brackets; ``value`` where it says so):

- numbers: ``num`` (value: Fraction), ``const`` (value: pi, e, i, inf), ``sym`` (value: name), ``percent`` [x],
  ``mixed`` [whole, part]
- arithmetic: ``neg`` [x], ``add`` [...], ``mul`` [...], ``div`` [a, b], ``pow`` [base, exponent], ``call`` [...]
  (value: function name)
- ``pm`` [a, b] (value: "+-" or "-+"): a plus or minus b
- structures: ``set`` [...], ``seq`` [...] (value: its two brackets, as "(]"), ``union`` [...], ``ratio`` [...],
  ``matrix`` [rows], ``row``
- relations: ``rel`` [sides] (value: operators joined by blanks, one fewer than sides)
- ``text`` (value: folded words), ``quantity`` [x] (value: unit)
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple


class Node(NamedTuple):
    """One node; immutable and hashable."""

    kind: str
    value: Fraction | str | None = None
    args: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(node.args)


class ParseError(ValueError):
    """The text is no expression of the supported language."""


def num(value: Fraction | int) -> Node:
    """A number."""
    return Node("num", Fraction(value))


def number(node: Node) -> Fraction:
    """The value of a ``num`` node."""
    assert isinstance(node.value, Fraction)
    return node.value


def name(node: Node) -> str:
    """The value of a node that carries a string."""
    assert isinstance(node.value, str)
    return node.value


def join(kind: str, left: Node, right: Node) -> Node:
    """``left`` and ``right`` under one ``add`` or ``mul``; a left one of that kind is extended, to keep sums flat."""
    return Node(kind, None, (*left.args, right) if left.kind == kind else (left, right))


def depth(tree: Node) -> int:
    """The number of levels."""
    levels, row = 0, [tree]
    while row:
        levels += 1
        row = [arg for node in row for arg in node.args]
    return levels
