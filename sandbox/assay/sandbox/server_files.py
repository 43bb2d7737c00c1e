"""What the command server's helpers do with files, inside the sandbox. Standard library of Python 3.6."""

# must run on Python 3.6:
# ruff: noqa: UP006, UP032, UP035, UP045, SIM105, ARG
import fcntl
import io
import os
import stat
import sys
import tarfile
import tempfile
from typing import Any, BinaryIO, Dict, Iterator, Optional, Set, Tuple

try:
    import ctypes
except ImportError:  # a Python built without it
    ctypes = None  # type: ignore[assignment]

Head = Dict[str, Any]


class Refused(Exception):  # noqa: N818 - the answer, not a fault
    """What was asked cannot be served; the text goes to the caller."""


def raw(text: str) -> bytes:
    """The bytes that a string of a header stands for."""
    return text.encode("utf-8", "surrogateescape")


def text(data: bytes) -> str:
    """The inverse of :func:`raw`."""
    return data.decode("utf-8", "surrogateescape")


def spool(data: bytes = b"", seal: bool = False) -> int:
    """An anonymous file in memory holding ``data``, at its start; sealed against writing if asked and possible."""
    fd = _memory_file()
    if fd < 0:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    if seal:
        try:
            fcntl.fcntl(fd, 1033, 0x0F)  # F_ADD_SEALS: no more seals, no shrinking, growing or writing
        except OSError:
            pass  # a file on disk has none
    return fd


def _memory_file() -> int:
    try:  # not os.memfd_create: many builds of Python are without it
        return ctypes.CDLL(None).memfd_create(b"assay", 3) if ctypes else -1  # MFD_CLOEXEC, MFD_ALLOW_SEALING
    except AttributeError:
        return -1


