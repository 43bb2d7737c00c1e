"""Running untrusted code under a limit of processor time that it cannot dodge."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

WALL = 10.0


def slow_calls(
    function: Callable[[Any], object], inputs: Sequence[Any], seconds: float, most: int = 5
) -> list[tuple[int, float | None]]:
    """The inputs on which ``function`` takes too long: ``(index, processor seconds)``, None for the time if killed.

    The search ends after ``most`` of them. Each input also has ten times as long (and at least ten seconds) of wall
    time. The calls run in a forked process that the kernel kills at the limit, so code that never returns cannot stop
    the audit; after a kill the rest runs in a new one. Where processes cannot fork, a thread is used, and wall time
    alone.
    """
    found: list[tuple[int, float | None]] = []
    start = 0
    run = _in_child if hasattr(os, "fork") and hasattr(signal, "setitimer") else _in_thread
    while start < len(inputs) and len(found) < most:
        times = run(function, inputs[start:], seconds)
        found += [(start + index, used) for index, used in enumerate(times) if used > seconds]
        start += len(times)
        if start < len(inputs):
            found.append((start, None))
            start += 1
    return found


def _in_child(function: Callable[[Any], object], inputs: Sequence[Any], seconds: float) -> list[float]:
    """The processor time of each call, up to the first one that had to be killed."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads around: the child only scores
        child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            _serve(function, inputs, seconds, writer)
        finally:
            os._exit(0)
    os.close(writer)
    received = b""
    try:
        deadline = time.monotonic() + max(WALL, 10 * seconds)
        while select.select([reader], [], [], max(deadline - time.monotonic(), 0))[0]:
            chunk = os.read(reader, 4096)
            if not chunk:
                break
            received += chunk
            deadline = time.monotonic() + max(WALL, 10 * seconds)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)
    return [float(line) for line in received.decode().split("\n")[:-1]]


def _serve(function: Callable[[Any], object], inputs: Sequence[Any], seconds: float, writer: int) -> None:
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for value in inputs:
        signal.setitimer(signal.ITIMER_PROF, 2 * seconds)
        begun = time.process_time()
        with contextlib.suppress(Exception):  # what raises is the matter of another check
            function(value)
        os.write(writer, f"{time.process_time() - begun}\n".encode())


def _in_thread(function: Callable[[Any], object], inputs: Sequence[Any], seconds: float) -> list[float]:
    times: list[float] = []

    def work() -> None:
        for value in inputs:
            begun = time.monotonic()
            with contextlib.suppress(Exception):
                function(value)
            times.append(time.monotonic() - begun)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    seen = -1
    while thread.is_alive() and len(times) != seen:
        seen = len(times)
        thread.join(max(WALL, 10 * seconds))
    return list(times)
