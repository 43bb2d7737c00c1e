"""The smallest parts of an expression: numbers, names, brackets, functions, fractions, roots, matrices."""

from __future__ import annotations

from fractions import Fraction

from assay.verifiers.maths import words
from assay.verifiers.maths.cursor import Cursor
from assay.verifiers.maths.lexer import Token
from assay.verifiers.maths.nodes import Node, ParseError, join
from assay.verifiers.parse.fold import fold

_OPENERS = {
    "(",
    "[",
    "\\{",
    "{",
    "|",
    "\\lfloor",
    "\\lceil",
    "\\frac",
    "\\sqrt",
    "\\binom",
    "\\infty",
    "\\pi",
    "\\emptyset",
}
_PAIRS = {"(": (")", "]"), "[": ("]", ")")}
_CALLS = {"\\lfloor": ("\\rfloor", "floor"), "\\lceil": ("\\rceil", "ceil"), "|": ("|", "abs")}
_MATRICES = {"matrix", "pmatrix", "bmatrix", "vmatrix", "Bmatrix", "array", "smallmatrix"}


class Atoms(Cursor):
    """The rules for atoms; :class:`~assay.verifiers.maths.parser.Parser` has the rest."""

    # the rules of Parser that atoms come back to

    def expression(self) -> Node:
        """A sum."""
        raise NotImplementedError

    def items(self) -> list[Node]:
        """Relations with separators between them."""
        raise NotImplementedError

    def power(self) -> Node:
        """An atom with its exponents."""
        raise NotImplementedError

    def starts_factor(self) -> bool:
        """Whether the next token can be multiplied by standing here."""
        kind, text = self.peek()
        if kind == "op":
            if text == "|":
                return not self.bars
            return text in _OPENERS or text[1:] in words.GREEK or text[1:] in words.FUNCTIONS
        if kind == "letters":
            return text not in words.SEPARATORS
        if kind == "words":
            inner = self.text_of(self.peek())
            return bool(inner) and inner not in words.SEPARATORS
        return kind == "number" or (kind == "environment" and text.startswith("\\begin"))

    def postfix(self) -> Node:
        """An atom with what follows it: factorials and percent signs."""
        node = self.atom()
        while True:
            if self.accept("!"):
                node = Node("call", "factorial", (node,))
            elif self.accept("%"):
                node = Node("percent", None, (node,))
            else:
                return node

    def atom(self) -> Node:
        """A number, name, bracket, function or matrix."""
        token = self.peek()
        kind, text = token
        if kind == "number":
            self.advance()
            return self.subscripted(text) if self.peek() == ("op", "_") else Node("num", Fraction(text))
        if kind == "letters":
            return self.letters()
        if kind == "words":
            return self.word()
        if kind == "environment":
            return self.matrix()
        if kind == "op":
            with self.deeper():
                return self.operator(text)
        raise ParseError("the expression ends too soon")

    def operator(self, text: str) -> Node:
        """What begins with a command or a character."""
        self.advance()
        if text in {"(", "["}:
            return self.brackets(text)
        if text == "\\{":
            return self.braces()
        if text == "{":
            node = self.expression()
            self.expect("}")
            return node
        if text in _CALLS:
            return self.fence(*_CALLS[text])
        if text == "\\frac":
            return Node("div", None, (self.argument(), self.argument()))
        if text == "\\binom":
            return Node("call", "binom", (self.argument(), self.argument()))
        if text == "\\sqrt":
            return self.root()
        if text in {"\\infty", "\\pi"}:
            return Node("const", "pi" if text == "\\pi" else "inf")
        if text == "\\emptyset":
            return Node("set", "{}", ())
        if text == "\\$":  # a currency sign
            return self.postfix()
        if text[1:] in words.FUNCTIONS:
            return self.call(text[1:])
        if text[1:] in words.GREEK:
            return Node("sym", self.index(text))
        raise ParseError(f"unexpected {text!r}")

    def argument(self) -> Node:
        r"""One argument of ``\frac`` or ``\binom``: a group or a single token, a single digit of a number."""
        token = self.peek()
        if token.kind == "number" and len(token.text) > 1:
            self.tokens[self.at] = Token(("number", token.text[1:]))
            if not token.text[1:].isdigit() or not token.text[0].isdigit():
                raise ParseError("a number without braces as an argument")
            return Node("num", Fraction(token.text[0]))
        if token.kind == "letters" and len(token.text) > 1:
            self.tokens[self.at] = Token(("letters", token.text[1:]))
            return _name(token.text[0])
        return self.atom()

    def root(self) -> Node:
        """A square root, or another one by its degree."""
        degree: Node = Node("num", Fraction(2))
        if self.accept("["):
            degree = self.expression()
            self.expect("]")
        return Node("pow", None, (self.atom(), Node("div", None, (Node("num", Fraction(1)), degree))))

    def brackets(self, opened: str) -> Node:
        """A group, a tuple or an interval."""
        bars, self.bars = self.bars, 0
        items = self.items()
        self.bars = bars
        for closing in _PAIRS[opened]:
            if self.accept(closing):
                if len(items) == 1 and (opened, closing) in {("(", ")"), ("[", "]")}:
                    return items[0]
                return Node("seq", opened + closing, tuple(items))
        raise ParseError(f"unclosed {opened!r}")

    def braces(self) -> Node:
        """A set."""
        if self.accept("\\}"):
            return Node("set", "{}", ())
        items = self.items()
        self.expect("\\}")
        return Node("set", "{}", tuple(items))

    def fence(self, closing: str, function: str) -> Node:
        """An absolute value, a floor or a ceiling."""
        self.bars += closing == "|"
        node = self.expression()
        self.expect(closing)
        self.bars -= closing == "|"
        return Node("call", function, (node,))

    def call(self, function: str) -> Node:
        r"""A function: ``\sin x``, ``\sin^2 x``, ``\log_2 8``; without brackets it takes the factors that follow."""
        base = exponent = None
        function = words.SYNONYMS.get(function, function)
        if function == "log" and self.accept("_"):
            base = self.argument() if self.peek().kind == "number" else self.atom()
        if self.accept("^"):
            exponent = self.atom()
        if self.peek() in {("op", "("), ("op", "["), ("op", "{")}:
            inner = self.atom()
        else:
            inner = self.power()
            while self.starts_factor() and self.peek().kind != "number" and self.peek().text[1:] not in words.FUNCTIONS:
                inner = join("mul", inner, self.power())
        node = Node("call", function, (inner,) if base is None else (inner, base))
        return node if exponent is None else Node("pow", None, (node, exponent))

    def letters(self) -> Node:
        """A run of letters: a known name, up to three variables, or a word."""
        text = self.peek().text
        text = words.SYNONYMS.get(text, text)
        if text in {"sqrt", "cbrt"}:
            self.advance()
            degree = Node("num", Fraction(2 if text == "sqrt" else 3))
            return Node("pow", None, (self.atom(), Node("div", None, (Node("num", Fraction(1)), degree))))
        if text in words.FUNCTIONS and len(text) > 1:
            self.advance()
            return self.call(text)
        if text in words.CONSTANTS:
            self.advance()
            return Node("const", words.CONSTANTS[text])
        if len(text) > 3:
            raise ParseError(f"unknown word {text[:20]!r}")
        if len(text) > 1:
            self.tokens[self.at] = Token(("letters", text[1:]))
            return _name(text[0])
        self.advance()
        return Node("sym", self.index(text))

    def word(self) -> Node:
        r"""``\mathrm{e}`` is e, ``\text{or}`` separates, ``\mathbf{x}`` is x, other words are text."""
        token = self.advance()
        inner = token.text[token.text.index("{") + 1 : -1].strip()
        if inner in words.CONSTANTS:
            return Node("const", words.CONSTANTS[inner])
        if len(inner) == 1 and inner.isalpha():
            return Node("sym", self.index(inner))
        folded = fold(inner)
        if not folded or folded in words.SEPARATORS:
            raise ParseError("an empty text")
        if len(folded) == 3 and folded[0] + folded[2] == "()":
            return Node("sym", inner.strip("() "))
        return Node("text", folded)

    def index(self, symbol: str) -> str:
        """``symbol`` with its subscript, which is part of the name."""
        if not self.accept("_"):
            return symbol
        return f"{symbol}_{self.subscript()}"

    def subscripted(self, digits: str) -> Node:
        """A number in another base, such as ``1010_2``: a name of its own, equal only to itself."""
        self.expect("_")
        return Node("sym", f"{digits.lstrip('0') or '0'}_{self.subscript()}")

    def matrix(self) -> Node:
        """Rows of expressions."""
        opening = self.advance().text
        name = opening[opening.index("{") + 1 : -1]
        if not opening.startswith("\\begin") or name not in _MATRICES:
            raise ParseError(f"unexpected {opening!r}")
        if name == "array" and self.accept("{"):
            while not self.accept("}"):
                if self.advance().kind == "end":
                    raise ParseError("unclosed array")
        rows: list[list[Node]] = [[self.expression()]]
        while True:
            if self.accept("&"):
                rows[-1].append(self.expression())
            elif self.accept("\\\\"):
                if self.peek().kind != "environment":
                    rows.append([self.expression()])
            elif self.peek() == ("environment", f"\\end{{{name}}}"):
                self.advance()
                return Node("matrix", None, tuple(Node("row", None, tuple(row)) for row in rows))
            else:
                raise ParseError("unclosed matrix")


def _name(letter: str) -> Node:
    return Node("const", words.CONSTANTS[letter]) if letter in words.CONSTANTS else Node("sym", letter)
