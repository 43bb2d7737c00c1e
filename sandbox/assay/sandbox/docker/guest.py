"""Inside the container, as PID 1: the command server, for commands without any privilege.

Standard library of Python 3.6. It runs as root with the few capabilities of ``plan.CAPABILITIES``: to become the user
of the commands, to kill them, and to tend files that belong to them. Commands have none, and cannot gain any.
"""

# Must run on Python 3.6.
# ruff: noqa: UP006, UP035
import base64
import ctypes
import io
import os
import resource
import signal
import tarfile
from typing import Any, BinaryIO, Callable, Dict, List

from assay.sandbox.docker.guest_delta import Delta, apply
from assay.sandbox.docker.guest_places import Root
from assay.sandbox.server import Reply, Server
from assay.sandbox.server_files import Capped, Head, above, spool

OOM_SCORE = b"500"
"""Of commands, so that the kernel takes one of them and never this process, which stays at 0."""
RLIMITS = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 4096, resource.RLIMIT_MEMLOCK: 1 << 16}
"""Set here and not by the engine, which refuses values above its own."""
MEMORY_FILES = (
    ("/sys/fs/cgroup/memory.stat", b"anon "),
    ("/sys/fs/cgroup/memory/memory.stat", b"total_rss "),
)
OOM_FILES = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")

PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 4, 22, 24, 38
IPC_RMID = 0


class Filter(ctypes.Structure):
    """``struct sock_fprog``: a program of the packet filter machine, here over system calls."""

    _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_char_p)]


def lockdown_for(uid: int, program: bytes) -> "Callable[[bool], None]":
    """What every forked child does before it runs a command or touches a file.

    Args:
        uid: user and group to become; 0 stays root, but without capabilities.
        program: seccomp filter in the machine's byte order; empty for the engine's own filter alone.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    packed = Filter(len(program) // 8, program)
    nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()  # _LINUX_CAPABILITY_VERSION_3, all clear

    def checked(result: int) -> None:
        if result:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def lockdown(command: bool) -> None:
        if command:
            with open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
                file.write(OOM_SCORE)
            for kind, most in RLIMITS.items():
                hard = resource.getrlimit(kind)[1]
                value = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.setrlimit(kind, (value, value))
        for capability in range(64):
            if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
                break  # the kernel has no more
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        checked(libc.capset(ctypes.byref(nothing[0]), ctypes.byref(nothing[1])))
        checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        if command and program:
            checked(libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(packed), 0, 0))

    return lockdown


def usage_from(path: str, key: bytes) -> "Callable[[], int]":
    """Reads the anonymous memory of the container, files in its tmpfs not counted."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def usage() -> int:
        for line in os.pread(fd, 1 << 14, 0).splitlines():
            if line.startswith(key):
                return int(line.split()[1])
        return 0

    return usage


class Keeper:
    """The operations on the writable places."""

    def __init__(self, roots: List[Root]) -> None:
        self.roots = roots
        self.server: Any = None

    def reset(self, head: Head, body: bytes) -> Reply:
        """Kill everything, and fill every root anew."""
        self.server.kill_all()
        os.close(self.server.helper(forget_messages, head, b"")[1])
        for root in self.roots:
            root.refill()
        return {}, b""

    def apply(self, head: Head, body: bytes) -> Reply:
        """After a reset: a part of a :class:`Delta`; ``removed`` is in the header."""
        with tarfile.open(fileobj=io.BytesIO(body), encoding="utf-8", errors="surrogateescape") as tar:
            apply(tar, head["removed"], self.roots)
        return {}, b""

    def changes(self, head: Head, body: bytes) -> Reply:
        """A :class:`Delta` of at most ``max`` bytes; of the roots that are numbered in ``roots``.

        Where commands that run meanwhile are in the way, they are killed.
        """
        try:
            return self._changes(head)
        except OSError:
            self.server.kill_all()
            return self._changes(head)

    def _changes(self, head: Head) -> Reply:
        data = spool()
        try:
            with open(data, "wb", closefd=False) as file:
                delta = Delta(Capped(file, head["max"]), head["old"])  # type: ignore[arg-type]
                for number in head["roots"]:
                    self._compare(delta, number)
                delta.close()
        except BaseException:
            os.close(data)
            raise
        return {}, data

    def _compare(self, delta: Delta, number: int) -> None:
        root = self.roots[number]
        now = os.open(root.target, os.O_RDONLY | os.O_DIRECTORY)
        try:
            was = os.open(root.pristine, os.O_RDONLY | os.O_DIRECTORY) if root.has_pristine() else None
            try:
                delta.compare(str(number), was, now, os.fstat(now).st_dev)
            finally:
                if was is not None:
                    os.close(was)
        finally:
            os.close(now)


def forget_messages(head: Head, body: bytes, out: BinaryIO) -> Head:
    """Remove the System V memory, semaphores and queues that the user of the commands has left."""
    libc = ctypes.CDLL(None)
    removers: Dict[str, Callable[[int], int]] = {
        "shm": lambda number: libc.shmctl(number, IPC_RMID, None),
        "msg": lambda number: libc.msgctl(number, IPC_RMID, None),
        "sem": lambda number: libc.semctl(number, 0, IPC_RMID, None),
    }
    for kind, remove in removers.items():
        try:
            with open("/proc/sysvipc/" + kind) as file:
                rows = file.read().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            remove(int(row.split()[1]))
    return {}


def main(options: "Dict[str, Any]") -> None:
    """Serve over standard input and output until the caller hangs up."""
    source, sink = above(0, 3), above(1, 3)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    for number in range(1, signal.NSIG):  # a signal without a handler cannot reach PID 1 from inside, one with can
        if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
            try:
                signal.signal(number, signal.SIG_IGN if number == signal.SIGPIPE else signal.SIG_DFL)
            except (OSError, ValueError):
                continue
    os.umask(0o022)
    os.chmod(options["private"], 0o700)  # an engine may have given it another mode
    keeper = Keeper([Root(**root) for root in options["roots"]])
    usage = next((usage_from(path, key) for path, key in MEMORY_FILES if os.path.exists(path)), None)
    server = Server(
        (source, sink),
        lockdown_for(options["uid"], base64.b64decode(options["filter"])),
        True,
        memory=options["memory"],
        oom_fds=[os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in OOM_FILES if os.path.exists(path)],
        usage=usage,
        extra={"reset": keeper.reset, "apply": keeper.apply, "changes": keeper.changes},
    )
    keeper.server = server
    server.serve()
