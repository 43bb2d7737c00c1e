"""The process behind the symbolic tier: ``python -m assay.verifiers.maths.worker``.

It reads one JSON line per question, two trees, and writes one line per answer, ``{"equal": true | false | null}``.
After loading sympy it forks; the child serves, and when that is killed the parent forks another.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

MEMORY = 2 << 30


def build(tree: list[Any]) -> Any:
    """The sympy expression of an encoded tree; variables are positive reals, as in the numeric tier.

    Raises:
        ValueError: a kind that has no value.
    """
    import sympy

    kind, value, raw = tree
    if kind == "num":
        return sympy.Rational(value)
    if kind == "sym":
        return sympy.Symbol(f"v_{value}", positive=True)
    if kind == "const":
        return {"pi": sympy.pi, "e": sympy.E, "i": sympy.I}[value]
    args = [build(arg) for arg in raw]
    simple = {
        "neg": lambda: -args[0],
        "add": lambda: sympy.Add(*args),
        "mixed": lambda: sympy.Add(*args),
        "mul": lambda: sympy.Mul(*args),
        "div": lambda: args[0] / args[1],
        "pow": lambda: sympy.Pow(*args),
        "percent": lambda: args[0] / 100,
    }
    if kind in simple:
        return simple[kind]()
    if kind != "call":
        raise ValueError(kind)
    return _function(value, args)


def _function(name: str, args: list[Any]) -> Any:
    import sympy

    renamed = {
        "arcsin": sympy.asin, "arccos": sympy.acos, "arctan": sympy.atan, "ln": sympy.log, "abs": sympy.Abs,
        "ceil": sympy.ceiling, "binom": sympy.binomial,
    }  # fmt: skip
    if name == "log":
        return sympy.log(args[0]) / sympy.log(args[1] if len(args) > 1 else 10)
    plain = {"sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "exp", "floor", "factorial"}
    if name in plain:
        return getattr(sympy, name)(*args)
    return renamed[name](*args)


def equal(left: list[Any], right: list[Any]) -> bool | None:
    """Whether the difference of two trees simplifies to 0; None where it stays undecided."""
    import sympy

    difference = build(left) - build(right)
    if difference.has(sympy.nan, sympy.zoo, sympy.oo):
        return None
    for step in (
        lambda d: d,
        sympy.expand_complex,
        sympy.simplify,
        lambda d: sympy.nsimplify(sympy.expand(d), rational=True),
    ):
        reduced = step(difference)
        if reduced == 0:
            return True
        if reduced.is_zero is False or (reduced.is_number and reduced.is_Rational):
            return False
    if not difference.free_symbols:
        value = sympy.N(difference, 50)
        if value.is_number and abs(value) > sympy.Float("1e-30"):
            return False
    return None


def serve() -> None:
    """Answer questions until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    pending = b""
    os.write(1, b"\n" + json.dumps({"ready": os.getpid()}).encode() + b"\n")
    while chunk := os.read(0, 65536):
        pending += chunk
        while b"\n" in pending:
            line, _, pending = pending.partition(b"\n")
            try:
                verdict = equal(*json.loads(line))
            except Exception:  # whatever sympy does on odd input, the question is undecided
                verdict = None
            os.write(1, json.dumps({"equal": verdict}).encode() + b"\n")


def main() -> None:
    """Load sympy, then keep one serving child alive until the input ends."""
    import sympy

    sympy.simplify(sympy.Symbol("x") + 1)  # loads what simplifying needs, once for all children
    sys.setrecursionlimit(3000)
    while True:
        child = os.fork()
        if child == 0:
            serve()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            return


if __name__ == "__main__":
    main()
