"""Processes of a sandbox, as its command server sees them: made, counted, killed, buried. Python 3.6 and up."""

# must run on Python 3.6:
# ruff: noqa: UP006, UP032, UP035, UP045, SIM105
import errno
import os
import resource
import select
import signal
import time
from typing import Callable, Dict, List, Mapping, NoReturn, Optional, Sequence, Set

from assay.sandbox.server_files import raw

CHUNK = 1 << 16
REAP_SECONDS = 5.0
# ignored by Python, by us, or by whoever started us; commands expect them as the kernel has them
DEFAULT_SIGNALS = (
    signal.SIGCHLD,
    signal.SIGPIPE,
    signal.SIGXFSZ,
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
)


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


class Processes:
    """All processes that commands have made.

    Args:
        whole: whether every process that can be seen belongs to the sandbox (a PID namespace of its own); otherwise
            only the descendants of this process are watched and killed.
        memory: bytes of all processes together above which the largest is killed; 0: somebody else holds it.
        oom_fds: open ``memory.events`` or ``memory.oom_control`` files that count the kernel's kills.
        usage: gives the bytes in use, if there is a cheaper way than to add up all processes.
    """

    def __init__(
        self, whole: bool, memory: int = 0, oom_fds: Sequence[int] = (), usage: Optional[Callable[[], int]] = None
    ) -> None:
        self.whole, self.memory, self.oom_fds, self.usage = whole, memory, oom_fds, usage
        self.watched: Set[int] = set()
        self.ended: Dict[int, int] = {}
        self.killed_for_memory = False
        self.wake, wake_write = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # only a signal with a handler can reach the first process of a namespace from inside, and Python has one here
        signal.signal(signal.SIGINT, signal.SIG_IGN)

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
            self.reap()
        give_up = time.monotonic() + REAP_SECONDS
        poller = select.poll()
        poller.register(self.wake, select.POLLIN)
        while self.reap() and time.monotonic() < give_up:
            poller.poll(100)

    def fork_safely(self, fork: Callable[[], int]) -> int:
        """Fork; where commands have filled the process table of the sandbox, they are killed to make room."""
        try:
            return fork()
        except BlockingIOError:
            self.kill_all()
            return fork()

    def reap(self) -> bool:
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

    def watch(self) -> None:
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

    def oom_kills(self) -> int:
        """How many processes the kernel has killed for memory, over all time."""
        return sum(
            int(line.split()[1])
            for fd in self.oom_fds
            for line in os.pread(fd, 4096, 0).splitlines()
            if line.startswith(b"oom_kill ")
        )

    def wait(self, pid: int, seconds: float) -> int:
        """The status of a child; killed when ``seconds`` are over."""
        poller = select.poll()
        poller.register(self.wake, select.POLLIN)
        give_up = time.monotonic() + seconds
        while True:
            self.reap()
            if pid in self.ended:
                return self.ended.pop(pid)
            if time.monotonic() > give_up:
                os.kill(pid, signal.SIGKILL)
                give_up += REAP_SECONDS
            poller.poll(1000)


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


def execute(argv: List[bytes], env: Dict[bytes, bytes]) -> NoReturn:
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
