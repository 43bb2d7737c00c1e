"""What a native sandbox has changed, read from the upper directories of its overlays."""

from __future__ import annotations

import os
import stat
from typing import Any, BinaryIO

from assay.sandbox.native import kernel
from assay.sandbox.native.tree import ROOT, Tree
from assay.sandbox.server_files import Refused, raw, text

OPAQUE = "user.overlay.opaque"


def touched(upper: str) -> tuple[set[bytes], set[bytes]]:
    """Paths in an upper directory, and those of them that hide all that lies below: removed, or made anew.

    Links are never followed: a directory that is swapped for one during the walk ends it there.
    """
    found: set[bytes] = set()
    hiding: set[bytes] = set()
    top = raw(upper)
    for root, folders, files, fd in os.fwalk(top, follow_symlinks=False):
        prefix = root[len(top) :].lstrip(b"/")
        if b".git" in folders:
            folders.remove(b".git")
        for name in (*folders, *files):
            path = os.path.join(prefix, name)
            info = os.lstat(name, dir_fd=fd)
            if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
                hiding.add(path)
            elif stat.S_ISDIR(info.st_mode):
                if _is_opaque(name, fd):
                    hiding.add(path)
            else:
                found.add(path)
    return found, hiding


def _is_opaque(name: bytes, folder: int) -> bool:
    fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        return os.getxattr(fd, OPAQUE) == b"y"
    except OSError:
        return False
    finally:
        os.close(fd)


def collect(tree: Tree, head: dict[str, Any], out: BinaryIO) -> dict[str, Any]:
    """Every changed path below the header's ``path``, by overlay, with what it holds now.

    Runs in a child that has all capabilities of the sandbox, and executes nothing: files that commands made unreadable
    are read all the same. The reply's ``overlays`` has for each its number, the ``hidden`` paths and ``entries`` of
    (path, mode, size), whose bytes follow each other in ``out``; ``top`` is where ``path`` leads.
    """
    lists = []
    for index, (target, _) in enumerate(tree.overlays):
        found: set[bytes] = set()
        hidden: set[bytes] = set()
        for number in tree.generations:
            some, hiding = touched(f"/rw/{number}/{index}")
            found |= some
            hidden |= hiding
        lists.append((raw(target), sorted(found), sorted(hidden)))
    os.chroot(ROOT)
    os.chdir("/")
    top = os.path.realpath(raw(head["path"]))
    below = top.rstrip(b"/") + b"/"
    left = head["max"]
    overlays = []
    for target, paths, hidden_paths in lists:
        entries = []
        for path in paths:
            if not os.path.join(target, path).startswith(below):
                continue  # what lies in /tmp is no part of a patch of the work tree, and must not fill it either
            mode, data = _state(os.path.join(target, path), left)
            left -= len(data)
            out.write(data)
            entries.append((text(path), mode, len(data)))
        overlays.append({"entries": entries, "hidden": [text(path) for path in hidden_paths]})
    return {"overlays": overlays, "top": text(top)}


def _state(path: bytes, left: int) -> tuple[int, bytes]:
    """Mode and content of a path as commands see it; mode 0 for what is gone or is neither file nor link."""
    try:
        info = os.lstat(path)
        if stat.S_ISLNK(info.st_mode):
            return 0o120000, os.readlink(path)
        if not stat.S_ISREG(info.st_mode):
            return 0, b""
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return 0, b""
    with open(fd, "rb") as file:
        data = file.read(left + 1)
    if len(data) > left:
        raise Refused("the changes are larger than a patch may be")
    return 0o100755 if info.st_mode & stat.S_IXUSR else 0o100644, data


def shed(command: bool = False) -> None:
    """The lockdown of the collecting child: it needs its capabilities, and will execute nothing."""
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
