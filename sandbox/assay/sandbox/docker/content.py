"""Where pristine content comes from: the host's own directories, or volumes that hold copies of them."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import sys
import tarfile
import tempfile
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from assay.sandbox.docker.engine import Engine, EngineRefused
from assay.sandbox.docker.helpers import create_helper, ready_volume, remove_helper
from assay.sandbox.docker.images import build_skeleton, fingerprint
from assay.sandbox.docker.plan import PRIVATE, Bound
from assay.sandbox.errors import SandboxUnavailable

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
TESTBED = "/opt/miniconda3/envs/testbed"
LOOKED_FOR = (f"{TESTBED}/bin/python",)
NEEDS_PYTHON = "install Python 3 (>= 3.6, with ctypes) in the image; on an engine of this host none is needed"


def shares_files(engine: Engine, image: str) -> bool:
    """Whether the engine mounts this host's files: a local socket may still lead into a virtual machine.

    Tried once for each engine, by looking for a file of ours in a container that is never started.
    """
    with _lock:
        if engine.address not in _sharing:
            _sharing[engine.address] = engine.local and _same_kernel(engine) and _shares(engine, image)
        return _sharing[engine.address]


def _same_kernel(engine: Engine) -> bool:
    """Programs of this host can only run on an engine whose kernel is this host's."""
    return sys.platform == "linux" and engine.info().get("KernelVersion") == platform.release()


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


_lock = threading.Lock()
_sharing: dict[str, bool] = {}
