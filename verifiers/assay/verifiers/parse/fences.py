"""Fenced code blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^\n]*)")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block: the first word after the fence, the lines inside, and whether a closing fence was found."""

    language: str
    text: str
    closed: bool


def fences(text: str, language: str | None = None) -> list[Fence]:
    """The fenced blocks of ``text`` in order, as CommonMark reads them.

    A block opens with a line of three or more backticks (or tildes) and closes with a line of at least as many of the
    same, so that a longer fence can hold a shorter one. A block that is never closed runs to the end of the text.

    Args:
        text: any text.
        language: keep only the blocks of this language (case is ignored); None keeps all.
    """
    found: list[Fence] = []
    lines: list[str] = []
    mark, info = "", ""
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if not mark:
            # a backtick in the rest of the line makes it inline code, not a fence
            if fence and not (fence.group(1)[0] == "`" and "`" in fence.group(2)):
                mark, info, lines = fence.group(1), fence.group(2).strip(), []
        elif fence and fence.group(1).startswith(mark) and not fence.group(2).strip():
            found.append(Fence(_first_word(info), "\n".join(lines), True))
            mark = ""
        else:
            lines.append(line)
    if mark:
        found.append(Fence(_first_word(info), "\n".join(lines), False))
    if language is None:
        return found
    return [fence for fence in found if fence.language.lower() == language.lower()]


def _first_word(info: str) -> str:
    return info.split(None, 1)[0] if info else ""
