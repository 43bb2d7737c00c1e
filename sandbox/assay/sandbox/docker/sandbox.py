"""The docker back-end: the sandbox protocol over one container, its server, and the daemon."""

from __future__ import annotations

import posixpath
import tempfile
import threading
import uuid
from contextlib import suppress
from typing import BinaryIO

from assay.sandbox.base import Probe, SandboxSpec, SnapshotId
from assay.sandbox.channel import FILE_SECONDS, Served
from assay.sandbox.docker import delta, owner
from assay.sandbox.docker.cell import Cell, StaleCopy
from assay.sandbox.docker.engine import Engine, connect
from assay.sandbox.docker.plan import HOME, user_id, writable
from assay.sandbox.docker.prepare import make_plan
from assay.sandbox.docker.spares import Spares
from assay.sandbox.errors import SandboxError, SandboxUnavailable
from assay.sandbox.patch import MAX_BYTES, make_patch

MIB = 1 << 20


class DockerSandbox(Served):
    """A container of a Docker or Podman daemon (``DOCKER_HOST``) for commands of strangers.

    Its root file system is read-only; the workdir, writable layers, ``/tmp`` and ``/home/agent`` are tmpfs, filled
    from read-only copies beside them. There is no network unless the spec says so. Commands run as ``nobody``
    (``root``: as root) without any capability.

    Args:
        spec: what it looks like.
    """

    def __init__(self, spec: SandboxSpec) -> None:
        super().__init__(spec)
        user_id(spec)
        self._cell: Cell | None = None
        self._snapshots: dict[str, BinaryIO] = {}

    @classmethod
    def probe(cls) -> Probe:
        """Whether the SDK is installed and a daemon answers."""
        try:
            connect()
        except SandboxUnavailable as error:
            return Probe(False, error.reason, error.fix)
        return Probe(True)

    @classmethod
    def keep_spares(cls, spec: SandboxSpec, count: int, *, wait: float = 0.0) -> bool:
        """Have containers of a spec made in the background, so that :meth:`start` takes one instead of making it.

        Args:
            spec: what they look like.
            count: how many are kept ready from now on; 0: none, and those that wait are removed.
            wait: seconds to wait until they are ready.

        Returns:
            Whether they are ready.
        """
        _spares.keep(spec.key(), count, lambda: _make(spec))
        return _spares.wait(spec.key(), count, wait) if wait else _spares.ready(spec.key()) >= count

    def start(self) -> None:
        """Take a spare container, or create one.

        Raises:
            SandboxUnavailable: no SDK, no daemon, no such image, layer or runtime.
        """
        if self._cell is None:
            self._cell = _spares.take(self.spec.key()) or _make(self.spec)
            self._channel = self._cell.channel
            self._env = {**Served._env, "HOME": HOME, **self._cell.plan.env}

    def diff(self, path: str | None = None) -> str:
        """What changed below ``path``, found by comparing contents with the pristine copy.

        Raises:
            FileRefused: more than 64 MiB changed, or directories are nested more than 200 deep.
        """
        top = posixpath.normpath(self._path(path or ""))
        cell = self._running()
        targets = writable(cell.plan)
        numbers = [index for index, target in enumerate(targets) if _below(target, top) or _below(top, target)]
        data = self._changes(numbers, 2 * MAX_BYTES, old=True)
        return make_patch(*delta.trees(data, targets, top))

    def snapshot(self) -> SnapshotId:
        """The changes since the beginning, kept in a temporary file on this side, where no command can reach them.

        Raises:
            FileRefused: the changes are larger than the memory limit, in which the container puts them together.
        """
        cell = self._running()
        data = self._changes(list(range(len(writable(cell.plan)))), self.spec.limits.memory_mb * MIB)
        file = tempfile.TemporaryFile(prefix="assay-snapshot-")  # noqa: SIM115 - closed when it is forgotten
        file.write(data)
        name = uuid.uuid4().hex
        self._snapshots[name] = file
        return name

    def restore(self, snapshot: SnapshotId) -> None:
        """Back to a snapshot: everything is killed, filled anew, and the snapshot's changes are made again."""
        if snapshot not in self._snapshots:
            raise SandboxError(f"no snapshot {snapshot!r} of this sandbox")
        file = self._snapshots[snapshot]
        self._live().call("reset", timeout=FILE_SECONDS)
        for removed, data in delta.parts(file):
            self._live().call("apply", removed=removed, body=data, timeout=FILE_SECONDS)

    def reset(self) -> None:
        """Back to the beginning, in the same container: kill everything, empty every writable place, fill it again."""
        self._live().call("reset", timeout=FILE_SECONDS)
        self._forget()

    def close(self) -> None:
        """Remove the container. Safe to call twice, and with the daemon gone."""
        self._forget()
        if self._cell is not None:
            self._cell.close()
            self._cell = self._channel = None

    def _changes(self, numbers: list[int], most: int, *, old: bool = False) -> bytes:
        return self._live().call("changes", roots=numbers, old=old, max=most, most=most, timeout=FILE_SECONDS)[1]

    def _forget(self) -> None:
        for file in self._snapshots.values():
            file.close()
        self._snapshots.clear()

    def _running(self) -> Cell:
        self._live()
        assert self._cell is not None
        return self._cell


def _make(spec: SandboxSpec) -> Cell:
    engine = connect()
    _sweep_once(engine)
    try:
        return Cell(engine, make_plan(spec, engine), spec)
    except StaleCopy:
        return Cell(engine, make_plan(spec, engine), spec)


def _sweep_once(engine: Engine) -> None:
    with _guard:
        if engine.address in _swept:
            return
        _swept.add(engine.address)
    with suppress(SandboxError):
        owner.sweep(engine=engine)


def _below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")


_spares = Spares()
_swept: set[str] = set()
_guard = threading.Lock()
