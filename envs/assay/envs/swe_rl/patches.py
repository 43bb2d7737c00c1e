"""What a patch touches, read without applying it: sections, paths, and the patch without some of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_GIT = re.compile(r"^diff --git ", re.MULTILINE)
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_NAMED = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_LABELS = ("rename from ", "rename to ", "copy from ", "copy to ")


MAX_FILES = 10_000
"""Files that a patch may touch. Who makes more of them wants to break something, or has forgotten to clean up."""


class PatchError(ValueError):
    """The text is no patch; one line that says why."""


@dataclass(frozen=True)
class Section:
    """What a patch does to one file.

    Attributes:
        text: the section, header included.
        paths: every path that it names, old and new, without the ``a/`` and ``b/``.
    """

    text: str
    paths: tuple[str, ...]


def sections(patch: str) -> list[Section]:
    """The files of a patch, in its order; text before the first one is left out.

    Both git's form and plain unified diffs are read. Hunks are skipped by their line counts, so that a removed line
    such as ``-- a/x`` is not taken for a header.
    """
    starts = [match.start() for match in _GIT.finditer(patch)] or _plain_starts(patch)
    if not starts:
        return []
    ends = [*starts[1:], len(patch)]
    return [Section(patch[s:e], _paths(patch[s:e])) for s, e in zip(starts, ends, strict=True)]


def check_patch(patch: str) -> None:
    """Refuse what is not a patch.

    Raises:
        PatchError: one line; there is no file header, a section changes nothing, a hunk is cut short, or there are
            more files than :data:`MAX_FILES`.
    """
    found = sections(patch)
    if len(found) > MAX_FILES:
        raise PatchError(f"it changes {len(found):,} files, more than {MAX_FILES:,}")
    if not found:
        raise PatchError("it has no 'diff --git' and no '---'/'+++' header")
    for section in found:
        if not section.paths:
            raise PatchError(f"{section.text.splitlines()[0][:80]!r} names no file")
        _check_hunks(section)


def paths_of(patch: str) -> list[str]:
    """Every path that a patch names, once, in its order; ``/dev/null`` left out."""
    return list(dict.fromkeys(path for section in sections(patch) for path in section.paths))


def without(patch: str, drop: Callable[[str], bool]) -> tuple[str, list[str]]:
    """The patch without the sections that name a path for which ``drop`` is true, and those paths."""
    kept: list[str] = []
    dropped: list[str] = []
    for section in sections(patch):
        bad = [path for path in section.paths if drop(path)]
        dropped += bad
        if not bad:
            kept.append(section.text)
    return "".join(kept), list(dict.fromkeys(dropped))


def _plain_starts(patch: str) -> list[int]:
    starts: list[int] = []
    offset = 0
    old = new = 0
    lines = _LINE.findall(patch)
    for number, line in enumerate(lines):
        hunk = _HUNK.match(line) if old <= 0 and new <= 0 else None
        if hunk:
            old, new = (1 if count is None else int(count) for count in hunk.groups())
        elif old > 0 or new > 0:
            old -= line[:1] in (" ", "-", "\n", "\r")
            new -= line[:1] in (" ", "+", "\n", "\r")
        elif line.startswith("--- ") and number + 1 < len(lines) and lines[number + 1].startswith("+++ "):
            starts.append(offset)
        offset += len(line)
    return starts


def _paths(section: str) -> tuple[str, ...]:
    head = section.partition("\n@@ ")[0].partition("\nGIT binary patch")[0]
    found: list[str] = []
    for line in head.split("\n"):
        line = line.rstrip("\r")
        if line.startswith(("--- ", "+++ ")):
            name = _name(line[4:], 1)
            found += [name] if name != "/dev/null" else []
        elif line.startswith(_LABELS):
            found.append(_name(line.split(" ", 2)[2], 0))
    if not found and head.startswith("diff --git "):
        found += _both(head.split("\n", 1)[0][len("diff --git ") :])
    return tuple(dict.fromkeys(found))


def _name(text: str, strip: int) -> str:
    """A path of a header: quoted as git quotes it, or plain up to a tab; without ``strip`` leading folders."""
    text = _unquote(text) if text.startswith('"') else text.partition("\t")[0]
    if text == "/dev/null":
        return text
    return text.split("/", strip)[-1] if strip and "/" in text else text


def _both(text: str) -> list[str]:
    """The paths of ``a/x b/x`` where no other line names them (mode changes, empty and binary files)."""
    if text.startswith('"'):
        end = re.match(r'"(?:[^"\\]|\\.)*"', text)
        return [_name(end[0], 1), _name(text[end.end() + 1 :], 1)] if end else []
    if text.endswith('"'):
        left, _, right = text.partition(' "')
        return [_name(left, 1), _name('"' + right, 1)]
    half = len(text) // 2  # both sides are the same path, so the space between them is in the middle
    left, right = text[:half], text[half + 1 :]
    if left.partition("/")[2] == right.partition("/")[2]:
        return [_name(left, 1)]
    return [_name(each, 1) for each in text.split(" ", 1)]


def _unquote(text: str) -> str:
    end = re.match(r'"((?:[^"\\]|\\.)*)"', text)
    if end is None:
        return text
    raw = end[1].encode("utf-8", "surrogateescape")

    def one(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes([int(code, 8) & 255]) if len(code) == 3 else _NAMED.get(code, code)

    return _ESCAPE.sub(one, raw).decode("utf-8", "surrogateescape")


def _check_hunks(section: Section) -> None:
    where = section.paths[0]
    lines = _LINE.findall(section.text)
    old = new = hunks = 0
    for line in lines:
        if old > 0 or new > 0:
            kind = line[:1]
            if kind not in (" ", "-", "+", "\\", "\n", "\r"):
                raise PatchError(f"a hunk of {where} is cut short")
            old -= kind in (" ", "-", "\n", "\r")
            new -= kind in (" ", "+", "\n", "\r")
        elif match := _HUNK.match(line):
            hunks += 1
            old, new = (1 if count is None else int(count) for count in match.groups())
    if old > 0 or new > 0:
        raise PatchError(f"the last hunk of {where} is cut short")
    other = ("GIT binary patch", "Binary files ", "new file mode", "deleted file mode", "old mode", "rename from ")
    if not hunks and not any(line.startswith(other) for line in lines):
        raise PatchError(f"it changes nothing in {where}")
