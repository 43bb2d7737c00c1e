"""The native sandbox: no daemon, no root, nothing to install."""

from __future__ import annotations

import contextlib
import os
import posixpath
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from assay.sandbox.base import Layer, Probe, SandboxSpec, SnapshotId
from assay.sandbox.channel import GRACE, Channel, FdStream, Served
from assay.sandbox.errors import SandboxDied, SandboxError, SandboxUnavailable
from assay.sandbox.native.difference import patch_below
from assay.sandbox.native.launch import Launcher, launcher
from assay.sandbox.native.plan import environment, make_plan
from assay.sandbox.patch import MAX_BYTES

START_SECONDS = 60.0


class NativeSandbox(Served):
    """A sandbox of Linux namespaces, an overlay in memory, no capabilities and a filter of system calls.

    Commands run as one user without any privilege; ``user="root"`` in the spec only names it so (uid 0 inside, no
    capability). ``snapshot`` ends all processes. What it holds and what it does not stands in ``SECURITY.md``.

    Args:
        spec: its base is a ``HostBase`` or a ``RootFS``.
    """

    def __init__(self, spec: SandboxSpec) -> None:
        super().__init__(spec)
        self._launcher: Launcher | None = None
        self._pid = 0
        self._plan: dict[str, Any] = {}
        self._env = environment(spec)

    @classmethod
    def probe(cls) -> Probe:
        """Start one and try what later calls rely on."""
        if sys.platform != "linux":
            return Probe(False, f"native sandboxes need Linux, not {sys.platform}", "use the docker back-end")
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(f"{folder}/old/deep")
            return cls._try(cls(SandboxSpec(layers=(Layer(folder, "/testbed"),))))

    @classmethod
    def _try(cls, box: NativeSandbox) -> Probe:
        try:
            box.start()
            if box.exec("rm -r old && mkdir old && ls old", timeout=GRACE).text():
                return Probe(
                    False, "the overlay in memory cannot replace folders", "run kernel 6.6 or newer, or docker"
                )
            box.reset()
        except SandboxUnavailable as error:
            return Probe(False, error.reason, error.fix)
        except SandboxError as error:
            return Probe(False, str(error), "use the docker back-end")
        finally:
            box.close()
        return Probe(True)

    def start(self) -> None:
        """Make it ready.

        Raises:
            SandboxUnavailable: the kernel refuses something; the message says what, and what to do.
        """
        if self._channel is not None:
            return
        self._plan = make_plan(self.spec)
        self._launcher = launcher()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._pid = self._launcher.start(self._plan, theirs)
            except OSError as error:
                ours.close()
                raise unavailable(error.strerror or str(error)) from error
        fd = ours.detach()
        self._channel = Channel(FdStream(fd, fd), f"native sandbox {self._pid}")
        try:
            self._channel.call("ping", timeout=START_SECONDS)
        except SandboxError as error:
            self.close()
            raise unavailable(str(error)) from error

    def reset(self) -> None:
        """Back to the beginning, by mounting everything anew."""
        self._live().call("reset", timeout=START_SECONDS)

    def snapshot(self) -> SnapshotId:
        """Freeze the files as they are, without copying; every process in it is killed."""
        return str(self._live().call("snapshot", timeout=START_SECONDS)[0]["snapshot"])

    def restore(self, snapshot: SnapshotId) -> None:
        """Back to a snapshot, which may be restored again and again, in any order."""
        self._live().call("restore", name=snapshot, timeout=START_SECONDS)

    def diff(self, path: str | None = None) -> str:
        """What changed below ``path``, from the overlay's own books: the cost is that of the changes alone."""
        top = posixpath.normpath(self._path(path or ""))
        head, body = self._live().call("changed", path=top, max=MAX_BYTES, most=MAX_BYTES)
        return patch_below(head["top"], self._plan, head["overlays"], body)

    def close(self) -> None:
        """End it; returns when no process of it is left."""
        if self._channel is not None:
            self._channel.close()
        if self._launcher is not None and self._pid and self._launcher.owner == os.getpid():
            with contextlib.suppress(SandboxDied, OSError):  # a zygote that is gone took all its sandboxes with it
                self._launcher.end(self._pid)
        self._channel, self._pid = None, 0


RESTRICTED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
FIXES = (
    # what the message has in it, and what helps
    (
        "clone",
        "allow user namespaces: sysctl user.max_user_namespaces=65536; in a container: --security-opt "
        "seccomp=unconfined --security-opt systempaths=unconfined",
    ),
    ("mount proc", "in a container, start it with --security-opt systempaths=unconfined"),
    (
        "mapped ids",
        "put layers and roots on ext4, xfs, btrfs or tmpfs, or make them files of uid 201000, kernel 6.6 on",
    ),
    ("mount overlay", "put layers and roots on ext4, xfs, btrfs or tmpfs (in a container: on a volume), kernel 6.6 on"),
    ("open_tree", "make the source readable for this user"),
    ("Read-only file system", "mount layers below folders that the root does not show read-only, such as / or /opt"),
)


def unavailable(message: str) -> SandboxUnavailable:
    """A failed start as an error that says what to do."""
    fix = next(
        (fix for sign, fix in FIXES if sign in message), "see `assay-sandbox doctor`, or use the docker back-end"
    )
    if os.geteuid() != 0 and RESTRICTED.exists() and RESTRICTED.read_text().strip() == "1":
        fix = f"let ordinary users make user namespaces: sysctl kernel.{RESTRICTED.name}=0"
    return SandboxUnavailable(f"the kernel refused a native sandbox ({message})", fix)