def prctl(option: int, value: int) -> None:
    """``prctl(2)`` with one argument; silently nothing where ctypes is missing."""
    if ctypes:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def read_file(head: Head, body: bytes, out: BinaryIO) -> Head:
    """A regular file of at most ``max`` bytes. Opened without blocking, so that a FIFO cannot hold us."""
    fd = os.open(raw(head["path"]), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    with open(fd, "rb") as file:
        _regular(fd, head["path"])
        data = file.read(head["max"] + 1)
    if len(data) > head["max"]:
        raise Refused("{}: larger than {} bytes".format(head["path"], head["max"]))
    out.write(data)
    return {}


def write_file(head: Head, body: bytes, out: BinaryIO) -> Head:
    """Write the body to ``path`` with ``mode``, making its folders."""
    path = raw(head["path"])
    os.makedirs(os.path.dirname(path) or b".", exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY, 0o600)
    with open(fd, "wb") as file:
        _regular(fd, head["path"])
        os.ftruncate(fd, 0)
        file.write(body)
        file.flush()
        os.fchmod(fd, head["mode"] & 0o777)
    return {}


def _regular(fd: int, path: str) -> None:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise Refused("{}: not a regular file".format(path))


def untar(head: Head, body: bytes, out: BinaryIO) -> Head:
    """Unpack the body below ``path``. Every member is checked before anything is written."""
    base = os.path.realpath(raw(head["path"]))
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:*", encoding="utf-8", errors="surrogateescape") as archive:
        members = [(member, _inside(member.name)) for member in archive.getmembers()]
        links = {name for member, name in members if member.issym()}
        for member, name in members:
            _check(member, name, links, base)
        os.makedirs(base, exist_ok=True)
        modes = [_unpack(archive, member, os.path.join(base, raw(name)), base) for member, name in members]
    for path, mode in reversed([entry for entry in modes if entry]):
        os.chmod(path, mode)
    return {"members": len(members)}


def _inside(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise Refused("{}: leads out of the folder".format(name[:300]))
    return "/".join(parts)


def _check(member: tarfile.TarInfo, name: str, links: Set[str], base: bytes) -> None:
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise Refused("{}: neither file, folder nor link".format(member.name[:300]))
    if not name and not member.isdir():
        raise Refused("{!r}: a member without a name".format(member.name[:300]))
    for path in [name, _inside(member.linkname)] if member.islnk() else [name]:
        parts = path.split("/")
        if any("/".join(parts[:count]) in links for count in range(1, len(parts))):
            raise Refused("{}: leads through a link".format(path[:300]))
        real = os.path.realpath(os.path.dirname(os.path.join(base, raw(path)))) if path else base
        if real != base and not real.startswith(base.rstrip(b"/") + b"/"):
            raise Refused("{}: leads out of the folder".format(path[:300]))


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, path: bytes, base: bytes) -> Optional[Tuple[bytes, int]]:
    """Write one member; the mode of a folder is set last, or a read-only one could not be filled."""
    mode = member.mode & 0o777
    if member.isdir():
        if os.path.islink(path) or not os.path.isdir(path):
            _remove(path)
            os.makedirs(path)
        return (path, mode) if path.rstrip(b"/") != base.rstrip(b"/") else None
    os.makedirs(os.path.dirname(path), exist_ok=True)
    source = os.path.join(base, raw(_inside(member.linkname))) if member.islnk() else b""
    if source == path:
        return None
    _remove(path)
    if member.issym():
        os.symlink(raw(member.linkname), path)
    elif member.islnk():
        os.link(source, path, follow_symlinks=False)
    else:
        content = archive.extractfile(member)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(fd, "wb") as file:
            while content is not None:
                part = content.read(1 << 20)
                if not part:
                    break
                file.write(part)
            file.flush()
            os.fchmod(fd, mode)
            os.utime(fd, (max(0, member.mtime), max(0, member.mtime)))
    return None


def _remove(path: bytes) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


class Capped(io.RawIOBase):
    """Counts what passes and stops at a limit."""

    def __init__(self, sink: BinaryIO, most: int) -> None:
        self.sink, self.left = sink, most

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """All of it, or :class:`Refused`."""
        self.left -= len(data)
        if self.left < 0:
            raise Refused("larger than allowed")
        self.sink.write(data)
        return len(data)


def tar(head: Head, body: bytes, out: BinaryIO) -> Head:
    """``path`` as an uncompressed tar of at most ``max`` bytes, its members named from its last part on.

    Only files, folders and links are in it.
    """
    path = head["path"].rstrip("/") or "/"
    name = path.rpartition("/")[2] or "."
    sink = Capped(out, head["max"])
    with tarfile.open(fileobj=sink, mode="w|", encoding="utf-8", errors="surrogateescape") as archive:
        for source, member in _walk(raw(path), name):
            info = archive.gettarinfo(os.fsdecode(source), member)
            if info is None or not (info.isreg() or info.isdir() or info.issym() or info.islnk()):
                continue
            if info.isreg():
                fd = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
                with open(fd, "rb") as file:
                    _regular(fd, member)
                    archive.addfile(info, file)
            else:
                archive.addfile(info)
    return {}


def _walk(path: bytes, name: str) -> Iterator[Tuple[bytes, str]]:
    os.lstat(path)
    yield path, name
    if os.path.isdir(path) and not os.path.islink(path):
        for entry in sorted(os.listdir(path)):
            yield from _walk(os.path.join(path, entry), name + "/" + text(entry))


def above(fd: int, floor: int) -> int:
    """A copy of a descriptor, numbered from ``floor`` on and closed when a program is executed."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, floor)


def reason(error: BaseException) -> str:
    """What an error says, without numbers and paths of the server's."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)


def preload() -> None:
    """Import now what tar files may need later; and never look up names of users.

    The C library would do that through modules which the sandbox's own ``/etc/nsswitch.conf`` names.
    """
    for name in ("zlib", "bz2", "lzma", "gzip"):
        try:
            __import__(name)
        except ImportError:  # a Python built without it
            continue
    tarfile.pwd = tarfile.grp = None  # type: ignore[attr-defined]


def close_imports() -> None:
    """From here on nothing can be imported from files: helpers run where the sandbox decides what a path holds."""
    preload()
    sys.path[:] = []
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") != "PathFinder"]
