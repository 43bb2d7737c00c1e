"""Sandboxes made by bubblewrap, for hosts that trust it more than our own namespaces; our server runs inside.

bubblewrap makes the walls: namespaces, mounts, no capabilities. Ours are the seccomp filters, the limits on each
process, and a watch on the sum of their memory. A reset is a new process. Writable layers are copied into memory.

What is not held: ``cpus`` and ``inodes`` (bubblewrap can set neither); memory is looked at ten times a second, not
counted by the kernel. A root file system's own directories are read-only.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from socket import socket, socketpair

from assay.sandbox.base import Probe, SandboxSpec
from assay.sandbox.bubblewrap_plan import HOME, Plan, arguments, plan_for, server_options, users
from assay.sandbox.channel import GRACE, Channel, FdStream, Served
from assay.sandbox.errors import FileRefused, SandboxDied, SandboxError, SandboxUnavailable
from assay.sandbox.patch import diff_entries, tar_entries
from assay.sandbox.pristine import pristine_directory

PREFIX = "assay-bwrap-"
OUTSIDE = 200_000
"""User and group on the host when root makes the sandbox: nobody who owns anything."""
START_SECONDS = 30.0
LAYER_BYTES = 2**30

# As root: what the sandbox's user could not reach by path is bound into a directory of a mount namespace of its own,
# then root is given up for good. Only mount(8) and setpriv(1) run before that, on paths from the spec.
STAGE = """
set -eu
stage=$1 user=$2; shift 2
mount -t tmpfs -o mode=755,size=1m assay "$stage"
number=0
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir "$stage/$number"; else : > "$stage/$number"; fi
    mount --bind "$1" "$stage/$number"
    number=$((number + 1)); shift
