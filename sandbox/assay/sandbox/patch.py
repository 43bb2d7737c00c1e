"""Two file trees into a patch that ``git apply`` takes: modes, links, binary files, CRLF, no newline at the end."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias

from assay.sandbox.errors import FileRefused
from assay.sandbox.linediff import matching_blocks, split_lines

REGULAR = 0o100644
EXECUTABLE = 0o100755
LINK = 0o120000

MAX_BYTES = 64 * 2**20
"""Bytes of changed content, before and after together, that a patch may be made of."""
CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as git knows it.

    Attributes:
        mode: one of 0o100644, 0o100755 and 0o120000 (a symbolic link).
        data: the content; of a link, where it points.
    """

    mode: int
    data: bytes


Tree: TypeAlias = Mapping[str, Entry]
"""By path from the top, with ``/``, undecodable bytes as :func:`os.fsdecode` gives them."""


def tree_map(directory: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> dict[str, Entry]:
    """Every file and link below a directory, except what git would refuse to hold, such as anything named ``.git``.

    Links are never followed, not even by a directory that is swapped for a link during the walk; pipes, sockets,
    devices and empty directories are left out.

    Raises:
        FileRefused: together they hold more than ``max_bytes``, or one cannot be read.
    """
    found: dict[str, Entry] = {}
    left = max_bytes
    for path, name, folder, info in _walk(directory):
        entry = _read(name, folder, info, left, path)
        if entry is not None:
            left -= len(entry.data)
            found[path] = entry
    return found


def diff_trees(old: str | os.PathLike[str], new: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> str:
    """The patch from one directory to another, keeping in memory only what differs; errors as in :func:`tree_map`."""

    def entries() -> Iterator[tuple[str, Entry]]:
        for path, name, folder, info in _walk(new):
            entry = _read(name, folder, info, max_bytes, path)
            if entry is not None:
                yield path, entry

    return diff_entries(old, entries(), max_bytes)


def diff_entries(old: str | os.PathLike[str], new: Iterable[tuple[str, Entry]], max_bytes: int = MAX_BYTES) -> str:
    """The patch from a directory to a tree that comes file by file; errors as in :func:`tree_map`."""
    before: dict[str, Entry] = {}
    after: dict[str, Entry] = {}
    known = {path: info for path, _, _, info in _walk(old)}
    changed = dict(known)
    left = max_bytes
    with _opened(old) as top:
        for path, entry in new:
            was = known.get(path)
            if was is not None and was.st_size == len(entry.data) and _mode(was) == entry.mode:
                twin = _read(path, top, was, max_bytes, path)
                if twin == entry:
                    changed.pop(path)
                    continue
            left -= len(entry.data)
            if left < 0:
                raise FileRefused(f"the changes hold more than {max_bytes:,} bytes")
            after[path] = entry
        for path, info in changed.items():
            gone = _read(path, top, info, left, path)
            if gone is not None:
                left -= len(gone.data)
                before[path] = gone
    return make_patch(before, after)


def tar_entries(tar: tarfile.TarFile) -> Iterator[tuple[str, Entry]]:
    """Files and links of a tar whose members share one first part of their names, which is taken off."""
    for member in tar:
        path = member.name.partition("/")[2]
        if not path or any(git_refuses(part) for part in path.split("/")):
            continue
        if member.issym():
            yield path, Entry(LINK, os.fsencode(member.linkname))
        elif member.isreg() or member.islnk():
            content = tar.extractfile(member)
            if content is not None:
                yield path, Entry(EXECUTABLE if member.mode & stat.S_IXUSR else REGULAR, content.read())


def make_patch(old: Tree, new: Tree) -> str:
    """The changes from ``old`` to ``new`` in git's format; empty if there are none.

    Text files become unified hunks with three lines of context. A file with a NUL byte, or that is not UTF-8 on either
    side, becomes a binary patch, so that the result is always text that can be encoded. It ends lines with LF only;
    split it at LF, never with ``splitlines``. ``git apply -R`` undoes it.

    Raises:
        FileRefused: more than 64 MiB of changed content.
    """
    changed = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
    size = sum(len(entry.data) for tree in (old, new) for path in changed if (entry := tree.get(path)))
    if size > MAX_BYTES:
        raise FileRefused(f"the changes hold {size:,} bytes, more than {MAX_BYTES:,}")
    return "".join(part for path in changed for part in _file_patch(path, old.get(path), new.get(path)))


def quote_path(path: str) -> str:
    """A path as git prints it: as it is, or in C quotes if it holds a control character, a quote or a non-ASCII byte.

    One with a part that ends in a blank is quoted too: git prints it bare and then cannot read it in every header.
    """
    data = os.fsencode(path)
    if all(32 <= byte < 127 and byte not in b'"\\' for byte in data) and " /" not in f"{path}/":
        return path
    return '"' + "".join(_escape(byte) for byte in data) + '"'


_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


def _escape(byte: int) -> str:
    if byte in _ESCAPES:
        return "\\" + _ESCAPES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def _file_patch(path: str, old: Entry | None, new: Entry | None) -> Iterator[str]:
    if old and new and stat.S_IFMT(old.mode) != stat.S_IFMT(new.mode):
        yield from _file_patch(path, old, None)  # git has no change from a file to a link: one goes, the other comes
        yield from _file_patch(path, None, new)
        return
    a, b = quote_path(f"a/{path}"), quote_path(f"b/{path}")
    yield f"diff --git {a} {b}\n"
    if old is None and new is not None:
        yield f"new file mode {new.mode:o}\n"
    elif new is None and old is not None:
        yield f"deleted file mode {old.mode:o}\n"
    elif old and new and old.mode != new.mode:
        yield f"old mode {old.mode:o}\nnew mode {new.mode:o}\n"
    before, after = old.data if old else b"", new.data if new else b""
    if old and new and before == after:
        return
    mode = f" {old.mode:o}" if old and new and old.mode == new.mode else ""
    yield f"index {_object_id(old)}..{_object_id(new)}{mode}\n"
    if not (_is_text(before) and _is_text(after)):
        yield f"GIT binary patch\n{_literal(after)}\n{_literal(before)}\n"
    elif before != after:
        yield f"--- {_tabbed(a) if old else '/dev/null'}\n+++ {_tabbed(b) if new else '/dev/null'}\n"
        yield from _hunks(split_lines(before), split_lines(after))


def _tabbed(name: str) -> str:
    """A name with a blank is closed by a tab in these two lines, or readers take the rest for a date."""
    return f"{name}\t" if " " in name and not name.startswith('"') else name


def _object_id(entry: Entry | None) -> str:
    if entry is None:
        return "0" * 40
    return hashlib.sha1(b"blob %d\0" % len(entry.data) + entry.data, usedforsecurity=False).hexdigest()


def _is_text(data: bytes) -> bool:
    if b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _literal(data: bytes) -> str:
    packed = zlib.compress(data)
    lines = [f"literal {len(data)}\n"]
    for start in range(0, len(packed), 52):
        piece = packed[start : start + 52]
        length = chr(ord("A") + len(piece) - 1 if len(piece) <= 26 else ord("a") + len(piece) - 27)
        lines.append(f"{length}{base64.b85encode(piece, pad=True).decode()}\n")
    return "".join(lines)


def _hunks(old: list[bytes], new: list[bytes]) -> Iterator[str]:
    edits = _edits(old, new)
    while edits:
        group = [edits.pop(0)]
        while edits and edits[0][0] - group[-1][1] <= 2 * CONTEXT:
            group.append(edits.pop(0))
        first, last = group[0], group[-1]
        lead = min(CONTEXT, first[0])
        trail = min(CONTEXT, len(old) - last[1])
        body: list[str] = []
        at = first[0] - lead
        for i0, i1, j0, j1 in group:
            body += [_line(" ", line) for line in old[at:i0]]
            body += [_line("-", line) for line in old[i0:i1]]
            body += [_line("+", line) for line in new[j0:j1]]
            at = i1
        body += [_line(" ", line) for line in old[at : at + trail]]
        spans = _span(first[0] - lead, last[1] + trail), _span(first[2] - lead, last[3] + trail)
        yield f"@@ -{spans[0]} +{spans[1]} @@\n{''.join(body)}"


def _edits(old: list[bytes], new: list[bytes]) -> list[tuple[int, int, int, int]]:
    """What lies between the equal runs: old lines i0..i1 become new lines j0..j1."""
    edits = []
    i = j = 0
    for block in [*matching_blocks(old, new), (len(old), len(new), 0)]:
        if i < block[0] or j < block[1]:
            edits.append((i, block[0], j, block[1]))
        i, j = block[0] + block[2], block[1] + block[2]
    return edits


def _line(sign: str, line: bytes) -> str:
    text = line.decode()
    return f"{sign}{text}" if text.endswith("\n") else f"{sign}{text}\n\\ No newline at end of file\n"


def _span(start: int, stop: int) -> str:
    return f"{start + 1 if stop > start else start},{stop - start}"


@contextmanager
def _opened(directory: str | os.PathLike[str]) -> Iterator[int]:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


def _walk(directory: str | os.PathLike[str]) -> Iterator[tuple[str, str, int, os.stat_result]]:
    """(path, name, descriptor of its directory, stat) of every file and link."""

    def failed(error: OSError) -> None:
        raise FileRefused(f"cannot read below {os.fspath(directory)}: {error.strerror}")

    top = os.fspath(directory)
    for root, folders, files, folder in os.fwalk(top, onerror=failed, follow_symlinks=False):
        folders[:] = sorted(name for name in folders if not git_refuses(name))
        prefix = root[len(top) :].strip("/")
        for name in (*files, *folders):
            with suppress(FileNotFoundError):  # gone since it was listed
                info = os.lstat(name, dir_fd=folder)
                if not stat.S_ISDIR(info.st_mode) and not git_refuses(name):
                    yield f"{prefix}/{name}" if prefix else name, name, folder, info


def git_refuses(name: str) -> bool:
    """Names by which a patch could reach git's own files on some file system: ``git apply`` takes no patch with one."""
    plain = name.lower().split(":")[0].rstrip(" .")
    return plain in (".git", "git~1")


def _mode(info: os.stat_result) -> int:
    if stat.S_ISLNK(info.st_mode):
        return LINK
    return EXECUTABLE if info.st_mode & stat.S_IXUSR else REGULAR


def _read(name: str, folder: int, info: os.stat_result, max_bytes: int, path: str) -> Entry | None:
    try:
        if stat.S_ISLNK(info.st_mode):
            return Entry(LINK, os.fsencode(os.readlink(name, dir_fd=folder)))
        if not stat.S_ISREG(info.st_mode):
            return None
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        raise FileRefused(f"cannot read {path!r}: {error.strerror}") from error
    with open(fd, "rb") as file:
        now = os.fstat(fd)
        if not stat.S_ISREG(now.st_mode):
            return None
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise FileRefused(f"{path!r} and what came before it hold more than {max_bytes:,} bytes")
    return Entry(_mode(now), data)
