"""Small wrong changes of Python source, each placed by the syntax tree: what a bug that someone wrote looks like."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.In: "not in",
    ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "+", ast.Div: "*", ast.FloorDiv: "%", ast.Mod: "//", ast.BitAnd: "|",
    ast.BitOr: "&", ast.LShift: ">>", ast.RShift: "<<",
}  # fmt: skip
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Site:
    """One place and what to put there.

    Attributes:
        kind: which mutator.
        function: the function it is in.
        first: that function's first line, decorators included, as code objects count it.
        start: offset in bytes.
        stop: offset of the end.
        text: the replacement.
    """

    kind: str
    function: str
    first: int
    start: int
    stop: int
    text: bytes

    def applied(self, source: bytes) -> bytes:
        """The source with this change."""
        return source[: self.start] + self.text + source[self.stop :]


class Source:
    """A module's text with the byte offsets of its nodes.

    Raises:
        ValueError: if it is not Python of this version, or not UTF-8.
    """

    def __init__(self, data: bytes) -> None:
        try:
            data.decode("utf-8")
            self.tree = ast.parse(data)
        except (SyntaxError, UnicodeDecodeError, RecursionError, MemoryError) as error:
            raise ValueError(str(error)) from None
        self.data = data
        self._starts = [0]
        for line in data.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        if data.startswith(b"\xef\xbb\xbf") or b"\x0c" in data or b"\r" in data:
            raise ValueError("line ends that the syntax tree counts differently")

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node begins and ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.expr | ast.stmt) -> bytes:
        """A node's source."""
        start, stop = self.span(node)
        return self.data[start:stop]


Found = Iterator[tuple[tuple[int, int], bytes]]


def sites(data: bytes) -> list[Site]:
    """Every change that a mutator knows for the functions of a module with at least two statements.

    Raises:
        ValueError: if the source cannot be handled.
    """
    source = Source(data)
    found = []
    for function in ast.walk(source.tree):
        if (
            isinstance(function, Function)
            and len(_body(function)) >= 2
            and function.name not in ("__repr__", "__str__")
        ):
            first = min([function.lineno, *(each.lineno for each in function.decorator_list)])
            for kind, mutate in MUTATORS.items():
                for (start, stop), text in mutate(source, function):
                    if data[start:stop] != text:
                        found.append(Site(kind, function.name, first, start, stop, text))
    return found


def _body(function: Function) -> list[ast.stmt]:
    """The statements after the docstring."""
    body = function.body
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        return body[1:]
    return body


def _nodes(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function's own body, those of functions inside it left out."""
    todo: list[ast.AST] = list(reversed(_body(function)))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef | ast.JoinedStr | ast.Assert | ast.Raise):
            todo += list(ast.iter_child_nodes(node))


def _compare(source: Source, function: Function) -> Found:
    for node in _nodes(function):
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
            left, right = source.text(node.left), source.text(node.comparators[0])
            yield source.span(node), left + f" {COMPARISONS[type(node.ops[0])]} ".encode() + right


def _arithmetic(source: Source, function: Function) -> Found:
    for node in _nodes(function):
        if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not _is_text(node.left):
            start, stop = source.span(node)
            gap = source.data[source.span(node.left)[1] : source.span(node.right)[0]]
            if b"(" not in gap and b")" not in gap and b"\n" not in gap:
                sign = f" {ARITHMETIC[type(node.op)]} ".encode()
                yield (start, stop), source.text(node.left) + sign + source.text(node.right)


def _boolean(source: Source, function: Function) -> Found:
    for node in _nodes(function):
        if isinstance(node, ast.BoolOp):
            word = b" or " if isinstance(node.op, ast.And) else b" and "
            yield source.span(node), word.join(b"(" + source.text(each) + b")" for each in node.values)


def _constant(source: Source, function: Function) -> Found:
    for node in _nodes(function):
        if isinstance(node, ast.Constant) and type(node.value) in (int, bool):
            if isinstance(node.value, bool):
                yield source.span(node), str(not node.value).encode()
            elif abs(int(str(node.value))) < 10**6:
                yield source.span(node), str(int(str(node.value)) + 1).encode()


def _negate(source: Source, function: Function) -> Found:
    for node in _nodes(function):
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            yield source.span(node.test), b"not (" + source.text(node.test) + b")"


def _drop(source: Source, function: Function) -> Found:
    for node in _nodes(function):
        plain = isinstance(node, ast.Assign | ast.AugAssign | ast.Delete)
        call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        if (plain or call) and isinstance(node, ast.stmt):
            yield source.span(node), b"pass"


def _swap(source: Source, function: Function) -> Found:
    for node in _nodes(function):
        if isinstance(node, ast.Call) and len(node.args) >= 2:
            one, two = node.args[:2]
            if not isinstance(one, ast.Starred | ast.GeneratorExp) and not isinstance(two, ast.Starred):
                (start, a), (b, stop) = source.span(one), source.span(two)
                if b"(" not in source.data[a:b] and b")" not in source.data[a:b]:
                    yield (start, stop), source.text(two) + source.data[a:b] + source.text(one)


def _remove_body(source: Source, function: Function) -> Found:
    body = _body(function)
    start, stop = source.span(body[0])[0], source.span(body[-1])[1]
    if not isinstance(body[0], Function | ast.ClassDef) and body[0].lineno > function.lineno:
        yield (start, stop), b"return None"


def _remove_branch(source: Source, function: Function) -> Found:
    for node in _nodes(function):
        if isinstance(node, ast.If) and not node.orelse and node.body[0].lineno > node.lineno:
            yield source.span(node), b"pass"


def _skip_handler(source: Source, function: Function) -> Found:
    for node in _nodes(function):
        if (
            isinstance(node, ast.ExceptHandler)
            and node.type is not None
            and isinstance(node.type, ast.Name | ast.Tuple)
        ):
            yield source.span(node.type), b"KeyboardInterrupt"


def _loop_exit(source: Source, function: Function) -> Found:
    for node in _nodes(function):
        if isinstance(node, ast.Break):
            yield source.span(node), b"continue"
        elif isinstance(node, ast.Continue):
            yield source.span(node), b"break"


def _early_return(source: Source, function: Function) -> Found:
    for node in _nodes(function):
        if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
            yield source.span(node.value), b"None"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


MUTATORS: dict[str, Callable[[Source, Function], Found]] = {
    "comparison": _compare,
    "arithmetic": _arithmetic,
    "boolean": _boolean,
    "constant": _constant,
    "negated-condition": _negate,
    "dropped-statement": _drop,
    "swapped-arguments": _swap,
    "removed-body": _remove_body,
    "removed-branch": _remove_branch,
    "wrong-handler": _skip_handler,
    "loop-exit": _loop_exit,
    "lost-value": _early_return,
}
"""By the name that goes into ``meta["mutation"]``."""
