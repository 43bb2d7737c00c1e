"""Patches without what does not matter: comments, docstrings, layout."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache

from assay.verifiers.swe.diff import unified_diff

MAX_PARSED = 200_000


def normal_patch(context: Mapping[str, str], new: Mapping[str, str]) -> str:
    """A text that two sets of new file contents share if they mean the same change; empty if nothing changes.

    Python files are compared as their syntax trees are written out, without comments and docstrings (Agentless,
    arXiv 2407.01489); other files without whitespace at the ends of lines and blank lines at the end.
    """
    found = []
    for path in sorted(new):
        old, text = (normal_text(source, path.endswith(".py")) for source in (context.get(path, ""), new[path]))
        if old != text:
            found.append(f"### {path}\n{unified_diff(old, text)}")
    return "\n".join(found)


@lru_cache(maxsize=256)
def normal_text(source: str, python: bool) -> str:
    """One file's text in normal form; Python that cannot be parsed (or is longer than 200,000 characters) as text."""
    if python and len(source) <= MAX_PARSED:
        try:
            tree = ast.parse(source)
            _strip(tree)
            return ast.unparse(tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
    return "\n".join(line.rstrip() for line in source.splitlines()).rstrip()


def _strip(tree: ast.AST) -> None:
    """Remove every statement that is nothing but a string; a body that has no other becomes ``pass``."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if not isinstance(body, list):
                continue
            kept = [statement for statement in body if not _is_text(statement)]
            if body and not kept and name == "body" and not isinstance(node, ast.Module):
                kept = [ast.Pass()]
            setattr(node, name, kept)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
