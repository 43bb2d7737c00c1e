"""The command server: runs a stranger's commands inside a sandbox and answers one caller over one byte stream.

One file and the standard library of Python 3.6, because it is also copied into old images. It is PID 1 of the native
sandbox, or a process started as ``python3 server.py '{...}'`` that talks over its standard input and output.

A message is a big-endian ``u32`` header length, a ``u64`` body length, the header (a JSON object in ASCII) and the raw
body. Requests carry ``op``; replies carry either results or ``error`` (``refused`` for a path or an argument that
cannot be served, ``value`` for one that makes no sense, ``server`` for a fault of this file) and ``message``. Text
that must keep foreign bytes travels with ``surrogateescape``.

Commands are forked, put under ``lockdown`` and executed. Files are touched only by a forked helper that has gone
through the same lockdown, so that links and names resolve as they would for the command itself.
"""

# must run on Python 3.6:
# ruff: noqa: UP006, UP032, UP035, UP045, SIM105, ARG
import errno
import io
import json
import math
import os
import resource
import select
import signal
import stat
import struct
import sys
import tarfile
import tempfile
import time
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Mapping, NoReturn, Optional, Sequence, Set, Tuple

HEAD = struct.Struct(">IQ")
CHUNK = 1 << 16
ARG_LIMIT = 100_000  # the kernel allows 128 KiB an argument; longer scripts go through a file descriptor
HELPER_SECONDS = 120.0
REAP_SECONDS = 5.0
WATCH_SECONDS = 0.1

Head = Dict[str, Any]
Reply = Tuple[Head, Any]  # a header, and bytes or the descriptor of a file to send


class Refused(Exception):  # noqa: N818 - the answer, not a fault
    """What was asked cannot be served; the text goes to the caller."""


def raw(text: str) -> bytes:
    """The bytes that a string of a header stands for."""
    return text.encode("utf-8", "surrogateescape")


def text(data: bytes) -> str:
    """The inverse of :func:`raw`."""
    return data.decode("utf-8", "surrogateescape")


def spool(data: bytes = b"", seal: bool = False) -> int:
    """An anonymous file in memory holding ``data``, at its start; sealed against writing if asked and possible."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("assay", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    if seal and hasattr(os, "memfd_create"):
        import fcntl

        fcntl.fcntl(fd, 1033, 0x0F)  # F_ADD_SEALS: no more seals, no shrinking, growing or writing
    return fd


def prctl(option: int, value: int) -> None:
    """``prctl(2)`` with one argument; silently nothing where ctypes is missing."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass


class Stream:
    """One output of a command: the first ``cap`` bytes are kept, the rest is counted."""

    def __init__(self, cap: int) -> None:
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.read_end, False)
        self.cap = cap
        self.kept = bytearray()
        self.dropped = 0

    def pull(self, most: int = CHUNK) -> bool:
        """Take what is there, up to ``most`` bytes; False at the end of it."""
        try:
            data = os.read(self.read_end, most)
        except BlockingIOError:
            return True
        room = max(0, self.cap - len(self.kept))
        self.kept += data[:room]
        self.dropped += max(0, len(data) - room)
        return bool(data)

    def drain(self) -> None:
        """What the command itself left in the pipe: never more than a pipe can hold, whoever still writes to it."""
        for _ in range(16):
            before = len(self.kept) + self.dropped
            if not self.pull() or len(self.kept) + self.dropped == before:
                return


