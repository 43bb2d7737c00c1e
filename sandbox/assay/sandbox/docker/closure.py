"""The host's own programs as an image."""

from __future__ import annotations

import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from assay.sandbox.docker.hosted import TOP_LINKS, extensions, needs
from assay.sandbox.docker.plan import HOME

PROGRAMS = """
[ awk b2sum base64 basename bash bzip2 cat chmod cksum cmp comm cp csplit cut date dd df diff diff3
dirname du echo ed egrep env expand expr false fgrep file find fmt fold free gawk git grep groups
gunzip gzip head hexdump hostname id install join kill less ln ls make mawk md5sum mkdir mkfifo
mktemp more mv nano nice nl nohup nproc numfmt od paste patch pgrep pkill pr printenv printf ps pwd
readlink realpath rev rm rmdir sdiff sed seq setsid sh sha1sum sha256sum sha512sum shuf sleep sort
split stat stdbuf strings sum sync tac tail tar tee test timeout top touch tr tree true truncate
tsort tty uname unexpand uniq unlink unzip uptime vi vim wc which who whoami xargs xxd xz yes zcat
zip
""".split()  # noqa: SIM905 - a list of a hundred would fill a page
LIBRARIES = (
    *("libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1", "libz.so.1", "libffi.so.8", "libatomic.so.1"),
    *("librt.so.1", "libpthread.so.0", "libdl.so.2", "libutil.so.1"),  # of older C libraries, still asked for by name
)
"""Loaded by wheels at run time, so that no ``ldd`` shows them."""
DATA = ("/usr/lib/git-core", "/usr/share/git-core", "/usr/lib/locale/C.utf8", "/usr/share/zoneinfo", "/usr/share/misc")
CA_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
CA_INSIDE = "/etc/ssl/certs/ca-certificates.crt"
CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
"""By which Python, pip and requests find it."""
SKIPPED = {"site-packages", "test", "tests", "__pycache__", "idlelib", "turtledemo", "ensurepip"}
PASSWD = f"root:x:0:0:root:{HOME}:/bin/bash\nagent:x:65534:65534:agent:{HOME}:/bin/bash\n"
GROUP = "root:x:0:\nagent:x:65534:\n"


def write_skeleton(out: BinaryIO) -> None:
    """A tar of the root file system below the mounted programs: directories, the usr-merge links, users."""
    with tarfile.open(fileobj=out, mode="w|") as tar:
        _skeleton(tar)


