"""A cursor over the tokens of an expression."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assay.verifiers.maths import words
from assay.verifiers.maths.lexer import Token, tokens
from assay.verifiers.maths.nodes import ParseError
from assay.verifiers.parse.fold import fold

MAX_DEPTH = 80
_UNITS = ("\\text", "\\mathrm", "\\mbox", "\\rm")


class Cursor:
    """Where the parser stands, how deep it is nested, and inside how many bars."""

    def __init__(self, text: str, grouping: bool) -> None:
        self.tokens = tokens(text, grouping)
        self.at = 0
        self.depth = 0
        self.bars = 0

    def peek(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def advance(self) -> Token:
        """Consume the next token; the end stays."""
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def accept(self, text: str) -> bool:
        """Consume the next token if it is this operator."""
        if self.peek() == ("op", text):
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Consume this operator, or fail."""
        if not self.accept(text):
            raise ParseError(f"expected {text!r}, found {self.peek().text!r}")

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Count one level of nesting."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ParseError("nested too deeply")
        yield
        self.depth -= 1

    def text_of(self, token: Token) -> str:
        r"""The content of ``\text{...}`` and the like, folded; empty for other tokens."""
        return fold(token.text[token.text.index("{") + 1 : -1]) if token.kind == "words" else ""

    def unit(self) -> str:
        r"""The unit that follows, as ``\text{ cm}`` or ``\mathrm{m}^2``, consumed; empty where none does."""
        token = self.peek()
        inner = self.text_of(token)
        if not inner or inner in words.SEPARATORS or inner in words.CONSTANTS or not token.text.startswith(_UNITS):
            return ""
        self.advance()
        if self.accept("^"):
            inner += f"^{self.subscript()}"
        return inner

    def degrees(self) -> bool:
        r"""Consume ``\circ`` or ``{\circ}`` after a caret; degrees are not converted."""
        if self.accept("\\circ"):
            return True
        if [tuple(token) for token in self.tokens[self.at : self.at + 3]] == [
            ("op", "{"),
            ("op", "\\circ"),
            ("op", "}"),
        ]:
            self.at += 3
            return True
        return False

    def subscript(self) -> str:
        """A subscript as text."""
        if not self.accept("{"):
            if self.peek().kind == "end":
                raise ParseError("the expression ends in a subscript")
            return self.advance().text
        parts = []
        while not self.accept("}"):
            if self.peek().kind == "end":
                raise ParseError("unclosed subscript")
            parts.append(self.advance().text)
        return "".join(parts)