class Server:
    """Answers requests until the other end hangs up, then kills what is left.

    Args:
        control: descriptors to read requests from and to write replies to.
        lockdown: called in every forked child before it does anything: with True for a command, False for a helper
            that runs only this file.
        whole: whether every process that can be seen belongs to the sandbox (a PID namespace of its own); otherwise
            only the descendants of this process are watched and killed.
        memory: bytes of all processes together above which the largest is killed; 0: somebody else holds it.
        oom_fds: open ``memory.events`` or ``memory.oom_control`` files that count the kernel's kills.
        usage: gives the bytes in use, if there is a cheaper way than to add up all processes.
        extra: further operations by name.
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
        self.source, self.sink = control
        self.lockdown, self.whole, self.memory = lockdown, whole, memory
        self.oom_fds, self.usage, self.fork = oom_fds, usage, fork
        self.null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self.watched: Set[int] = set()
        self.ended: Dict[int, int] = {}
        self.killed_for_memory = False
        self.wake, wake_write = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
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
            children = self._reap()
            wait = WATCH_SECONDS * 1000 if self.memory and children else None
            ready = dict(poller.poll(wait))
            if self.source in ready:
                return
            if children:
                self._watch()

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

    def processes(self) -> List[int]:
        """Every process that commands have made."""
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        me = os.getpid()
        if self.whole:
            return [pid for pid in pids if pid not in (1, me)]
        parents: Dict[int, int] = {}
        for pid in pids:
            try:
                with open("/proc/{}/stat".format(pid), "rb") as file:
                    parents[pid] = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError):
                continue
        family, found = {me}, -1
        while len(family) != found:
            found = len(family)
            family.update(pid for pid, parent in parents.items() if parent in family)
        return sorted(family - {me})

    def kill_all(self) -> None:
        """Kill every process of the sandbox and bury it."""
        for _ in range(50):
            for pid in [-1] if self.whole else self.processes():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if self.whole or not self.processes():
                break
            self._reap()
        give_up = time.monotonic() + REAP_SECONDS
        poller = select.poll()
        poller.register(self.wake, select.POLLIN)
        while self._reap() and time.monotonic() < give_up:
            poller.poll(100)

    def _kill_all(self, head: Head, body: bytes) -> Reply:
        self.kill_all()
        return {}, b""

    def _fork(self, fork: Callable[[], int]) -> int:
        """Fork; where commands have filled the process table of the sandbox, they are killed to make room."""
        try:
            return fork()
        except BlockingIOError:
            self.kill_all()
            return fork()

    def _reap(self) -> bool:
        """Bury the dead; whether any child is left."""
        try:
            while os.read(self.wake, 4096):
                pass
        except BlockingIOError:
            pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid in self.watched:
                self.watched.discard(pid)
                self.ended[pid] = status

    def _watch(self) -> None:
        """Kill the largest process if all together use too much memory."""
        if not self.memory or (self.usage is not None and self.usage() <= self.memory):
            return
        page = resource.getpagesize()
        sizes = {pid: resident(pid) * page for pid in self.processes()}
        if sum(sizes.values()) <= self.memory:
            return
        if self.usage is None and sum(map(proportional, sizes)) <= self.memory:
            return
        for pid in sorted(sizes, key=lambda pid: sizes[pid])[-1:]:
            self.killed_for_memory = True
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def _oom_kills(self) -> int:
        return sum(
            int(line.split()[1])
            for fd in self.oom_fds
            for line in os.pread(fd, 4096, 0).splitlines()
            if line.startswith(b"oom_kill ")
        )

    def exec(self, head: Head, body: bytes) -> Reply:
        """Run a command to its end or to its time limit.

        The header has ``argv`` (a list) or ``script`` (for ``bash``), ``env``, ``cwd``, ``seconds`` (its limit) and
        ``cap``, the bytes kept of each output; the body is its standard input. The reply has ``exit`` (null if the
        time was over), ``timed_out``, ``oom``, ``truncated``, ``duration`` and ``out``, how many bytes of the body are
        stdout; the rest is stderr.
        """
        env = environment(head.get("env") or {})
        begin = time.monotonic()
        kills, self.killed_for_memory = self._oom_kills(), False
        out, err = Stream(head["cap"]), Stream(head["cap"])
        try:
            pid = self._spawn(head, body, env, out, err)
            code = self._follow(pid, begin + head["seconds"], out, err)
            reply = {
                "exit": code,
                "timed_out": code is None,
                "oom": self.killed_for_memory or self._oom_kills() > kills,
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
        pid = self._fork(self.fork)
        if pid == 0:
            self._become(argv, env, raw(head["cwd"]), (stdin, out.write_end, err.write_end, long), tell)
        self.watched.add(pid)
        for fd in [out.write_end, err.write_end, tell, long] + ([stdin] if body else []):
            if fd >= 0:
                os.close(fd)
        with open(told, "rb") as file:
            trouble = file.read(4096)
        if trouble:
            self._wait(pid, HELPER_SECONDS)
            raise Refused(text(trouble))
        return pid

    def _become(
        self, argv: List[bytes], env: Dict[bytes, bytes], cwd: bytes, fds: Tuple[int, int, int, int], tell: int
    ) -> NoReturn:
        """In the child: turn into the command. Trouble before that is told through ``tell``."""
        stage = b"cannot enter the sandbox"
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            os.setsid()
            # moved above 3 first, or one dup2 could overwrite what the next one needs
            high = [fd if fd < 0 else _above(fd, 10) for fd in fds]
            tell = _above(tell, 10)
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
            _execute(argv, env)
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
                self._watch()
                look = now + (WATCH_SECONDS / 10 if self.killed_for_memory else WATCH_SECONDS)
            until = min(deadline, look) if self.memory else deadline
            for fd, event in poller.poll(math.ceil(max(0.0, until - now) * 1000)):
                if fd == self.source:
                    if event & (select.POLLHUP | select.POLLERR):
                        raise SystemExit("the caller hung up")
                    poller.modify(self.source, 0)  # a request during a command ends it; it is answered afterwards
                    self.kill_all()
                elif fd == self.wake:
                    self._reap()
                elif not streams[fd].pull():
                    poller.unregister(fd)
        for stream in streams.values():
            stream.drain()
        return shell_code(self.ended.pop(pid))

    def _wait(self, pid: int, seconds: float) -> int:
        """The status of a child; killed when ``seconds`` are over."""
        poller = select.poll()
        poller.register(self.wake, select.POLLIN)
        give_up = time.monotonic() + seconds
        while True:
            self._reap()
            if pid in self.ended:
                return self.ended.pop(pid)
            if time.monotonic() > give_up:
                os.kill(pid, signal.SIGKILL)
                give_up += REAP_SECONDS
            poller.poll(1000)

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
            pid = self._fork(os.fork)
            if pid == 0:
                self._help(work, head, body, data, told, lockdown or self.lockdown)
            self.watched.add(pid)
            status = self._wait(pid, HELPER_SECONDS)
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
            reply = {"error": "refused", "message": "{}: {}".format(head.get("path"), _reason(error))}
        except BaseException as error:
            reply = {"error": "server", "message": "{}: {}".format(type(error).__name__, error)}
        if "error" in reply:
            os.ftruncate(data, 0)
        os.write(told, json.dumps(reply).encode("ascii"))
        os._exit(0)


def _reason(error: BaseException) -> str:
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)


def _above(fd: int, floor: int) -> int:
    import fcntl

    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, floor)


def _execute(argv: List[bytes], env: Dict[bytes, bytes]) -> NoReturn:
    """``execve`` through the command's own ``PATH``; ``sh`` stands in for a missing ``bash``."""
    folders = [b""] if b"/" in argv[0] else [part + b"/" for part in env.get(b"PATH", b"/bin:/usr/bin").split(b":")]
    names = [b"bash", b"sh"] if argv[0] == b"bash" else [argv[0]]
    problem = OSError(errno.ENOENT, "not found")
    for name in names:
        for folder in folders:
            try:
                os.execve(folder + name, argv, env)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                    problem = error
    raise problem


