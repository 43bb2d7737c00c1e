"""The patch from a layer's files on the host to what its overlay shows now."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from assay.sandbox.errors import FileRefused
from assay.sandbox.patch import MAX_BYTES, Entry, git_refuses, make_patch


def patch_below(top: str, plan: dict[str, Any], overlays: list[dict[str, Any]], body: bytes) -> str:
    """What changed below ``top``.

    Args:
        top: an absolute path inside.
        plan: what the sandbox is made of.
        overlays: for the root and each writable layer in order, ``entries`` of (path, mode, size) and ``hidden`` paths.
        body: the bytes of all entries, one after the other.

    Raises:
        FileRefused: the changes are larger than a patch may be.
    """
    old: dict[str, Entry] = {}
    new: dict[str, Entry] = {}
    places = [("/", plan["root"])] + [(target, source) for source, target, writable in plan["layers"] if writable]
    at = 0
    for (target, source), overlay in zip(places, overlays, strict=True):
        for name, mode, size in overlay["entries"]:
            shown = _below(posixpath.join(target, name), top)
            if mode and shown:
                new[shown] = Entry(mode, body[at : at + size])
            at += size
        names = [name for name, _, _ in overlay["entries"]] + overlay["hidden"]
        wanted = [name for name in names if _related(posixpath.join(target, name), top)]
        for name, entry in (_originals(source, wanted) if source else _made(plan, wanted)).items():
            shown = _below(posixpath.join(target, name), top)
            if shown:
                old[shown] = entry
    return make_patch(old, new)


def _below(path: str, top: str) -> str:
    """``path`` as seen from ``top``; empty if it does not lie below, or if git would not take it in a patch."""
    if top != "/" and not path.startswith(f"{top}/"):
        return ""
    relative = path[len(top.rstrip("/")) + 1 :]
    return "" if any(git_refuses(part) for part in relative.split("/")) else relative


def _related(path: str, top: str) -> bool:
    return bool(_below(path, top)) or top == path or top.startswith(f"{path}/")


def _made(plan: dict[str, Any], names: list[str]) -> dict[str, Entry]:
    """Of files that the host does not have because the plan makes them."""
    known = {path.lstrip("/"): Entry(0o100644, text.encode("latin-1")) for path, text in plan["files"]}
    known.update({path.lstrip("/"): Entry(0o120000, os.fsencode(target)) for path, target in plan["links"]})
    return {path: known[path] for path in known if any(path == name or path.startswith(f"{name}/") for name in names)}


def _originals(source: str, names: list[str]) -> dict[str, Entry]:
    """Every file and link of ``source`` that is named, or lies below a folder that is."""
    found: dict[str, Entry] = {}
    left = MAX_BYTES
    for name in sorted(set(names)):
        with _opened_parent(source, name) as (folder, last):
            if folder < 0:
                continue
            for path, entry in _read(folder, last, name, left):
                if path not in found:
                    found[path] = entry
                    left -= len(entry.data)
    return found


@contextmanager
def _opened_parent(source: str, name: str) -> Iterator[tuple[int, str]]:
    """The folder that holds ``name`` and its last part, or -1 if there is none.

    No link is followed on the way: the sandbox may have made a folder where the layer has a link that leads elsewhere
    on the host.
    """
    *parents, last = name.split("/")
    folder = os.open(source, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parents:
            try:
                deeper = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            except (FileNotFoundError, NotADirectoryError):
                yield -1, last
                return
            os.close(folder)
            folder = deeper
        yield folder, last
    finally:
        os.close(folder)


def _read(folder: int, last: str, path: str, left: int) -> Iterator[tuple[str, Entry]]:
    try:
        info = os.lstat(last, dir_fd=folder)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(info.st_mode):
        yield path, Entry(0o120000, os.fsencode(os.readlink(last, dir_fd=folder)))
    elif stat.S_ISREG(info.st_mode):
        if info.st_size > left:
            raise FileRefused("the changes are larger than a patch may be")
        fd = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        with open(fd, "rb") as file:
            yield path, Entry(0o100755 if info.st_mode & stat.S_IXUSR else 0o100644, file.read(left + 1))
    elif stat.S_ISDIR(info.st_mode) and not git_refuses(last):
        fd = os.open(last, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        try:
            for name in sorted(os.listdir(fd)):
                for below, entry in _read(fd, name, f"{path}/{name}", left):
                    left -= len(entry.data)
                    yield below, entry
        finally:
            os.close(fd)
