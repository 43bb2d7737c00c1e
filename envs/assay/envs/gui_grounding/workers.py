"""The owner's side of a worker: a process of its own that holds windows or a browser, replaced when it dies."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any, ClassVar, Self

from assay.envs.errors import InfraError
from assay.envs.gui_grounding.qt.frames import read_frame, write_frame


class Worker:
    """One worker process, started by the first call. Thread-safe; calls run one after the other.

    A worker that dies or overstays fails the call in progress with :class:`InfraError`; the next call starts a new
    one, in which nothing of the old state is left. It dies with this process, however that ends.

    Args:
        patience: seconds one call may take.

    Attributes:
        started: how many workers this object has started.
    """

    what: ClassVar[str] = "worker"
    """What errors call it."""
    inside: ClassVar[str] = ""
    """Module that the process runs: it calls :func:`~assay.envs.gui_grounding.serving.serve`."""
    environment: ClassVar[dict[str, str]] = {}
    """Variables of its environment besides this process's own."""

    def __init__(self, patience: float = 120.0) -> None:
        self.patience = patience
        self.started = 0
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._ends: tuple[int, int, int] = (-1, -1, -1)

    @property
    def pid(self) -> int | None:
        """Process id of the running worker, or None."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def call(
        self, target: str, *, patience: float | None = None, born: int | None = None, **arguments: Any
    ) -> tuple[Any, list[bytes]]:
        """Run ``module:function`` in the worker: its JSON result and byte strings.

        Args:
            target: the function; a constant of the program, never from data.
            patience: seconds this call may take.
            born: the value of :attr:`started` when the state was made that this call needs.
            arguments: JSON-serialisable keyword arguments.

        Raises:
            ImportError: what it needs is not installed; one line naming the extra.
            ValueError: the function refused (:class:`~assay.envs.gui_grounding.qt.frames.RefusedError`).
            InfraError: the worker died, took too long, is not the one that was ``born`` then, or the function failed.
        """
        with self._lock:
            if born is not None and (self.pid is None or self.started != born):
                self._bury()
                raise InfraError(f"the {self.what} died before {target}")
            self._ensure()
            limit = self.patience if patience is None else patience
            clock = threading.Timer(limit, self._kill)
            clock.daemon = True
            clock.start()
            try:
                write_frame(self._ends[0], {"target": target, "arguments": arguments})
                answer, blobs = read_frame(self._ends[1])
            except (OSError, EOFError, ValueError) as error:
                late = not clock.is_alive()
                status = self._bury()
                why = f"took over {limit:g} s" if late else f"died ({_status(status)})"
                raise InfraError(f"the {self.what} {why} during {target}") from error
            finally:
                clock.cancel()
        if "refused" in answer:
            raise ValueError(answer["refused"])
        if "error" in answer:
            raise InfraError(f"{target} failed in the {self.what}: {answer['error']}\n{answer['trace']}")
        return answer["result"], blobs

    def close(self) -> None:
        """End the worker; the next call would start another."""
        with self._lock:
            self._bury()

    def check(self) -> None:
        """Check that what the process needs is there, before one is started.

        Raises:
            ImportError: one line naming the extra to install.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ensure(self) -> None:
        if self._process is not None and self._owner != os.getpid():
            self._process = None  # this is a fork: the worker is the parent's
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._bury()
        self.check()
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        theirs_life, ours_life = os.pipe()
        theirs = (theirs_in, theirs_out, theirs_life)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", self.inside, *map(str, theirs)],
                stdin=subprocess.DEVNULL,
                pass_fds=theirs,
                env={**os.environ, **self.environment, "PYTHONHASHSEED": "0"},
            )
        except OSError as error:
            for descriptor in (ours_out, ours_in, ours_life):
                os.close(descriptor)
            raise InfraError(f"cannot start a {self.what}: {error}") from None
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        self._ends = (ours_out, ours_in, ours_life)
        self._owner = os.getpid()
        self.started += 1

    def _kill(self) -> None:
        process = self._process
        if process is not None and self._owner == os.getpid():
            process.kill()

    def _bury(self) -> int | None:
        """Kill and reap the worker, close our ends; its exit status."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return None
        died = process.poll()
        process.kill()
        process.wait()
        for descriptor in self._ends:
            os.close(descriptor)
        self._ends = (-1, -1, -1)
        return process.returncode if died is None else died


def _status(status: int | None) -> str:
    if status is None:
        return "no status"
    return f"signal {-status}" if status < 0 else f"status {status}"
