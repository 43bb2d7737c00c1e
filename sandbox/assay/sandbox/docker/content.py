"""Where pristine content comes from: the host's own directories, or volumes that hold copies of them."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tarfile
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from assay.sandbox.docker.engine import Engine, EngineRefused
from assay.sandbox.docker.images import fingerprint
from assay.sandbox.docker.owner import LABEL, labels, new_name, release
from assay.sandbox.docker.plan import PRIVATE, Bound
from assay.sandbox.errors import ImageMissing, SandboxUnavailable

HELPER_SECONDS = 600.0
PAGE = 4096

# Runs in a helper container: what a directory would take on a tmpfs, and which of some paths there are.
MEASURE = """
import json, os, sys
size = files = 0
for folder, folders, names in os.walk(sys.argv[1]):
    files += len(folders) + len(names)
    for name in names:
        size += -(-os.lstat(os.path.join(folder, name)).st_size // 4096) * 4096
there = [path for path in sys.argv[2:] if os.path.exists(path)]
print(json.dumps({"bytes": size, "files": files, "there": there, "python": sys.executable}))
"""

# Runs in an image's own shell: the first Python that is new enough takes over.
FIND_PYTHON = """
for p in python3 /opt/miniconda3/bin/python3 /opt/miniconda3/envs/testbed/bin/python /usr/local/bin/python3 \
/usr/bin/python3 /usr/libexec/platform-python python; do
  if "$p" -I -S -c 'import ctypes, sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1; then
    exec "$p" -I -S "$@"
  fi
done
exit 77
"""
NO_PYTHON = 77


def shares_files(engine: Engine, image: str) -> bool:
    """Whether the engine mounts this host's files: a local socket may still lead into a virtual machine.

    Tried once for each engine, by looking for a file of ours in a container that is never started.
    """
    with _lock:
        if engine.address not in _sharing:
            _sharing[engine.address] = engine.local and _shares(engine, image)
        return _sharing[engine.address]


def _shares(engine: Engine, image: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="assay-probe-") as folder:
        word = secrets.token_bytes(16)
        Path(folder, "word").write_bytes(word)
        try:
            container = create_helper(engine, image, ["/none"], [Bound(folder, f"{PRIVATE}/probe")])
        except EngineRefused:
            return False
        try:
            chunks, _ = engine.ask(lambda api: api.get_archive(container, f"{PRIVATE}/probe/word"))
            return word in b"".join(chunks)
        except EngineRefused:
            return False
        finally:
            remove_helper(engine, container)


def layer(engine: Engine, source: str, target: str, local: bool) -> Bound:
    """A host directory as a read-only mount: itself, or for another machine's engine a volume with a copy.

    Raises:
        SandboxUnavailable: there is no such directory.
    """
    if not os.path.isdir(source):
        raise SandboxUnavailable(f"the layer {source} is no directory", "give the absolute path of one")
    if local:
        return Bound(os.path.realpath(source), target)
    name = f"assay-layer-{fingerprint(source)}"

    def write(image: str) -> None:
        container = create_helper(engine, image, ["/none"], [Bound(name, "/layer", True)], write=True)
        try:
            with tempfile.TemporaryFile(prefix="assay-layer-") as file:
                with tarfile.open(fileobj=file, mode="w") as tar:
                    tar.add(source, arcname=".")
                file.seek(0)
                engine.ask(lambda api: api.put_archive(container, "/layer", file), repeat=False)
        finally:
            remove_helper(engine, container)

    from assay.sandbox.docker.images import build_skeleton

    ready_volume(engine, name, lambda: write(build_skeleton(engine)))
    return Bound(name, target, True)


def image_content(engine: Engine, image: str, path: str) -> str:
    """The name of a volume with what an image holds at ``path`` (empty if nothing): the engine itself copies it."""
    digest = hashlib.sha256(f"{image}\0{path}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
    name = f"assay-base-{digest}"

    def write() -> None:
        remove_helper(engine, create_helper(engine, image, ["/none"], [Bound(name, path, True)], write=True))

    ready_volume(engine, name, write)
    return name


def ready_volume(engine: Engine, name: str, write: Callable[[], None]) -> None:
    """A volume that ``write`` has filled, by this process or another; a second, empty one marks that it is whole."""
    with _lock:
        if (engine.address, name) in _filled:
            return
        if not (_ours(engine, name) and _ours(engine, f"{name}.whole")):
            for part in (name, f"{name}.whole"):
                _remove_volume(engine, part)  # half full, left by a process that was killed, or half removed
            engine.ask(lambda api: api.create_volume(name, labels=labels("cache")))
            write()
            engine.ask(lambda api: api.create_volume(f"{name}.whole", labels=labels("cache")))
        _filled.add((engine.address, name))


def untouched(engine: Engine, volumes: Sequence[str]) -> bool:
    """Whether volumes that a container was just created with are ours, and not made empty because ours were removed."""
    if all(_ours(engine, name) for name in volumes):
        return True
    with _lock:
        _filled.difference_update({(engine.address, name) for name in volumes})
    return False


def measure_host(path: str) -> tuple[int, int]:
    """Bytes in whole pages, and files, of a directory here."""
    size = files = 0
    for folder, folders, names in os.walk(path):
        files += len(folders) + len(names)
        size += sum(-(-os.lstat(os.path.join(folder, name)).st_size // PAGE) * PAGE for name in names)
    return size, files


@lru_cache(maxsize=256)
def facts(
    engine: Engine, image: str, volume: str, python: tuple[str, ...], bounds: tuple[Bound, ...]
) -> dict[str, Any]:
    """What an image has: ``bytes`` and ``files`` of its content, ``there`` of :data:`LOOKED_FOR`, and a ``python``.

    Args:
        engine: where it is.
        image: its id.
        volume: with the content to measure.
        python: how to run a Python that is mounted; empty: one is looked for in the image.
        bounds: what that needs.

    Raises:
        SandboxUnavailable: the image has neither a Python nor a shell to look for one.
    """
    start = list(python) or ["/bin/sh", "-c", FIND_PYTHON, "sh"]
    flags = ["-I", "-S"] if python else []
    command = [*start, *flags, "-c", MEASURE, f"{PRIVATE}/content", *LOOKED_FOR]
    container = create_helper(engine, image, command, [*bounds, Bound(volume, f"{PRIVATE}/content", True)])
    try:
        engine.ask(lambda api: api.start(container), repeat=False)
        code = engine.ask(lambda api: api.wait(container, timeout=HELPER_SECONDS))["StatusCode"]
        printed = engine.ask(lambda api: api.logs(container, stdout=True, stderr=code != 0)).decode("utf-8", "replace")
    except EngineRefused as error:
        raise SandboxUnavailable(f"cannot run {start[0]} in the image: {error}", NEEDS_PYTHON) from error
    finally:
        remove_helper(engine, container)
    if code:
        reason = (
            "no Python 3.6 or newer in the image" if code == NO_PYTHON else f"{start[0]} fails in it: {printed[-300:]}"
        )
        raise SandboxUnavailable(reason, NEEDS_PYTHON)
    found: dict[str, Any] = json.loads(printed)
    return found


TESTBED = "/opt/miniconda3/envs/testbed"
LOOKED_FOR = (f"{TESTBED}/bin/python",)
NEEDS_PYTHON = "install Python 3 (>= 3.6, with ctypes) in the image; on an engine of this host none is needed"


def create_helper(
    engine: Engine, image: str, command: Sequence[str], bounds: Sequence[Bound], *, write: bool = False
) -> str:
    """A container for one call, by name: no network, no capability, not started."""
    name = new_name("helper")
    settings = engine.api.create_host_config(
        network_mode="none",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        mem_limit=1 << 30,
        pids_limit=64,
        mounts=mounts(bounds, write=write),
    )

    def create(api: Any) -> None:
        api.create_container(
            image,
            name=name,
            entrypoint=list(command[:1]),
            command=list(command[1:]),
            user="0:0",
            working_dir="/",
            labels=labels("helper"),
            host_config=settings,
        )

    try:
        engine.ask(create, repeat=False)
    except BaseException:
        release(name)
        raise
    return name


def remove_helper(engine: Engine, container: str) -> None:
    """Remove it; nothing if it is gone."""
    engine.quietly(lambda api: api.remove_container(container, force=True))
    release(container)


def mounts(bounds: Sequence[Bound], *, write: bool = False) -> list[dict[str, Any]]:
    """The mounts of the API, read-only unless told otherwise; a host path that is not there is refused, not made."""
    return [
        {
            "Type": "volume" if bound.volume else "bind",
            "Source": bound.source,
            "Target": bound.target,
            "ReadOnly": not write,
        }
        for bound in bounds
    ]


def _remove_volume(engine: Engine, name: str) -> None:
    engine.quietly(lambda api: api.remove_volume(name))


def _ours(engine: Engine, volume: str) -> bool:
    try:
        found = engine.ask(lambda api: api.inspect_volume(volume))
    except (EngineRefused, ImageMissing):
        return False
    return LABEL in (found.get("Labels") or {})


_lock = threading.RLock()
_sharing: dict[str, bool] = {}
_filled: set[tuple[str, str]] = set()