done
shift
exec setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs -- "$@"
"""


class BubblewrapSandbox(Served):
    """One bubblewrap process with our command server as PID 1; see the module for what it does not hold.

    Args:
        spec: a :class:`HostBase` or a :class:`RootFS`.
    """

    def __init__(self, spec: SandboxSpec) -> None:
        super().__init__(spec)
        self._process: subprocess.Popen[bytes] | None = None
        self._stage = ""
        self._plan: Plan | None = None
        self._snapshots: dict[str, dict[str, bytes]] = {}

    @classmethod
    def probe(cls) -> Probe:
        """Starts one and runs ``true`` in it."""
        sandbox = cls(SandboxSpec())
        try:
            sandbox.start()
            result = sandbox.exec(["true"], timeout=10)
        except SandboxUnavailable as error:
            return Probe(False, error.reason, error.fix)
        except SandboxError as error:
            return Probe(False, f"a sandbox does not run: {error}", "run `assay-sandbox doctor`")
        finally:
            sandbox.close()
        if result.exit_code:
            return Probe(False, f"a command does not run: {result.text().strip()}", "run `assay-sandbox doctor`")
        return Probe(True)

    def start(self) -> None:
        """As in the protocol."""
        if self._channel is not None:
            return
        if shutil.which("bwrap") is None:
            raise SandboxUnavailable("bwrap is not installed", "install the package bubblewrap")
        self._plan = plan_for(self.spec)
        self._env = {"PATH": self._plan.path, "HOME": HOME, "LANG": "C.UTF-8"}
        try:
            self._launch(self._plan)
            self._fill()
        except BaseException:
            self.close()
            raise

    def diff(self, path: str | None = None) -> str:
        """As in the protocol, against the layers' own directories."""
        path = self._path(path or "")
        data = self.download(path, LAYER_BYTES)
        with tempfile.TemporaryDirectory(prefix=PREFIX) as scratch, _reading(data) as tar:
            return diff_entries(pristine_directory(self.spec.layers, path, scratch), tar_entries(tar))

    def snapshot(self) -> str:
        """Every writable place as a tar in our memory; pipes and sockets are not in it."""
        name = uuid.uuid4().hex
        self._snapshots[name] = {place: self.download(place, LAYER_BYTES) for place in self._places()}
        return name

    def restore(self, snapshot: str) -> None:
        """As in the protocol."""
        if snapshot not in self._snapshots:
            self._live()
            raise SandboxError(f"no snapshot {snapshot!r} of this sandbox")
        self._relaunch()
        for place, data in self._snapshots[snapshot].items():
            self.upload(io.BytesIO(data), os.path.dirname(place.rstrip("/")) or "/")

    def reset(self) -> None:
        """As in the protocol: a new process."""
        self._relaunch()
        self._snapshots.clear()
        self._fill()

    def close(self) -> None:
        """As in the protocol."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        process, self._process = self._process, None
        if process is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)  # the server kills everything and ends when its line is cut
            process.kill()
            process.wait()
        self._unstage()

    def _unstage(self) -> None:
        """Remove the directory of the binds; what is bound stays, in the sandbox's own mount namespace."""
        stage, self._stage = self._stage, ""
        if stage:
            with suppress(OSError):
                os.rmdir(stage)

    def _relaunch(self) -> None:
        self._live().call("ping", timeout=GRACE)  # a dead one stays dead, or its death would go unseen
        assert self._plan is not None
        self.close()
        try:
            self._launch(self._plan)
        except SandboxUnavailable as error:  # it worked a moment ago
            raise SandboxDied(f"the sandbox did not come up again: {error}") from error

    def _launch(self, plan: Plan) -> None:
        ours, theirs = socketpair()
        with ExitStack() as stack:
            stack.callback(theirs.close)
            errors = stack.enter_context(tempfile.TemporaryFile())
            base, extra = _filters(self.spec.limits.debug)
            descriptor = _memory_file(base)
            stack.callback(os.close, descriptor)
            self._stage = tempfile.mkdtemp(prefix=PREFIX) if os.geteuid() == 0 else ""
            command = self._command(plan, descriptor, server_options(self.spec.limits, extra))
            fd = ours.detach()
            self._channel = Channel(FdStream(fd, fd), "bubblewrap sandbox")
            try:
                # bwrap's parent, by whose death it dies, is a thread: one that outlives the caller's
                self._process = _launcher().submit(_spawn, command, theirs, errors.fileno(), descriptor).result()
            except OSError as error:
                raise SandboxUnavailable(f"{command[0]} does not start: {error}", "install util-linux") from error
            theirs.close()  # or the death of the other end would not be seen
            try:
                self._channel.call("ping", timeout=START_SECONDS)
            except SandboxDied as error:
                self.close()
                errors.seek(0)
                said = errors.read(2000).decode("utf-8", "replace").strip().replace("\n", "; ")
                raise SandboxUnavailable(
                    f"bubblewrap did not start: {said or error}", "run `assay-sandbox doctor` for what this host lacks"
                ) from error
        self._unstage()

    def _command(self, plan: Plan, descriptor: int, options: str) -> list[str]:
        sources = list(dict.fromkeys(bind.source for bind in plan.binds))
        if not self._stage:
            return ["bwrap", *arguments(self.spec, plan, {path: path for path in sources}, descriptor), options]
        os.chmod(self._stage, 0o755)
        staged = {path: f"{self._stage}/{number}" for number, path in enumerate(sources)}
        inner = ["bwrap", *arguments(self.spec, plan, staged, descriptor), options]
        stage = ["/bin/sh", "-c", STAGE, "sh", self._stage, str(OUTSIDE), *sources, "--", *inner]
        return ["unshare", "--mount", "--propagation", "private", "--", *stage]

    def _fill(self) -> None:
        for path, content in users(self.spec):
            self.write_file(path, content)
        for layer in self.spec.layers:
            if layer.writable:
                try:
                    self.upload(io.BytesIO(_pack(layer.source)), layer.target)
                except (FileRefused, OSError) as error:
                    raise SandboxUnavailable(
                        f"layer {layer.source} does not fit: {error}", "raise disk_mb, or make the layer read-only"
                    ) from error

    def _places(self) -> list[str]:
        layers = [layer.target for layer in self.spec.layers if layer.writable]
        places = [os.path.normpath(path) for path in (self.spec.workdir, *layers, "/tmp", HOME)]
        return [path for path in dict.fromkeys(places) if not any(path.startswith(f"{top}/") for top in places)]


def _pack(source: str) -> bytes:
    """A directory as a tar of its content, without what is neither file, folder nor link."""
    data = io.BytesIO()
    with tarfile.open(
        fileobj=data, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as tar:
        tar.add(source, ".", filter=lambda member: member if not (member.isdev() or member.isfifo()) else None)
    return data.getvalue()


@contextmanager
def _reading(data: bytes) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape") as tar:
            yield tar
    except tarfile.TarError as error:
        raise SandboxDied(f"the sandbox sent what is no tar: {error}") from error


def _filters(debug: bool) -> tuple[bytes, bytes]:
    """For everything inside, and in addition for commands: no memory that a sum over processes would miss."""
    from assay.sandbox.native.seccomp import program

    try:
        return program(debug, counted=True), program(debug, counted=False)
    except NotImplementedError as error:
        raise SandboxUnavailable(str(error), "take backend='docker'") from error


def _memory_file(data: bytes) -> int:
    fd = os.memfd_create("assay-seccomp", os.MFD_CLOEXEC)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _spawn(command: list[str], line: socket, errors: int, filter_fd: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=line.fileno(),
        stdout=line.fileno(),
        stderr=errors,
        pass_fds=(filter_fd,),
        env={"PATH": os.environ.get("PATH", os.defpath)},
        cwd="/",
        start_new_session=True,  # an interrupt from the keyboard is for us
    )


@cache
def _launcher() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="assay-bubblewrap")
