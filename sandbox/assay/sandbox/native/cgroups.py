"""Limits through cgroups, version 1 or 2, wherever this process may make them.

The first process of a sandbox stays outside, so that the kernel never kills the server for what commands do.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONTROLLERS = ("memory", "pids", "cpu")
PREFIX = "assay-"
SERVERS = "servers"
"""Where the first processes of sandboxes are, without limits."""
PERIOD = 100_000  # microseconds of a CPU quota's period


@dataclass(slots=True)
class Group:
    """The cgroups of one sandbox.

    Attributes:
        paths: the directories.
        join: descriptors into which a process writes ``0`` to move itself. They were opened by us, so it may.
        into: directory descriptor to fork into (version 2), or -1: a move would wait for all processors.
        events: descriptor of the file that counts the kernel's kills.
        stat: descriptor of ``memory.stat``.
    """

    paths: list[Path]
    join: list[int] = field(default_factory=list)
    into: int = -1
    events: int = -1
    stat: int = -1

    @property
    def fds(self) -> list[int]:
        """All open descriptors."""
        return [fd for fd in (*self.join, self.into, self.events, self.stat) if fd >= 0]

    def close(self) -> None:
        """Close them; the directories stay."""
        for fd in self.fds:
            os.close(fd)
        self.join, self.into, self.events, self.stat = [], -1, -1, -1


def anonymous_bytes(stat: int) -> int:
    """Memory of the processes in a group, without files: ``total_rss`` (version 1) or ``anon`` (version 2)."""
    for line in os.pread(stat, 8192, 0).splitlines():
        if line.startswith((b"total_rss ", b"anon ")):
            return int(line.split()[1])
    return 0


class Cgroups:
    """Makes and removes the groups of one zygote.

    Args:
        bases: by controller the directory below which groups are made (version 1), or ``{"unified": directory}``.
    """

    def __init__(self, bases: dict[str, Path]) -> None:
        self.unified = "unified" in bases
        self._bases = {name: base / f"{PREFIX}{os.getpid()}" for name, base in bases.items()}

    def open(self) -> None:
        """Make this zygote's own directories; ``OSError`` if that is not allowed."""
        for base in self._bases.values():
            base.mkdir(exist_ok=True)
            if self.unified:
                _write(base / "cgroup.subtree_control", " ".join(f"+{name}" for name in CONTROLLERS))
                (base / SERVERS).mkdir()

    def place(self, pid: int, owner: int | None) -> None:
        """Prepare a sandbox's first process to fork into its group (version 2): the kernel asks who owns the way there.

        Args:
            pid: of the process.
            owner: its user on the host, if other than ours.
        """
        if self.unified:
            base = self._bases["unified"]
            _write(base / SERVERS / "cgroup.procs", pid)
            if owner is not None:
                os.chown(base / "cgroup.procs", owner, -1)

    def make(self, name: str, limits: dict[str, Any], owner: int | None = None) -> Group:
        """The groups of one sandbox.

        Args:
            name: of the directories.
            limits: ``memory`` in bytes, files that lie in memory included; ``pids``; ``cpus``.
            owner: user on the host, other than ours, of the sandbox's first process.
        """
        made = {key: base / name for key, base in self._bases.items()}
        group = Group(list(made.values()))
        try:
            for path in made.values():
                path.mkdir()
            if self.unified:
                self._limit_unified(group, made["unified"], limits, owner)
            else:
                self._limit_split(group, made, limits)
        except OSError:
            self.remove(group)
            raise
        return group

    def _limit_unified(self, group: Group, path: Path, limits: dict[str, Any], owner: int | None) -> None:
        _write(path / "memory.max", limits["memory"])
        with contextlib.suppress(OSError):  # absent without swap accounting
            _write(path / "memory.swap.max", 0)
        _write(path / "pids.max", limits["pids"])
        _write(path / "cpu.max", f"{_quota(limits['cpus'])} {PERIOD}")
        group.into = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        group.join = [os.open(path / "cgroup.procs", os.O_WRONLY)]
        if owner is not None:
            os.chown(path / "cgroup.procs", owner, -1)
        group.events = os.open(path / "memory.events", os.O_RDONLY)
        group.stat = os.open(path / "memory.stat", os.O_RDONLY)

    def _limit_split(self, group: Group, paths: dict[str, Path], limits: dict[str, Any]) -> None:
        memory = paths["memory"]
        _write(memory / "memory.limit_in_bytes", limits["memory"])
        with contextlib.suppress(OSError):  # absent without swap accounting
            _write(memory / "memory.memsw.limit_in_bytes", limits["memory"])
        _write(paths["pids"] / "pids.max", limits["pids"])
        with contextlib.suppress(OSError, KeyError):  # refused where our own group has less than that
            _write(paths["cpu"] / "cpu.cfs_period_us", PERIOD)
            _write(paths["cpu"] / "cpu.cfs_quota_us", _quota(limits["cpus"]))
        # "tasks", not "cgroup.procs": moving one's own only thread takes no lock that waits for all processors
        group.join = [os.open(path / "tasks", os.O_WRONLY) for path in paths.values()]
        group.events = os.open(memory / "memory.oom_control", os.O_RDONLY)
        group.stat = os.open(memory / "memory.stat", os.O_RDONLY)

    def remove(self, group: Group) -> None:
        """Close and remove a group whose processes are gone."""
        group.close()
        for path in group.paths:
            with contextlib.suppress(OSError):
                path.rmdir()

    def close(self) -> None:
        """Remove this zygote's directories."""
        for base in self._bases.values():
            for path in (base / SERVERS, base):
                with contextlib.suppress(OSError):
                    path.rmdir()


