"""Unpack a source archive in memory: only plain files, no way out, no bomb, no code of it run."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from assay.envs.swe_rl.mint.errors import MintError
from assay.sandbox.patch import EXECUTABLE, REGULAR, Entry

MAX_BYTES = 256 * 2**20
MAX_FILES = 20_000


def read_archive(path: Path) -> dict[str, Entry]:
    """The regular files of a source archive by path below its one top folder; links and devices are left out.

    Args:
        path: a ``.tar.gz`` (or ``.tgz``, ``.bz2``, ``.xz``) or ``.zip``.

    Raises:
        MintError: if it is damaged, has an absolute path or one with ``..``, or would fill the disk.
    """
    found: dict[str, Entry] = {}
    left = MAX_BYTES
    members = _zip_members(path) if path.suffix == ".zip" else _tar_members(path)
    try:
        for name, executable, size, read in members:
            parts = name.replace("\\", "/").split("/")
            if name.startswith("/") or ".." in parts or "\0" in name:
                raise MintError(f"{path.name} has a file outside its folder: {name[:100]!r}")
            left -= size
            if left < 0 or len(found) >= MAX_FILES:
                raise MintError(f"{path.name} is over {MAX_BYTES // 2**20} MiB or {MAX_FILES} files when unpacked")
            clean = [part for part in parts if part not in ("", ".")]
            if len(clean) > 1 and ".git" not in clean:
                found["/".join(clean)] = Entry(EXECUTABLE if executable else REGULAR, read.read(size + 1)[:size])
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise MintError(f"{path.name} cannot be unpacked: {error}"[:300]) from None
    tops = {name.split("/", 1)[0] for name in found}
    if len(tops) != 1:
        raise MintError(f"{path.name} has {len(tops)} top folders, not one")
    return {name.split("/", 1)[1]: entry for name, entry in found.items()}


def _tar_members(path: Path) -> Iterator[tuple[str, bool, int, io.BufferedIOBase]]:
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile():
                source = archive.extractfile(member)
                if source is not None:
                    yield member.name, bool(member.mode & 0o100), member.size, source  # type: ignore[misc]


def _zip_members(path: Path) -> Iterator[tuple[str, bool, int, io.BufferedIOBase]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            mode = member.external_attr >> 16
            if not member.is_dir() and (mode & 0o170000) in (0, 0o100000):
                with archive.open(member) as source:
                    yield member.filename, bool(mode & 0o100), member.file_size, source  # type: ignore[misc]
