"""The files of a native sandbox, as its first process mounts them; reset, snapshot and restore are remounts.

In the work tree, which commands never see, stand ``t/N`` (what comes from the host, read-only), ``base`` (the bare
root of a :class:`HostBase`), ``rw/K`` (one memory file system per generation of changes) and ``m``, the root that
commands are shut into. A snapshot freezes the current generation: it becomes one more lower layer of the next.
"""

from __future__ import annotations

import os
from typing import Any

from assay.sandbox.native import kernel
from assay.sandbox.native.kernel import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_REC

ROOT = "/m"
SHM_BYTES = 64 * 2**20
DEPTH = 200
"""Snapshots on top of each other; the kernel takes one page of options."""
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
DEVICE_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}


def sources(plan: dict[str, Any]) -> list[tuple[str, bool]]:
    """What a plan takes from the host, in order, and whether its files are to belong to the sandbox's user."""
    root = [(plan["root"], True)] if plan["root"] else []
    return [*root, *((path, False) for path, _ in plan["binds"]), *((path, True) for path, _, _ in plan["layers"])]


class Tree:
    """The mounts of one sandbox.

    Args:
        plan: see :mod:`assay.sandbox.native.plan`.
        trees: detached mounts of its sources, in order.
    """

    def __init__(self, plan: dict[str, Any], trees: list[int]) -> None:
        self.plan = plan
        self._trees = trees
        names = [f"/t/{index}" for index in range(len(trees))]
        self._lower = names.pop(0) if plan["root"] else "/base"
        self._binds = [(name, target) for name, (_, target) in zip(names, plan["binds"], strict=False)]
        layers = list(zip(names[len(plan["binds"]) :], plan["layers"], strict=True))
        self._shown = [(name, target) for name, (_, target, writable) in layers if not writable]
        self.overlays = [("/", self._lower)] + [(target, name) for name, (_, target, writable) in layers if writable]
        self.generations: list[int] = []  # what is mounted, oldest first; the last takes the changes
        self._snapshots: dict[str, list[int]] = {}
        self._made = 0
        self._targets: list[int] = []  # open until all is mounted

    def build(self) -> None:
        """Everything that never changes, then leave the host's tree for good."""
        kernel.mount("none", "/", flags=kernel.MS_PRIVATE | MS_REC)
        spot = next(path for path in ("/tmp", "/mnt", "/var", "/usr") if os.path.isdir(path))
        devices = [kernel.open_tree(f"/dev/{name}", kernel.ATTR_NOSUID) for name in DEVICES]
        kernel.mount("assay", spot, "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,mode=0755")
        os.chdir(spot)
        for name in ("t", "rw", "m", "base", "dev", "dev/pts", "dev/shm", "proc", "old"):
            os.mkdir(name)
        for index, fd in enumerate(self._trees):
            _make_point(f"t/{index}", os.path.isfile(f"/proc/self/fd/{fd}"))
            kernel.move_mount(fd, f"t/{index}")
            os.close(fd)
        self._make_devices(devices)
        # before the old root goes: the kernel gives a fresh proc only where a full one can be seen
        kernel.mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2")
        # settings of the namespaces, such as pid_max, are user 0's to write, and would outlive a reset
        kernel.mount("proc/sys", "proc/sys", flags=MS_BIND)
        fd = os.open("proc/sys", os.O_PATH | os.O_CLOEXEC)
        kernel.set_attributes(fd, kernel.ATTR_RDONLY, below=False)
        os.close(fd)
        self._make_base()
        kernel.pivot_root(".", "old")
        kernel.unmount("/old")
        os.chdir("/")

    def _make_devices(self, devices: list[int]) -> None:
        for name, fd in zip(DEVICES, devices, strict=True):
            os.close(os.open(f"dev/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
            kernel.move_mount(fd, f"dev/{name}")
            os.close(fd)
        for name, target in DEVICE_LINKS.items():
            os.symlink(target, f"dev/{name}")
        kernel.mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")

    def _make_base(self) -> None:
        agent = self.plan["agent"]
        for path, mode, owned in self.plan["dirs"]:
            os.makedirs(f"base{path}", exist_ok=True)
            os.chmod(f"base{path}", mode)
            if owned:
                os.chown(f"base{path}", agent, agent)
        for path, content in self.plan["files"]:
            with open(f"base{path}", "wb") as file:
                file.write(content.encode("latin-1"))
        self.plan["files"] = []  # no use any more, and there is one of us for each sandbox
        for path, target in self.plan["links"]:
            os.symlink(target, f"base{path}")

    def mount(self, lower: list[int]) -> None:
        """A new generation on top of ``lower``, and with it the root that commands see."""
        self._made += 1
        top = f"/rw/{self._made}"
        disk, inodes = self._room(lower)
        os.mkdir(top)
        kernel.mount("assay", top, "tmpfs", MS_NOSUID | MS_NODEV, f"size={disk},nr_inodes={inodes},mode=0755")
        self.generations = [*lower, self._made]
        agent = self.plan["agent"]
        for index, (target, source) in enumerate(self.overlays):
            upper, work = f"{top}/{index}", f"{top}/w{index}"
            os.mkdir(upper)
            os.mkdir(work)
            mode = os.stat(source).st_mode & 0o7777
            os.chmod(upper, mode)
            if index or self.plan["root"]:
                os.chown(upper, agent, agent)
            stack = ":".join([f"/rw/{number}/{index}" for number in reversed(lower)] + [source])
            options = f"lowerdir={stack},upperdir={upper},workdir={work},userxattr"
            where = ROOT if target == "/" else self._target(target)
            kernel.mount("assay", where, "overlay", MS_NOSUID | MS_NODEV, options)
            if target == "/":
                self._mount_fixed()
        for name, target in self._shown:
            kernel.mount(name, self._target(target), flags=MS_BIND | MS_REC)
        for path in (self.plan["workdir"], self.plan["home"]):
            self._target(path, owned=True)
        for fd in self._targets:
            os.close(fd)
        self._targets.clear()

    def _mount_fixed(self) -> None:
        for name, target in (*self._binds, ("/proc", "/proc"), ("/dev", "/dev")):
            kernel.mount(name, self._target(target, file=os.path.isfile(name)), flags=MS_BIND | MS_REC)
        fd = os.open(f"{ROOT}/dev", os.O_PATH | os.O_CLOEXEC)
        kernel.set_attributes(fd, kernel.ATTR_RDONLY | kernel.ATTR_NOSUID, below=False)
        os.close(fd)
        size = min(SHM_BYTES, self.plan["disk"])
        kernel.mount("shm", f"{ROOT}/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},nr_inodes=4096,mode=1777")

    def _room(self, lower: list[int]) -> tuple[int, int]:
        """Bytes and files that the limits still leave above what frozen generations hold."""
        disk, inodes = self.plan["disk"], self.plan["inodes"]
        for number in lower:
            used = os.statvfs(f"/rw/{number}")
            disk -= (used.f_blocks - used.f_bfree) * used.f_frsize
            inodes -= used.f_files - used.f_ffree
        return max(disk, 1 << 20), max(inodes, 256)

    def _target(self, path: str, owned: bool = False, file: bool = False) -> str:
        """A path below the sandbox's root as something to mount on, made if absent.

        Commands may have put links in its way: it is resolved as they would, so it cannot lead into the work tree.
        """
        root = os.open(ROOT, os.O_PATH | os.O_CLOEXEC)
        try:
            fd = kernel.open_in_root(root, path)
        except FileNotFoundError:
            here = os.open("/", os.O_PATH | os.O_CLOEXEC)
            os.chroot(ROOT)
            try:
                _make_point(path, file)
                if owned:
                    os.chown(path, self.plan["agent"], self.plan["agent"])
            finally:
                os.fchdir(here)
                os.chroot(".")
                os.close(here)
            fd = kernel.open_in_root(root, path)
        finally:
            os.close(root)
        self._targets.append(fd)
        return f"/proc/self/fd/{fd}"

    def _switch(self, lower: list[int], keep: list[int]) -> None:
        kernel.unmount(ROOT)
        for name in os.listdir("/rw"):
            if int(name) not in keep:
                kernel.unmount(f"/rw/{name}")
                os.rmdir(f"/rw/{name}")
        self.mount(lower)

    def reset(self) -> None:
        """Back to the beginning. No process may be left."""
        kernel.unshare(kernel.CLONE_NEWIPC)  # System V memory and queues outlive processes
        self._snapshots.clear()
        self._switch([], [])

    def snapshot(self) -> str:
        """Freeze the files as they are."""
        if len(self.generations) >= DEPTH:
            raise ValueError(f"more than {DEPTH} snapshots on top of each other")
        name = f"s{len(self._snapshots) + 1}"
        self._snapshots[name] = list(self.generations)
        self._switch(self.generations, self._frozen())
        return name

    def restore(self, name: str) -> None:
        """Back to a snapshot."""
        if name not in self._snapshots:
            raise ValueError(f"no snapshot {name!r} of this sandbox since its last reset")
        self._switch(self._snapshots[name], self._frozen())

    def _frozen(self) -> list[int]:
        return [number for stack in self._snapshots.values() for number in stack]


def _make_point(path: str, file: bool) -> None:
    """Something to mount on: a file for a file, else a folder."""
    os.makedirs(os.path.dirname(path) if file else path, exist_ok=True)
    if file:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o644))
