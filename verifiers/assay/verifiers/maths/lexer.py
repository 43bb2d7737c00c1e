"""LaTeX and plain expressions into tokens."""

from __future__ import annotations

import re

from assay.verifiers.maths.nodes import ParseError

MAX_TOKENS = 400

_UNICODE = str.maketrans(
    {
        "−": "-", "–": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "÷": r"\div ", "∕": "/", "⁄": "/",
        "π": r"\pi ", "∞": r"\infty ", "√": r"\sqrt ", "±": r"\pm ", "∓": r"\mp ", "≤": r"\le ", "≥": r"\ge ",
        "≠": r"\ne ", "∪": r"\cup ", "∈": r"\in ", "∅": r"\emptyset ", "°": r"^\circ ", "′": "'",
        "½": r"\frac{1}{2}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}",
        "⁰": "^0", "¹": "^1", "²": "^2", "³": "^3", "⁴": "^4", "⁵": "^5", "⁶": "^6", "⁷": "^7", "⁸": "^8", "⁹": "^9",
    }
)  # fmt: skip

# a comma that LaTeX keeps from spacing, or a thin space, between digits groups them
_TEX_GROUP = re.compile(r"(?<=[0-9])(?:\{,\}|,\\!|\\[,;! ]|~)(?=[0-9]{3}(?![0-9]))")
_SKIP = (
    r"\\(?:left|right|big|Big|bigg|Bigg|bigl|bigr|Bigl|Bigr|displaystyle|textstyle|quad|qquad|limits)(?![A-Za-z])\.?"
    r"|\\[,;:! ]|[\s~$]"
)
_SKIPPED = re.compile(rf"(?:{_SKIP})*")
_TOKEN = re.compile(
    r"(?:"
    r"(?P<scientific>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)[eE][-+]?[0-9]{1,4}(?![0-9A-Za-z]))"
    r"|(?P<grouped>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
    r"|(?P<words>\\(?:text|mathrm|textbf|mathbf|mbox|textit|operatorname|mathit|textrm|mathbb|rm|bf)\*?\s?\{[^{}]*\})"
    r"|(?P<environment>\\(?:begin|end)\{[A-Za-z]{1,12}\*?\})"
    r"|(?P<command>\\[A-Za-z]+|\\.)"
    r"|(?P<letters>[A-Za-z]+)"
    r"|(?P<double>\*\*|<=|>=|!=)"
    r"|(?P<single>.))"
)
_ALIASES = {
    "\\dfrac": "\\frac", "\\tfrac": "\\frac", "\\cfrac": "\\frac", "\\leq": "\\le", "\\geq": "\\ge",
    "\\neq": "\\ne", "\\leqslant": "\\le", "\\geqslant": "\\ge", "<=": "\\le", ">=": "\\ge", "!=": "\\ne",
    "\\lt": "<", "\\gt": ">", "\\ast": "*", "\\times": "*", "\\cdot": "*", "\\div": "/", "**": "^",
    "\\lbrace": "\\{", "\\rbrace": "\\}", "\\dbinom": "\\binom", "\\tbinom": "\\binom",
    "\\varnothing": "\\emptyset", "\\vert": "|", "\\mid": "|", "\\lvert": "|", "\\rvert": "|", "\\degree": "\\circ",
    "\\%": "%", "\\lbrack": "[", "\\rbrack": "]", "\\colon": ":", "\\ldots": "...",
}  # fmt: skip


class Token(tuple[str, str]):
    """``(kind, text)``; kinds: number, words, letters, environment, op (a command or a character), end."""

    __slots__ = ()

    @property
    def kind(self) -> str:
        """What sort of token it is."""
        return self[0]

    @property
    def text(self) -> str:
        """The token as written, aliases resolved."""
        return self[1]


def tokens(text: str, grouping: bool = True) -> list[Token]:
    """The tokens of ``text``, ending with one of kind ``end``.

    Spacing commands are dropped. With ``grouping``, ``1,000`` outside brackets is one number; inside brackets a comma
    separates.

    Raises:
        ParseError: more than 400 tokens.
    """
    if not text.isascii():
        text = text.translate(_UNICODE)
    text = " ".join(text.split())
    if "," in text or "\\" in text or "~" in text:
        text = _TEX_GROUP.sub("", text)
    found: list[Token] = []
    depth = at = 0
    while True:
        if text[at : at + 1] in " $~\\":
            at = _SKIPPED.match(text, at).end()  # type: ignore[union-attr]
        match = _TOKEN.match(text, at)
        if match is None:
            break
        kind, lexeme = match.lastgroup or "", match.group(match.lastgroup or 0)
        at = match.end()
        if kind == "grouped":
            if depth or not grouping:
                lexeme = lexeme.split(",", 1)[0]
                at = match.start("grouped") + len(lexeme)
            kind, lexeme = "number", lexeme.replace(",", "")
        elif kind in {"command", "double", "single"}:
            kind, lexeme = "op", _ALIASES.get(lexeme, lexeme)
            if lexeme in {"(", "[", "\\{"}:
                depth += 1
            elif lexeme in {")", "]", "\\}"}:
                depth -= 1
        elif kind == "scientific":
            kind = "number"
        found.append(Token((kind, lexeme)))
        if len(found) > MAX_TOKENS:
            raise ParseError("the expression is too long")
    found.append(Token(("end", "")))
    return found
