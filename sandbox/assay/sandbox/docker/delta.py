"""Our half of :class:`assay.sandbox.docker.guest_delta.Delta`: as two trees for a patch, and in parts to be applied."""

from __future__ import annotations

import io
import json
import posixpath
import stat
import tarfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from assay.sandbox.errors import SandboxDied
from assay.sandbox.patch import EXECUTABLE, LINK, REGULAR, Entry, Tree, git_refuses

PART_BYTES = 4 * 2**20
"""Of one part, but for a single larger file: the container holds a part in memory while it applies it."""
ERRORS = "surrogateescape"


def trees(data: bytes, targets: Sequence[str], top: str) -> tuple[Tree, Tree]:
    """How it was and how it is, by path below ``top``, where the two differ.

    Args:
        data: a delta with old files.
        targets: the writable places, in the guest's order.
        top: an absolute path.

    Raises:
        SandboxDied: the delta is none.
    """
    sides: dict[str, dict[str, Entry]] = {"old": {}, "new": {}}
    with _opened(io.BytesIO(data)) as tar:
        for member in tar:
            side, _, rest = member.name.partition("/")
            if side in sides and not member.isdir():
                name = posixpath.relpath(_place(rest, targets), top)
                if not name.startswith("../") and not any(map(git_refuses, name.split("/"))):
                    sides[side][name] = _entry(tar, member)
    return sides["old"], sides["new"]


def parts(delta: BinaryIO) -> Iterator[tuple[list[str], bytes]]:
    """What is gone, with the first part, and tars of what is there.

    Args:
        delta: one without old files, at any position.

    Raises:
        SandboxDied: the delta is none.
    """
    delta.seek(0)
    with _opened(delta) as tar:
        members = deque(member for member in tar if member.name != "removed")
        listed = tar.extractfile("removed")
        removed: list[str] = json.loads(listed.read() if listed else b"[]")
        while members or removed:
            yield removed, _part(tar, members)
            removed = []


def _part(tar: tarfile.TarFile, members: deque[tarfile.TarInfo]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors=ERRORS) as part:
        while members and out.tell() < PART_BYTES:
            member = members.popleft()
            part.addfile(member, tar.extractfile(member) if member.isreg() else None)
    return out.getvalue()


@contextmanager
def _opened(file: BinaryIO) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(fileobj=file, mode="r:", encoding="utf-8", errors=ERRORS) as tar:
            yield tar
    except (tarfile.TarError, KeyError, IndexError, ValueError) as error:
        raise SandboxDied(f"the sandbox told its changes in no form that can be read: {error}") from error


def _place(name: str, targets: Sequence[str]) -> str:
    number, _, path = name.partition("/")
    return f"{targets[int(number)]}/{path}"


def _entry(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    if member.issym():
        return Entry(LINK, member.linkname.encode("utf-8", ERRORS))
    content = tar.extractfile(member)
    return Entry(EXECUTABLE if member.mode & stat.S_IXUSR else REGULAR, content.read() if content else b"")
