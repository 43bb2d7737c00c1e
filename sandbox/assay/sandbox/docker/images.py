"""The image behind each base, made on this host where there is no registry; never pulled unless asked."""

from __future__ import annotations

import hashlib
import os
import sys
import tarfile
import tempfile
from collections.abc import Callable
from typing import Any, BinaryIO

from assay.sandbox.base import Image
from assay.sandbox.docker import closure, names
from assay.sandbox.docker.engine import Engine, EngineRefused, connect
from assay.sandbox.docker.hosted import TOP_LINKS
from assay.sandbox.docker.owner import LABEL
from assay.sandbox.errors import ImageMissing, SandboxUnavailable

CHUNK = 1 << 20
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find_image(base: Image, engine: Engine) -> dict[str, Any]:
    """What the engine knows of a named image; nothing is pulled unless ``base.pull``.

    Raises:
        ImageMissing: it is not there; with the command that gets it.
    """
    try:
        return inspect(engine, base.name)
    except (ImageMissing, EngineRefused):
        if not base.pull:
            raise _missing(base.name) from None
    try:
        engine.ask(lambda api: api.pull(*_repository(base.name)))
        return inspect(engine, base.name)
    except (ImageMissing, EngineRefused) as error:
        raise ImageMissing(f"cannot pull {base.name}: {error}", f"try `docker pull {base.name}`") from error


def inspect(engine: Engine, name: str) -> dict[str, Any]:
    """An image's record: ``Id``, ``Config``, ``Architecture`` and so on.

    Raises:
        ImageMissing: no such image.
    """
    found: dict[str, Any] = engine.ask(lambda api: api.inspect_image(name))
    return found


def build_from_rootfs(path: str, tag: str = "", engine: Engine | None = None) -> str:
    """Make an image of an unpacked root file system.

    Args:
        path: its directory.
        tag: name of the image; default ``assay-rootfs:<hash of paths, sizes, modes and times>``.
        engine: default: the one of ``DOCKER_HOST``.

    Returns:
        The image's name; one that is there already under the default name is not made again.

    Raises:
        SandboxUnavailable: no engine, or no such directory, or files in it cannot be read.
    """
    if not os.path.isdir(path):
        raise SandboxUnavailable(f"no directory {path} to make an image of", "unpack a root file system there")
    name = tag or f"assay-rootfs:{fingerprint(path)}"
    return _import(name, lambda out: _write_rootfs(out, path), engine or connect(), always=bool(tag))


def build_host_closure(tag: str = "", python: str = "", engine: Engine | None = None) -> str:
    """Make an image of this host's bash, coreutils, git, certificates, and a Python without its site-packages.

    Args:
        tag: name of the image; default ``assay-host:<hash>``, made once for a state of the host.
        python: prefix of the Python to put in; default: the one that runs this.
        engine: default: the one of ``DOCKER_HOST``.

    Returns:
        The image's name.

    Raises:
        SandboxUnavailable: no engine, or no ``ldd``.
    """
    python = python or sys.base_prefix
    name = tag or f"assay-host:{_hash(closure.closure_key(python))}"
    return _import(
        name,
        lambda out: closure.write_closure(out, python),
        engine or connect(),
        always=bool(tag),
        path=f"{os.path.realpath(python)}/bin:{PATH}",
    )


def build_skeleton(engine: Engine) -> str:
    """The image below :class:`HostBase` where the engine sees this host's files: no programs, they are mounted."""
    links = [f"{name} {os.readlink('/' + name)}" for name in TOP_LINKS if os.path.islink(f"/{name}")]
    name = f"assay-skeleton:{_hash('1', closure.PASSWD, *links)}"
    return _import(name, closure.write_skeleton, engine)


def fingerprint(path: str) -> str:
    """A hash of the paths, kinds, sizes and times below a directory; contents are not read."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted([*files, *folders]):
            info = os.lstat(os.path.join(folder, name))
            row = f"{folder[len(path) :]}/{name}\0{info.st_mode}\0{info.st_size}\0{info.st_mtime_ns}\n"
            digest.update(row.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def _import(
    name: str,
    write: Callable[[BinaryIO], None],
    engine: Engine,
    *,
    always: bool = False,
    path: str = PATH,
) -> str:
    if not always:
        try:
            inspect(engine, name)
            return name
        except (ImageMissing, EngineRefused):
            pass
    repository, tag = _repository(name)
    changes = [f"ENV PATH={path}", f"LABEL {LABEL}=image"]
    if name.startswith("assay-host"):
        changes.append("ENV " + " ".join(f"{variable}={closure.CA_INSIDE}" for variable in closure.CA_VARIABLES))
    with tempfile.TemporaryFile(prefix="assay-image-") as file:
        write(file)
        file.seek(0)
        # an iterator and not the file: the SDK announces chunks, and only for an iterator does it send them
        chunks = iter(lambda: file.read(CHUNK), b"")
        engine.ask(lambda api: api.import_image_from_stream(chunks, repository, tag, changes), repeat=False)
    inspect(engine, name)
    return name


def _write_rootfs(out: BinaryIO, path: str) -> None:
    def wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        top = member.name.lstrip("./").split("/")
        volatile = len(top) > 1 and top[0] in ("proc", "sys", "dev")
        return None if volatile or member.ischr() or member.isblk() or member.isfifo() else member

    try:
        with tarfile.open(fileobj=out, mode="w|") as tar:
            tar.add(path, arcname=".", filter=wanted)
    except OSError as error:
        raise SandboxUnavailable(
            f"cannot read {error.filename or path}: {error.strerror}", "make the root file system's files readable"
        ) from error


def _repository(name: str) -> tuple[str, str]:
    """Repository and tag; a colon in the last part only is a tag, one before is a port."""
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "latest")


def _missing(name: str) -> ImageMissing:
    published = {"sweb.eval.": names.SWE_BENCH_NAMESPACE, "swesmith.": names.SWE_SMITH_NAMESPACE}
    namespace = next((space for start, space in published.items() if name.startswith(start)), "")
    if name.startswith("assay-host"):
        call = f"from assay.sandbox.docker import build_host_closure; build_host_closure({name!r})"
        fix = f'build it with `python -c "{call}"`'
    elif namespace:
        there = f"{namespace}/{name.replace('__', '_1776_')}"
        fix = f"get it with `docker pull {there} && docker tag {there} {name}`"
    else:
        fix = f"get it with `docker pull {name}`, or ask for Image({name!r}, pull=True)"
    return ImageMissing(f"there is no image {name} on this host", fix)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]
