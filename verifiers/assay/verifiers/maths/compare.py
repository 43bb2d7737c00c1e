"""The ladder that decides whether an answer equals the gold one: structural, rational, numeric, symbolic."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction

from assay.verifiers.maths import points
from assay.verifiers.maths.canon import canonical, order
from assay.verifiers.maths.exact import rational
from assay.verifiers.maths.final import is_final, is_literal
from assay.verifiers.maths.functions import UndefinedError
from assay.verifiers.maths.nodes import Node, name, num
from assay.verifiers.maths.numeric import context, evaluate

_FLIPPED = {">": "<", "\\ge": "\\le"}
_MAX_CROSS = 12


@dataclass(frozen=True)
class Verdict:
    """Whether the two are equal, the tier that decided, and a remark."""

    equal: bool
    tier: str
    note: str = ""


@dataclass(frozen=True)
class Rules:
    """How answers are compared: see the options of ``math.numeric``.

    ``prove`` is the symbolic tier, given two trees and a number of seconds: True, False, or None where it cannot
    tell; None switches it off. ``budget`` is what the whole decision may cost.
    """

    form: str = "final"
    percent: str = "ratio"
    rel_tol: float = 0.0
    prove: Callable[[Node, Node, float], bool | None] | None = None
    budget: points.Budget = field(default_factory=points.Budget)


def compare(gold: Node, answer: Node, rules: Rules) -> Verdict:
    """Whether ``answer`` is ``gold``."""
    gold, answer = without_unit(gold, answer)
    if gold.kind == "quantity" or answer.kind == "quantity":
        return Verdict(False, "structural", "the units differ")
    gold, answer = _plain(expand_signs(gold)), _plain(expand_signs(answer))
    gold, answer = _unassign(gold, answer)
    if gold.kind == answer.kind and gold.kind in _STRUCTURES:
        return _STRUCTURES[gold.kind](gold, answer, rules)
    if gold.kind in _STRUCTURES or answer.kind in _STRUCTURES or "text" in (gold.kind, answer.kind):
        same = gold == answer
        return Verdict(same, "structural", "" if same else f"expected a {_called(gold)}, read a {_called(answer)}")
    return _values(gold, answer, rules)


def _called(node: Node) -> str:
    names = {
        "seq": "tuple or interval",
        "rel": "relation",
        "text": "text",
        "set": "set",
        "union": "union",
        "matrix": "matrix",
    }
    return names.get(node.kind, "ratio" if node.kind == "ratio" else "value")


def _values(gold: Node, answer: Node, rules: Rules) -> Verdict:
    verdict = _equal_values(gold, answer, rules)
    if not verdict.equal and rules.percent == "either":
        bare_gold, bare_answer = _without_percent(gold), _without_percent(answer)
        if (bare_gold is gold) != (bare_answer is answer):
            verdict = _equal_values(bare_gold, bare_answer, rules)
            gold, answer = bare_gold, bare_answer
    if verdict.equal and rules.form != "value" and is_literal(gold) and not is_final(answer, gold):
        return Verdict(False, verdict.tier, "equal in value, but not worked out to a number in lowest terms")
    return verdict


def _equal_values(gold: Node, answer: Node, rules: Rules) -> Verdict:
    if gold == answer or canonical(gold) == canonical(answer):
        return Verdict(True, "structural")
    if rules.form == "same":
        return Verdict(False, "structural", "not the same form")
    left, right = rational(gold), rational(answer)
    if left is not None and right is not None:
        near = abs(left - right) <= abs(left) * Fraction(rules.rel_tol)
        return Verdict(near, "rational")
    same, beyond = points.same_value(gold, answer, rules.budget)
    if same is None and beyond and rules.prove is not None and rules.budget.seconds > 0:
        begun = time.monotonic()
        same = rules.prove(gold, answer, rules.budget.seconds)
        rules.budget.seconds -= time.monotonic() - begun
        if same is not None:
            return Verdict(same, "symbolic")
    if same is None:
        return Verdict(False, "undecided", "could not be shown equal")
    if not same and rules.rel_tol:
        same = _near(gold, answer, rules.rel_tol)
    return Verdict(same, "numeric")


def _near(gold: Node, answer: Node, tolerance: float) -> bool:
    try:
        left, right = evaluate(gold, {}, 30), evaluate(answer, {}, 30)
    except UndefinedError:
        return False
    with localcontext(context(30)):
        return not left[1] and not right[1] and abs(left[0] - right[0]) <= abs(left[0]) * Decimal(tolerance)


def expand_signs(node: Node) -> Node:
    """Every plus-minus as the set of its two readings (upper signs together, lower signs together)."""
    if node.kind == "set":
        items = [expand_signs(arg) for arg in node.args]
        return Node(
            "set", node.value, tuple(part for item in items for part in (item.args if item.value == "pm" else (item,)))
        )
    if not any(part.kind == "pm" for part in node.walk()):
        return node
    return Node("set", "pm", (_signed(node, 0), _signed(node, 1)))


def _signed(node: Node, which: int) -> Node:
    args = tuple(_signed(arg, which) for arg in node.args)
    if node.kind != "pm":
        return Node(node.kind, node.value, args)
    sign = name(node)[which]
    if args[0] == num(0):
        return args[1] if sign == "+" else Node("neg", None, (args[1],))
    return Node("add", None, (args[0], args[1] if sign == "+" else Node("neg", None, (args[1],))))


def without_unit(gold: Node, answer: Node) -> tuple[Node, Node]:
    """Both without their units if these agree or only one has one; unchanged if they differ."""
    bare_gold, unit = _split_unit(gold)
    bare_answer, other = _split_unit(answer)
    if unit and other and unit.rstrip("s") != other.rstrip("s"):
        return gold, answer
    return bare_gold, bare_answer


def _split_unit(node: Node) -> tuple[Node, str]:
    if node.kind == "quantity":
        return _split_unit(node.args[0])[0], name(node)
    if node.kind == "neg":
        inner, unit = _split_unit(node.args[0])
        return Node("neg", None, (inner,)), unit
    return node, ""


def _without_percent(node: Node) -> Node:
    return node.args[0] if node.kind == "percent" else node


def _plain(node: Node) -> Node:
    """A chain of equations as its last side, an approximate equation as an equation."""
    if node.kind != "rel":
        return node
    operators = ["=" if operator == "\\approx" else operator for operator in name(node).split(" ")]
    if len(operators) > 1 and set(operators) == {"="}:
        return Node("rel", "=", (node.args[0], node.args[-1]))
    if all(operator in _FLIPPED for operator in operators):
        return Node("rel", " ".join(_FLIPPED[operator] for operator in reversed(operators)), node.args[::-1])
    return Node("rel", " ".join(operators), node.args)


def _unassign(gold: Node, answer: Node) -> tuple[Node, Node]:
    """``x = 5`` as 5 where the other side of the comparison is no relation."""
    if gold.kind == "rel" and answer.kind != "rel" and _is_assignment(gold):
        return gold.args[1], answer
    if answer.kind == "rel" and gold.kind != "rel" and _is_assignment(answer):
        return gold, answer.args[1]
    return gold, answer


def _is_assignment(node: Node) -> bool:
    left = node.args[0]
    named = left.kind == "sym" or (left.kind == "mul" and all(arg.kind == "sym" for arg in left.args))
    return node.value == "=" and named


def _each(golds: Sequence[Node], answers: Sequence[Node], rules: Rules) -> Verdict:
    """Pairwise, in order."""
    if len(golds) != len(answers):
        return Verdict(False, "structural", f"expected {len(golds)} parts, read {len(answers)}")
    tier = "structural"
    for gold, answer in zip(golds, answers, strict=True):
        verdict = compare(gold, answer, rules)
        if not verdict.equal:
            return verdict
        tier = verdict.tier if verdict.tier != "structural" else tier
    return Verdict(True, tier)


def _unordered(gold: Node, answer: Node, rules: Rules) -> Verdict:
    """Each member of the one paired with a different member of the other."""
    if len(gold.args) != len(answer.args):
        return Verdict(False, "structural", f"expected {len(gold.args)} members, read {len(answer.args)}")
    left = sorted(gold.args, key=lambda node: order(canonical(node)))
    right = sorted(answer.args, key=lambda node: order(canonical(node)))
    if _each(left, right, rules).equal:
        return Verdict(True, "structural")
    if len(left) > _MAX_CROSS:
        return Verdict(False, "structural", "not the same members")
    for node in left:
        match = next((k for k, other in enumerate(right) if compare(node, other, rules).equal), None)
        if match is None:
            return Verdict(False, "structural", "not the same members")
        del right[match]
    return Verdict(True, "structural")


def _sequence(gold: Node, answer: Node, rules: Rules) -> Verdict:
    if gold.value != answer.value:
        return Verdict(False, "structural", f"brackets {name(answer)} instead of {name(gold)}")
    return _each(gold.args, answer.args, rules)


def _in_order(gold: Node, answer: Node, rules: Rules) -> Verdict:
    return _each(gold.args, answer.args, rules)


def _relation(gold: Node, answer: Node, rules: Rules) -> Verdict:
    if gold.value != answer.value:
        return Verdict(False, "structural", "not the same relation")
    if canonical(gold) == canonical(answer):
        return Verdict(True, "structural")
    if rules.form == "same":
        return Verdict(False, "structural", "not the same form")
    if len(gold.args) > 2:
        return _each(gold.args, answer.args, rules)
    difference = [Node("add", None, (side.args[0], Node("neg", None, (side.args[1],)))) for side in (gold, answer)]
    same = points.proportional(difference[0], difference[1], positive=name(gold) in {"<", "\\le"}, budget=rules.budget)
    return Verdict(bool(same), "undecided" if same is None else "numeric")


_STRUCTURES: dict[str, Callable[[Node, Node, Rules], Verdict]] = {
    "set": _unordered,
    "union": _unordered,
    "seq": _sequence,
    "ratio": _in_order,
    "matrix": _in_order,
    "row": _in_order,
    "rel": _relation,
}
