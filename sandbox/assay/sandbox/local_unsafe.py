"""No walls: commands run as you, in a temporary directory. For tests, oracles, and hosts that are thrown away.

A command can read your files, reach the network, fill the disk, and leave a daemon that clears its environment. What
there is: a directory of its own, an own process group, a clean environment, a time limit, capped output, and limits on
each process's memory and file size.

There is no file system of its own either, so the path ``/testbed`` does not exist for a command. The tree of the
sandbox lies in a temporary directory that every command finds in ``ASSAY_ROOT``; commands start in
``$ASSAY_ROOT/testbed`` (the workdir), and ``cwd`` and the paths of all file calls are mapped in the same way. Elsewhere
``ASSAY_ROOT`` is not set, so that ``"$ASSAY_ROOT/testbed/x"`` is the right name in every back-end. A read-only layer
whose source equals its target is used where it lies.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import sys
import tarfile
import tempfile
import time
import uuid
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from assay.sandbox.base import ExecResult, HostBase, Probe, SandboxSpec
from assay.sandbox.errors import FileRefused, LimitUnsupported, SandboxDied, SandboxError
from assay.sandbox.local_files import Rooted
from assay.sandbox.local_run import run_command
from assay.sandbox.patch import diff_trees
from assay.sandbox.pristine import pristine_directory

PREFIX = "assay-local-"
"""Of the temporary directories' names, by which ``assay-sandbox gc`` finds what a killed parent left."""
OWNER = ".owner"


