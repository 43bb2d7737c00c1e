"""File calls below one directory of the host, refused for every path that leads out of it."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from assay.sandbox.errors import FileRefused


@dataclass(frozen=True, slots=True)
class Rooted:
    """Paths as a sandbox names them, mapped below ``root``.

    A check and the use after it are not one step: a process that swaps directories for links meanwhile can win. The
    back-ends with walls do not use this.

    Attributes:
        root: the directory that stands for ``/``; absolute and without links.
        shown: further directories of the host that may be read, not written, under their own names.
        workdir: what relative paths are relative to.
    """

    root: str
    shown: tuple[str, ...] = ()
    workdir: str = "/"

    def resolve(self, path: str) -> str:
        """Where ``path`` lies on the host, links followed; ``FileRefused`` if that is outside."""
        if "\0" in path:
            raise FileRefused("a path with a NUL byte")
        path = os.path.join(self.workdir, path)
        plain = os.path.normpath(path)
        for top in self.shown:
            if _below(plain, top):
                return self._inside(os.path.realpath(plain), path, os.path.realpath(top))
        return self._inside(os.path.realpath(self.root + os.path.normpath("/" + path.lstrip("/"))), path, self.root)

    def _inside(self, real: str, path: str, top: str) -> str:
        if not _below(real, top):
            raise FileRefused(f"{path} leads out of the sandbox")
        return real

    def read(self, path: str, max_bytes: int) -> bytes:
        """A regular file's bytes."""
        with _refusing(path):
            fd = os.open(self.resolve(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            with open(fd, "rb") as file:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise FileRefused(f"{path} is not a regular file")
                data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise FileRefused(f"{path} holds more than {max_bytes:,} bytes")
        return data

    def write(self, path: str, data: bytes, mode: int) -> None:
        """Write a file, making its folders."""
        with _refusing(path):
            where = self._writable(path)
            os.makedirs(os.path.dirname(where), exist_ok=True)
            if os.path.lexists(where) and not os.path.isfile(where):
                raise FileRefused(f"{path} is not a regular file")
            fd = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
            with open(fd, "wb") as file:
                os.fchmod(fd, mode & 0o777)
                file.write(data)

    def unpack(self, tar: BinaryIO, dest: str) -> None:
        """Unpack a tar below ``dest``; what is unsafe in it is refused before it is written."""
        with _refusing(dest):
            os.makedirs(self._writable(dest), exist_ok=True)
            try:
                with tarfile.open(fileobj=tar, mode="r:*") as archive:
                    for member in archive:
                        self._member(archive, member, dest)
            except tarfile.TarError as error:
                raise FileRefused(f"not a tar: {error}") from error

    def _member(self, archive: tarfile.TarFile, member: tarfile.TarInfo, dest: str) -> None:
        name = os.path.normpath(member.name)
        if os.path.isabs(member.name) or name.startswith("..") or "\0" in member.name:
            raise FileRefused(f"tar member {member.name!r} leads out of {dest}")
        if name == "." and member.isdir():
            return
        parent = self._writable(os.path.join(dest, os.path.dirname(name)))
        if not _below(parent, self.resolve(dest)):
            raise FileRefused(f"tar member {member.name!r} leads out of {dest}")
        where = os.path.join(parent, os.path.basename(name))
        os.makedirs(parent, exist_ok=True)
        if member.isdir():
            if os.path.islink(where) or not os.path.isdir(where):
                os.mkdir(where)
            os.chmod(where, (member.mode & 0o777) | 0o700)
            return
        if os.path.lexists(where):
            os.unlink(where)
        if member.issym():
            os.symlink(member.linkname, where)
        elif member.isreg():
            source = archive.extractfile(member)
            assert source is not None
            fd = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with open(fd, "wb") as file:
                while piece := source.read(1 << 20):
                    file.write(piece)
                os.fchmod(fd, member.mode & 0o777)
        elif member.islnk():
            self._hard_link(member, dest, where)
        else:
            raise FileRefused(f"tar member {member.name!r} is a device or a pipe")

    def _hard_link(self, member: tarfile.TarInfo, dest: str, where: str) -> None:
        if os.path.isabs(member.linkname) or os.path.normpath(member.linkname).startswith(".."):
            raise FileRefused(f"tar member {member.name!r} links out of {dest}")
        source = self.resolve(os.path.join(dest, member.linkname))
        if not _below(source, self.resolve(dest)):
            raise FileRefused(f"tar member {member.name!r} links out of {dest}")
        os.link(source, where, follow_symlinks=False)

    def _writable(self, path: str) -> str:
        where = self.resolve(path)
        if not _below(where, self.root):
            raise FileRefused(f"{path} is read-only")
        return where


def _below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")


@contextmanager
def _refusing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror or error}") from error
