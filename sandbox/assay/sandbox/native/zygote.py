"""The small single-threaded process that forks sandboxes, so that a trainer with threads and CUDA never has to.

It is started once per parent and ends with it; with it end all its sandboxes, whose first processes the kernel kills
when their parent dies.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from assay.sandbox.native import inside, kernel, seccomp
from assay.sandbox.native.cgroups import Cgroups, Group, here, sweep
from assay.sandbox.native.tree import SHM_BYTES
from assay.sandbox.server_files import preload

NAMESPACES = (
    kernel.CLONE_NEWUSER  # its capabilities count inside only
    | kernel.CLONE_NEWNS  # files
    | kernel.CLONE_NEWPID  # processes; killing its first one kills all
    | kernel.CLONE_NEWIPC  # System V memory and queues
    | kernel.CLONE_NEWUTS  # the host's name
)
OUTSIDE = 200_000
"""The first of 65,536 user and group ids that sandboxes have on the host when root starts them."""
IDS = 65_536


class Zygote:
    """Forks and buries sandboxes on request.

    Args:
        parent: socket of the process that started it.
    """

    def __init__(self, parent: socket.socket) -> None:
        self._parent = parent
        self._root = os.geteuid() == 0
        self._groups: dict[int, Group | None] = {}
        self._idmaps: dict[tuple[int, int, int], int] = {}
        self._filters: dict[tuple[bool, bool], bytes] = {}
        self._made = 0
        self._cgroups = self._open_cgroups()

    def _open_cgroups(self) -> Cgroups | None:
        bases = here()
        if not bases:
            return None
        sweep(bases)
        cgroups = Cgroups(bases)
        try:
            cgroups.open()
        except OSError:
            return None
        return cgroups

    def run(self) -> None:
        """Answer until the parent is gone, then end every sandbox."""
        poller = select.poll()
        poller.register(self._parent, select.POLLIN)
        # not only the end of the stream: a forked child of the parent may hold its other end open
        poller.register(kernel.open_process(os.getppid()), select.POLLIN)
        wake, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        poller.register(wake, select.POLLIN)
        try:
            while True:
                ready = {fd for fd, _ in poller.poll()}
                if wake in ready:
                    os.read(wake, 4096)
                    self._bury()
                    ready.discard(wake)
                if ready - {self._parent.fileno()}:
                    return
                if ready and not self._answer():
                    return
        finally:
            for pid in list(self._groups):
                self._end(pid)
            if self._cgroups:
                self._cgroups.close()

    def _answer(self) -> bool:
        data, fds, _, _ = socket.recv_fds(self._parent, 1 << 16, 2)
        if not data:
            return False
        request = json.loads(data)
        reply: dict[str, Any] = {}
        try:
            if request["op"] == "start":
                reply = {"pid": self._start(json.loads(os.pread(fds[1], os.fstat(fds[1]).st_size, 0)), fds[0])}
            else:
                self._end(request["pid"])
        except (OSError, NotImplementedError) as error:
            reply = {"error": str(error), "errno": getattr(error, "errno", 0) or 0}
        for fd in fds:
            os.close(fd)
        self._parent.send(json.dumps(reply).encode("ascii"))
        return True

    def _start(self, plan: dict[str, Any], control: int) -> int:
        self._made += 1
        group = None
        if self._cgroups:
            total = plan["memory"] + plan["disk"] + SHM_BYTES  # files in memory are counted with it
            limits = {"memory": total, "pids": plan["pids"], "cpus": plan["cpus"]}
            group = self._cgroups.make(str(self._made), limits, OUTSIDE if self._root else None)
        plan["many_ids"] = self._root
        plan["filter"] = self._filter(plan["debug"], group is not None)
        trees: list[int] | None = None
        pid = 0
        mapped, tell = os.pipe()
        try:
            if self._root:
                trees = inside.open_sources(plan, lambda path: self._idmap(path, plan["agent"]))
            pid = kernel.clone(self._namespaces(plan["network"]))
            if pid == 0:
                os.close(tell)
                inside.enter(plan, control, mapped, trees, group)
            self._groups[pid] = group
            if self._root:
                write_maps(pid, f"0 {OUTSIDE} {IDS}", f"0 {OUTSIDE} {IDS}")
            else:
                write_maps(pid, f"{plan['agent']} {os.geteuid()} 1", f"{plan['agent']} {os.getegid()} 1", deny=True)
            if self._cgroups:
                self._cgroups.place(pid, OUTSIDE if self._root else None)
            os.write(tell, b"1")
        except OSError:
            if pid:
                self._end(pid)
            elif group and self._cgroups:
                self._cgroups.remove(group)
            raise
        finally:
            for fd in (mapped, tell, *(trees or ())):
                os.close(fd)
            if group:
                group.close()
        return pid

    def _namespaces(self, network: bool) -> int:
        unified = self._cgroups is not None and self._cgroups.unified
        # a cgroup namespace hides the paths of our groups; in version 2 nobody forks out of one
        return NAMESPACES | (0 if network else kernel.CLONE_NEWNET) | (0 if unified else kernel.CLONE_NEWCGROUP)

    def _filter(self, debug: bool, counted: bool) -> bytes:
        key = (debug, counted)
        if key not in self._filters:
            self._filters[key] = seccomp.program(debug, counted)
        return self._filters[key]

    def _idmap(self, path: str, agent: int) -> int:
        """A user namespace in which the owner of ``path`` is the sandbox's user and everybody else somebody else."""
        info = os.stat(path)
        if info.st_uid == OUTSIDE + agent:
            return -1  # made for sandboxes
        key = (info.st_uid, info.st_gid, agent)
        if key not in self._idmaps:
            self._idmaps[key] = user_namespace(swapped(info.st_uid, agent), swapped(info.st_gid, agent))
        return self._idmaps[key]

    def _end(self, pid: int) -> None:
        """Kill a sandbox and wait until nothing of it is left."""
        if pid in self._groups:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)  # returns when every process of its namespace is gone
            self._forget(pid)

    def _bury(self) -> None:
        for pid in list(self._groups):
            if os.waitpid(pid, os.WNOHANG)[0]:
                self._forget(pid)

    def _forget(self, pid: int) -> None:
        group = self._groups.pop(pid)
        if group and self._cgroups:
            self._cgroups.remove(group)


