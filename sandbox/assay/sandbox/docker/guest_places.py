"""Inside the container: the writable places, and what they are filled with.

Standard library of Python 3.6. Every writable place is a tmpfs, here called a *root*; its pristine content, if it has
any, is mounted read-only beside it.
"""

# Must run on Python 3.6.
# ruff: noqa: UP006, UP035
import os
import re
import stat
from typing import List

from assay.sandbox.server_files import raw


class Root:
    """A writable place.

    Args:
        target: where it is mounted.
        pristine: directory of its first content; empty for none.
        uid: owner of everything in it; the group has the same number.
        mode: of its top directory.
    """

    def __init__(self, target: str, pristine: str, uid: int, mode: int) -> None:
        self.target, self.pristine, self.uid, self.mode = raw(target), raw(pristine), uid, mode

    def has_pristine(self) -> bool:
        """Whether there is anything to start from."""
        return bool(self.pristine) and os.path.isdir(self.pristine)

    def refill(self) -> None:
        """Empty it, then copy the pristine content. Nobody else may run meanwhile."""
        empty(self.target)
        try:
            for name in os.listxattr(self.target):
                os.removexattr(self.target, name)
        except OSError:
            pass  # a kernel whose tmpfs holds none
        if self.has_pristine():
            fill(self.pristine, self.target, self.uid, os.lstat(self.target).st_dev)
        os.chown(self.target, self.uid, self.uid)
        os.chmod(self.target, self.mode)


def empty(top: bytes) -> None:
    """Remove all below ``top``, at any depth: every directory is moved up to the top before it is emptied.

    Mount points stay, with what is mounted there.
    """
    here = os.lstat(top).st_dev
    mark = os.urandom(8).hex().encode("ascii")
    count = 0
    waiting = [top]
    kept = set()
    while waiting:
        folder = waiting.pop()
        for name in os.listdir(folder):
            path = folder + b"/" + name
            info = os.lstat(path)
            if info.st_dev != here:
                kept.add(path)
            elif not stat.S_ISDIR(info.st_mode):
                os.unlink(path)
            elif holds_mount(path):
                waiting.append(path)
                kept.add(path)
            else:
                place = path
                if folder != top:
                    count += 1
                    place = top + b"/.%s-%d" % (mark, count)
                    os.rename(path, place)
                waiting.append(place)
        if folder != top and folder not in kept:
            os.rmdir(folder)


def holds_mount(path: bytes) -> bool:
    """Whether something is mounted below a directory, which can then be neither moved nor removed."""
    prefix = path + b"/"
    return any(point.startswith(prefix) for point in mount_points())


def mount_points() -> List[bytes]:
    """As this process sees them; made before any command ran, and no command can make one."""
    if not _mounts:
        with open("/proc/self/mountinfo", "rb") as file:
            escaped = [line.split()[4] for line in file]
        _mounts.extend(
            re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found.group(1), 8)]), path) for path in escaped
        )
    return _mounts


_mounts: List[bytes] = []


def fill(source: bytes, target: bytes, uid: int, here: int) -> None:
    """Copy files, directories and links into a directory of the file system ``here``, with their modes and times."""
    for entry in os.scandir(source):
        info = entry.stat(follow_symlinks=False)
        place = target + b"/" + entry.name
        if stat.S_ISREG(info.st_mode):
            copy_file(entry.path, place, info, uid)
        elif stat.S_ISLNK(info.st_mode):
            os.symlink(os.readlink(entry.path), place)
            os.lchown(place, uid, uid)
        elif stat.S_ISDIR(info.st_mode):
            try:
                os.mkdir(place, 0o700)
            except FileExistsError:  # holds a mount point
                if os.lstat(place).st_dev != here:
                    continue
            fill(entry.path, place, uid, here)
            os.chown(place, uid, uid)
            os.chmod(place, info.st_mode & 0o777)
            os.utime(place, ns=(info.st_mtime_ns, info.st_mtime_ns))


def copy_file(source: bytes, target: bytes, info: os.stat_result, uid: int) -> None:
    """One regular file, with its mode and time."""
    read_end = os.open(source, os.O_RDONLY)
    write_end = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        left = info.st_size
        while left > 0:
            sent = os.sendfile(write_end, read_end, None, left)  # type: ignore[arg-type, unused-ignore]
            if not sent:
                break
            left -= sent
        os.fchown(write_end, uid, uid)
        os.fchmod(write_end, info.st_mode & 0o777)
        os.utime(write_end, ns=(info.st_mtime_ns, info.st_mtime_ns))
    finally:
        os.close(read_end)
        os.close(write_end)


def discard(path: bytes) -> None:
    """Remove a file, a link, or a directory with all that is in it; nothing there is no error."""
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            empty(path)
            os.rmdir(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        pass
