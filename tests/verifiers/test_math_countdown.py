"""Countdown: the arithmetic is read and evaluated right, and only a true expression of the given numbers is paid."""

from __future__ import annotations

import ast
import operator
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.verifiers import get, score
from assay.verifiers.audit import audit
from assay.verifiers.maths import arithmetic
from assay.verifiers.maths.arithmetic import ArithmeticSyntaxError, Operation, canonical, numbers, parse, value, write

TRUTH = {"numbers": [3, 4, 5], "target": 17}
SIGNS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}

EXPRESSIONS = st.recursive(
    st.integers(1, 12), lambda inner: st.builds(Operation, st.sampled_from("+-*/"), inner, inner), max_leaves=8
)


def by_python(node: ast.expr) -> Fraction:
    """The value by Python's own parser, in fractions."""
    if isinstance(node, ast.Constant):
        return Fraction(node.value)
    assert isinstance(node, ast.BinOp)
    return SIGNS[type(node.op)](by_python(node.left), by_python(node.right))


@given(EXPRESSIONS)
def test_values_and_precedence_are_those_of_python(expression):
    text = write(expression)
    try:
        expected = by_python(ast.parse(text, mode="eval").body)
    except ZeroDivisionError:
        expected = None
    assert value(parse(text)) == value(expression) == expected
    assert parse(text) == expression


@given(EXPRESSIONS, st.integers(0, 10**6))
def test_canonical_texts_forget_order_and_brackets_and_nothing_else(expression, seed):
    rng = random.Random(seed)

    def shuffled(node):
        if isinstance(node, int):
            return node
        left, right = shuffled(node.left), shuffled(node.right)
        if node.symbol in "+*" and rng.random() < 0.5:
            left, right = right, left
        return Operation(node.symbol, left, right)

    assert canonical(shuffled(expression)) == canonical(expression)
    assert sorted(numbers(parse(canonical(expression).replace("(+", "(0+").replace("(*", "(1*")))) == sorted(
        numbers(expression) + leading(expression)
    )


def leading(expression):
    """The 0 and 1 that stand in for the missing operand at the head of each sum and product."""
    text = canonical(expression)
    return [0] * text.count("(+") + [1] * text.count("(*")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2+3*4", "(4*3)+2", True), ("1-(2-3)", "1+3-2", True), ("8/(4/2)", "8*2/4", True),
        ("2*(3+4)", "(4+3)*2", True),
        ("3-2", "2-3", False), ("2+2", "2*2", False), ("6/3", "3/6", False), ("2*3+4", "2*(3+4)", False),
    ],
)  # fmt: skip
def test_canonical_texts_of_examples(one, other, same):
    assert (canonical(parse(one)) == canonical(parse(other))) is same


@pytest.mark.parametrize(
    "text",
    ["", "3+", "+3", "-3", "3 4", "(3", "3)", "()", "3(4)", "3**4", "3//4", "1.5", "1e3", "0x1", "a", "3+-4", "3=3",
     "٣+4", "1" * 10, "(" * 150 + "1" + ")" * 150, "1+" * 150 + "1", "__import__('os')", "3;4", "3,4", "1_0"],
)  # fmt: skip
def test_what_is_no_expression(text):
    with pytest.raises(ArithmeticSyntaxError) as raised:
        parse(text)
    assert "\n" not in str(raised.value)


def test_the_longest_expression_is_read_and_does_not_recurse_too_deep():
    deep = "(" * 99 + "1" + ")" * 99
    assert value(parse(deep)) == 1
    assert value(parse("-".join(["1"] * 100))) == -98
    assert len("-".join(["1"] * 100)) < arithmetic.LONGEST


@pytest.mark.parametrize(
    ("response", "right"),
    [
        ("3*4+5", True), (" 5 + 4*3 \n", True), ("(3*4)+5", True), ("3×4+5", True), ("3*4+5=17", True),
        ("3*4+5 = 17", True), ("let me see\n3+4+5=12\n3*4+5", True), ("<answer>3*4+5</answer>", True),
        ("<think>3+4\n3*4+5?</think>\n<answer>\n3*4+5\n</answer>", True), ("hm</think>3*4+5", True),
        ("Thus:\n\n3*4+5\n\n\n", True), ("3+4+5\r3*4+5", True),
        ("3*4+5=18", False), ("3*4+5=17=17", False), ("3*4+4+1", False), ("17", False), ("3*4*5", False),
        ("3*4+5+0", False), ("34/2", False), ("3*4+5\n3+4", False), ("3*4+5 is it", False), ("answer: 3*4+5", False),
        ("<think>3*4+5", False), ("<think>3*4+5</think>", False), ("<answer>3*4+5</answer><answer>3+4</answer>", False),
        ("3*4+5\n<answer>3+4</answer>", False), ("<answer>3+4\n3*4+5</answer>", False), ("5/(3-3)", False), ("", False),
    ],
)  # fmt: skip
def test_where_the_answer_stands_and_what_it_must_be(response, right):
    found = score("math.countdown", response, TRUTH)
    assert (found.correct, found.reward) == (right, float(right)), found.detail


def test_numbers_are_used_at_most_as_often_as_given():
    twice = {"numbers": [3, 3, 8, 8], "target": 24}
    assert score("math.countdown", "8/(3-8/3)", twice).correct
    assert score("math.countdown", "3*8", twice).correct
    assert not score("math.countdown", "8+8+8", twice).correct
    assert not score("math.countdown", "3*8", twice, use="all").correct
    assert score("math.countdown", "8/(3-8/3)", twice, use="all").correct
    near = score("math.countdown", "8+8+3+3", twice)
    assert (near.reward, near.parts["uses"], near.parsed) == (0.0, 1.0, True)


def test_the_layout_is_paid_apart():
    right = "<think>\nhm\n</think>\n<answer>3*4+5</answer>"
    assert score("math.countdown", right, TRUTH, think_mode="think", format_weight=0.1).reward == pytest.approx(1.1)
    assert score("math.countdown", "3*4+5", TRUTH, think_mode="think", format_weight=0.1).reward == 1.0
    after = "<answer>3*4+5</answer>\n<think>\n3+4\n</think>"
    assert score("math.countdown", after, TRUTH, think_mode="after", format_weight=0.1).reward == pytest.approx(1.1)
    assert not score("math.countdown", after, TRUTH, think_mode="think").correct


@pytest.mark.parametrize(
    "truth",
    [{"numbers": "345", "target": 17}, {"numbers": [], "target": 1}, {"numbers": [3, True], "target": 4},
     {"numbers": [0, 3], "target": 3}, {"numbers": [3.0], "target": 3}, {"numbers": [3], "target": 3.0},
     {"numbers": [1] * 13, "target": 3}],
)  # fmt: skip
def test_malformed_truths(truth):
    with pytest.raises(ValueError, match="the truth needs"):
        score("math.countdown", "3", truth)


@pytest.mark.parametrize("mode", ["think", "after", "adaptive"])
def test_every_layout_passes_the_audit(mode):
    report = audit("math.countdown", seconds=60.0, size=50_000, think_mode=mode)
    assert report.ok, report.table()
    assert len(list(get("math.countdown").attacks(TRUTH, think_mode=mode))) > 30