def _quota(cpus: float) -> int:
    return max(1000, int(cpus * PERIOD))


def _write(path: Path, value: object) -> None:
    path.write_text(f"{value}\n")


def find_bases(cgroup: str, mountinfo: str) -> dict[str, Path]:
    """Where this process may make groups; empty if nowhere.

    Args:
        cgroup: content of ``/proc/self/cgroup``.
        mountinfo: content of ``/proc/self/mountinfo``.
    """
    places = {}  # by controller, or "unified": the directory that this process is in
    homes = {}
    for line in cgroup.splitlines():
        _, joined, path = line.split(":", 2)
        homes.update(dict.fromkeys(joined.split(",") if joined else ["unified"], path))
    tops = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        root, point = before.split()[3:5]
        kind, _, options = after.split()[:3]
        names = options.split(",") if kind == "cgroup" else ["unified"] if kind == "cgroup2" else []
        for name in names:
            if name in homes and name not in places:
                inside = os.path.relpath(homes[name], root)
                tops[name] = Path(point)
                places[name] = Path(point) if inside.startswith("..") else Path(point) / inside
    split = {name: places[name] for name in CONTROLLERS if name in places}
    if "memory" in split and "pids" in split:
        return split if all(os.access(path, os.W_OK) for path in split.values()) else {}
    return _delegated(places["unified"], tops["unified"]) if "unified" in places else {}


def _delegated(place: Path, top: Path) -> dict[str, Path]:
    """The nearest directory at or above ``place`` whose children may have limits, or nothing."""
    while True:
        if os.access(place, os.W_OK) and os.access(place / "cgroup.procs", os.W_OK):
            try:
                enabled = (place / "cgroup.subtree_control").read_text().split()
                if not set(CONTROLLERS) <= set(enabled):  # refused while processes sit in it: then look further up
                    _write(place / "cgroup.subtree_control", " ".join(f"+{name}" for name in CONTROLLERS))
                return {"unified": place}
            except OSError:
                pass
        if place == top or place == place.parent:
            return {}
        place = place.parent


def here() -> dict[str, Path]:
    """:func:`find_bases` of this process."""
    try:
        return find_bases(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text())
    except OSError:
        return {}


def sweep(bases: dict[str, Path] | None = None) -> int:
    """Remove the empty groups of zygotes that are gone; how many directories went."""
    removed = 0
    for base in (here() if bases is None else bases).values():
        for old in base.glob(f"{PREFIX}*"):
            if os.path.exists(f"/proc/{old.name.removeprefix(PREFIX)}"):
                continue
            for path in [*old.glob("*/"), old]:
                with contextlib.suppress(OSError):
                    path.rmdir()
                    removed += 1
    return removed
