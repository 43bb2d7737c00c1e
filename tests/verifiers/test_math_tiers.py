"""The tiers below ``math.numeric``, each against an independent reference."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.verifiers.maths import functions, points
from assay.verifiers.maths.canon import canonical
from assay.verifiers.maths.exact import rational
from assay.verifiers.maths.nodes import Node, ParseError, num
from assay.verifiers.maths.numeric import evaluate
from assay.verifiers.maths.parser import parse, read
from assay.verifiers.maths.points import Budget, same_value


def written(tree):
    """A tree in fully bracketed plain notation; the inverse of the parser."""
    if tree.kind == "num":
        return f"({tree.value.numerator}/{tree.value.denominator})"
    if tree.kind == "sym":
        return tree.value
    sign = {"add": "+", "mul": "*", "div": "/", "pow": "^"}
    if tree.kind == "neg":
        return f"(-{written(tree.args[0])})"
    return "(" + sign[tree.kind].join(written(arg) for arg in tree.args) + ")"


numbers = st.fractions(min_value=-20, max_value=20, max_denominator=12).map(num)
symbols = st.sampled_from("xyz").map(lambda name: Node("sym", name))
trees = st.recursive(
    numbers | symbols,
    lambda inner: (
        st.builds(lambda a, b: Node("add", None, (a, b)), inner, inner)
        | st.builds(lambda a, b: Node("mul", None, (a, b)), inner, inner)
        | st.builds(lambda a: Node("neg", None, (a,)), inner)
    ),
    max_leaves=8,
)
AT = {"x": Fraction(3, 2), "y": Fraction(-2, 5), "z": Fraction(7)}


def value(tree):
    """A slow and obvious evaluator over the rationals."""
    if tree.kind == "num":
        return Fraction(tree.value)
    if tree.kind == "sym":
        return AT[tree.value]
    args = [value(arg) for arg in tree.args]
    if tree.kind == "neg":
        return -args[0]
    if tree.kind == "div":
        return args[0] / args[1]
    if tree.kind == "pow":
        return args[0] ** args[1]
    return sum(args) if tree.kind == "add" else math.prod(args)


@given(trees)
@settings(max_examples=150)
def test_parsing_and_canonical_forms_keep_the_value(tree):
    parsed = parse(written(tree))
    assert value(canonical(tree)) == value(tree)
    assert canonical(parsed) == canonical(tree)
    assert same_value(parsed, tree, Budget()) == (True, False)


@given(trees, trees)
@settings(max_examples=150)
def test_trees_of_different_value_are_told_apart(a, b):
    if value(a) != value(b):
        assert canonical(a) != canonical(b)
        assert same_value(a, b, Budget())[0] is False


@given(st.permutations([parse("x"), parse("2y"), parse("z^2"), parse("3"), parse("-x y")]))
def test_canonical_forms_ignore_order(terms):
    assert canonical(Node("add", None, tuple(terms))) == canonical(parse("3+x+2y+z^2-xy"))
    assert canonical(Node("mul", None, tuple(terms))) == canonical(parse("-6 x^2 y^2 z^2"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/3+1/6", Fraction(1, 2)), ("2^{-3}", Fraction(1, 8)), ("4^{1/2}", 2), (r"\sqrt[3]{27/8}", Fraction(3, 2)),
        ("0^5", 0), ("(-2)^3", -8), ("(-1)^{10^9}", 1), ("5!", 120), (r"\binom{6}{2}", 15), ("|-3|", 3),
        (r"\lceil 7/2 \rceil", 4), ("12%", Fraction(3, 25)), (r"2\frac{3}{4}", Fraction(11, 4)),
        ("1.25", Fraction(5, 4)), ("2^{4000}", 2**4000),
    ],
)  # fmt: skip
def test_exact_values(text, expected):
    assert rational(parse(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1/0",
        "0^0",
        "0^{-1}",
        "2^{1/2}",
        "x",
        r"\pi",
        "9^{9^{9^9}}",
        "2^{100000}",
        "(-8)^{1/3}",
        "(1/2)!",
        "2000!",
        "(1,2)",
        r"\pm 1",
        "(-3)!",
    ],
)
def test_what_has_no_exact_value_within_bounds(text):
    assert rational(parse(text)) is None


@pytest.mark.parametrize(
    "name", ["sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh", "exp", "ln", "arcsin", "arccos"]
)
@pytest.mark.parametrize("x", [0.01, 0.5, 0.9999, 1.0, 2.5, 31.0, -0.7])
def test_functions_agree_with_the_floats(name, x):
    reference = {"arctan": math.atan, "arcsin": math.asin, "arccos": math.acos, "ln": math.log}.get(name) or getattr(
        math, name
    )
    with localcontext() as context:
        context.prec = 50
        try:
            expected = reference(x)
        except ValueError:
            with pytest.raises(functions.UndefinedError):
                functions.real(name, Decimal(x))
            return
        assert float(functions.real(name, Decimal(x))) == pytest.approx(expected, rel=1e-13, abs=1e-15)


def test_functions_are_precise():
    with localcontext() as context:
        context.prec = 60
        assert str(functions.pi())[:52] == "3.14159265358979323846264338327950288419716939937510"
        sine, cosine = functions.sin_cos(Decimal(10) ** 14)
        assert abs(sine * sine + cosine * cosine - 1) < Decimal("1e-57")
        assert abs(functions.arctan(Decimal(1)) * 4 - functions.pi()) < Decimal("1e-57")
        with pytest.raises(functions.UndefinedError):
            functions.sin_cos(Decimal(10) ** 16)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("(1+2i)(3-i)", (5, 5)), ("1/i", (0, -1)), ("i^3", (0, -1)), ("(1+i)^{-2}", (0, -0.5)),
     (r"\sqrt{3+4i}", (2, 1)), (r"\sqrt{-9}", (0, 3)), (r"|3+4i|", (5, 0)), (r"\sqrt{-2i}", (1, -1)),
     ("e^2", (math.e**2, 0)), (r"\log_3 9", (2, 0))],
)  # fmt: skip
def test_complex_values(text, expected):
    found = evaluate(parse(text), {}, 40)
    assert (float(found[0]), float(found[1])) == pytest.approx(expected, rel=1e-14, abs=1e-30)


def test_constants_that_agree_for_a_while_are_told_apart():
    assert (
        same_value(parse(r"\sqrt{2}"), parse("1.4142135623730950488016887242096980785696718753769"), Budget())[0]
        is False
    )
    assert same_value(parse(r"\sqrt{2}+10^{-45}"), parse(r"\sqrt{2}"), Budget())[0] is False
    assert same_value(parse(r"10^{-60}\sqrt2"), parse(r"2*10^{-60}\sqrt2"), Budget())[0] is False
    assert same_value(parse(r"\cos\frac{\pi}{2}"), parse("0"), Budget())[0] is True
    assert same_value(parse(r"\sqrt{3+2\sqrt2}"), parse(r"1+\sqrt2"), Budget())[0] is True


def test_the_points_are_fixed_and_of_mixed_sign():
    first, second = list(points.points(["x", "y"])), list(points.points(["x", "y"]))
    assert first == second
    assert any(point["x"] < 0 or point["y"] < 0 for point, _ in first)
    assert all(real for point, real in first if min(point.values()) < 0)
    assert len({tuple(point.items()) for point, _ in first}) == len(first)


def test_a_budget_ends_in_no_verdict():
    assert same_value(parse("x+1"), parse("1+x"), Budget(nodes=3)) == (None, False)


@pytest.mark.parametrize(
    "text",
    ["", "1 2", "x2", "(1", "1)", r"\frac{1}", r"\frac{1}{", "{1", "1+", "*1", "^2", r"\foo", r"\begin{pmatrix}1",
     "!", "()", r"\sqrt", "a_", "|1", "1..2", "(" * 100 + "1" + ")" * 100, "1" + "!" * 100, "1+" * 300 + "1",
     "x" * 2000, "=", "1=", "hello", r"\text{}"],
)  # fmt: skip
def test_what_is_no_expression(text):
    with pytest.raises(ParseError):
        parse(text)


@given(st.text(alphabet="0123456789xyei+-*/^_!|%()[]{}\\,.:=<> $fracsqtpmbonul&", max_size=40))
@settings(max_examples=400)
def test_reading_never_raises(text):
    read(text)
    read(text, grouping=False)
