"""Folding of text before it is compared."""

from __future__ import annotations

import re
import unicodedata

_LONG_RUN = 30  # UAX #15, stream-safe text: no real text has more combining marks in a row
_RUN = re.compile(rf"[^\x00-\x7f]{{{_LONG_RUN + 1}}}")
_HIDDEN_MARKS = "\u0f73\u0f75\u0f81"  # starters by class that decompose into marks


def nfc(text: str) -> str:
    """``text`` in canonical composition (NFC), in linear time.

    Normalising a run of n combining marks takes the standard library time n squared, so text with a run of more than
    30 is returned as it is.
    """
    if text.isascii():
        return text
    if _RUN.search(text) and _longest_run(text) > _LONG_RUN:
        return text
    return unicodedata.normalize("NFC", text)


def _longest_run(text: str) -> int:
    longest = run = 0
    for char in text:
        run = run + 1 if unicodedata.combining(char) or char in _HIDDEN_MARKS else 0
        longest = max(longest, run)
    return longest


def squeeze(text: str) -> str:
    """``text`` without outer whitespace and with every inner run of it as one space."""
    return " ".join(text.split())


def fold(text: str) -> str:
    """``text`` as compared without case: NFC, case-folded, whitespace squeezed."""
    return squeeze(nfc(nfc(text).casefold()))


def quote(text: str, width: int = 60) -> str:
    """``text`` on one line, in quotes, cut to ``width`` characters, with what cannot be printed escaped."""
    text = text[: 2 * width].strip()
    text = text if len(text) <= width else text[: width - 3] + "..."
    if not text.isprintable():
        text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return f"'{text}'"
