"""The host's own programs and its own Python, shown read-only inside containers of an engine on this host."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from assay.sandbox.docker.plan import PRIVATE, Bound
from assay.sandbox.errors import SandboxUnavailable

TOP_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""Links into ``/usr`` on most distributions, directories on some."""
ETC_TREES = ("/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/alternatives", "/etc/ld.so.cache")


def carried_python() -> tuple[tuple[str, ...], tuple[Bound, ...]]:
    """This host's Python with its loader and libraries, read-only at a place of its own, for images that have none.

    Started through its own loader, it needs nothing of the image's C library.

    Returns:
        How to run it inside, and what to mount.
    """
    program = Path(os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable))
    prefix = Path(os.path.realpath(sys.base_prefix))
    loader, libraries = needs(program, *sorted(extensions(prefix)))
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


def spare_name(python: str) -> dict[str, Bound]:
    """A folder for ``PATH`` that calls the interpreter ``python``, where the host has it as ``python3`` only.

    Args:
        python: prefix of the installation that commands see.
    """
    if any(os.path.exists(f"{place}/bin/python") for place in (python, "/usr", "/usr/local")):
        return {}
    folder = "/opt/assay/spare"
    return {folder: Bound(os.path.realpath(f"{python}/bin/python3"), f"{folder}/python")}


def extensions(prefix: Path) -> list[Path]:
    """The compiled modules of a Python's standard library."""
    version = (
        f"python{sys.version_info.major}.{sys.version_info.minor}" if prefix == Path(sys.base_prefix) else "python3*"
    )
    return list(prefix.glob(f"lib*/{version}/lib-dynload/*.so"))


@lru_cache(maxsize=8)
def needs(*binaries: Path) -> tuple[str, tuple[str, ...]]:
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
