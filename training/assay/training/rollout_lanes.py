"""Where environments run: inline when cheap, on a thread of their own when they block."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from assay.envs.base import TaskEnv
from assay.envs.episode import Outcome
from assay.envs.errors import InfraError, VerifierError


class EnvError(Exception):
    """An environment did not do what was asked of it.

    Attributes:
        outcome: the typed outcome of an episode that ends here.
        known: whether the environment said so itself (InfraError, VerifierError, a timeout) or crashed.
    """

    def __init__(self, message: str, outcome: Outcome = Outcome.INFRA_ERROR, known: bool = True) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.known = known

    @classmethod
    def of(cls, error: BaseException) -> EnvError:
        """The failure that an exception of ``reset`` or ``step`` stands for."""
        if isinstance(error, VerifierError):
            return cls(str(error) or "the verifier failed", Outcome.VERIFIER_ERROR)
        if isinstance(error, InfraError):
            return cls(str(error) or "the infrastructure failed")
        return cls(traceback.format_exception_only(error)[-1].strip(), known=False)


class Mailbox:
    """Carries results from threads to one event loop, waking it once for many that come together."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._done: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._woken = False

    def post(self, future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
        """Settle ``future`` in the loop's thread; may be called from any thread, also after the loop has closed."""
        self._done.append((future, value, error))
        if not self._woken:
            self._woken = True
            try:
                self.loop.call_soon_threadsafe(self._drain)
            except RuntimeError:  # the collection was interrupted and nobody waits any more
                self._done.clear()

    def _drain(self) -> None:
        self._woken = False  # before emptying: what is posted from here on wakes the loop again
        while self._done:
            future, value, error = self._done.popleft()
            if future.done():
                continue
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)


class CallThread:
    """A daemon thread that runs calls one after another.

    A daemon, because a call that never returns must not keep the interpreter alive.
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], Any], Mailbox | None, asyncio.Future[Any] | None] | None]
        self._calls = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, mailbox: Mailbox, call: Callable[[], Any]) -> asyncio.Future[Any]:
        """Queue a call; the future settles in the mailbox's loop."""
        future: asyncio.Future[Any] = mailbox.loop.create_future()
        self._calls.put((call, mailbox, future))
        return future

    def stop(self, last: Callable[[], Any] | None = None) -> None:
        """End the thread after what is queued and ``last``; does not wait."""
        if last is not None:
            self._calls.put((last, None, None))
        self._calls.put(None)

    def join(self, timeout: float) -> bool:
        """Wait for the end; False if it did not come in time."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (item := self._calls.get()) is not None:
            call, mailbox, future = item
            value, error = None, None
            try:
                value = call()
            except BaseException as caught:  # goes to whoever waits, also SystemExit of an environment
                error = caught if isinstance(caught, Exception) else RuntimeError(repr(caught))
            if mailbox is not None and future is not None:
                mailbox.post(future, value, error)
            del item, call, mailbox, future, value, error  # an idle thread keeps nothing alive


class Lane:
    """One environment instance, re-used from episode to episode, and the thread it lives on if it blocks.

    After an :class:`EnvError` the lane must be told to :meth:`discard` before it is used again.

    The instance is made, used and closed on that one thread, which browser drivers and databases insist on.
    """

    def __init__(self, factory: Callable[[], TaskEnv], threaded: bool, timeout: float | None) -> None:
        self._factory = factory
        self._cell = _Cell()
        self._thread = CallThread("assay-env") if threaded else None
        self._timeout = timeout

    @property
    def env(self) -> TaskEnv:
        """The instance of the episode that runs here."""
        if self._cell.env is None:
            raise RuntimeError("the lane holds no environment: reset it first")
        return self._cell.env

    def adopt(self, env: TaskEnv) -> None:
        """Take over an instance that was made elsewhere."""
        self._cell.env = env

    async def reset(self, mailbox: Mailbox, task_id: str, seed: int, view: str = "") -> tuple[Any, dict[str, Any]]:
        """Begin an episode, in a poorer view where one is named.

        Raises:
            EnvError: whatever goes wrong in the environment.
        """
        cell, options = self._cell, {"task_id": task_id} | ({"view": view} if view else {})

        def call() -> tuple[Any, dict[str, Any]]:
            if cell.env is None:
                cell.env = self._factory()
            return cell.env.reset(seed=seed, options=options)

        return await self._run(mailbox, call, "reset")  # type: ignore[no-any-return]

    async def step(self, mailbox: Mailbox, action: str) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Act.

        Raises:
            EnvError: whatever goes wrong in the environment.
        """
        env = self.env
        return await self._run(mailbox, lambda: env.step(action), "step")  # type: ignore[no-any-return]

    async def _run(self, mailbox: Mailbox, call: Callable[[], Any], what: str) -> Any:
        try:
            if self._thread is None:
                return call()
            future = self._thread.submit(mailbox, call)
            if self._timeout is None:
                return await future
            alarm = mailbox.loop.call_later(self._timeout, _expire, future, what, self._timeout)
            try:
                return await future
            finally:
                alarm.cancel()
        except _StuckError as stuck:
            raise EnvError(str(stuck)) from None
        except Exception as error:
            raise EnvError.of(error) from error

    def discard(self) -> None:
        """Give up an instance that is stuck or that something went wrong with; the next reset makes another.

        A call that still runs keeps its thread; the instance is closed there when it returns, if it ever does.
        """
        cell, self._cell = self._cell, _Cell()
        if self._thread is None:
            cell.close()
        else:
            self._thread.stop(cell.close)
            self._thread = CallThread("assay-env")

    def close(self) -> CallThread | None:
        """Close the instance and end the thread, once the call that runs there is over; returns the thread."""
        cell, self._cell = self._cell, _Cell()
        thread, self._thread = self._thread, None
        if thread is None:
            cell.close()
        else:
            thread.stop(cell.close)
        return thread


class _Cell:
    """Holds an instance apart from the lane, so that a call that was given up cannot put its own into a later one."""

    def __init__(self) -> None:
        self.env: TaskEnv | None = None

    def close(self) -> None:
        """Close the instance; what a broken one says then no longer matters."""
        env, self.env = self.env, None
        try:
            if env is not None:
                env.close()
        except Exception:
            return


class _StuckError(Exception):
    """A call did not return in time."""


def _expire(future: asyncio.Future[Any], what: str, seconds: float) -> None:
    if not future.done():
        future.set_exception(_StuckError(f"{what} did not return within {seconds:g} s"))
