"""Expressions into trees: LaTeX and plain notation, by recursive descent.

Ambiguities are settled thus: ``2^10`` is two to the tenth; ``\\frac12`` one half; ``2 1/2`` and ``2\\frac12`` are
mixed numbers; two numbers side by side, or a number right after a letter, are no product; ``1,000`` outside brackets
is a thousand; runs of up to three letters are products of variables, longer ones are words; ``e`` and ``i`` are
constants.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from assay.verifiers.maths import words
from assay.verifiers.maths.atoms import Atoms
from assay.verifiers.maths.nodes import Node, ParseError, depth, join
from assay.verifiers.parse.fold import fold

MAX_CHARS = 1_000
MAX_TREE = 60
_RELATIONS = {"=", "<", ">", "\\le", "\\ge", "\\ne", "\\approx", "\\in"}
_SIGNS = {"+": "+", "-": "-", "\\pm": "+-", "\\mp": "-+"}


class Parser(Atoms):
    """The levels of precedence from a list of relations down to powers."""

    def answer(self) -> Node:
        """Everything: a relation, or several separated by commas, semicolons, "or" and "and", which make a set."""
        items = self.items()
        if self.peek().kind != "end":
            raise ParseError(f"unexpected {self.peek().text!r}")
        return items[0] if len(items) == 1 else Node("set", "bare", tuple(items))

    def items(self) -> list[Node]:
        """Relations with separators between them."""
        found = [self.relation()]
        while self.separator():
            found.append(self.relation())
        return found

    def separator(self) -> bool:
        """Whether a separator follows; it is consumed. Words next to a comma (", and") count as one with it."""
        seen = False
        while True:
            token = self.peek()
            word = (
                token.text in words.SEPARATORS if token.kind == "letters" else self.text_of(token) in words.SEPARATORS
            )
            if word or (not seen and token.kind == "op" and token.text in {",", ";"}):
                self.advance()
                seen = True
            elif token.kind == "words" and not self.text_of(token):
                self.advance()
            else:
                return seen

    def relation(self) -> Node:
        """Sums with relation signs between them."""
        sides, operators = [self.union()], []
        while self.peek().kind == "op" and self.peek().text in _RELATIONS:
            operators.append(self.advance().text)
            sides.append(self.union())
        if not operators:
            return sides[0]
        if operators == ["\\in"]:
            return sides[1]
        return Node("rel", " ".join(operators), tuple(sides))

    def union(self) -> Node:
        """Intervals or sets joined by cups."""
        parts = [self.ratio()]
        while self.accept("\\cup"):
            parts.append(self.ratio())
        return parts[0] if len(parts) == 1 else Node("union", None, tuple(parts))

    def ratio(self) -> Node:
        """Sums with colons between them."""
        parts = [self.expression()]
        while self.accept(":"):
            parts.append(self.expression())
        return parts[0] if len(parts) == 1 else Node("ratio", None, tuple(parts))

    def expression(self) -> Node:
        """A sum."""
        with self.deeper():
            token = self.peek()
            if token.kind == "op" and token.text in {"\\pm", "\\mp"}:
                self.advance()
                left = Node("pm", _SIGNS[token.text], (Node("num", Fraction(0)), self.term()))
            else:
                left = self.term()
            while self.peek().kind == "op" and self.peek().text in _SIGNS:
                sign = _SIGNS[self.advance().text]
                right = self.term()
                if sign == "+":
                    left = join("add", left, right)
                elif sign == "-":
                    left = join("add", left, Node("neg", None, (right,)))
                else:
                    left = Node("pm", sign, (left, right))
            return _lift_unit(left)

    def term(self) -> Node:
        """A product or quotient, with its sign."""
        if self.accept("-"):
            with self.deeper():
                return Node("neg", None, (self.term(),))
        if self.accept("+"):
            with self.deeper():
                return self.term()
        left = self.juxtaposed()
        while True:
            if self.accept("*"):
                left = join("mul", left, self.signed())
            elif self.accept("/"):
                left = Node("div", None, (left, self.signed()))
            else:
                return left

    def signed(self) -> Node:
        """A factor with its sign, after an operator."""
        if self.accept("-"):
            with self.deeper():
                return Node("neg", None, (self.signed(),))
        self.accept("+")
        return self.juxtaposed()

    def juxtaposed(self) -> Node:
        """Factors side by side, as in ``2x\\sqrt{3}``; a whole number before a fraction is a mixed number."""
        left = self.power()
        while self.starts_factor():
            plain = left.kind == "num" and isinstance(left.value, Fraction) and left.value.denominator == 1
            if self.peek().kind == "number":
                left = self.mixed(left, plain)
                continue
            unit = self.unit()
            if unit:
                left = Node("quantity", unit, (left,))
                continue
            right = self.power()
            if plain and _simple_fraction(right):
                left = Node("mixed", None, (left, right))
            elif plain and right.kind == "percent" and _simple_fraction(right.args[0]):
                left = Node("percent", None, (Node("mixed", None, (left, right.args[0])),))
            else:
                left = join("mul", left, right)
        return left

    def mixed(self, whole: Node, plain: bool) -> Node:
        """``2 1/2``: the only place where a number may follow another."""
        top = self.advance().text
        if not (
            plain and top.isdigit() and self.accept("/") and self.peek().kind == "number" and self.peek().text.isdigit()
        ):
            raise ParseError("two numbers side by side")
        bottom = int(self.advance().text)
        part = Node("div", None, (Node("num", Fraction(top)), Node("num", Fraction(bottom))))
        if not _simple_fraction(part):
            raise ParseError("two numbers side by side")
        return Node("mixed", None, (whole, part))

    def power(self) -> Node:
        """An atom with its exponents."""
        base = self.postfix()
        while self.peek().text == "^" and self.peek().kind == "op":
            self.advance()
            if self.degrees():
                continue
            with self.deeper():
                base = Node("pow", None, (base, self.exponent()))
        return base

    def exponent(self) -> Node:
        """One signed factor; powers associate to the right."""
        if self.accept("-"):
            return Node("neg", None, (self.exponent(),))
        base = self.postfix()
        if self.peek() == ("op", "^"):
            self.advance()
            with self.deeper():
                return Node("pow", None, (base, self.exponent()))
        return base


def _lift_unit(total: Node) -> Node:
    """A sum whose last term alone has a unit, as that unit of the sum."""
    if total.kind != "add":
        return total
    *others, last = total.args
    inner = last.args[0] if last.kind == "neg" else last
    if inner.kind != "quantity" or any(part.kind == "quantity" for other in others for part in other.walk()):
        return total
    bare = inner.args[0] if inner is last else Node("neg", None, inner.args)
    return Node("quantity", inner.value, (Node("add", None, (*others, bare)),))


def _simple_fraction(node: Node) -> bool:
    """Whether the node is a proper fraction of two whole numbers, as the part of a mixed number must be."""
    if node.kind != "div" or any(arg.kind != "num" for arg in node.args):
        return False
    top, bottom = (arg.value for arg in node.args)
    assert isinstance(top, Fraction)
    assert isinstance(bottom, Fraction)
    return top.denominator == bottom.denominator == 1 and 0 < top < bottom


def parse(text: str, grouping: bool = True) -> Node:
    """The tree of an expression, relation or list of them.

    Args:
        text: LaTeX or plain notation without delimiters (dollar signs are ignored).
        grouping: whether ``1,000`` is a thousand (else a list of two).

    Raises:
        ParseError: anything outside the language, over 1,000 characters, over 400 tokens, or nested over 40 deep in
            brackets or 60 deep in all.
    """
    if len(text) > MAX_CHARS:
        raise ParseError("the expression is too long")
    tree = Parser(text, grouping).answer()
    if depth(tree) > MAX_TREE:
        raise ParseError("nested too deeply")
    return tree


@lru_cache(maxsize=4096)
def read(text: str, grouping: bool = True) -> Node | None:
    """:func:`parse`, with words as a ``text`` node and None instead of an error."""
    try:
        return parse(text, grouping)
    except ParseError:
        folded = fold(text)
        if folded and len(text) <= MAX_CHARS and all(char.isalpha() or char in " -'" for char in folded):
            return Node("text", folded)
        return None
