"""SEARCH/REPLACE blocks as agents write them: found leniently, one line after another, in linear time."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SEARCH, DIVIDER, REPLACE = "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"
MOST = 1_000_000
"""Characters that edits may add to a file, beyond twice its size."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One block: in the file ``path`` the lines ``search`` become the lines ``replace``."""

    path: str
    search: str
    replace: str


def render_edit(edit: Edit) -> str:
    """A block as the prompts ask for it, in a python fence."""
    return "\n".join(["```python", f"### {edit.path}", SEARCH, edit.search, DIVIDER, edit.replace, REPLACE, "```"])


def find_edits(text: str, languages: Sequence[str] | None = None) -> list[Edit]:
    """The blocks of a text in order; one that is not whole is passed over.

    A block is a fence line, a line ``### path``, and the SEARCH, divider and REPLACE lines with text between. Its
    closing fence may be missing.

    Args:
        text: any text.
        languages: what may stand after the opening fence; None: anything.
    """
    lines = [line.rstrip("\r") for line in text.split("\n")]
    found: list[Edit] = []
    at = 0
    while at + 2 < len(lines):
        opening, head = lines[at].strip(), lines[at + 1].strip()
        opens = opening.startswith("```") and (languages is None or opening.strip("`").strip().lower() in languages)
        if not (opens and head.startswith("### ") and lines[at + 2].rstrip() == SEARCH):
            at += 1
            continue
        divider = _next(lines, DIVIDER, at + 3)
        end = _next(lines, REPLACE, divider + 1) if divider else 0
        if not end:
            return found
        search, replace = "\n".join(lines[at + 3 : divider]), "\n".join(lines[divider + 1 : end])
        found.append(Edit(head[4:].strip(), search, replace))
        at = end + 1
    return found


def _next(lines: Sequence[str], marker: str, start: int) -> int:
    """Where the next line that is ``marker`` stands; 0 if there is none."""
    return next((i for i in range(start, len(lines)) if lines[i].rstrip() == marker), 0)


def apply_leniently(edits: Iterable[Edit], files: Mapping[str, str]) -> dict[str, str]:
    """The new contents of the files that edits really change; an edit that does not fit is passed over.

    As in Agentless (arXiv 2407.01489): an edit fits if its search text begins at the beginning of a line of a known
    file; every such place is replaced. A changed Python file that does not parse counts as unchanged, and so does one
    in which only blank lines differ. An edit that makes a file huge is passed over, since repeated doubling would fill
    the memory. A file whose lines all end in ``\\r\\n`` keeps them.
    """
    crlf = {path for path, text in files.items() if "\r\n" in text and text.count("\n") == text.count("\r\n")}
    new = {path: text.replace("\r\n", "\n") if path in crlf else text for path, text in files.items()}
    for edit in edits:
        text, search, replace = "\n" + new.get(edit.path, ""), "\n" + edit.search, "\n" + edit.replace
        places = text.count(search) if edit.path in files and edit.search else 0
        if places and len(text) + places * (len(replace) - len(search)) <= MOST + 2 * len(files[edit.path]):
            new[edit.path] = text.replace(search, replace)[1:]
    new = {path: text.replace("\n", "\r\n") if path in crlf else text for path, text in new.items()}
    return {path: text for path, text in new.items() if _changed(files[path], text) and _parses(path, text)}


def unified_patch(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """What ``git apply`` takes to turn the files of ``old`` into those of ``new``; all paths of ``new`` in ``old``."""
    return "".join(_file_patch(path, old[path], new[path]) for path in sorted(new) if old[path] != new[path])


def _file_patch(path: str, old: str, new: str) -> str:
    lines = difflib.unified_diff(_lines(old), _lines(new), f"a/{path}", f"b/{path}", n=3)
    body = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return f"diff --git a/{path} b/{path}\n{body}"


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _changed(old: str, new: str) -> bool:
    return [line for line in old.splitlines() if line.strip()] != [line for line in new.splitlines() if line.strip()]


def _parses(path: str, text: str) -> bool:
    if not path.endswith(".py"):
        return True
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
