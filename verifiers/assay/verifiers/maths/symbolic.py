"""The symbolic tier: asking sympy, in a process that can be killed.

What crosses the pipe is the tree of our own parser, as JSON; no text of a response is ever evaluated. The process is
started on first use, loads sympy once, and serves from a fork of itself, so that a killed server is back in
milliseconds.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from assay.verifiers.maths.nodes import Node

SECONDS = 0.8
_START_SECONDS = 30.0
_WORKERS = 2


class Worker:
    """One server process. Use it from one thread at a time."""

    def __init__(self) -> None:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "assay.verifiers.maths.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
            bufsize=0,
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._pipe(self._process.stdout), selectors.EVENT_READ)
        self._buffer = b""
        self._server = self._ready(_START_SECONDS)

    @staticmethod
    def _pipe(pipe: Any) -> int:
        return int(pipe.fileno())

    def ask(self, question: str, seconds: float) -> bool | None:
        """The answer, or None: not known, or not within ``seconds`` (the server is then killed and replaced)."""
        assert self._process.stdin is not None
        self._process.stdin.write(question.encode() + b"\n")
        deadline = time.monotonic() + seconds
        while True:
            reply = self._line(deadline)
            if reply is None:
                self._kill_server()
                return None
            if "ready" in reply:  # the server died by itself, for instance for memory
                self._server = int(reply["ready"])
                return None
            answer = reply["equal"]
            return None if answer is None else bool(answer)

    def close(self) -> None:
        """End the process and its server."""
        self._selector.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _kill_server(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._server, signal.SIGKILL)
        self._server = self._ready(_START_SECONDS)

    def _ready(self, seconds: float) -> int:
        deadline = time.monotonic() + seconds
        while True:
            reply = self._line(deadline)
            if reply is None:
                raise OSError("the sympy process did not start")
            if "ready" in reply:
                return int(reply["ready"])

    def _line(self, deadline: float) -> dict[str, Any] | None:
        """The next JSON object; None at the deadline. A line that a killed server cut short is skipped."""
        while True:
            line, newline, rest = self._buffer.partition(b"\n")
            if newline:
                self._buffer = rest
                with contextlib.suppress(ValueError):
                    reply = json.loads(line)
                    if isinstance(reply, dict):
                        return reply
                continue
            left = deadline - time.monotonic()
            if left <= 0 or not self._selector.select(left):
                return None
            chunk = os.read(self._pipe(self._process.stdout), 65536)
            if not chunk:
                raise OSError("the sympy process ended")
            self._buffer += chunk


class Pool:
    """Up to two workers, shared by all threads; after a fork the child starts its own."""

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(_WORKERS)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._pid = os.getpid()

    def ask(self, question: str, seconds: float) -> bool | None:
        """As :meth:`Worker.ask`; waiting for a free worker does not count."""
        with self._slots:
            worker = None
            try:
                worker = self._take()
                answer = worker.ask(question, seconds)
            except (OSError, ValueError):
                if worker is not None:
                    worker.close()
                return None
            with self._lock:
                self._idle.append(worker)
            return answer

    def _take(self) -> Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return Worker()

    def close(self) -> None:
        """End all workers that are not at work; a child that was forked leaves its parent's alone."""
        if os.getpid() == self._pid:
            with self._lock:
                while self._idle:
                    self._idle.pop().close()


_pool: Pool | None = None
_pool_lock = threading.Lock()


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether sympy is installed."""
    return os.name == "posix" and find_spec("sympy") is not None


def prove(a: Node, b: Node, seconds: float = SECONDS) -> bool | None:
    """Whether sympy finds ``a - b`` to be 0; None where it cannot tell in time (its first start does not count)."""
    global _pool
    with _pool_lock:
        if _pool is None or _pool._pid != os.getpid():
            _pool = Pool()
            atexit.register(_pool.close)
    return _pool.ask(json.dumps([encode(a), encode(b)]), seconds)


def encode(node: Node) -> list[Any]:
    """A tree as nested lists: kind, value as a string or null, arguments."""
    return [node.kind, None if node.value is None else str(node.value), [encode(arg) for arg in node.args]]


def _forget() -> None:
    """A forked child must not talk through its parent's pipes, nor wait for locks that other threads held."""
    global _pool, _pool_lock
    _pool, _pool_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
