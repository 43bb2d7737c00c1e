"""Functions instead of whole files: what an edit task shows to a model with little room."""

from __future__ import annotations

import ast
import difflib
import warnings
from collections.abc import Iterator, Mapping

ELLIPSIS = "[...]"
"""Stands for lines that are not shown."""
AROUND = 3
"""Lines shown on both sides of a change that lies in no function."""


def excerpts(context: Mapping[str, str], oracle: Mapping[str, str]) -> dict[str, str]:
    """Of each file that the reference changes, the functions that it changes; other files are left out.

    This tells where the problem is, so such tasks are easier than those with whole files. What is shown are lines as
    they stand in the file, so that a search text taken from them is found. A file that is not Python, or changed in
    more than half of its lines, is shown whole; one that the reference creates, not at all.
    """
    return {path: excerpt(context[path], oracle[path]) for path in oracle if path in context}


def excerpt(old: str, new: str) -> str:
    """The functions of ``old`` that differ in ``new``, whole, with ``[...]`` for what lies between."""
    lines = old.splitlines()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in the files of strangers
            tree = ast.parse(old)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return old
    spans = list(functions(tree))
    shown: set[int] = set()
    for first, last in changed_lines(lines, new.splitlines()):
        around = [span for span in spans if span[0] <= first and last <= span[1]]
        low, high = min(around, key=lambda span: span[1] - span[0]) if around else (first - AROUND, last + AROUND)
        shown.update(range(max(1, low), min(len(lines), high) + 1))
    if 2 * len(shown) > len(lines):
        return old
    return _render(lines, shown)


def functions(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """First line (of the decorators, if any) and last line of every function, counted from 1."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield min([node.lineno, *(each.lineno for each in node.decorator_list)]), node.end_lineno or node.lineno


def changed_lines(old: list[str], new: list[str]) -> Iterator[tuple[int, int]]:
    """First and last changed line of ``old``, counted from 1; for an insertion, the line before it."""
    for kind, first, last, _, _ in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield (first + 1, last) if last > first else (max(1, first), max(1, first))


def _render(lines: list[str], shown: set[int]) -> str:
    out: list[str] = []
    for number, line in enumerate(lines, 1):
        if number in shown:
            out.append(line)
        elif not out or out[-1] != ELLIPSIS:
            out.append(ELLIPSIS)
    return "\n".join(out) + "\n"
