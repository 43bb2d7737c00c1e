"""The command server: runs a stranger's commands inside a sandbox and answers one caller over one byte stream.

Standard library of Python 3.6, because it also runs in old images, into which the files of :data:`PARTS` are copied.
It is PID 1 of the native sandbox, or a process that talks over its standard input and output.

A message is a big-endian ``u32`` header length, a ``u64`` body length, the header (a JSON object in ASCII) and the raw
body. Requests carry ``op``; replies carry either results or ``error`` (``refused`` for a path or an argument that
cannot be served, ``value`` for one that makes no sense, ``server`` for a fault of this file) and ``message``. Text
that must keep foreign bytes travels with ``surrogateescape``.

Commands are forked, put under ``lockdown`` and executed. Files are touched only by a forked helper that has gone
through the same lockdown, so that links and names resolve as they would for the command itself.
"""

# must run on Python 3.6:
# ruff: noqa: UP006, UP032, UP035, UP045
import errno
import json
import math
import os
import select
import signal
import struct
import sys
import tarfile
import time
from typing import Any, BinaryIO, Callable, Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple

from assay.sandbox.server_files import (
    Head,
    Refused,
    above,
    close_imports,
    raw,
    read_file,
    reason,
    spool,
    tar,
    text,
    untar,
    write_file,
)
from assay.sandbox.server_processes import DEFAULT_SIGNALS, Processes, Stream, environment, execute, shell_code

HEAD = struct.Struct(">IQ")
ARG_LIMIT = 100_000  # the kernel allows 128 KiB an argument; longer scripts go through a file descriptor
HELPER_SECONDS = 120.0
WATCH_SECONDS = 0.1
LONGEST_POLL = 3600.0  # seconds; the call takes 32 bits of milliseconds
PARTS = ("server_files.py", "server_processes.py", "server.py")
"""Files of this folder that the server is made of, in the order in which they can be loaded."""

Reply = Tuple[Head, Any]  # a header, and bytes or the descriptor of a file to send