def write_closure(out: BinaryIO, python: str) -> None:
    """A tar of bash, coreutils, git, a Python and what they need, for engines that cannot see this host's files.

    Args:
        out: where it goes; about 120 MB.
        python: prefix of the Python to put in.
    """
    prefix = Path(os.path.realpath(python))
    programs = [Path(found) for name in PROGRAMS if (found := shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin"))]
    trees = [Path(path) for path in DATA if os.path.isdir(path)]
    binaries = [*programs, *extensions(prefix), *prefix.glob("bin/python3*"), *_elf_files(trees)]
    loader, libraries = needs(*binaries)
    files = [*programs, Path(loader), *map(Path, libraries), *map(Path, _runtime_libraries())]
    with tarfile.open(fileobj=out, mode="w|") as tar:
        written = _skeleton(tar)
        for path in files:
            _add(tar, path, written)
        for tree in (*trees, prefix):
            for path in _tree(tree):
                _add(tar, path, written)
        bundle = ca_bundle()
        if bundle:
            _add_as(tar, Path(os.path.realpath(bundle)), CA_INSIDE, written)


def ca_bundle() -> str:
    """The host's file of certificate authorities, that of a company's proxy included; empty if there is none."""
    named = os.environ.get("SSL_CERT_FILE", "")
    return next((path for path in (named, *CA_BUNDLES) if path and os.path.isfile(path)), "")


def closure_key(python: str) -> str:
    """What decides a closure's content, cheaply: the programs' sizes and times, the Python, the machine."""
    parts = [platform.machine(), os.path.realpath(python), sys.version]
    for name in PROGRAMS:
        found = shutil.which(name, path="/usr/bin:/bin")
        if found:
            info = os.stat(found)
            parts.append(f"{name} {info.st_size} {info.st_mtime_ns}")
    bundle = ca_bundle()
    return "\n".join([*parts, str(os.stat(bundle).st_mtime_ns) if bundle else ""])


def _skeleton(tar: tarfile.TarFile) -> set[str]:
    written: set[str] = set()
    for name in ("usr", "etc", "etc/ssl", "dev", "proc", "sys", "home", "home/agent", "root", "run", "var", "var/tmp"):
        _folder(tar, name, 0o755, written)
    _folder(tar, "tmp", 0o1777, written)
    for name in TOP_LINKS:  # before anything below them, or the engine makes directories of them
        if os.path.islink(f"/{name}"):
            _link(tar, name, os.readlink(f"/{name}"), written)
    texts = {"etc/passwd": PASSWD, "etc/group": GROUP, "etc/nsswitch.conf": "hosts: files dns\n"}
    for name, text in texts.items():
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(text), 0o644
        _put(tar, info, text.encode(), written)
    return written


def _folder(tar: tarfile.TarFile, name: str, mode: int, written: set[str]) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, mode
    _put(tar, info, b"", written)


def _link(tar: tarfile.TarFile, name: str, target: str, written: set[str]) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    _put(tar, info, b"", written)


def _put(tar: tarfile.TarFile, info: tarfile.TarInfo, data: bytes, written: set[str]) -> None:
    """Add a member once: an import refuses a tar that names one twice."""
    if info.name not in written:
        written.add(info.name)
        tar.addfile(info, io.BytesIO(data) if data else None)


def _add(tar: tarfile.TarFile, path: Path, written: set[str]) -> None:
    """A path of the host under its real folder's name, and what it links to."""
    place = Path(os.path.realpath(path.parent)) / path.name
    for folder in reversed(place.parents[:-1]):
        _folder(tar, str(folder).lstrip("/"), 0o755, written)
    name = str(place).lstrip("/")
    if name in written:
        return
    if place.is_symlink():
        _link(tar, name, os.readlink(place), written)
        if place.resolve().is_file():
            _add(tar, place.parent / os.readlink(place), written)
    elif place.is_dir():
        _folder(tar, name, 0o755, written)
    elif place.is_file():
        _add_as(tar, place, name, written)


def _add_as(tar: tarfile.TarFile, path: Path, name: str, written: set[str]) -> None:
    name = name.lstrip("/")
    if name in written:
        return
    written.add(name)
    info = tarfile.TarInfo(name)
    with open(path, "rb") as file:
        stat = os.fstat(file.fileno())
        info.size, info.mode, info.mtime = stat.st_size, (stat.st_mode & 0o755) | 0o444, int(stat.st_mtime)
        tar.addfile(info, file)


def _tree(top: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        yield Path(folder)
        yield from (Path(folder, name) for name in sorted(files) if not name.endswith((".a", ".pyc")))
        yield from (Path(folder, name) for name in folders if os.path.islink(os.path.join(folder, name)))


def _elf_files(trees: Iterable[Path]) -> list[Path]:
    found = []
    for path in (path for tree in trees for path in _tree(tree) if path.is_file() and os.access(path, os.X_OK)):
        with open(path, "rb") as file:
            if file.read(4) == b"\x7fELF":
                found.append(path)
    return found


def _runtime_libraries() -> list[str]:
    ldconfig = shutil.which("ldconfig", path="/usr/sbin:/sbin:/usr/bin")
    if not ldconfig:
        return []
    listed = subprocess.run([ldconfig, "-p"], capture_output=True, text=True).stdout
    pairs = re.findall(r"^\s*(\S+) \(([^)]*)\) => (\S+)$", listed, re.MULTILINE)
    word = "x86-64" if platform.machine() == "x86_64" else "AArch64" if platform.machine() == "aarch64" else ""
    return [path for name, kind, path in pairs if name in LIBRARIES and word in kind]
