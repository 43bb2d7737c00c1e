"""Inside the container: what has changed in the writable places, told as a tar, and made again from one.

Standard library of Python 3.6.
"""

# Must run on Python 3.6.
# ruff: noqa: UP006, UP032, UP035, UP045, SIM115, SIM117
import io
import json
import os
import shutil
import stat
import tarfile
from typing import BinaryIO, Dict, List, Optional, Tuple

from assay.sandbox.docker.guest_places import Root, discard
from assay.sandbox.server_files import Refused

DEEPEST = 200
"""Directories inside one another; a descriptor is open for each, and Python recurses no deeper than 1000 calls."""
LONGEST = 3900
"""Bytes of a path that can still be written down again in one piece."""
CHUNK = 1 << 20

Stat = os.stat_result
Side = Tuple[Optional[int], Optional[Stat]]
"""A directory's descriptor and what it says of an entry; None for what is not there."""
NOWHERE: Side = (None, None)


class Delta:
    """What differs between a root and its pristine content, written as a tar.

    ``new/<root>/<path>`` is how it is, ``old/<root>/<path>`` how it was (if asked for), and the last member,
    ``removed``, lists in JSON what is gone. Contents are compared, never times or inode numbers: a write through a
    shared memory map changes neither on a tmpfs. Commands may run meanwhile: nothing is followed, only opened from
    the descriptor of its directory.

    Args:
        out: where the tar goes.
        old: whether to write how it was.
    """

    def __init__(self, out: BinaryIO, old: bool) -> None:
        self.tar = tarfile.open(
            fileobj=out, mode="w|", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
        )
        self.old = old
        self.removed: List[str] = []

    def compare(self, name: str, was: Optional[int], now: Optional[int], here: int, depth: int = 0) -> None:
        """Two directories, by descriptor; either may be missing. ``name`` is of the tar members, without new or old."""
        if depth > DEEPEST or len(os.fsencode(name)) > LONGEST:
            raise Refused("{}...: more than {} directories inside one another".format(name[:200], DEEPEST))
        before, after = listing(was), listing(now)
        for entry in sorted(set(before) | set(after)):
            path = name + "/" + os.fsdecode(entry)
            old, new = before.get(entry), after.get(entry)
            if new is not None and new.st_dev != here:
                continue
            self._entry(path, entry, (was, old), (now, new), here, depth)

    def _entry(self, path: str, entry: bytes, before: Side, after: Side, here: int, depth: int) -> None:
        old, new = before[1], after[1]
        alike = old is not None and new is not None and stat.S_IFMT(old.st_mode) == stat.S_IFMT(new.st_mode)
        if alike and stat.S_ISDIR(new.st_mode):  # type: ignore[union-attr]
            if old.st_mode != new.st_mode:  # type: ignore[union-attr]
                self._add("new/" + path, entry, after)
            self._inside(path, entry, before, after, here, depth)
            return
        if alike and equal(entry, before, after):
            return
        if old is not None and not alike:
            self.removed.append(path)
        if old is not None and self.old:
            self._add("old/" + path, entry, before)
            self._inside(path, entry, before, NOWHERE, here, depth)
        if new is not None:
            self._add("new/" + path, entry, after)
            self._inside(path, entry, NOWHERE, after, here, depth)

    def _inside(self, path: str, entry: bytes, before: Side, after: Side, here: int, depth: int) -> None:
        was, now = opened(entry, before), opened(entry, after)
        try:
            if was is not None or now is not None:
                self.compare(path, was, now, here, depth + 1)
        finally:
            for fd in (was, now):
                if fd is not None:
                    os.close(fd)

    def _add(self, name: str, entry: bytes, side: Side) -> None:
        folder, info = side
        assert info is not None
        member = tarfile.TarInfo(name)
        member.mode = info.st_mode & 0o7777
        member.mtime = int(info.st_mtime)
        if stat.S_ISDIR(info.st_mode):
            member.type = tarfile.DIRTYPE
            self.tar.addfile(member)
        elif stat.S_ISLNK(info.st_mode):
            member.type = tarfile.SYMTYPE
            member.linkname = os.fsdecode(os.readlink(entry, dir_fd=folder))
            self.tar.addfile(member)
        elif stat.S_ISREG(info.st_mode):
            fd = os.open(entry, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=folder)
            member.size = info.st_size  # as much as the listing said, if it is growing; if it shrinks, that is an error
            with open(fd, "rb") as file:
                self.tar.addfile(member, file)

    def close(self) -> None:
        """The list of what is gone, and the end."""
        data = json.dumps(self.removed).encode("ascii")
        member = tarfile.TarInfo("removed")
        member.size = len(data)
        self.tar.addfile(member, io.BytesIO(data))
        self.tar.close()


def listing(folder: Optional[int]) -> Dict[bytes, Stat]:
    """The files, directories and links of a directory that is open; other kinds are left out."""
    found: Dict[bytes, Stat] = {}
    for name in os.listdir(folder) if folder is not None else ():
        try:
            info = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode) or stat.S_ISLNK(info.st_mode):
            found[os.fsencode(name)] = info
    return found


def equal(entry: bytes, before: Side, after: Side) -> bool:
    """Whether two files, or two links, have the same mode and content."""
    (was, old), (now, new) = before, after
    assert old is not None
    assert new is not None
    if stat.S_ISLNK(new.st_mode):
        return os.readlink(entry, dir_fd=was) == os.readlink(entry, dir_fd=now)
    if old.st_size != new.st_size or (old.st_mode ^ new.st_mode) & 0o777:
        return False
    try:
        fd = os.open(entry, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=now)
    except OSError:
        return False  # swapped meanwhile
    with open(fd, "rb", buffering=0) as one:
        with open(os.open(entry, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=was), "rb", buffering=0) as other:
            while True:
                data = one.read(CHUNK)
                if data != other.read(CHUNK):
                    return False
                if not data:
                    return True


def opened(entry: bytes, side: Side) -> Optional[int]:
    """A directory's descriptor; None if it is none."""
    folder, info = side
    if folder is None or info is None or not stat.S_ISDIR(info.st_mode):
        return None
    return os.open(entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)


def apply(tar: tarfile.TarFile, removed: List[str], roots: List[Root]) -> None:
    """Make again in roots that were just refilled what a :class:`Delta` without old files describes, or a part of it.

    Args:
        tar: members of the delta, in its order.
        removed: what is gone; goes with the first part.
        roots: in the order of the delta.
    """
    for name in removed:
        discard(located(name, roots)[0])
    for member in tar:
        path, root = located(member.name.partition("/")[2], roots)
        if not (member.isdir() and os.path.isdir(path) and not os.path.islink(path)):
            discard(path)
            _make(tar, member, path)
        os.lchown(path, root.uid, root.uid)
        if not member.issym():
            os.chmod(path, member.mode & 0o7777)
        if member.isreg():
            os.utime(path, (member.mtime, member.mtime))


def _make(tar: tarfile.TarFile, member: tarfile.TarInfo, path: bytes) -> None:
    if member.isdir():
        os.mkdir(path)
    elif member.issym():
        os.symlink(os.fsencode(member.linkname), path)
    else:
        content = tar.extractfile(member)
        assert content is not None
        with open(path, "xb") as file:
            shutil.copyfileobj(content, file, CHUNK)


def located(name: str, roots: List[Root]) -> Tuple[bytes, Root]:
    """The path that ``<root>/<path>`` stands for."""
    number, _, path = name.partition("/")
    root = roots[int(number)]
    return root.target + b"/" + os.fsencode(path), root
