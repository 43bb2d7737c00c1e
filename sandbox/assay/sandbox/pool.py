"""Warm sandboxes for many episodes: lent out, reset between them, bounded, and replaced when they break."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

from assay.sandbox.asynchronous import AsyncSandbox, in_thread
from assay.sandbox.base import Sandbox, SandboxSpec
from assay.sandbox.choose import open_sandbox
from assay.sandbox.errors import SandboxDied, SandboxError
from assay.sandbox.proxy import SandboxProxy
from assay.sandbox.turns import Turns


class PoolTimeout(SandboxError):  # noqa: N818
    """No sandbox became free in time: more episodes want one than the pool may hold."""


class PoolClosed(SandboxError):  # noqa: N818
    """The pool is closed."""


@dataclass(frozen=True, slots=True)
class PoolStats:
    """What a pool holds now and has done so far.

    Attributes:
        size: sandboxes it may hold.
        leased: lent out now, or being reset.
        idle: warm ones waiting.
        waiting: leases that wait for one.
        opened: sandboxes started.
        reused: leases that got a warm one.
        worn: closed after ``max_resets`` resets.
        evicted: warm ones closed to make room for another spec.
        broken: closed because they had died or could not be reset.
        timeouts: leases that gave up waiting.
    """

    size: int
    leased: int = 0
    idle: int = 0
    waiting: int = 0
    opened: int = 0
    reused: int = 0
    worn: int = 0
    evicted: int = 0
    broken: int = 0
    timeouts: int = 0


@dataclass(slots=True)
class _Kept:
    box: Sandbox
    key: str
    resets: int = 0


class SandboxPool:
    """Lends sandboxes, at most ``size`` at once, the longest waiting lessee first.

    A returned one is reset and pinged before the next lease gets it; one that fails either, or was reset
    ``max_resets`` times, is closed and replaced by the next lease that needs one. Leases may ask for different specs:
    warm ones are kept per spec, and the least recently used goes when its place is needed. All methods may be called
    from any thread.

    Args:
        source: the spec of a lease that names none; or a function that returns a started sandbox, when all leases are
            alike.
        size: sandboxes alive at once, lent and warm together.
        backend: as for :func:`~assay.sandbox.open_sandbox`.
        max_resets: resets after which a sandbox is replaced.
        opener: starts a sandbox for a spec; default: ``open_sandbox`` with ``backend``.
    """

    def __init__(
        self,
        source: SandboxSpec | Callable[[], Sandbox] | None = None,
        size: int = 4,
        backend: str = "auto",
        max_resets: int = 200,
        opener: Callable[[SandboxSpec], Sandbox] | None = None,
    ) -> None:
        if size < 1 or max_resets < 1:
            raise ValueError(f"size and max_resets must be at least 1, got {size} and {max_resets}")
        self._factory = None if source is None or isinstance(source, SandboxSpec) else source
        self._default = source if isinstance(source, SandboxSpec) else SandboxSpec()
        self._opener = opener or partial(open_sandbox, backend=backend)
        self._max_resets = max_resets
        self._turns = Turns(size)
        self._lock = threading.Lock()
        self._idle: OrderedDict[str, list[_Kept]] = OrderedDict()
        self._counts = {"opened": 0, "reused": 0, "worn": 0, "evicted": 0, "broken": 0, "timeouts": 0, "leased": 0}
        self._size = size
        self._closed = False
        self._threads: ThreadPoolExecutor | None = None

    def lease(self, spec: SandboxSpec | None = None, timeout: float | None = None) -> Lease:
        """A sandbox for one ``with`` block, or an :class:`AsyncSandbox` for one ``async with`` block.

        Args:
            spec: what it looks like; default: the pool's.
            timeout: seconds to wait for a free place; None waits for ever.

        Raises:
            PoolTimeout: (on entering) none became free in time.
            PoolClosed: (on entering) the pool is closed.
            SandboxUnavailable: (on entering) one had to be started and could not.
        """
        if spec is not None and self._factory is not None:
            raise ValueError("a pool with a factory has one kind of sandbox; leave out the spec")
        return Lease(self, spec or self._default, timeout)

    def warm(self, count: int | None = None, spec: SandboxSpec | None = None) -> None:
        """Start ``count`` sandboxes (default: all places) ahead of the first lease."""
        leases = [self.lease(spec) for _ in range(self._size if count is None else min(count, self._size))]
        taken = []
        try:
            for lease in leases:
                lease.__enter__()
                taken.append(lease)
        finally:
            for lease in taken:
                lease.give_back(fresh=True)

    def stats(self) -> PoolStats:
        """What it holds now and has done so far."""
        with self._lock:
            idle = sum(map(len, self._idle.values()))
            return PoolStats(self._size, idle=idle, waiting=self._turns.waiting(), **self._counts)

    def close(self) -> None:
        """Close the warm ones now and each lent one when it comes back; waiting leases get ``PoolClosed``."""
        self._turns.close(PoolClosed("the sandbox pool is closed"))
        with self._lock:
            self._closed = True
            idle = [kept for kind in self._idle.values() for kept in kind]
            self._idle.clear()
        for kept in idle:
            kept.box.close()
        self._end_threads()

    def __enter__(self) -> SandboxPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, spec: SandboxSpec) -> _Kept:
        """A warm one or a new one; the caller holds a place."""
        key = "" if self._factory is not None else spec.key()
        while True:
            with self._lock:
                kept, victim = self._pick(key)
                self._counts["leased"] += 1
                self._counts["reused"] += kept is not None
                self._counts["evicted"] += victim is not None
            if victim is not None:
                victim.box.close()
            if kept is None:
                return self._open(spec, key)
            if kept.box.alive():
                return kept
            self._drop(kept, "broken")
            with self._lock:
                self._counts["leased"] -= 1
                self._counts["reused"] -= 1

    def _pick(self, key: str) -> tuple[_Kept | None, _Kept | None]:
        """A warm one of that kind, else the one to close so that a new one has room."""
        if self._idle.get(key):
            kept = self._idle[key].pop()
            self._forget_empty(key)
            return kept, None
        alive = self._counts["leased"] + sum(map(len, self._idle.values()))
        if alive < self._size:
            return None, None
        oldest = next(iter(self._idle))
        victim = self._idle[oldest].pop(0)
        self._forget_empty(oldest)
        return None, victim

    def _forget_empty(self, key: str) -> None:
        if not self._idle[key]:
            del self._idle[key]

    def _open(self, spec: SandboxSpec, key: str) -> _Kept:
        try:
            box = self._factory() if self._factory is not None else self._opener(spec)
        except BaseException:
            with self._lock:
                self._counts["leased"] -= 1
            raise
        with self._lock:
            self._counts["opened"] += 1
        return _Kept(box, key)

    def _return(self, kept: _Kept, fresh: bool, died: bool) -> None:
        """Reset and keep it, or close it; then the place is free."""
        try:
            if died:
                self._drop(kept, "broken")
            elif not fresh and kept.resets + 1 >= self._max_resets:
                self._drop(kept, "worn")
            elif fresh or self._renewed(kept):
                self._keep(kept)
            else:
                self._drop(kept, "broken")
        finally:
            with self._lock:
                self._counts["leased"] -= 1
            self._turns.give()
            self._end_threads()

    def _renewed(self, kept: _Kept) -> bool:
        kept.resets += 1
        try:
            kept.box.reset()
        except Exception:  # whatever it was, the sandbox is not what the next lease must get
            return False
        return kept.box.alive()

    def _keep(self, kept: _Kept) -> None:
        with self._lock:
            if not self._closed:
                self._idle.setdefault(kept.key, []).append(kept)
                self._idle.move_to_end(kept.key)
                return
        kept.box.close()

    def _drop(self, kept: _Kept, why: str) -> None:
        with self._lock:
            self._counts[why] += 1
        try:
            kept.box.close()
        except SandboxError:
            return

    def _timed_out(self, timeout: float | None) -> PoolTimeout:
        with self._lock:
            self._counts["timeouts"] += 1
        waiting = self._turns.waiting()
        return PoolTimeout(
            f"no sandbox became free in {timeout} s: all {self._size} are taken and {waiting} more wait; "
            "make the pool larger, or run fewer episodes at once"
        )

    def _executor(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._threads is None:
                # One thread a place: a lease never has more than one call under way, so no lease waits for a thread.
                self._threads = ThreadPoolExecutor(self._size, thread_name_prefix="assay-pool")
            return self._threads

    def _end_threads(self) -> None:
        """Once the pool is closed and the last lease, which may need its thread, is back."""
        with self._lock:
            if self._closed and not self._counts["leased"] and self._threads is not None:
                self._threads.shutdown(wait=False)


class Lease:
    """The right to one sandbox for one ``with`` or ``async with`` block."""

    def __init__(self, pool: SandboxPool, spec: SandboxSpec, timeout: float | None) -> None:
        self._pool = pool
        self._spec = spec
        self._timeout = timeout
        self._kept: _Kept | None = None
        self._handle: _Leased | None = None

    def __enter__(self) -> Sandbox:
        self._must_be_new()
        try:
            self._pool._turns.take(self._timeout)
        except TimeoutError:
            raise self._pool._timed_out(self._timeout) from None
        return self._begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back(died=isinstance(error, SandboxDied))

    async def __aenter__(self) -> AsyncSandbox:
        self._must_be_new()
        try:
            await self._pool._turns.take_async(self._timeout)
        except TimeoutError:
            raise self._pool._timed_out(self._timeout) from None
        executor = self._pool._executor()
        try:
            handle = await in_thread(executor, self._begin)
        except BaseException:
            if self._kept is not None:
                await in_thread(executor, self.give_back)
            raise
        return AsyncSandbox(handle, executor)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await in_thread(self._pool._executor(), self.give_back, died=isinstance(error, SandboxDied))

    def give_back(self, fresh: bool = False, died: bool = False) -> None:
        """End the lease: the sandbox is reset (unless ``fresh``: nobody used it) or, if ``died``, closed."""
        kept, self._kept = self._kept, None
        if self._handle is not None:
            self._handle.end()
        if kept is not None:
            self._pool._return(kept, fresh, died)

    def _must_be_new(self) -> None:
        if self._handle is not None:
            raise ValueError("a lease is for one block; ask the pool for another")

    def _begin(self) -> _Leased:
        try:
            self._kept = self._pool._take(self._spec)
        except BaseException:
            self._pool._turns.give()
            raise
        self._handle = _Leased(self._kept.box)
        return self._handle


class _Leased(SandboxProxy):
    """The lent sandbox; when the lease has ended it raises instead of reaching into someone else's episode."""

    def __init__(self, box: Sandbox) -> None:
        self.spec = box.spec
        self._box: Sandbox | None = box

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if self._box is None:
            raise SandboxDied("the lease of this sandbox has ended")
        return getattr(self._box, name)(*args, **kwargs)

    def interrupt(self) -> None:
        """End the command that runs now, from another thread, where the back-end can."""
        getattr(self._box, "interrupt", lambda: None)()

    def end(self) -> None:
        self._box = None
