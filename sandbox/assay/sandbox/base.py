"""What a sandbox is: the specification of one, and the few calls that every back-end answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import BinaryIO, Protocol, TypeAlias, runtime_checkable

SnapshotId: TypeAlias = str


@dataclass(frozen=True, slots=True)
class HostBase:
    """The host's own programs, read-only: ``/usr``, ``/bin``, ``/lib*``, and of ``/etc`` what programs need to start.

    Nothing of ``/home``, ``/root``, ``/var`` or ``/tmp`` is visible.

    Attributes:
        python: prefix of a Python installation to show at the same path and to put first on ``PATH``; empty: the one
            that runs Assay.
    """

    python: str = ""


@dataclass(frozen=True, slots=True)
class RootFS:
    """An unpacked root file system: a directory made by debootstrap, ``docker export`` or a closure tar."""

    path: str


@dataclass(frozen=True, slots=True)
class Image:
    """A container image, by name. Only the docker back-end runs it as it is.

    Attributes:
        name: repository and tag; looked for locally first.
        pull: whether a missing one may be pulled.
    """

    name: str
    pull: bool = False


BaseFS: TypeAlias = HostBase | RootFS | Image


@dataclass(frozen=True, slots=True)
class Layer:
    """A directory of the host shown inside.

    Attributes:
        source: absolute path on the host; never written to.
        target: absolute path inside.
        writable: changes are kept in memory until the reset (an overlay or a copy); else it is read-only.
    """

    source: str
    target: str
    writable: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sandbox may use. A back-end that cannot hold one says so (``doctor``) or refuses (``LimitUnsupported``).

    Attributes:
        memory_mb: MiB of memory of all processes together.
        disk_mb: MiB that may be written, over all writable places together.
        inodes: files that may be made.
        pids: processes and threads alive at once.
        cpus: cores' worth of CPU time.
        output_bytes: of each of stdout and stderr that are kept of a command; the rest is counted and dropped.
        network: whether there is any network but loopback.
        debug: whether ``ptrace`` is allowed, for gdb and strace.
    """

    memory_mb: int = 1024
    disk_mb: int = 512
    inodes: int = 200_000
    pids: int = 128
    cpus: float = 1.0
    output_bytes: int = 262_144
    network: bool = False
    debug: bool = False

    def __post_init__(self) -> None:
        for name in ("memory_mb", "disk_mb", "inodes", "pids", "cpus", "output_bytes"):
            if not getattr(self, name) > 0:
                raise ValueError(f"limit {name} must be above 0, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """Everything that decides what a new sandbox looks like.

    Attributes:
        base: the root file system.
        layers: directories shown on top, in order.
        limits: what it may use.
        env: environment of every command; nothing of the parent's environment is passed on.
        workdir: where commands start and what :meth:`Sandbox.diff` compares; made if absent.
        user: ``agent`` (without any privilege) or ``root`` (root inside, still nobody outside), where the back-end
            knows the difference.
        runtime: OCI runtime of the docker back-end, such as ``runsc``; empty: the daemon's default.
    """

    base: BaseFS = field(default_factory=HostBase)
    layers: tuple[Layer, ...] = ()
    limits: Limits = field(default_factory=Limits)
    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/testbed"
    user: str = "agent"
    runtime: str = ""

    def key(self) -> str:
        """A hash of all of it: equal for specs whose sandboxes can stand for one another."""
        data = [type(self.base).__name__, asdict(self)]
        return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a command did.

    Attributes:
        exit_code: as a shell gives it (128 + signal for a killed one); None if the time limit ended it.
        stdout: at most ``output_bytes`` of it.
        stderr: likewise.
        timed_out: the time limit ended it.
        oom: the memory limit killed one of its processes.
        truncated: bytes dropped from stdout and stderr together.
        duration: seconds.
    """

    exit_code: int | None
    stdout: bytes = b""
    stderr: bytes = b""
    timed_out: bool = False
    oom: bool = False
    truncated: int = 0
    duration: float = 0.0

    def text(self) -> str:
        """stdout, then stderr, as text; what is not UTF-8 is replaced."""
        return (self.stdout + self.stderr).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a back-end works on this host.

    Attributes:
        ok: a sandbox can be started.
        reason: if not, what is missing, one line.
        fix: and what to do about it, one line.
    """

    ok: bool
    reason: str = ""
    fix: str = ""


@runtime_checkable
class Sandbox(Protocol):
    """A closed place in which a stranger's commands run.

    Calls on one sandbox are made one at a time. Every call raises :class:`~assay.sandbox.errors.SandboxDied` once the
    sandbox is gone; a failing *command* is a result, never an exception.
    """

    spec: SandboxSpec

    def start(self) -> None:
        """Make it ready; ``SandboxUnavailable`` if the host cannot."""
        ...

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
        """Run a command: a string through ``bash``, a sequence as it is.

        When ``timeout`` seconds are over every process of the sandbox is killed, not only the command. A process left
        in the background by a command that ended does not delay the return.
        """
        ...

    def read_file(self, path: str, max_bytes: int = 16 * 2**20) -> bytes:
        """A regular file's bytes; links are followed inside the sandbox; ``FileRefused`` for anything else."""
        ...

    def write_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Write a file, making its folders."""
        ...

    def upload(self, tar: BinaryIO, dest: str) -> None:
        """Unpack a tar below ``dest``; members that lead out of it, devices and hard links out are ``FileRefused``."""
        ...

    def download(self, src: str, max_bytes: int = 256 * 2**20) -> bytes:
        """A file or folder as an uncompressed tar; ``FileRefused`` if it would be larger."""
        ...

    def diff(self, path: str | None = None) -> str:
        """What changed below ``path`` (default: the workdir) since start or reset, as a ``git apply`` patch.

        Binary files are in it as git's binary patches. Computed from the layer's files on the host or the pristine
        copy, never from a ``.git`` that the sandbox could have changed.
        """
        ...

    def snapshot(self) -> SnapshotId:
        """Remember the files as they are; processes are not part of it."""
        ...

    def restore(self, snapshot: SnapshotId) -> None:
        """Back to a snapshot of this sandbox; every process in it is killed."""
        ...

    def reset(self) -> None:
        """Back to the beginning: files as in the spec, no processes, no snapshots."""
        ...

    def kill_all(self) -> None:
        """Kill every process that commands have left."""
        ...

    def alive(self) -> bool:
        """Whether it answers; never raises."""
        ...

    def close(self) -> None:
        """Remove everything. Safe to call twice, and on a dead one."""
        ...
