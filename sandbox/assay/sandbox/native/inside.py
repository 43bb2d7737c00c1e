"""The first process of a native sandbox: shuts itself in, then serves commands; and what shuts each command in."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from assay.sandbox.native import changes, kernel
from assay.sandbox.native.cgroups import Group, anonymous_bytes
from assay.sandbox.native.tree import ROOT, Tree, sources
from assay.sandbox.server import HEAD, Reply, Server
from assay.sandbox.server_files import Head

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
OPEN_FILES = 4096


def open_sources(plan: dict[str, Any], idmap: Callable[[str], int] | None) -> list[int]:
    """Detached read-only mounts of all that a plan takes from the host.

    A process with the rights of the host's root opens them before it gives those up, so that sources may lie below
    directories that nobody else can enter.

    Args:
        plan: see :mod:`assay.sandbox.native.plan`.
        idmap: for a path the user namespace through which its files become the sandbox's; None: they are already.
    """
    trees: list[int] = []
    readonly = kernel.ATTR_RDONLY | kernel.ATTR_NOSUID | kernel.ATTR_NODEV
    try:
        for path, own in sources(plan):
            trees.append(kernel.open_tree(path, readonly, idmap(path) if own and idmap else -1))
    except OSError:
        for fd in trees:
            os.close(fd)
        raise
    return trees


def enter(plan: dict[str, Any], control: int, mapped: int, trees: list[int] | None, group: Group | None) -> NoReturn:
    """Become the sandbox. Runs in the child that :func:`kernel.clone` has put into new namespaces.

    Args:
        plan: see :mod:`assay.sandbox.native.plan`.
        control: where requests come from.
        mapped: becomes readable when the parent has written the user map.
        trees: what :func:`open_sources` gave, if the parent could; else it is done here.
        group: cgroups for commands, if there are any.
    """
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if os.read(mapped, 1) != b"1":
            raise OSError("the parent could not write the user map")
        keep = {control, *(trees or ()), *(group.fds if group else ())}
        _close_others(keep)
        if plan["many_ids"]:
            os.setgroups([])  # as an ordinary user the kernel does not let us drop the groups of the host
        first = 0 if plan["many_ids"] else plan["agent"]
        os.setresgid(first, first, first)
        os.setresuid(first, first, first)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # again: the change of user has cleared it
        os.umask(0o022)
        tree = Tree(plan, open_sources(plan, None) if trees is None else trees)
        kernel.set_host_name("sandbox")
        if not plan["network"]:
            _raise_loopback()
        tree.build()
        tree.mount([])
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # commands of the same user cannot look into us
        server = make_server(plan, control, tree, group)
    except BaseException as error:
        _explain(control, error)
        os._exit(1)
    try:
        server.serve()
    finally:
        os._exit(0)


def _close_others(keep: set[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in keep:
            try:
                os.close(int(name))
            except OSError:
                continue
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)


def _explain(control: int, error: BaseException) -> None:
    """Answer the first request with what went wrong."""
    message = f"{error}" if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
    head = json.dumps({"error": "setup", "message": message}).encode("ascii")
    try:
        os.write(control, HEAD.pack(len(head), 0) + head)
    except OSError:
        print(message, file=sys.stderr)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def make_server(plan: dict[str, Any], control: int, tree: Tree, group: Group | None) -> Server:
    """The command server with this sandbox's lockdown, limits and the operations on its tree."""
    server: Server

    def lockdown(command: bool) -> None:
        shut_in(plan, group, command)

    def remount(work: Callable[[], str | None]) -> Reply:
        server.kill_all()
        try:
            name = work()
        except OSError as error:
            raise SystemExit(f"cannot remount: {error}") from error  # half a tree is no sandbox
        return ({"snapshot": name} if name else {}), b""

    def changed(head: Head, body: bytes) -> Reply:
        return server.helper(lambda asked, _, out: changes.collect(tree, asked, out), head, body, changes.shed)

    server = Server(
        (control, control),
        lockdown,
        whole=True,
        memory=plan["memory"],
        oom_fds=[group.events] if group else [],
        usage=(lambda: anonymous_bytes(group.stat)) if group else None,
        extra={
            "reset": lambda head, body: remount(tree.reset),
            "snapshot": lambda head, body: remount(tree.snapshot),
            "restore": lambda head, body: remount(lambda: tree.restore(head["name"])),
            "changed": changed,
        },
        fork=(lambda: _fork_into(group)) if group else os.fork,
    )
    return server


def _fork_into(group: Group) -> int:
    if group.into >= 0:
        try:
            return kernel.fork_into(group.into)
        except BlockingIOError:
            raise  # it is full
        except OSError:
            group.into = -1  # the host's rules forbid it: from now on commands move themselves
    return os.fork()


def shut_in(plan: dict[str, Any], group: Group | None, command: bool) -> None:
    """Give up, in a forked child, all that a command must not have.

    A helper, which executes nothing of the sandbox's, keeps out of the cgroup: a full one must not stop it.
    """
    if command and group and group.into < 0:
        for fd in group.join:
            os.write(fd, b"0")
    os.chroot(ROOT)
    os.chdir("/")
    if command:
        _limit(plan, bool(group))
    kernel.drop_bounding_set()
    agent = plan["agent"]
    if plan["many_ids"]:
        os.setgroups([])
    os.setresgid(agent, agent, agent)
    os.setresuid(agent, agent, agent)
    kernel.clear_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.install_filter(plan["filter"])


def _limit(plan: dict[str, Any], grouped: bool) -> None:
    """What a process may use by itself; all that there is where no cgroup counts them together."""
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: plan["disk"] + (1 << 20),  # a full disk is to be told as such first
        resource.RLIMIT_NOFILE: OPEN_FILES,
    }
    if not grouped:
        limits[resource.RLIMIT_NPROC] = plan["pids"]
        limits[resource.RLIMIT_DATA] = 4 * plan["memory"]  # the server's watch holds the exact limit
    for name, value in limits.items():
        hard = resource.getrlimit(name)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (value, value))
