r"""The content of LaTeX boxes, ``\boxed{...}`` and ``\fbox{...}``."""

from __future__ import annotations

import re

_OPEN = re.compile(r"\\(?:boxed|fbox)\s{0,8}\{")
_TOKEN = re.compile(r"\\(?:boxed|fbox)\s{0,8}\{|\\.|[{}]", re.DOTALL)


def boxes(text: str) -> list[str]:
    r"""The contents of every box, in order of their opening.

    Braces are balanced, ``\{`` and ``\}`` are not braces. A box inside a box: the outermost only. A box that is never
    closed gives no entry, but a complete box inside or after it is found.
    """
    first = _OPEN.search(text)
    if first is None:
        return []
    found: list[tuple[int, int]] = []
    opened: list[int] = []  # where a box's content starts, or -1 for a plain brace
    for token in _TOKEN.finditer(text, first.start()):
        mark = token.group()
        if mark == "}":
            start = opened.pop() if opened else -1
            if start >= 0:
                while found and found[-1][0] > start:
                    found.pop()
                found.append((start, token.start()))
        elif mark[-1] == "{" and mark != "\\{":
            opened.append(token.end() if len(mark) > 1 else -1)
    return [text[start:end] for start, end in found]


def last_box(text: str) -> str | None:
    """The content of the last box, or None."""
    found = boxes(text)
    return found[-1] if found else None
