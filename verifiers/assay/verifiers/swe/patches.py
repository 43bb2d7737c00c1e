"""Reading unified diffs, plain or git's, file by file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

DEV_NULL = "/dev/null"
_GIT = (
    re.compile(r'diff --git ("?a/[^\t\n]+"?) ("?b/[^\t\n]+"?)'),
    re.compile(r"diff --git ([^\t\n]+) ([^\t\n]+)"),
)
_MODE = re.compile(r"(new|deleted) file mode \d+$")
_HUNK = re.compile(r"@@ -(\d{1,18})(?:,(\d{1,18}))? \+(\d{1,18})(?:,(\d{1,18}))? @@ ?(.*)")
_BINARY = re.compile(r"Binary files? .*(?:differ|has changed)")
_PREFIX = re.compile(r"[abciow12]/")
_NO_NEWLINE = "\\ No newline at end of file"


class PatchError(ValueError):
    """The text is no unified diff."""


@dataclass(slots=True)
class FilePatch:
    """The change of one file.

    Attributes:
        source: its name before, with git's prefix; ``/dev/null`` for a new file.
        target: its name after; ``/dev/null`` for a deleted one.
        binary: whether only the fact of a change is known.
        hunks: the lines of each hunk, from its ``@@`` line on, both lengths written out.
    """

    source: str
    target: str
    binary: bool = False
    hunks: list[list[str]] = field(default_factory=list)

    @property
    def renamed(self) -> bool:
        """Whether the two names differ."""
        return DEV_NULL not in (self.source, self.target) and self.source[2:] != self.target[2:]

    @property
    def path(self) -> str:
        """The file's name without git's prefix: before the change, or after it for a new file."""
        name = self.target if self.source == DEV_NULL else self.source
        quote = '"' if len(name) > 1 and name[0] == name[-1] == '"' else ""
        name = name[1:-1] if quote else name
        return quote + (name[2:] if _PREFIX.match(name) else name) + quote

    @property
    def body(self) -> str:
        """The hunks without outer whitespace; above them, for a renamed file, a line that says so."""
        lines = ["".join(hunk).strip() for hunk in self.hunks]
        if self.renamed:
            lines.insert(0, f"rename from {_bare(self.source, 'a/')} to {_bare(self.target, 'b/')}")
        return "\n".join(lines).strip()


def _bare(name: str, prefix: str) -> str:
    return name.removeprefix(prefix)


def parse_patch(text: str) -> list[FilePatch]:
    """The files of a unified diff, in order; text around them is skipped. Linear in time.

    Raises:
        PatchError: a hunk without a file, one that is longer or shorter than its header says, a target without a
            source, or a line in a hunk that is none of its own.
    """
    return _Reader(text).read()


def file_diffs(text: str, *, merge: bool = False) -> dict[str, str]:
    """The body of each text file that a diff changes, by its path (a renamed file's is the old one).

    Binary files are left out. A diff that cannot be read changes nothing.

    Args:
        text: a unified diff.
        merge: what to do with a path that occurs twice: join both changes, or else keep the last one.
    """
    try:
        patches = parse_patch(text)
    except PatchError:
        return {}
    found: dict[str, list[str]] = {}
    for patch in patches:
        if patch.binary:
            continue
        path = _bare(patch.source, "a/") if patch.renamed else patch.path
        if merge:
            found.setdefault(path, []).append(patch.body)
        else:
            found[path] = [patch.body]
    return {path: "\n".join(bodies) for path, bodies in found.items()}


class _Reader:
    """One pass over the lines of a diff.

    ``_file`` is the file that the next hunk belongs to; ``_header`` says that a git header, or text outside of any
    file, is being read; ``_source`` is a ``---`` name that waits for its ``+++`` line.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        if self._lines[-1] == "":
            self._lines.pop()
            self._last_open = False
        else:
            self._last_open = True
        self._at = 0
        self._files: list[FilePatch] = []
        self._file: FilePatch | None = None
        self._header = False
        self._source: str | None = None

    def read(self) -> list[FilePatch]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            self._line(line)
        return self._files

    def _line(self, line: str) -> None:
        if not line and self._file is not None and self._file.hunks:
            self._append("\n")
        elif line.startswith("diff --git ") and (git := _GIT[0].match(line) or _GIT[1].match(line)):
            self._source = git[1]
            self._open(git[1], git[2], header=True)
        elif line.startswith("--- "):
            self._source = _name(line)
            if not self._header:
                self._file = None
        elif line.startswith("+++ "):
            self._target(_name(line))
        elif hunk := _HUNK.match(line):
            self._header = False
            self._current().hunks.append(self._hunk(hunk))
        elif line.startswith(_NO_NEWLINE):
            self._append(_NO_NEWLINE + "\n")
        else:
            self._other(line)

    def _other(self, line: str) -> None:
        if mode := _MODE.match(line):
            if self._file is None or not self._header:
                raise PatchError("a mode outside of a file's header")
            if mode[1] == "new":
                self._file.source = DEV_NULL
            else:
                self._file.target = DEV_NULL
            return
        if not self._header:
            self._file, self._header = None, True
        if _BINARY.match(line):
            if self._file is None:
                self._open(line, line, header=False)  # the names do not matter: binary files are left out
        elif line != "GIT binary patch":
            return
        self._current().binary = True
        self._file, self._header = None, False

    def _open(self, source: str, target: str, *, header: bool) -> None:
        self._file = FilePatch(source, target)
        self._files.append(self._file)
        self._header = header

    def _target(self, name: str) -> None:
        if self._file is None:
            if self._source is None:
                raise PatchError("a +++ line without a --- line")
            self._open(self._source, name, header=False)
            self._source = None
        elif self._file.target != name:
            raise PatchError("a +++ line that is not its header's")

    def _current(self) -> FilePatch:
        if self._file is None:
            raise PatchError("a change without a file")
        return self._file

    def _append(self, text: str) -> None:
        hunks = self._current().hunks
        if not hunks:
            raise PatchError("a line that belongs to no hunk")
        hunks[-1].append(text)

    def _hunk(self, header: re.Match[str]) -> list[str]:
        old, new = (int(length) if length is not None else 1 for length in (header[2], header[4]))
        title = f"@@ -{int(header[1])},{old} +{int(header[3])},{new} @@" + (f" {header[5]}" if header[5] else "")
        lines = [title + "\n"]
        while self._at < len(self._lines):
            line = self._lines[self._at]
            end = "" if self._last_open and self._at == len(self._lines) - 1 else "\n"
            self._at += 1
            kind = line[:1] if line.rstrip("\r") else " "
            if kind not in ("-", "+", " ", "\\"):
                raise PatchError("a line in a hunk that is none of its own")
            old -= kind in "- "
            new -= kind in "+ "
            if old < 0 or new < 0:
                raise PatchError("a hunk longer than its header says")
            lines.append((line if line[:1] == kind else kind + line) + end)
            if not old and not new:
                break
        if old or new:
            raise PatchError("a hunk shorter than its header says")
        return lines


def _name(line: str) -> str:
    return line[4:].split("\t", 1)[0]