class LocalUnsafeSandbox:
    """A temporary directory and plain subprocesses; see the module for what it does not hold.

    Args:
        spec: its base must be a :class:`HostBase`; ``pids``, ``disk_mb`` and ``inodes`` are not held, the network is
            always there, and ``memory_mb`` bounds each process alone.
    """

    _warned = False

    def __init__(self, spec: SandboxSpec) -> None:
        if not isinstance(spec.base, HostBase):
            raise LimitUnsupported(
                "local-unsafe shows only the host's own programs", "take backend='native' for a root file system"
            )
        self.spec = spec
        self._top: Path | None = None
        self._snapshots: dict[str, Path] = {}

    @classmethod
    def probe(cls) -> Probe:
        """Works wherever there is bash on a POSIX host."""
        if os.name != "posix" or shutil.which("bash") is None:
            return Probe(False, "needs a POSIX host with bash", "use Linux, or the docker back-end")
        return Probe(True)

    def start(self) -> None:
        """Make the directory and copy the layers; warns, once in a process."""
        if not LocalUnsafeSandbox._warned:
            LocalUnsafeSandbox._warned = True
            warnings.warn(
                "backend 'local-unsafe' runs commands as you, with your files and your network: for trusted code only",
                RuntimeWarning,
                stacklevel=3,
            )
        if self._top is None:
            self._top = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
            (self._top / OWNER).write_text(str(os.getpid()))
            self._populate()

    def exec(
        self,
        cmd: str | Sequence[str],
        *,
        timeout: float,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        user: str | None = None,
    ) -> ExecResult:
        """As in the protocol; ``user`` is ignored, and a daemon that clears its environment survives the kill."""
        if not timeout > 0:
            raise ValueError(f"timeout must be above 0, got {timeout}")
        where = self._files.resolve(cwd or self.spec.workdir)
        if not os.path.isdir(where):
            raise FileRefused(f"no such working directory: {cwd or self.spec.workdir}")
        argv = ["bash", "-c", cmd] if isinstance(cmd, str) else list(cmd)
        variables = {**self._environment(), **(env or {})}
        if not argv or any("\0" in part for part in (*argv, *variables, *variables.values())):
            raise ValueError("a command must have at least one word, and neither it nor its environment a NUL byte")
        if any(not name or "=" in name for name in variables):
            raise ValueError("the name of an environment variable must not be empty or hold '='")
        limits = self.spec.limits
        result = run_command(
            argv,
            timeout=timeout,
            cwd=where,
            env=variables,
            stdin=stdin,
            output_bytes=limits.output_bytes,
            memory_mb=limits.memory_mb,
            file_mb=limits.disk_mb,
        )
        if result.timed_out:
            self.kill_all()
        return result

    def read_file(self, path: str, max_bytes: int = 16 * 2**20) -> bytes:
        """As in the protocol, below the private directory."""
        return self._files.read(path, max_bytes)

    def write_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """As in the protocol, below the private directory."""
        self._files.write(path, data, mode)

    def upload(self, tar: BinaryIO, dest: str) -> None:
        """As in the protocol, below the private directory."""
        self._files.unpack(tar, dest)

    def download(self, src: str, max_bytes: int = 256 * 2**20) -> bytes:
        """As in the protocol, below the private directory."""
        where = self._files.resolve(src)
        out = _Capped(max_bytes)
        try:
            with tarfile.open(fileobj=out, mode="w") as tar:
                tar.add(where, arcname=os.path.basename(src.rstrip("/")) or ".")
        except OSError as error:
            raise FileRefused(f"cannot read {src}: {error.strerror or error}") from error
        return out.getvalue()

    def diff(self, path: str | None = None) -> str:
        """As in the protocol, against the layers' own directories."""
        path = path or self.spec.workdir
        path = os.path.join(self.spec.workdir, path)
        now = self._files.resolve(path)
        with tempfile.TemporaryDirectory(prefix=PREFIX) as scratch:
            return diff_trees(pristine_directory(self.spec.layers, path, scratch), now)

    def snapshot(self) -> str:
        """A copy of the tree."""
        name = uuid.uuid4().hex
        self._snapshots[name] = self._directory / name
        shutil.copytree(self._root, self._snapshots[name], symlinks=True, ignore=_irregular)
        return name

    def restore(self, snapshot: str) -> None:
        """As in the protocol."""
        if snapshot not in self._snapshots:
            raise SandboxError(f"no snapshot {snapshot!r} of this sandbox")
        self.kill_all()
        root = self._root
        _remove(root)
        shutil.copytree(self._snapshots[snapshot], root, symlinks=True)

    def reset(self) -> None:
        """As in the protocol."""
        self.kill_all()
        for kept in (self._root, *self._snapshots.values()):
            _remove(kept)
        self._snapshots.clear()
        self._populate()

    def kill_all(self) -> None:
        """Kill what still has this sandbox's ``ASSAY_ROOT`` in its environment; needs ``/proc``."""
        marker = f"ASSAY_ROOT={self._root}".encode()
        deadline = time.monotonic() + 5
        while (left := _processes_with(marker)) and time.monotonic() < deadline:
            for pid in left:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.005)

    interrupt = kill_all
    """Ends the command that runs now, from another thread."""

    def alive(self) -> bool:
        """Whether the directory is there."""
        return self._top is not None and (self._top / "root").is_dir()

    def close(self) -> None:
        """As in the protocol."""
        if self._top is not None:
            if self.alive():
                self.kill_all()
            _remove(self._top)
            self._top = None

    @property
    def _directory(self) -> Path:
        if self._top is None or not (self._top / "root").is_dir():
            raise SandboxDied("this local-unsafe sandbox is closed, was not started, or its directory is gone")
        return self._top

    @property
    def _root(self) -> Path:
        return self._directory / "root"

    @property
    def _files(self) -> Rooted:
        shown = tuple(layer.source for layer in self.spec.layers if not layer.writable and layer.source == layer.target)
        return Rooted(os.fspath(self._root), shown, self.spec.workdir)

    def _populate(self) -> None:
        assert self._top is not None
        root = self._top / "root"
        root.mkdir()
        for folder in ("home/agent", "tmp", "bin"):
            (root / folder).mkdir(parents=True)
        (root / "bin" / "python").symlink_to(f"{self._prefix()}/bin/python3")  # some installations have no such name
        files = Rooted(os.fspath(root))
        for layer in self.spec.layers:
            if not os.path.isdir(layer.source):
                raise FileRefused(f"layer {layer.source} is not a directory")
            if layer.writable or layer.source != layer.target:
                shutil.copytree(layer.source, files.resolve(layer.target), symlinks=True, dirs_exist_ok=True)
        os.makedirs(files.resolve(self.spec.workdir), exist_ok=True)

    def _prefix(self) -> str:
        assert isinstance(self.spec.base, HostBase)
        return self.spec.base.python or sys.base_prefix

    def _environment(self) -> dict[str, str]:
        root = os.fspath(self._root)
        return {
            "PATH": f"{self._prefix()}/bin:{root}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": f"{root}/home/agent",
            "TMPDIR": f"{root}/tmp",
            "LANG": "C.UTF-8",
            **self.spec.env,
            "ASSAY_ROOT": root,
        }


class _Capped(io.BytesIO):
    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def write(self, data: object) -> int:
        if self.tell() + len(memoryview(data)) > self.limit:  # type: ignore[arg-type]
            raise FileRefused(f"more than {self.limit:,} bytes")
        return super().write(data)  # type: ignore[arg-type]


def _irregular(folder: str, names: list[str]) -> list[str]:
    """Pipes and sockets, which ``copytree`` would wait for."""
    return [
        name
        for name in names
        if not (os.path.islink(p := os.path.join(folder, name)) or os.path.isdir(p) or os.path.isfile(p))
    ]


def _processes_with(marker: bytes) -> list[int]:
    found = []
    with suppress(FileNotFoundError):
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) != os.getpid():
                with suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
                    if marker in file.read().split(b"\0"):
                        found.append(int(name))
    return found


def _remove(path: Path) -> None:
    """Also what a command made unreadable for us."""

    def retry(_: object, name: str, __: object) -> None:
        with suppress(OSError):
            os.chmod(os.path.dirname(name), 0o700)
            os.chmod(name, 0o700, follow_symlinks=True) if not os.path.islink(name) else None
        with suppress(OSError):
            shutil.rmtree(name) if os.path.isdir(name) and not os.path.islink(name) else os.unlink(name)

    shutil.rmtree(path, onerror=retry)
