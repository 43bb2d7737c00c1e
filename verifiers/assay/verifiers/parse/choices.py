"""Single letters and numbers as answers."""

from __future__ import annotations

import re

_WRAP = re.compile(r"\s*(?:\*\*|__|\$|`)?\s*(?:\\(?:boxed|text|mathrm|textbf)\s?\{)?\s*")
_BARE = re.compile(r"[(\[]?([A-Za-z])[)\].:]?")
_STATED = re.compile(
    r"\b(?:answer|option|choice)(?:\s{1,4}is)?\s{0,4}[:=]?\s{0,4}(?:\*\*|\$|\\boxed\{|\\text\{){0,3}[(\[]?([A-Za-z])(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_CHUNK = re.compile(r"(?<![A-Za-z0-9_])[-+]?\.?[0-9][A-Za-z0-9_.,]*(?:(?<=[0-9][eE])[-+][0-9]+)?")
_GROUPED = re.compile(r"[-+]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_PLAIN = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?")


def choice(text: str, letters: str = "ABCD") -> str | None:
    r"""The letter that answers a multiple-choice question, in the case of ``letters``, or None.

    Read are a lone letter, alone or wrapped as in ``(B)``, ``B.``, ``**B**``, ``\boxed{B}``; otherwise statements
    such as "the answer is (B)" or "Option: B". Where two statements name different letters there is no single answer,
    hence None. A letter inside a sentence is never an answer.
    """
    known = {letter.upper(): letter for letter in letters}
    short = text.strip()
    if len(short) <= 40:
        inner = _WRAP.sub("", short, count=1).rstrip("}$*_`. \t\n")
        bare = _BARE.fullmatch(inner) or _BARE.fullmatch(short)
        if bare:
            return known.get(bare.group(1).upper())
    stated = {match.group(1).upper() for match in _STATED.finditer(text)} & known.keys()
    return known[stated.pop()] if len(stated) == 1 else None


def numbers(text: str) -> list[str]:
    """The decimal numbers written in ``text``, in order, without their grouping commas.

    ASCII digits only; a sign, a fraction part and an exponent belong to the number (a sign
    right after a digit or letter does not); digits inside a word (``x2``) do
    not count. ``1,234`` is one number, ``1,2,3`` are three.
    """
    found: list[str] = []
    for match in _CHUNK.finditer(text):
        chunk = match.group().rstrip(".,")
        if _GROUPED.fullmatch(chunk):
            found.append(chunk.replace(",", ""))
        else:
            found += [piece for piece in chunk.split(",") if _PLAIN.fullmatch(piece)]
    return found


def last_number(text: str) -> str | None:
    """The last number in ``text``, or None; see :func:`numbers`."""
    found = numbers(text)
    return found[-1] if found else None


def only_number(text: str) -> str | None:
    """The number in ``text`` if it holds exactly one, else None: two numbers are no single answer."""
    found = numbers(text)
    return found[0] if len(found) == 1 else None
