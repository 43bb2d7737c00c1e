"""The host's own programs as an image, and the host's own Python carried into any image."""

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
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from assay.sandbox.docker.plan import HOME, PRIVATE, Bound
from assay.sandbox.errors import SandboxUnavailable

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
LIBRARIES = ("libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1", "libz.so.1", "libffi.so.8", "libatomic.so.1")
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
TOP_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
ETC_TREES = ("/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/alternatives", "/etc/ld.so.cache")
PASSWD = f"root:x:0:0:root:{HOME}:/bin/bash\nagent:x:65534:65534:agent:{HOME}:/bin/bash\n"
GROUP = "root:x:0:\nagent:x:65534:\n"


def carried_python() -> tuple[tuple[str, ...], tuple[Bound, ...]]:
    """This host's Python with its loader and libraries, read-only at a place of its own, for images that have none.

    Started through its own loader, it needs nothing of the image's C library.

    Returns:
        How to run it inside, and what to mount.
    """
    program = Path(os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable))
    prefix = Path(os.path.realpath(sys.base_prefix))
    loader, libraries = _needs(program, *sorted(_extensions(prefix)))
    inside = f"{PRIVATE}/lib"
    bounds = [Bound(path, f"{inside}/{os.path.basename(path)}") for path in sorted({loader, *libraries})]
    bounds.append(Bound(str(prefix), f"{PRIVATE}/python"))
    start = f"{inside}/{os.path.basename(loader)}"
    where = f"{PRIVATE}/python/{program.relative_to(prefix)}"
    return (start, "--library-path", inside, where), tuple(bounds)


def host_bounds(python: str) -> tuple[Bound, ...]:
    """What of the host is mounted for :class:`HostBase`: the programs, what of ``/etc`` they need, and a Python.

    Args:
        python: prefix of the installation that commands see.
    """
    shown = [
        "/usr",
        *(f"/{name}" for name in TOP_LINKS if os.path.isdir(f"/{name}") and not os.path.islink(f"/{name}")),
    ]
    shown += [path for path in ETC_TREES if os.path.exists(path)]
    prefix = os.path.realpath(python)
    if not any(prefix == path or prefix.startswith(path + "/") for path in shown):
        shown.append(prefix)
    bounds = [Bound(path, path) for path in shown]
    if python.rstrip("/") != prefix:
        bounds.append(Bound(prefix, python.rstrip("/")))
    return tuple(bounds)


def write_skeleton(out: BinaryIO) -> None:
    """A tar of the root file system below :func:`host_bounds`: directories, the usr-merge links, users, no programs."""
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
    binaries = [*programs, *_extensions(prefix), *prefix.glob("bin/python3*"), *_elf_files(trees)]
    loader, libraries = _needs(*binaries)
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


def _extensions(prefix: Path) -> list[Path]:
    version = (
        f"python{sys.version_info.major}.{sys.version_info.minor}" if prefix == Path(sys.base_prefix) else "python3*"
    )
    return list(prefix.glob(f"lib*/{version}/lib-dynload/*.so"))


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


@lru_cache(maxsize=8)
def _needs(*binaries: Path) -> tuple[str, tuple[str, ...]]:
    """The loader and the shared libraries of programs, as ``ldd`` tells; only ever asked about this host's own."""
    ldd = shutil.which("ldd")
    if not ldd:
        raise SandboxUnavailable(
            "needs ldd to find what the host's Python is made of", "install libc-bin (Debian) or musl"
        )
    out = subprocess.run([ldd, *map(str, binaries)], capture_output=True, text=True).stdout
    libraries = set(re.findall(r"=> (/\S+) \(0x", out))
    loaders = set(re.findall(r"^\s+(/\S*ld-\S+|/\S*/ld64\S+) \(0x", out, re.MULTILINE)) | {
        path for path in libraries if os.path.basename(path).startswith("ld-")
    }
    if not loaders:
        raise SandboxUnavailable(
            "this host's Python is not a dynamic program that ldd understands", "use another Python"
        )
    loader = sorted(loaders)[0]
    return loader, tuple(sorted(libraries - loaders))
