"""The caller's half of the command server: framing, deadlines, and the protocol's calls in terms of it."""

from __future__ import annotations

import json
import os
import posixpath
import select
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Literal, Protocol

from assay.sandbox.base import ExecResult, SandboxSpec
from assay.sandbox.errors import FileRefused, SandboxDied, SandboxError
from assay.sandbox.server import HEAD, LONGEST_POLL

GRACE = 10.0
FILE_SECONDS = 130.0  # the server gives up on a file helper after 120
HEADER_BYTES = 1 << 24
CHUNK = 1 << 18


class Stream(Protocol):
    """A byte stream to a server. Both calls raise ``TimeoutError`` at the deadline, a ``time.monotonic()`` value."""

    def write(self, data: bytes, deadline: float) -> None:
        """Send all of it; ``OSError`` if the other end is gone."""
        ...

    def read(self, most: int, deadline: float) -> bytes:
        """1 to ``most`` bytes, or none at the end of the stream."""
        ...

    def close(self) -> None:
        """Hang up. Safe to call twice."""
        ...


class FdStream:
    """A :class:`Stream` over descriptors, such as both ends of a process's pipes or one socket (given twice).

    It owns them: they become non-blocking, and closing closes them.
    """

    def __init__(self, source: int, sink: int) -> None:
        self._fds = {source, sink}
        self._source, self._sink = source, sink
        for fd in self._fds:
            os.set_blocking(fd, False)

    def write(self, data: bytes, deadline: float) -> None:
        """Send all of it."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._sink, view) :]
            except BlockingIOError:
                self._wait(self._sink, select.POLLOUT, deadline)

    def read(self, most: int, deadline: float) -> bytes:
        """1 to ``most`` bytes, or none at the end of the stream."""
        while True:
            self._wait(self._source, select.POLLIN, deadline)
            try:
                return os.read(self._source, most)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                return b""

    def close(self) -> None:
        """Hang up."""
        for fd in self._fds:
            os.close(fd)
        self._fds = set()
        self._source = self._sink = -1

    def _wait(self, fd: int, events: int, deadline: float) -> None:
        if fd < 0:
            raise OSError("the stream is closed")
        poller = select.poll()
        poller.register(fd, events)
        while not poller.poll(min(max(0.0, deadline - time.monotonic()), LONGEST_POLL) * 1000):
            if time.monotonic() >= deadline:
                raise TimeoutError


class Channel:
    """One conversation with one server; calls from several threads take turns.

    After any fault of the stream the channel is closed for good, and every call raises ``SandboxDied``.

    Args:
        stream: where the server listens; owned from now on.
        name: of the sandbox, for messages.
    """

    def __init__(self, stream: Stream, name: str = "sandbox") -> None:
        self._stream = stream
        self._name = name
        self._lock = threading.Lock()
        self._dead = ""
        self._state = threading.Lock()  # held for moments; guards the three below
        self._phase: Literal["idle", "asking", "running"] = "idle"
        self._interrupted = False
        self._owed = False

    @property
    def dead(self) -> bool:
        """Whether it has been given up."""
        return bool(self._dead)

    def call(
        self, op: str, *, body: bytes = b"", timeout: float = FILE_SECONDS, most: int = 1 << 16, **fields: Any
    ) -> tuple[dict[str, Any], bytes]:
        """Ask, and wait for the answer.

        Args:
            op: what to do.
            body: raw bytes that go with it.
            timeout: seconds until the server is taken for dead.
            most: bytes that the answer's body may have; more is a fault, for the other end is not to be trusted.
            **fields: the rest of the request's header.

        Raises:
            FileRefused: the server refused a path or a file.
            ValueError: the server found an argument without sense.
            SandboxDied: no answer in time, a broken stream, or an answer that is none.
        """
        with self._lock:
            if self._dead:
                raise SandboxDied(f"{self._name}: {self._dead}")
            try:
                deadline = time.monotonic() + timeout
                self._ask({"op": op, **fields}, body, deadline)
                head, data = self._answer(deadline, most)
                self._settle(deadline)
            except TimeoutError:
                raise self._give_up(f"no answer to {op!r} within {timeout:.0f} s") from None
            except (OSError, ValueError, EOFError) as error:
                raise self._give_up(f"lost during {op!r}: {error or type(error).__name__}") from error
            except BaseException:
                self._give_up(f"interrupted during {op!r}")
                raise
        if "error" in head:
            kind, message = head["error"], str(head.get("message"))
            raise {"refused": FileRefused, "value": ValueError}.get(kind, SandboxError)(message)
        return head, data

    def close(self) -> None:
        """Hang up. Safe to call twice."""
        self._give_up(self._dead or "closed")

    def _give_up(self, why: str) -> SandboxDied:
        self._dead = why
        self._stream.close()
        return SandboxDied(f"{self._name}: {why}")

    def interrupt(self) -> None:
        """End the command that runs now, from another thread; its ``exec`` returns as for a killed one.

        Nothing happens if none runs. The sandbox's other processes are killed too.
        """
        with self._state:
            if self._phase == "idle" or self._interrupted:
                return
            self._interrupted = True
            if self._phase == "running":
                self._end_command()

    def _end_command(self) -> None:
        self._owed = True
        try:
            self._write({"op": "kill_all"}, b"", time.monotonic() + GRACE)
        except OSError:  # also a timeout; the thread that waits for the command finds out by itself
            return

    def _ask(self, head: dict[str, Any], body: bytes, deadline: float) -> None:
        command = head["op"] == "exec"
        with self._state:
            self._phase, self._interrupted = ("asking" if command else "idle"), False
        self._write(head, body, deadline)
        with self._state:
            if command:
                self._phase = "running"
                if self._interrupted:
                    self._end_command()

    def _settle(self, deadline: float) -> None:
        """No interruption from here on; the answer to one that was sent is taken off the stream."""
        with self._state:
            self._phase = "idle"
            owed, self._owed = self._owed, False
        if owed:
            self._answer(deadline, 1 << 16)

    def _write(self, head: dict[str, Any], body: bytes, deadline: float) -> None:
        encoded = json.dumps(head).encode("ascii")
        self._stream.write(HEAD.pack(len(encoded), len(body)) + encoded, deadline)
        self._stream.write(body, deadline)

    def _answer(self, deadline: float, most: int) -> tuple[dict[str, Any], bytes]:
        head_size, body_size = HEAD.unpack(self._exactly(HEAD.size, deadline))
        if head_size > HEADER_BYTES or body_size > most:
            raise ValueError("an answer larger than was asked for")
        answer = json.loads(self._exactly(head_size, deadline))
        data = self._exactly(body_size, deadline)
        if not isinstance(answer, dict):
            raise ValueError("an answer that is none")
        return answer, data

    def _exactly(self, size: int, deadline: float) -> bytes:
        parts: list[bytes] = []
        while size:
            part = self._stream.read(min(size, CHUNK), deadline)
            if not part:
                raise EOFError("the server hung up")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


class Served:
    """The protocol's calls that need nothing but a command server; the base of the back-ends that run one.

    A back-end sets ``_channel`` in its ``start`` and, if it likes, ``_env``: what commands find in their environment
    before the spec's own variables and the call's.
    """

    spec: SandboxSpec
    _env: Mapping[str, str] = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
    }

    def __init__(self, spec: SandboxSpec) -> None:
        self.spec = spec
        self._channel: Channel | None = None

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
        """Run a command: a string through ``bash``, a sequence as it is.

        Raises:
            FileRefused: ``cwd`` is not there.
            ValueError: a NUL byte, or an environment name with ``=``.
            SandboxDied: the sandbox is gone.
        """
        self._check_user(user)
        if not timeout > 0:
            raise ValueError(f"timeout must be above 0, got {timeout}")
        cap = self.spec.limits.output_bytes
        command: dict[str, Any] = {"script": cmd} if isinstance(cmd, str) else {"argv": list(cmd)}
        head, body = self._live().call(
            "exec",
            body=stdin,
            timeout=timeout + GRACE,
            most=2 * cap,
            env={**self._env, **self.spec.env, **(env or {})},
            cwd=self._path(cwd or ""),
            cap=cap,
            **command,
            seconds=timeout,
        )
        return ExecResult(
            exit_code=head["exit"],
            stdout=body[: head["out"]],
            stderr=body[head["out"] :],
            timed_out=head["timed_out"],
            oom=head["oom"],
            truncated=head["truncated"],
            duration=head["duration"],
        )

    def read_file(self, path: str, max_bytes: int = 16 * 2**20) -> bytes:
        """A regular file's bytes; ``FileRefused`` for anything else or anything larger."""
        return self._live().call("read", path=self._path(path), max=max_bytes, most=max_bytes)[1]

    def write_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Write a file, making its folders."""
        self._live().call("write", path=self._path(path), mode=mode, body=data)

    def upload(self, tar: BinaryIO, dest: str) -> None:
        """Unpack a tar below ``dest``; nothing of it is written if one member leads out or is a device."""
        self._live().call("untar", path=self._path(dest), body=tar.read())

    def download(self, src: str, max_bytes: int = 256 * 2**20) -> bytes:
        """A file or folder as an uncompressed tar, its members named from the last part of ``src`` on."""
        return self._live().call("tar", path=self._path(src), max=max_bytes, most=max_bytes)[1]

    def kill_all(self) -> None:
        """Kill every process that commands have left."""
        self._live().call("kill_all", timeout=GRACE)

    def interrupt(self) -> None:
        """End the command that runs now, and every other process, from another thread; ``exec`` returns at once."""
        if self._channel is not None:
            self._channel.interrupt()

    def alive(self) -> bool:
        """Whether it answers; never raises."""
        try:
            self._live().call("ping", timeout=GRACE)
        except SandboxError:
            return False
        return True

    def _live(self) -> Channel:
        if self._channel is None:
            raise SandboxDied("the sandbox is not started, or closed")
        return self._channel

    def _path(self, path: str) -> str:
        if "\0" in path:
            raise FileRefused("a path with a NUL byte")
        return posixpath.join(self.spec.workdir, path)

    def _check_user(self, user: str | None) -> None:
        """Back-ends that know but one user refuse another."""
        if user not in (None, self.spec.user):
            raise ValueError(f"this back-end runs commands as {self.spec.user!r} only, not as {user!r}")
