"""Tags such as ``<think>`` and ``<answer>`` in free text.

Tags are matched like brackets: a closing tag closes the most recent open one of the same name. A tag is lower case and
carries no attributes; anything else is text.
"""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=64)
def _marks(name: str) -> re.Pattern[str]:
    return re.compile(rf"<(/?){re.escape(name)}>")


def blocks(text: str, name: str) -> list[str]:
    """The contents of every ``<name>...</name>``, in order of their opening.

    Repeated: one entry each. Nested in its own kind: the outermost only, its content holding the inner tags. Never
    closed: no entry, but a complete pair inside it is found. A closing tag without an opening one is ignored.
    """
    found: list[tuple[int, int]] = []
    opened: list[int] = []
    for mark in _marks(name).finditer(text):
        if not mark.group(1):
            opened.append(mark.end())
        elif opened:
            start = opened.pop()
            while found and found[-1][0] > start:
                found.pop()
            found.append((start, mark.start()))
    return [text[start:end] for start, end in found]


def last_block(text: str, name: str) -> str | None:
    """The content of the last ``<name>...</name>``, or None."""
    found = blocks(text, name)
    return found[-1] if found else None


def count_tags(text: str, name: str) -> tuple[int, int]:
    """How often ``<name>`` and ``</name>`` occur."""
    return text.count(f"<{name}>"), text.count(f"</{name}>")


def block(text: str, name: str) -> str | None:
    """The content of ``<name>...</name>`` if the text holds exactly one opening and one closing tag, in that order.

    The strict reading: a second tag, a nested or an unclosed one means that there is no single answer, hence None.
    """
    if count_tags(text, name) != (1, 1):
        return None
    start, end = text.index(f"<{name}>") + len(name) + 2, text.index(f"</{name}>")
    return text[start:end] if start <= end else None


def after_think(text: str) -> str | None:
    """What follows the thinking.

    That is the text after the last ``</think>``, whether or not a ``<think>`` opened it (the prompt may have); all of
    the text where neither tag occurs; None where a ``<think>`` is never closed, since then the answer was never
    begun.
    """
    opened, closed = text.rfind("<think>"), text.rfind("</think>")
    if opened > closed:
        return None
    return text[closed + len("</think>") :] if closed >= 0 else text
