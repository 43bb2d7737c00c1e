"""A sandbox whose every call goes through one function: what a lease hands out, here or from another machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, cast

from assay.sandbox.base import ExecResult, SandboxSpec, SnapshotId


class SandboxProxy:
    """The protocol's calls, all sent to :meth:`call`, which a subclass defines."""

    spec: SandboxSpec

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Make the call ``name`` on the sandbox behind."""
        raise NotImplementedError

    def start(self) -> None:
        """It is started; there is nothing to do."""

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
        """See :meth:`assay.sandbox.Sandbox.exec`."""
        result = self.call("exec", cmd, timeout=timeout, cwd=cwd, env=env, stdin=stdin, user=user)
        return cast(ExecResult, result)

    def read_file(self, path: str, max_bytes: int = 16 * 2**20) -> bytes:
        """See :meth:`assay.sandbox.Sandbox.read_file`."""
        return cast(bytes, self.call("read_file", path, max_bytes))

    def write_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """See :meth:`assay.sandbox.Sandbox.write_file`."""
        self.call("write_file", path, data, mode)

    def upload(self, tar: BinaryIO, dest: str) -> None:
        """See :meth:`assay.sandbox.Sandbox.upload`."""
        self.call("upload", tar, dest)

    def download(self, src: str, max_bytes: int = 256 * 2**20) -> bytes:
        """See :meth:`assay.sandbox.Sandbox.download`."""
        return cast(bytes, self.call("download", src, max_bytes))

    def diff(self, path: str | None = None) -> str:
        """See :meth:`assay.sandbox.Sandbox.diff`."""
        return cast(str, self.call("diff", path))

    def snapshot(self) -> SnapshotId:
        """See :meth:`assay.sandbox.Sandbox.snapshot`."""
        return cast(SnapshotId, self.call("snapshot"))

    def restore(self, snapshot: SnapshotId) -> None:
        """See :meth:`assay.sandbox.Sandbox.restore`."""
        self.call("restore", snapshot)

    def reset(self) -> None:
        """See :meth:`assay.sandbox.Sandbox.reset`."""
        self.call("reset")

    def kill_all(self) -> None:
        """See :meth:`assay.sandbox.Sandbox.kill_all`."""
        self.call("kill_all")

    def alive(self) -> bool:
        """Whether it answers; never raises."""
        try:
            return bool(self.call("alive"))
        except Exception:
            return False

    def close(self) -> None:
        """Leave it to whoever lent it: the end of the lease closes or resets it."""
