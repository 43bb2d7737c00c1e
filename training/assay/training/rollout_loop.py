"""An event loop behind a blocking call, wherever the caller stands, and interrupts that are not lost."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any

ABORT_SECONDS = 2.0
"""How long an interrupted collection waits for what is still at work."""


async def run_all(tasks: list[asyncio.Task[None]]) -> None:
    """Wait for all; at the first exception cancel the others and raise it."""
    heart = asyncio.ensure_future(_beat())
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in (heart, *tasks):
            task.cancel()
        await asyncio.gather(heart, *tasks, return_exceptions=True)


async def _beat() -> None:
    """Wake the loop now and then: an interrupt that arrives just before it falls asleep would go unnoticed."""
    while True:
        await asyncio.sleep(0.2)


def run_in_loop(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """``asyncio.run``, on another thread if this one has a loop running already.

    ``main`` returns nothing, because ``asyncio.run`` has its task's result printed into an exception that it discards
    (``signal.signal`` tries to read the interrupt handler, which holds the task, as a number).
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(main())
    return _run_on_thread(main)


def _run_on_thread(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    errors: list[BaseException] = []
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def watched() -> None:
        task = asyncio.ensure_future(main())
        started.append((asyncio.get_running_loop(), task))
        await task

    def run() -> None:
        try:
            asyncio.run(watched())
        except BaseException as error:
            errors.append(error)
        finally:
            ended.set()

    # An event, because Python 3.11 takes a thread whose join was interrupted for dead.
    ended = threading.Event()
    threading.Thread(target=run, name="assay-collect", daemon=True).start()
    try:
        while not ended.wait(0.2):  # not one long wait: an interrupt could slip in just before it
            pass
    except BaseException:
        for loop, task in started:
            with contextlib.suppress(RuntimeError):  # it has just ended by itself
                loop.call_soon_threadsafe(task.cancel)
        ended.wait(ABORT_SECONDS)
        raise
    if errors:
        raise errors[0]
