"""SEARCH/REPLACE edits: reading them from a response, and applying them to files (SWE-RL, arXiv 2502.18449)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

TAGS = ("<think>", "</think>", "<solution>", "</solution>")
MAX_RESULT = 2_000_000
MAX_WORK = 100_000_000

_HEADER = re.compile(r"\n### ([^\n]*)\n<<<<<<< SEARCH\n")
_DIVIDER, _END = "\n=======\n", "\n>>>>>>> REPLACE\n```"


class FormatError(ValueError):
    """A response that is no list of edits, or edits that do not fit their files."""


class Edit(NamedTuple):
    """One edit: every line start in ``path`` where ``search`` is found is given ``replace`` instead."""

    path: str
    search: str
    replace: str


def split_response(text: str, *, parity: bool = False) -> tuple[str, str]:
    """The thinking and the solution of a response, each without outer whitespace.

    Raises:
        FormatError: a tag does not occur exactly once, or nothing was thought, or (unless ``parity``) the tags stand
            in another order than ``<think>``, ``</think>``, ``<solution>``, ``</solution>``.
    """
    for tag in TAGS:
        if text.count(tag) != 1:
            raise FormatError(f"{tag} must occur exactly once, found {text.count(tag)}")
    places = [text.index(tag) for tag in TAGS]
    if not parity and places != sorted(places):
        raise FormatError("the tags are out of order")
    thought = text.split("<think>")[1].split("</think>")[0].strip()
    solution = text.split("<solution>")[1].split("</solution>")[0].strip()
    if not thought:
        raise FormatError("the thinking is empty")
    return thought, solution


def parse_edits(text: str) -> list[Edit]:
    """The edits in a solution, in order, in time linear in its length.

    An edit is a line with a fence, ``### path``, ``<<<<<<< SEARCH``, the text to find, ``=======``, the text to put in
    its place, ``>>>>>>> REPLACE``, and a closing fence. What does not have this form is skipped.
    """
    edits: list[Edit] = []
    at = 0
    while (header := _next_header(text, at)) is not None:
        start = header.end()
        divider = text.find(_DIVIDER, start)
        end = text.find(_END, divider + len(_DIVIDER)) if divider >= 0 else -1
        if end < 0:  # then no later block can be complete either
            break
        edits.append(Edit(header[1], text[start:divider], text[divider + len(_DIVIDER) : end]))
        at = end + len(_END)
    return edits


def _next_header(text: str, at: int) -> re.Match[str] | None:
    """The next header whose line before holds a fence that begins at or after ``at``."""
    search_from = at
    while True:
        header = _HEADER.search(text, search_from)
        if header is None:
            return None
        line = max(at, text.rfind("\n", at, header.start()) + 1)
        if text.find("```", line, header.start()) >= 0:
            return header
        search_from = header.start() + 1


def apply_edits(
    context: Mapping[str, str], edits: Iterable[Edit], *, strict_empty_search: bool = True, parity: bool = False
) -> dict[str, str]:
    r"""The new content of every edited file.

    Edits of one file are applied in order, each to the result of the last. The searched text must begin at a line
    start, and every place where it is found is replaced. A path that ``context`` lacks is a new file.

    Args:
        context: the text of each file.
        edits: what to do.
        strict_empty_search: refuse a blank search text unless the file is new or empty. The official code inserts the
            replacement before every line then.
        parity: the official behaviour: blank searches are allowed, and a file whose lines end in ``\r\n`` is searched
            as it is. Otherwise such a file is edited as if they ended in ``\n``, and keeps its line ends.

    Raises:
        FormatError: a search text equals its replacement or is not found, or the result would be huge (2 million
            characters more than twice the file, or 100 million characters read in all).
    """
    grouped: dict[str, list[Edit]] = {}
    for edit in edits:
        grouped.setdefault(edit.path, []).append(edit)
    work = _Work(strict_empty_search and not parity)
    return {path: _apply(context.get(path, ""), group, work, parity) for path, group in grouped.items()}


def _apply(original: str, edits: Iterable[Edit], work: _Work, parity: bool) -> str:
    crlf = not parity and "\r\n" in original and original.count("\n") == original.count("\r\n")
    text = "\n" + (original.replace("\r\n", "\n") if crlf else original)
    for edit in edits:
        text = work.replace(text, edit, MAX_RESULT + 2 * len(original))
    return text[1:].replace("\n", "\r\n") if crlf else text[1:]


class _Work:
    """Applies single edits, and counts what that costs so that no response can blow a file up."""

    def __init__(self, strict: bool) -> None:
        self._strict = strict
        self._read = 0

    def replace(self, text: str, edit: Edit, limit: int) -> str:
        if edit.search == edit.replace:
            raise FormatError(f"search and replacement are the same in {_name(edit.path)}")
        if self._strict and not edit.search.strip() and text != "\n":
            raise FormatError(f"the search text is blank, but {_name(edit.path)} is not empty")
        self._read += 2 * len(text)
        if self._read > MAX_WORK:
            raise FormatError("the edits take too long to apply")
        search, replace = "\n" + edit.search, "\n" + edit.replace
        found = text.count(search)
        if not found:
            raise FormatError(f"the search text is not in {_name(edit.path)}")
        if len(text) + found * (len(replace) - len(search)) > limit:
            raise FormatError(f"the edits make {_name(edit.path)} too long")
        return text.replace(search, replace)


def _name(path: str) -> str:
    return ascii(path)[:60]
