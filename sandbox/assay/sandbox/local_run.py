"""One subprocess with a time limit, capped output and a process group of its own; no walls."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from assay.sandbox.base import ExecResult

CHUNK = 1 << 16
POLL_SECONDS = 0.01
"""Between looks at whether the command ended, where there is no pidfd."""
DRAIN_SECONDS = 1.0
"""For what is left in the pipes when the command has ended; a producer left in the background ends it too."""
LONGEST_ARGUMENT = 100_000
"""Linux takes no argument above 128 KiB; longer scripts go through a file."""

# `ulimit` in a shell and not preexec_fn, which can deadlock in a process with threads. File sizes are in units of 512
# bytes in POSIX mode.
_LIMITED = 'ulimit -c 0; ulimit -v "$1" 2>/dev/null; ulimit -f "$2" 2>/dev/null; shift 2; exec "$@"'


@dataclass(slots=True)
class _Kept:
    limit: int
    data: bytearray = field(default_factory=bytearray)
    dropped: int = 0

    def add(self, piece: bytes) -> None:
        room = self.limit - len(self.data)
        self.data += piece[:room]
        self.dropped += max(0, len(piece) - room)


def run_command(
    argv: Sequence[str],
    *,
    timeout: float,
    cwd: str,
    env: Mapping[str, str],
    stdin: bytes,
    output_bytes: int,
    memory_mb: int,
    file_mb: int,
) -> ExecResult:
    """Run it in its own session; at the time limit its process group is killed.

    A command that cannot be started is a result too: 127 if it is not there, 126 if it cannot be run.
    """
    begin = time.monotonic()
    script = None
    if argv[:2] == ["bash", "-c"] and len(argv[2].encode("utf-8", "surrogateescape")) > LONGEST_ARGUMENT:
        script = tempfile.NamedTemporaryFile(prefix="assay-local-", dir=env.get("TMPDIR"))  # noqa: SIM115
        script.write(argv[2].encode("utf-8", "surrogateescape"))
        script.flush()
        argv = ["bash", script.name]
    limited = ["/bin/sh", "-c", _LIMITED, "sh", str(memory_mb * 1024), str(file_mb * 2048), *argv]
    try:
        process = subprocess.Popen(
            limited,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return ExecResult(126, stderr=f"cannot run it: {error}\n".encode(), duration=time.monotonic() - begin)
    try:
        return _attend(process, begin, timeout, stdin, output_bytes)
    finally:
        if process.poll() is None:
            _kill(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        if script is not None:
            script.close()


def _attend(process: subprocess.Popen[bytes], begin: float, timeout: float, stdin: bytes, cap: int) -> ExecResult:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = _Kept(cap), _Kept(cap)
    with selectors.DefaultSelector() as selector:
        for pipe, kept in ((process.stdout, out), (process.stderr, err)):
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, kept)
        os.set_blocking(process.stdin.fileno(), False)
        if stdin:
            selector.register(process.stdin, selectors.EVENT_WRITE, memoryview(stdin))
        else:
            process.stdin.close()
        timed_out = not _pump(selector, process, begin + timeout)
        if timed_out:
            _kill(process)
        _drain(selector, time.monotonic() + DRAIN_SECONDS)
    code = process.wait()
    return ExecResult(
        exit_code=None if timed_out else 128 - code if code < 0 else code,
        stdout=bytes(out.data),
        stderr=bytes(err.data),
        timed_out=timed_out,
        truncated=out.dropped + err.dropped,
        duration=time.monotonic() - begin,
    )


def _pump(selector: selectors.BaseSelector, process: subprocess.Popen[bytes], deadline: float) -> bool:
    """Move bytes until the process ends (true) or the deadline has passed (false)."""
    pidfd = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else -1
    if pidfd >= 0:
        selector.register(pidfd, selectors.EVENT_READ)
    try:
        while process.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            _move(selector, left if pidfd >= 0 else min(left, POLL_SECONDS))
        return True
    finally:
        if pidfd >= 0:
            selector.unregister(pidfd)
            os.close(pidfd)


def _drain(selector: selectors.BaseSelector, deadline: float) -> None:
    """What the pipes hold now; whoever still writes is not waited for."""
    while time.monotonic() < deadline and _move(selector, 0):
        pass


def _move(selector: selectors.BaseSelector, wait: float) -> bool:
    """One round of reads and writes; whether any byte came."""
    came = False
    for key, _ in selector.select(wait):
        if isinstance(key.data, _Kept):
            try:
                piece = os.read(key.fd, CHUNK)
            except BlockingIOError:
                continue
            if piece:
                key.data.add(piece)
                came = True
            else:
                selector.unregister(key.fileobj)
        elif isinstance(key.data, memoryview):
            try:
                rest = key.data[os.write(key.fd, key.data[:CHUNK]) :]
            except BlockingIOError:
                continue
            except OSError:
                rest = key.data[:0]
            if rest:
                selector.modify(key.fileobj, selectors.EVENT_WRITE, rest)
            else:
                selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
    return came


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
