"""Whether a number is worked out, rather than an expression that somebody still has to compute."""

from __future__ import annotations

import math

from assay.verifiers.maths.nodes import Node, num, number


def is_literal(node: Node) -> bool:
    """Whether the node is written as one number: whole, decimal, percent, mixed, whole over whole, or a x 10^n."""
    if node.kind in {"neg", "percent"}:
        return is_literal(node.args[0])
    if node.kind in {"num", "mixed"}:
        return True
    if node.kind == "div":
        return all(_whole(arg) for arg in node.args)
    return _scientific(node)


def is_final(answer: Node, gold: Node) -> bool:
    """Whether an answer that equals ``gold`` is a number in lowest terms, or written as the gold one is.

    Without this rule the answer to "what is 84/2" would be "84/2".
    """
    if answer == gold:
        return True
    if not is_literal(answer):
        return False
    return all(_lowest(part) for part in answer.walk() if part.kind == "div")


def _whole(node: Node) -> bool:
    if node.kind == "neg":
        return _whole(node.args[0])
    return node.kind == "num" and number(node).denominator == 1


def _integer(node: Node) -> int:
    return -_integer(node.args[0]) if node.kind == "neg" else int(number(node))


def _lowest(node: Node) -> bool:
    top, bottom = (_integer(arg) for arg in node.args)
    return bottom not in (0, 1, -1) and math.gcd(top, bottom) == 1


def _scientific(node: Node) -> bool:
    if node.kind != "mul" or len(node.args) != 2 or node.args[1].kind != "pow":
        return False
    mantissa, (base, exponent) = node.args[0], node.args[1].args
    return is_literal(mantissa) and mantissa.kind in {"num", "neg"} and base == num(10) and _whole(exponent)
