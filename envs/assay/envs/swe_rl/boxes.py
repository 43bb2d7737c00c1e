"""What a task's sandbox looks like, and the sandboxes that all environments of a process share."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from assay.envs.errors import InfraError
from assay.envs.swe_rl.bases import RepoError
from assay.envs.swe_rl.pyenvs import PythonEnvError, cache_root, cached_folder, env_of, host_pytest, without_packages
from assay.envs.swe_rl.pyenvs.cache import key_of
from assay.envs.swe_rl.repos import pristine
from assay.envs.swe_rl.rows import SweRow
from assay.sandbox import HostBase, Image, Layer, Limits, Sandbox, SandboxError, SandboxSpec
from assay.sandbox.pool import Lease, SandboxPool

TESTBED = "/testbed"
TOOLS_AT = "/opt/assay/swe"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FIXED = {
    "TZ": "UTC",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONIOENCODING": "utf-8",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
    "PIP_NO_INPUT": "1",
}
"""What could make the same tests give other results, pinned; and what would make a command wait for a person."""
LIMITS = Limits(memory_mb=2048, disk_mb=1024, pids=256, cpus=2.0)


@dataclass(frozen=True)
class Place:
    """Where a task runs.

    Attributes:
        spec: of the sandbox.
        python: the interpreter for tests, as the sandbox names it.
        sources: folders of the repository to import from, relative to its top.
        paths: folders with a pytest, for a Python that may have none.
        bare: whether the packages that are installed for that Python are left out: it is the host's own.
    """

    spec: SandboxSpec
    python: str
    sources: tuple[str, ...]
    paths: tuple[str, ...] = ()
    bare: bool = False


def place_of(row: SweRow, repos: str = "", backend: str = "auto") -> Place:
    """The sandbox of ``row``: its pristine files or image, its Python, pytest, and our tools.

    Raises:
        InfraError: if its files or its Python cannot be had; one line that says what to do.
    """
    sources = tuple(str(each) for each in row.environment.get("pythonpath") or (".",))
    if row.image and not repos and not row.environment.get("files"):
        pytest = host_pytest()
        spec = SandboxSpec(Image(row.image), (pytest, _tools()), LIMITS, {**FIXED}, TESTBED)
        return Place(spec, str(row.environment.get("executable") or "python3"), sources, (pytest.target,))
    try:
        tree = Layer(str(pristine(row, repos)), TESTBED)
    except RepoError as error:
        raise InfraError(str(error)) from None
    wanted = row.environment
    if wanted.get("python") or wanted.get("requirements"):
        try:
            env = env_of(wanted, backend=backend)
        except (PythonEnvError, ValueError) as error:
            raise InfraError(f"{row.instance_id}: {error}") from error
        hidden = without_packages(env.python.prefix)
        variables = {**FIXED, **env.env}
        variables["PATH"] = f"{TOOLS_AT}/bin:{variables.get('PATH', PATH)}:{TOOLS_AT}/spare"
        return Place(
            SandboxSpec(env.base, (*hidden, tree, *env.layers, _tools()), LIMITS, variables, TESTBED),
            env.executable, sources,
        )  # fmt: skip
    pytest = host_pytest()
    base = HostBase()
    hidden = without_packages(sys.base_prefix)
    python = _host_python()
    variables = {**FIXED, "PATH": f"{TOOLS_AT}/bin:{Path(python).parent}:{PATH}:{TOOLS_AT}/spare"}
    spec = SandboxSpec(base, (*hidden, tree, pytest, _tools()), LIMITS, variables, TESTBED)
    return Place(spec, python, sources, (pytest.target,), bare=True)


@cache
def _host_python() -> str:
    from assay.envs.swe_rl.pyenvs import running_python

    return running_python().path


@cache
def _tools() -> Layer:
    """The files of ``inside``, copied to where any user may read them."""
    here = Path(__file__).parent / "inside"
    files = {path.name: path.read_bytes() for path in sorted(here.glob("*.py"))}

    def make(part: Path) -> dict[str, Any]:
        commands = part / "bin"
        commands.mkdir()
        for name, data in files.items():
            (part / name).write_bytes(data)
        for name in ("view", "search", "edit", "submit"):
            script = commands / name
            script.write_text(f'#!/bin/sh\nexec python3 -s -B "$(dirname "$0")/../agent_tools.py" {name} "$@"\n')
            script.chmod(0o755)
        spare = part / "spare" / "python"  # some installations have only a python3
        spare.parent.mkdir()
        spare.write_text('#!/bin/sh\nexec python3 "$@"\n')
        spare.chmod(0o755)
        return {}

    key = key_of("tools", 3, {name: data.decode() for name, data in files.items()})
    return Layer(str(cached_folder(cache_root() / "swe" / "tools" / key, make)), TOOLS_AT, writable=False)


class Boxes:
    """One pool of sandboxes for each back-end and size, shared by every environment of the process."""

    def __init__(self) -> None:
        self._pools: dict[tuple[int, str, int], SandboxPool] = {}
        self._lock = threading.Lock()

    def lease(self, spec: SandboxSpec, backend: str, size: int, wait: float | None = None) -> Lease:
        """The right to a sandbox; enter it to have one."""
        with self._lock:
            key = (os.getpid(), backend, size)  # a forked process must not touch its parent's sandboxes
            pool = self._pools.get(key)
            if pool is None:
                pool = self._pools[key] = SandboxPool(size=size, backend=backend)
        return pool.lease(spec, timeout=wait)

    def close(self) -> None:
        """Close every pool; a later lease opens new ones."""
        with self._lock:
            pools, self._pools = list(self._pools.items()), {}
        for (pid, *_), pool in pools:
            if pid == os.getpid():
                pool.close()


BOXES = Boxes()
atexit.register(BOXES.close)


@contextmanager
def infra() -> Iterator[None]:
    """Turn every failure around a sandbox into an :class:`InfraError`, which is never a reward."""
    try:
        yield
    except SandboxError as error:
        raise InfraError(f"{type(error).__name__}: {error}") from error


@contextmanager
def borrowed(spec: SandboxSpec, backend: str, size: int) -> Iterator[Sandbox]:
    """A sandbox for one block, fresh or reset.

    Raises:
        InfraError: for whatever goes wrong around it.
    """
    with infra(), BOXES.lease(spec, backend, size) as box:
        yield box
