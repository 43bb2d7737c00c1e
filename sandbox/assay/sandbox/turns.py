"""A semaphore that lets waiters in strictly in the order they came, threads and coroutines alike."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError


class Turns:
    """Places that are taken and given back; whoever waits longest gets the next one.

    Args:
        places: how many may be taken at once, at least 1.
    """

    def __init__(self, places: int) -> None:
        self._lock = threading.Lock()
        self._free = places
        self._waiting: deque[Future[None]] = deque()
        self._closed: Exception | None = None

    def take(self, timeout: float | None = None) -> None:
        """Wait for a place; ``TimeoutError`` after ``timeout`` seconds, or what :meth:`close` was given."""
        ticket = self._ticket()
        try:
            ticket.result(timeout)
        except FutureTimeoutError:
            if self._leave(ticket):
                raise TimeoutError from None
            ticket.result()  # the place came at the last moment
        except CancelledError:
            raise TimeoutError from None
        except BaseException:
            self._leave_or_give_back(ticket)
            raise

    async def take_async(self, timeout: float | None = None) -> None:
        """As :meth:`take`; a cancelled waiter leaves the queue, or gives back the place it was just given."""
        ticket = self._ticket()
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(ticket)), timeout)
        except TimeoutError:
            if self._leave(ticket):
                raise
            ticket.result()
        except asyncio.CancelledError:
            self._leave_or_give_back(ticket)
            raise

    def give(self) -> None:
        """Give a place back."""
        with self._lock:
            self._free += 1
            self._admit()

    def withdraw(self, places: int) -> None:
        """Take places out of the game for good, also ones that are taken now and will never be given back."""
        with self._lock:
            self._free -= places

    def close(self, error: Exception) -> None:
        """Everyone who waits or comes from now on gets ``error``."""
        with self._lock:
            self._closed = error
            while self._waiting:
                ticket = self._waiting.popleft()
                if ticket.set_running_or_notify_cancel():
                    ticket.set_exception(error)

    def waiting(self) -> int:
        """How many wait now."""
        with self._lock:
            return len(self._waiting)

    def _ticket(self) -> Future[None]:
        ticket: Future[None] = Future()
        with self._lock:
            if self._closed is not None:
                raise self._closed
            self._waiting.append(ticket)
            self._admit()
        return ticket

    def _admit(self) -> None:
        while self._free > 0 and self._waiting:
            ticket = self._waiting.popleft()
            if ticket.set_running_or_notify_cancel():
                self._free -= 1
                ticket.set_result(None)

    def _leave(self, ticket: Future[None]) -> bool:
        """Out of the queue; false if the ticket has been answered already."""
        with self._lock:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                return True
            return False

    def _leave_or_give_back(self, ticket: Future[None]) -> None:
        if not self._leave(ticket) and ticket.done() and not ticket.cancelled() and ticket.exception() is None:
            self.give()
