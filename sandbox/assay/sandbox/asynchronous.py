"""The asynchronous twin of a sandbox: the same calls, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, BinaryIO, ParamSpec, TypeVar

from assay.sandbox.base import ExecResult, Sandbox, SandboxSpec, SnapshotId

P = ParamSpec("P")
T = TypeVar("T")

INTERRUPT_SECONDS = 0.1
"""Between attempts to end a cancelled command."""


async def in_thread(executor: Executor, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run a blocking call; when cancelled, wait for its end before the cancellation goes on.

    A call that is under way cannot be taken back, so its end is waited for: afterwards nothing of it runs on.
    """
    return await _settled(executor, partial(function, *args, **kwargs), lambda: None)


async def _settled(executor: Executor, function: Callable[[], T], interrupt: Callable[[], object]) -> T:
    future = asyncio.get_running_loop().run_in_executor(executor, function)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            # Again and again: the call may have been about to begin what there was to interrupt.
            pending: list[asyncio.Future[Any]] = [future, asyncio.ensure_future(asyncio.to_thread(interrupt))]
            with suppress(asyncio.CancelledError):
                await asyncio.wait(pending, timeout=INTERRUPT_SECONDS)
        if not future.cancelled():
            future.exception()  # seen, so that nobody warns of it
        raise


class AsyncSandbox:
    """A sandbox for coroutines. Its calls run one after another on one thread of its own.

    Cancelling an awaited :meth:`exec` kills the command (where the back-end has ``interrupt``, else the command's own
    time limit ends it), waits until the sandbox is free, and then goes on; the sandbox stays usable.

    Args:
        sandbox: a started one, or one for :meth:`start` to start.
        executor: has the threads; default: one thread, ended by :meth:`close`.
    """

    def __init__(self, sandbox: Sandbox, executor: Executor | None = None) -> None:
        self.sandbox = sandbox
        self._own = executor is None
        self._executor = executor or ThreadPoolExecutor(1, thread_name_prefix="assay-sandbox")
        self._turn = asyncio.Lock()

    @property
    def spec(self) -> SandboxSpec:
        """The sandbox's own."""
        return self.sandbox.spec

    async def start(self) -> None:
        """See :meth:`assay.sandbox.Sandbox.start`."""
        await self._run(self.sandbox.start)

    async def exec(
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
        call = partial(self.sandbox.exec, cmd, timeout=timeout, cwd=cwd, env=env, stdin=stdin, user=user)
        interrupt = getattr(self.sandbox, "interrupt", lambda: None)
        async with self._turn:
            return await _settled(self._executor, call, interrupt)

    async def read_file(self, path: str, max_bytes: int = 16 * 2**20) -> bytes:
        """See :meth:`assay.sandbox.Sandbox.read_file`."""
        return await self._run(self.sandbox.read_file, path, max_bytes)

    async def write_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """See :meth:`assay.sandbox.Sandbox.write_file`."""
        await self._run(self.sandbox.write_file, path, data, mode)

    async def upload(self, tar: BinaryIO, dest: str) -> None:
        """See :meth:`assay.sandbox.Sandbox.upload`."""
        await self._run(self.sandbox.upload, tar, dest)

    async def download(self, src: str, max_bytes: int = 256 * 2**20) -> bytes:
        """See :meth:`assay.sandbox.Sandbox.download`."""
        return await self._run(self.sandbox.download, src, max_bytes)

    async def diff(self, path: str | None = None) -> str:
        """See :meth:`assay.sandbox.Sandbox.diff`."""
        return await self._run(self.sandbox.diff, path)

    async def snapshot(self) -> SnapshotId:
        """See :meth:`assay.sandbox.Sandbox.snapshot`."""
        return await self._run(self.sandbox.snapshot)

    async def restore(self, snapshot: SnapshotId) -> None:
        """See :meth:`assay.sandbox.Sandbox.restore`."""
        await self._run(self.sandbox.restore, snapshot)

    async def reset(self) -> None:
        """See :meth:`assay.sandbox.Sandbox.reset`."""
        await self._run(self.sandbox.reset)

    async def kill_all(self) -> None:
        """See :meth:`assay.sandbox.Sandbox.kill_all`."""
        await self._run(self.sandbox.kill_all)

    async def alive(self) -> bool:
        """See :meth:`assay.sandbox.Sandbox.alive`."""
        return await self._run(self.sandbox.alive)

    async def close(self) -> None:
        """See :meth:`assay.sandbox.Sandbox.close`; ends the thread too."""
        await self._run(self.sandbox.close)
        if self._own:
            self._executor.shutdown(wait=False)

    async def __aenter__(self) -> AsyncSandbox:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._turn:
            return await in_thread(self._executor, function, *args, **kwargs)