def environment(env: Mapping[str, str]) -> Dict[bytes, bytes]:
    """A command's environment as bytes; ValueError for what the kernel could not carry."""
    for name, value in env.items():
        if not name or "=" in name or "\0" in name + value:
            raise ValueError("not an environment variable: {!r}".format(name[:100]))
    return {raw(name): raw(value) for name, value in env.items()}


def shell_code(status: int) -> int:
    """A wait status as a shell tells it: 128 plus the signal for a killed process."""
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def resident(pid: int) -> int:
    """Pages of memory that a process holds; 0 once it is gone."""
    try:
        with open("/proc/{}/statm".format(pid), "rb") as file:
            return int(file.read().split()[1])
    except (OSError, IndexError):
        return 0


def proportional(pid: int) -> int:
    """Bytes that a process holds, with shared pages divided among those who share them."""
    try:
        with open("/proc/{}/smaps_rollup".format(pid), "rb") as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith(b"Pss:"))
    except (OSError, IndexError):
        return resident(pid) * resource.getpagesize()


def read_file(head: Head, body: bytes, out: BinaryIO) -> Head:
    """A regular file of at most ``max`` bytes. Opened without blocking, so that a FIFO cannot hold us."""
    fd = os.open(raw(head["path"]), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    with open(fd, "rb") as file:
        _regular(fd, head["path"])
        data = file.read(head["max"] + 1)
    if len(data) > head["max"]:
        raise Refused("{}: larger than {} bytes".format(head["path"], head["max"]))
    out.write(data)
    return {}


def write_file(head: Head, body: bytes, out: BinaryIO) -> Head:
    """Write the body to ``path`` with ``mode``, making its folders."""
    path = raw(head["path"])
    os.makedirs(os.path.dirname(path) or b".", exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY, 0o600)
    with open(fd, "wb") as file:
        _regular(fd, head["path"])
        os.ftruncate(fd, 0)
        file.write(body)
        file.flush()
        os.fchmod(fd, head["mode"] & 0o777)
    return {}


def _regular(fd: int, path: str) -> None:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise Refused("{}: not a regular file".format(path))


def untar(head: Head, body: bytes, out: BinaryIO) -> Head:
    """Unpack the body below ``path``. Every member is checked before anything is written."""
    base = os.path.realpath(raw(head["path"]))
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:*", encoding="utf-8", errors="surrogateescape") as archive:
        members = [(member, _inside(member.name)) for member in archive.getmembers()]
        links = {name for member, name in members if member.issym()}
        for member, name in members:
            _check(member, name, links, base)
        os.makedirs(base, exist_ok=True)
        modes = [_unpack(archive, member, os.path.join(base, raw(name)), base) for member, name in members]
    for path, mode in reversed([entry for entry in modes if entry]):
        os.chmod(path, mode)
    return {"members": len(members)}


def _inside(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise Refused("{}: leads out of the folder".format(name[:300]))
    return "/".join(parts)


def _check(member: tarfile.TarInfo, name: str, links: Set[str], base: bytes) -> None:
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise Refused("{}: neither file, folder nor link".format(member.name[:300]))
    if not name and not member.isdir():
        raise Refused("{!r}: a member without a name".format(member.name[:300]))
    for path in [name, _inside(member.linkname)] if member.islnk() else [name]:
        parts = path.split("/")
        if any("/".join(parts[:count]) in links for count in range(1, len(parts))):
            raise Refused("{}: leads through a link".format(path[:300]))
        real = os.path.realpath(os.path.dirname(os.path.join(base, raw(path)))) if path else base
        if real != base and not real.startswith(base.rstrip(b"/") + b"/"):
            raise Refused("{}: leads out of the folder".format(path[:300]))


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, path: bytes, base: bytes) -> Optional[Tuple[bytes, int]]:
    """Write one member; the mode of a folder is set last, or a read-only one could not be filled."""
    mode = member.mode & 0o777
    if member.isdir():
        if os.path.islink(path) or not os.path.isdir(path):
            _remove(path)
            os.makedirs(path)
        return (path, mode) if path.rstrip(b"/") != base.rstrip(b"/") else None
    os.makedirs(os.path.dirname(path), exist_ok=True)
    source = os.path.join(base, raw(_inside(member.linkname))) if member.islnk() else b""
    if source == path:
        return None
    _remove(path)
    if member.issym():
        os.symlink(raw(member.linkname), path)
    elif member.islnk():
        os.link(source, path, follow_symlinks=False)
    else:
        content = archive.extractfile(member)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(fd, "wb") as file:
            while content is not None:
                part = content.read(1 << 20)
                if not part:
                    break
                file.write(part)
            file.flush()
            os.fchmod(fd, mode)
            os.utime(fd, (max(0, member.mtime), max(0, member.mtime)))
    return None


def _remove(path: bytes) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


class _Capped(io.RawIOBase):
    """Counts what passes and stops at a limit."""

    def __init__(self, sink: BinaryIO, most: int) -> None:
        self.sink, self.left = sink, most

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.left -= len(data)
        if self.left < 0:
            raise Refused("larger than allowed")
        self.sink.write(data)
        return len(data)


def tar(head: Head, body: bytes, out: BinaryIO) -> Head:
    """``path`` as an uncompressed tar of at most ``max`` bytes, its members named from its last part on.

    Only files, folders and links are in it.
    """
    path = head["path"].rstrip("/") or "/"
    name = path.rpartition("/")[2] or "."
    sink = _Capped(out, head["max"])
    with tarfile.open(fileobj=sink, mode="w|", encoding="utf-8", errors="surrogateescape") as archive:
        for source, member in _walk(raw(path), name):
            info = archive.gettarinfo(os.fsdecode(source), member)
            if info is None or not (info.isreg() or info.isdir() or info.issym() or info.islnk()):
                continue
            if info.isreg():
                fd = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
                with open(fd, "rb") as file:
                    _regular(fd, member)
                    archive.addfile(info, file)
            else:
                archive.addfile(info)
    return {}


def _walk(path: bytes, name: str) -> Iterator[Tuple[bytes, str]]:
    os.lstat(path)
    yield path, name
    if os.path.isdir(path) and not os.path.islink(path):
        for entry in sorted(os.listdir(path)):
            yield from _walk(os.path.join(path, entry), name + "/" + text(entry))


def main() -> None:
    """Serve over standard input and output, as the one argument, a JSON object, says.

    Keys: ``whole`` (bool), ``memory`` (bytes, 0 for none), ``rlimits`` (names without ``RLIMIT_`` to values),
    ``oom`` (whether the container's own cgroup files are to be read).
    """
    options = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    source, sink = _above(0, 3), _above(1, 3)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    prctl(4, 0)  # PR_SET_DUMPABLE: commands of the same user cannot look into us
    prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: what daemonises becomes our child
    limits = [(getattr(resource, "RLIMIT_" + name), value) for name, value in options.get("rlimits", {}).items()]

    def lockdown(command: bool) -> None:
        prctl(38, 1)  # PR_SET_NO_NEW_PRIVS: no gain through set-uid programs
        for limit, value in limits if command else []:
            hard = resource.getrlimit(limit)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(limit, (value, value))

    counters = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
    oom_fds = [os.open(path, os.O_RDONLY) for path in counters if options.get("oom", True) and os.path.exists(path)]
    Server((source, sink), lockdown, options.get("whole", False), options.get("memory", 0), oom_fds).serve()


if __name__ == "__main__":
    main()
