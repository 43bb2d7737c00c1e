"""Commands for an agent in a repository: ``view``, ``search``, ``edit`` and ``submit``. Standard library only."""

# Must run on Python 3.6:
# ruff: noqa: B904, N818, RUF005, UP006, UP031, UP035
import os
import re
import sys
from typing import Iterator, List

SKIPPED = {".git", "__pycache__", ".pytest_cache", "node_modules", ".tox", ".venv"}
LINES = 200
HITS = 100
ENTRIES = 200
WIDTH = 400
SUBMITTED = "/tmp/.assay-submitted"
USAGE = {
    "view": "view PATH [FIRST [LAST]]: numbered lines of a file, or what is in a folder",
    "search": "search PATTERN [PATH]: lines that match a regular expression, in all text files below PATH",
    "edit": "edit PATH, with one or more blocks on standard input: <<<<<<< SEARCH, lines, =======, lines, "
    ">>>>>>> REPLACE; nothing between SEARCH and ======= makes a new file",
    "submit": "submit: end the session; what is in the repository now is graded",
}
BLOCK = re.compile(r"^<<<<<<< SEARCH\n(.*?)^=======\n(.*?)^>>>>>>> REPLACE[ \t]*$", re.DOTALL | re.MULTILINE)


class Problem(Exception):
    """What to tell the caller."""


def read_text(path: str) -> str:
    """A file as text, with foreign bytes kept and line ends untouched."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except OSError as error:
        raise Problem("%s: %s" % (path, error.strerror))


def view(path: str, first: str = "", last: str = "") -> str:
    """Numbered lines of a file, 200 unless told otherwise, or the names in a folder."""
    if os.path.isdir(path):
        return "\n".join(_entries(path))
    lines = read_text(path).split("\n")
    if lines and not lines[-1]:
        lines.pop()
    try:
        start = int(first) if first else 1
        end = int(last) if last else start + LINES - 1
    except ValueError:
        raise Problem("line numbers are whole numbers: " + USAGE["view"])
    start, end = max(1, start), min(len(lines), end)
    if start > len(lines):
        raise Problem("%s has %d lines" % (path, len(lines)))
    shown = ["%6d  %s" % (number, lines[number - 1][:WIDTH]) for number in range(start, end + 1)]
    if start > 1 or end < len(lines):
        shown.append("[lines %d to %d of %d]" % (start, end, len(lines)))
    return "\n".join(shown)


def _entries(path: str) -> List[str]:
    found: List[str] = []
    for here, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        depth = os.path.relpath(here, path).count(os.sep) + (os.path.relpath(here, path) != ".")
        if depth >= 2:
            folders[:] = []
        for name in sorted(files):
            found.append(os.path.normpath(os.path.join(here, name)))
        if depth == 1 and not files:
            found.append(os.path.normpath(here) + os.sep)
    if len(found) > ENTRIES:
        found = found[:ENTRIES] + ["[%d more]" % (len(found) - ENTRIES)]
    return found or ["[nothing]"]


def search(pattern: str, path: str = ".") -> str:
    """Matching lines with file and number, at most 100."""
    try:
        wanted = re.compile(pattern)
    except re.error:
        wanted = re.compile(re.escape(pattern))
    found: List[str] = []
    for name in _files(path):
        try:
            text = read_text(name)
        except Problem:
            continue
        if "\0" in text[:8000]:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if wanted.search(line):
                found.append("%s:%d: %s" % (os.path.normpath(name), number, line.strip()[:WIDTH]))
                if len(found) > HITS:
                    return "\n".join(found[:HITS] + ["[more than %d lines match]" % HITS])
    if not found:
        raise Problem("no line matches")
    return "\n".join(found)


def _files(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
    for here, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for name in sorted(files):
            yield os.path.join(here, name)


def edit(path: str) -> str:
    """Replace each searched text, which must be in the file exactly once."""
    given = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    blocks = BLOCK.findall(given if given.endswith("\n") else given + "\n")
    if not blocks:
        raise Problem("no SEARCH/REPLACE block on standard input: " + USAGE["edit"])
    text = read_text(path) if os.path.exists(path) else ""
    crlf = "\r\n" in text and text.count("\n") == text.count("\r\n")
    text = text.replace("\r\n", "\n") if crlf else text
    for number, (old, new) in enumerate(blocks, 1):
        if not old:
            if text:
                raise Problem("block %d searches for nothing, but %s is not empty" % (number, path))
            text = new
            continue
        count = text.count(old)
        if not count and text.endswith(old[:-1]):  # the last line of the file has no newline
            text, count = text + "\n", 1
        if count != 1:
            raise Problem("block %d: its SEARCH text is in %s %d times, not once; nothing was changed"
                          % (number, path, count))  # fmt: skip
        text = text.replace(old, new)
    folder = os.path.dirname(path)
    try:
        if folder:
            os.makedirs(folder, exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as out:
            out.write(text.replace("\n", "\r\n") if crlf else text)
    except OSError as error:
        raise Problem("%s: %s" % (path, error.strerror))
    return "%s: %d block(s) replaced" % (path, len(blocks))


def submit() -> str:
    """Leave the mark that ends the episode."""
    with open(os.environ.get("ASSAY_ROOT", "") + SUBMITTED, "w") as out:
        out.write("submit\n")
    return "submitted"


def main(words: List[str]) -> int:
    """Carry out one command; 1 and a line on standard error if it cannot be."""
    name, given = words[0], words[1:]
    least, most = {"view": (1, 3), "search": (1, 2), "edit": (1, 1), "submit": (0, 0)}[name]
    tool = {"view": view, "search": search, "edit": edit, "submit": submit}[name]
    try:
        if not least <= len(given) <= most or "--help" in given:
            raise Problem(USAGE[name])
        said = tool(*given)  # type: ignore[operator]
    except Problem as problem:
        sys.stderr.write("%s\n" % problem)
        return 1
    sys.stdout.buffer.write((said + "\n").encode("utf-8", "surrogateescape"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