def write_maps(pid: int, users: str, groups: str, deny: bool = False) -> None:
    """The id maps of another process's user namespace; an ordinary user must forbid ``setgroups`` first."""
    texts = [("setgroups", "deny")] if deny else []
    for name, content in (*texts, ("uid_map", users), ("gid_map", groups)):
        fd = os.open(f"/proc/{pid}/{name}", os.O_WRONLY)
        try:
            os.write(fd, content.encode())
        finally:
            os.close(fd)


def swapped(owner: int, agent: int) -> str:
    """A map for the files of a mount: ``owner`` and ``agent`` change places, everybody else keeps theirs.

    All ids lie in the range that sandboxes have on the host, so no file ever belongs to one of the host's users.
    """
    lines = [(owner, agent)] + ([(agent, owner)] if owner < IDS and owner != agent else [])
    start = 0
    for stop in sorted({owner, agent, IDS}):
        if start < min(stop, IDS):
            lines.append((start, -(min(stop, IDS) - start)))
        start = stop + 1
    return "\n".join(f"{a} {OUTSIDE + a} {-b}" if b < 0 else f"{a} {OUTSIDE + b} 1" for a, b in lines)


def user_namespace(users: str, groups: str) -> int:
    """A descriptor of a new user namespace with these maps, which nobody lives in."""
    hold, release = os.pipe()
    pid = kernel.clone(kernel.CLONE_NEWUSER)
    if pid == 0:
        os.close(release)
        os.read(hold, 1)
        os._exit(0)
    try:
        write_maps(pid, users, groups)
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(hold)
        os.close(release)
        os.waitpid(pid, 0)


def main() -> None:
    """Serve the parent over the socket that is standard input."""
    os.chdir("/")
    parent = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(
            number, signal.SIG_IGN
        )  # meant for the parent, whose end is ours: it may still want its sandboxes
    preload()
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("300")  # when the host runs out of memory, sandboxes go before their trainer
    zygote = Zygote(parent)
    gc.collect()
    gc.freeze()  # pages that the collector does not touch stay shared with every sandbox
    gc.disable()
    zygote.run()
    sys.exit(0)