class Server(Processes):
    """Answers requests until the other end hangs up, then kills what is left.

    Args:
        control: descriptors to read requests from and to write replies to.
        lockdown: called in every forked child before it does anything: with True for a command, False for a helper
            that runs only this file.
        whole, memory, oom_fds, usage: see :class:`Processes`.
        extra: further operations by name.
        fork: makes the process that becomes a command.
    """

    def __init__(
        self,
        control: Tuple[int, int],
        lockdown: Callable[[bool], None],
        whole: bool,
        memory: int = 0,
        oom_fds: Sequence[int] = (),
        usage: Optional[Callable[[], int]] = None,
        extra: Optional[Mapping[str, Callable[[Head, bytes], Reply]]] = None,
        fork: Callable[[], int] = os.fork,
    ) -> None:
        super().__init__(whole, memory, oom_fds, usage)
        self.source, self.sink = control
        for fd in control:
            os.set_inheritable(fd, False)
        self.lockdown, self.fork = lockdown, fork
        self.null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        close_imports()
        self.operations: Dict[str, Callable[[Head, bytes], Reply]] = {
            "ping": lambda head, body: ({"pid": os.getpid(), "python": sys.version.split()[0]}, b""),
            "exec": self.exec,
            "kill_all": self._kill_all,
            "read": lambda head, body: self.helper(read_file, head, body),
            "write": lambda head, body: self.helper(write_file, head, body),
            "untar": lambda head, body: self.helper(untar, head, body),
            "tar": lambda head, body: self.helper(tar, head, body),
        }
        self.operations.update(extra or {})

    def serve(self) -> None:
        """Answer until the caller hangs up."""
        try:
            while True:
                self._idle()
                frame = self._receive()
                if frame is None:
                    return
                self._send(*self._answer(*frame))
        except (OSError, SystemExit):
            return  # the caller is gone; nobody to tell
        finally:
            self.kill_all()

    def _answer(self, head: Head, body: bytes) -> Reply:
        try:
            return self.operations[head["op"]](head, body)
        except Refused as refusal:
            return {"error": "refused", "message": str(refusal)}, b""
        except ValueError as error:
            return {"error": "value", "message": str(error)}, b""
        except Exception as error:
            return {"error": "server", "message": "{}: {}".format(type(error).__name__, error)}, b""

    def _idle(self) -> None:
        """Wait for a request, burying the dead and watching the memory of what commands have left behind."""
        poller = select.poll()
        poller.register(self.source, select.POLLIN)
        poller.register(self.wake, select.POLLIN)
        while True:
            children = self.reap()
            wait = WATCH_SECONDS * 1000 if self.memory and children else None
            ready = dict(poller.poll(wait))
            if self.source in ready:
                return
            if children:
                self.watch()

    def _receive(self) -> Optional[Tuple[Head, bytes]]:
        start = self._exactly(HEAD.size)
        if len(start) < HEAD.size:
            return None
        head_size, body_size = HEAD.unpack(start)
        head = self._exactly(head_size)
        body = self._exactly(body_size)
        if len(body) < body_size:
            return None
        return json.loads(head.decode("ascii")), bytes(body)

    def _exactly(self, size: int) -> bytearray:
        data = bytearray()
        while len(data) < size:
            part = os.read(self.source, min(1 << 20, size - len(data)))
            if not part:
                break
            data += part
        return data

    def _send(self, head: Head, body: Any) -> None:
        encoded = json.dumps(head).encode("ascii")
        size = os.fstat(body).st_size if isinstance(body, int) else len(body)
        self._write(HEAD.pack(len(encoded), size) + encoded)
        if isinstance(body, int):
            offset = 0
            while offset < size:
                part = os.pread(body, 1 << 20, offset)
                self._write(part)
                offset += len(part)
            os.close(body)
        else:
            self._write(body)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self.sink, view) :]

    def _kill_all(self, head: Head, body: bytes) -> Reply:
        self.kill_all()
        return {}, b""

    def exec(self, head: Head, body: bytes) -> Reply:
        """Run a command to its end or to its time limit.

        The header has ``argv`` (a list) or ``script`` (for ``bash``), ``env``, ``cwd``, ``seconds`` (its limit) and
        ``cap``, the bytes kept of each output; the body is its standard input. The reply has ``exit`` (null if the
        time was over), ``timed_out``, ``oom``, ``truncated``, ``duration`` and ``out``, how many bytes of the body are
        stdout; the rest is stderr.
        """
        env = environment(head.get("env") or {})
        begin = time.monotonic()
        kills, self.killed_for_memory = self.oom_kills(), False
        out, err = Stream(head["cap"]), Stream(head["cap"])
        try:
            pid = self._spawn(head, body, env, out, err)
            code = self._follow(pid, begin + head["seconds"], out, err)
            reply = {
                "exit": code,
                "timed_out": code is None,
                "oom": self.killed_for_memory or self.oom_kills() > kills,
                "truncated": out.dropped + err.dropped,
                "duration": time.monotonic() - begin,
                "out": len(out.kept),
            }
        finally:
            for stream in (out, err):
                os.close(stream.read_end)
        return reply, bytes(out.kept + err.kept)

    def _spawn(self, head: Head, body: bytes, env: Dict[bytes, bytes], out: Stream, err: Stream) -> int:
        script = raw(head["script"]) if "script" in head else None
        argv = [b"bash", b"-c", script] if script is not None else [raw(part) for part in head["argv"]]
        if not argv or any(b"\0" in part for part in argv):
            raise ValueError("a command must have at least one word and no NUL byte")
        stdin = spool(body, seal=True) if body else self.null
        long = -1
        if script is not None and len(script) > ARG_LIMIT:
            long = spool(script, seal=True)
            argv = [b"bash", b"/proc/self/fd/3"]
        told, tell = os.pipe()
        pid = self.fork_safely(self.fork)
        if pid == 0:
            self._become(argv, env, raw(head["cwd"]), (stdin, out.write_end, err.write_end, long), tell)
        self.watched.add(pid)
        for fd in [out.write_end, err.write_end, tell, long] + ([stdin] if body else []):
            if fd >= 0:
                os.close(fd)
        with open(told, "rb") as file:
            trouble = file.read(4096)
        if trouble:
            self.wait(pid, HELPER_SECONDS)
            raise Refused(text(trouble))
        return pid

    def _become(
        self, argv: List[bytes], env: Dict[bytes, bytes], cwd: bytes, fds: Tuple[int, int, int, int], tell: int
    ) -> NoReturn:
        """In the child: turn into the command. Trouble before that is told through ``tell``."""
        stage = b"cannot enter the sandbox"
        try:
            signal.set_wakeup_fd(-1)
            for number in DEFAULT_SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            os.setsid()
            # moved above 3 first, or one dup2 could overwrite what the next one needs
            high = [fd if fd < 0 else above(fd, 10) for fd in fds]
            tell = above(tell, 10)
            for target, fd in enumerate(high):
                if fd >= 0:
                    os.dup2(fd, target, inheritable=True)
            os.umask(0o022)
            self.lockdown(True)
            stage = b"no such working directory: " + cwd
            os.chdir(cwd)
        except BaseException as error:
            os.write(tell, stage + b": " + str(error).encode("utf-8", "replace"))
            os._exit(126)
        try:
            execute(argv, env)
        except OSError as error:
            message = argv[0][:200] + b": " + os.strerror(error.errno or 0).encode() + b"\n"
            try:
                os.write(2, message)
            finally:
                os._exit(127 if error.errno == errno.ENOENT else 126)
        os._exit(126)

    def _follow(self, pid: int, deadline: float, out: Stream, err: Stream) -> Optional[int]:
        """Take the outputs until the command ends; its exit code, None when the time is over."""
        poller = select.poll()
        streams = {out.read_end: out, err.read_end: err}
        for fd in streams:
            poller.register(fd, select.POLLIN)
        poller.register(self.wake, select.POLLIN)
        poller.register(self.source, select.POLLIN)
        look = time.monotonic() + WATCH_SECONDS
        while pid not in self.ended:
            now = time.monotonic()
            if now >= deadline:
                self.kill_all()
                self.ended.pop(pid, None)
                for stream in streams.values():
                    stream.drain()
                return None
            if self.memory and now >= look:
                self.watch()
                look = now + (WATCH_SECONDS / 10 if self.killed_for_memory else WATCH_SECONDS)
            until = min(deadline, look) if self.memory else deadline
            for fd, event in poller.poll(math.ceil(min(max(0.0, until - now), LONGEST_POLL) * 1000)):
                if fd == self.source:
                    if event & (select.POLLHUP | select.POLLERR):
                        raise SystemExit("the caller hung up")
                    poller.modify(self.source, 0)  # a request during a command ends it; it is answered afterwards
                    self.kill_all()
                elif fd == self.wake:
                    self.reap()
                elif not streams[fd].pull():
                    poller.unregister(fd)
        for stream in streams.values():
            stream.drain()
        return shell_code(self.ended.pop(pid))

    def helper(
        self,
        work: Callable[[Head, bytes, BinaryIO], Head],
        head: Head,
        body: bytes,
        lockdown: Optional[Callable[[bool], None]] = None,
    ) -> Reply:
        """Do file work in a child that has gone through the lockdown; its result comes back through memory.

        A command left in the background may kill the child, for they are the same user: then everything is killed and
        the work is done once more.
        """
        for attempt in (1, 2):
            data, told = spool(), spool()
            pid = self.fork_safely(os.fork)
            if pid == 0:
                self._help(work, head, body, data, told, lockdown or self.lockdown)
            self.watched.add(pid)
            status = self.wait(pid, HELPER_SECONDS)
            size = os.fstat(told).st_size
            answer = os.pread(told, size, 0)
            os.close(told)
            if os.WIFEXITED(status) and size:
                reply: Head = json.loads(answer.decode("ascii"))
                return reply, data
            os.close(data)
            if attempt == 1:
                self.kill_all()
        raise Refused("the file helper was killed or took over {:.0f} s".format(HELPER_SECONDS))

    def _help(
        self,
        work: Callable[[Head, bytes, BinaryIO], Head],
        head: Head,
        body: bytes,
        data: int,
        told: int,
        lockdown: Callable[[bool], None],
    ) -> NoReturn:
        try:
            signal.set_wakeup_fd(-1)
            os.setsid()
            os.umask(0o022)
            lockdown(False)
            with open(data, "wb", closefd=False) as file:
                reply = work(head, body, file)
        except Refused as refusal:
            reply = {"error": "refused", "message": str(refusal)}
        except (OSError, tarfile.TarError, EOFError, ValueError) as error:
            reply = {"error": "refused", "message": "{}: {}".format(head.get("path"), reason(error))}
        except (RecursionError, MemoryError) as error:  # what commands have made is at fault: folders without end
            reply = {"error": "refused", "message": "{}: {}".format(head.get("path"), type(error).__name__)}
        except BaseException as error:
            reply = {"error": "server", "message": "{}: {}".format(type(error).__name__, error)}
        if "error" in reply:
            os.ftruncate(data, 0)
        os.write(told, json.dumps(reply).encode("ascii"))
        os._exit(0)
