"""From a spec to the arguments of ``create container``: pure, so that every flag can be looked at in a test."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.sandbox.base import Limits, SandboxSpec
from assay.sandbox.errors import LimitUnsupported

AGENT = 65534
"""User and group of commands: ``nobody`` in every distribution."""
HOME = "/home/agent"
PRIVATE = "/.assay"
"""Where pristine content and our own Python are mounted inside, read-only, below a directory that only PID 1 enters."""

EMPTY = {"/tmp": 0o1777, HOME: 0o755, "/dev/shm": 0o1777, "/dev/mqueue": 0o1777}
"""Writable places of every sandbox, and their modes."""

CAPABILITIES = ("SETUID", "SETGID", "SETPCAP", "KILL", "CHOWN", "DAC_OVERRIDE", "FOWNER")
"""Of PID 1 alone, all of them among Docker's default: to become the commands' user, to drop what is left, to kill
commands, to fill and empty their directories. ``ALL`` is dropped before these are added; a command has none."""

SERVER_MB = 48
"""Memory for PID 1 and its helpers, on top of what the spec allows the commands."""
SERVER_PIDS = 4

# Shares of ``disk_mb`` and ``inodes`` of the writable places: each is a tmpfs of its own, and a tmpfs cannot share its
# limit with another, so the shares add up to the whole.
WORK_SHARE, TMP_SHARE, HOME_SHARE, SHM_SHARE = 10 / 16, 4 / 16, 1 / 16, 1 / 16


@dataclass(frozen=True, slots=True)
class Bound:
    """Something mounted read-only.

    Attributes:
        source: a path of the host, or the name of a volume.
        target: where it is mounted.
        volume: which of the two.
    """

    source: str
    target: str
    volume: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A writable place.

    Attributes:
        target: where it is mounted.
        pristine: what it is filled with, mounted at its ``target``; None: it starts empty.
        bytes: of that content, in whole pages.
        files: of that content.
    """

    target: str
    pristine: Bound | None = None
    bytes: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides a container.

    Attributes:
        image: its id or name.
        python: how to run Python inside.
        places: the writable places below the workdir or layers; ``/tmp``, home and shared memory come on top.
        bounds: further read-only mounts.
        env: what commands find before the spec's own variables.
        seccomp: filter program for commands, base64; empty for the engine's own alone.
    """

    image: str
    python: tuple[str, ...]
    places: tuple[Place, ...]
    bounds: tuple[Bound, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    seccomp: str = ""


def user_id(spec: SandboxSpec) -> int:
    """The user that commands run as.

    Raises:
        LimitUnsupported: neither ``agent`` nor ``root``.
    """
    if spec.user not in ("agent", "root"):
        raise LimitUnsupported(f"no user {spec.user!r} in a sandbox", "take 'agent' or 'root'")
    return 0 if spec.user == "root" else AGENT


def writable(plan: Plan) -> tuple[str, ...]:
    """Where commands can write, in the order in which :mod:`.guest` numbers it."""
    targets = [place.target for place in plan.places]
    return (*targets, *(path for path in EMPTY if path not in targets))


def guest_options(plan: Plan, spec: SandboxSpec) -> dict[str, Any]:
    """What :func:`assay.sandbox.docker.guest.main` is told."""
    uid = user_id(spec)
    roots = {path: ("", mode) for path, mode in EMPTY.items()}
    for place in plan.places:
        roots[place.target] = (place.pristine.target if place.pristine else "", EMPTY.get(place.target, 0o755))
    order = writable(plan)
    return {
        "roots": [{"target": t, "pristine": roots[t][0], "uid": uid, "mode": roots[t][1]} for t in order],
        "uid": uid,
        "memory": spec.limits.memory_mb << 20,
        "filter": plan.seccomp,
        "private": PRIVATE,
    }


def host_config(plan: Plan, spec: SandboxSpec, processors: int = 0) -> dict[str, Any]:
    """The keyword arguments of the SDK's ``create_host_config``, mounts aside.

    Args:
        plan: what it is made of.
        spec: its limits.
        processors: of the engine's machine, which refuses a limit above that; 0: unknown.
    """
    limits = spec.limits
    tmpfs = tmpfs_options(plan.places, limits)
    content = sum(place.bytes for place in plan.places) >> 20
    memory = (limits.memory_mb + limits.disk_mb + content + SERVER_MB) << 20
    arguments: dict[str, Any] = {
        "network_mode": "bridge" if limits.network else "none",
        "mem_limit": memory,
        "memswap_limit": memory,
        "pids_limit": limits.pids + SERVER_PIDS,
        "nano_cpus": round(max(0.01, min(limits.cpus, processors or limits.cpus)) * 1e9),
        "cap_drop": ["ALL"],
        "cap_add": list(CAPABILITIES),
        "security_opt": ["no-new-privileges"],
        "read_only": True,
        "tmpfs": tmpfs,
        "shm_size": _share(limits.disk_mb << 20, SHM_SHARE),
        "auto_remove": True,
        "init": False,
    }
    if spec.runtime:
        arguments["runtime"] = spec.runtime
    return arguments


def tmpfs_options(places: Sequence[Place], limits: Limits) -> dict[str, str]:
    """Mount options by target; the workdir and the layers divide their share, and get their content's size on top."""
    disk, inodes = limits.disk_mb << 20, limits.inodes
    options = {
        place.target: _tmpfs(
            _share(disk, WORK_SHARE) // len(places) + place.bytes,
            _share(inodes, WORK_SHARE) // len(places) + place.files + 2,
        )
        for place in places
    }
    options[PRIVATE] = "rw,noexec,nosuid,nodev,size=64k,nr_inodes=64,mode=0700"
    options.setdefault("/tmp", _tmpfs(_share(disk, TMP_SHARE), _share(inodes, TMP_SHARE)))
    options.setdefault(HOME, _tmpfs(_share(disk, HOME_SHARE), _share(inodes, HOME_SHARE)))
    return options


def normal(path: str) -> str:
    """An absolute path without dots and doubled slashes.

    Raises:
        LimitUnsupported: relative, the root itself, or a place that a container's own mounts take.
    """
    if not path.startswith("/") or "\0" in path or ":" in path or "," in path:
        raise LimitUnsupported(f"cannot mount at {path!r}", "give an absolute path without colons and commas")
    path = posixpath.normpath("/" + path.lstrip("/"))
    if path == "/" or path.split("/")[1] in ("proc", "sys", "dev", PRIVATE[1:]):
        raise LimitUnsupported(f"cannot mount at {path!r}", "take a directory of its own, such as /testbed")
    return path


def _share(whole: int, share: float) -> int:
    return max(1, int(whole * share))


def _tmpfs(size: int, inodes: int) -> str:
    return f"rw,exec,nosuid,nodev,size={max(size, 4096)},nr_inodes={max(inodes, 8)}"
