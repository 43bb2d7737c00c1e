"""Whose container is whose: labels that name the owning process, and the sweep of what dead owners left."""

from __future__ import annotations

import os
import platform
import secrets
import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from assay.sandbox.docker.engine import Engine, connect

LABEL = "assay.sandbox"
RUN_ID = "ASSAY_RUN_ID"
"""Environment variable that names the run in the labels; each process has a random one without it."""


def labels(kind: str) -> dict[str, str]:
    """What every container and volume of ours carries.

    Args:
        kind: ``sandbox``, ``helper`` (a container that lives for one call), or ``cache`` (a volume that outlives us).
    """
    return {
        LABEL: kind,
        f"{LABEL}.host": platform.node(),
        f"{LABEL}.boot": _boot(),
        f"{LABEL}.pids": _pid_namespace(),
        f"{LABEL}.pid": str(os.getpid()),
        f"{LABEL}.started": started(os.getpid()) or "",
        f"{LABEL}.run": os.environ.get(RUN_ID) or _run_id(os.getpid()),
    }


def orphaned(found: Mapping[str, str]) -> bool:
    """Whether the process that made a container with these labels is known to be gone.

    A process of another host, or of another pid namespace of this one, cannot be asked about: its containers stay.
    """
    if found.get(f"{LABEL}.host") != platform.node():
        return False
    if found.get(f"{LABEL}.boot") != _boot():
        return True
    if found.get(f"{LABEL}.pids") != _pid_namespace():
        return False
    pid = found.get(f"{LABEL}.pid", "")
    return not pid.isdigit() or started(int(pid)) != found.get(f"{LABEL}.started")


def started(pid: int) -> str | None:
    """When a process started, in clock ticks since boot, so that a pid that is used again is told apart; None: gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None if os.path.isdir("/proc/self") or not _exists(pid) else ""
    return stat.rpartition(")")[2].split()[19]


_live: dict[str, int] = {}
"""Names of containers that this process holds, with its pid: a fork inherits this, but owns none."""
_guard = threading.Lock()


def new_name(kind: str) -> str:
    """A name for a container that is about to be made; from now on the sweep spares it."""
    name = f"assay-{kind}-{secrets.token_hex(6)}"
    with _guard:
        _live[name] = os.getpid()
    return name


def release(name: str) -> None:
    """The container is removed, or given up: if it still exists, the next sweep takes it."""
    with _guard:
        _live.pop(name, None)


def sweep(*, everything: bool = False, caches: bool = False, engine: Engine | None = None) -> list[str]:
    """Remove containers whose owner is gone, and those that this process lost while the daemon was away.

    Args:
        everything: also the containers of other hosts and of living owners, whose sandboxes die with them.
        caches: also the volumes with copies of layers and of images' repositories that no container uses.
        engine: default: the one of ``DOCKER_HOST``.

    Returns:
        The names of what was removed.

    Raises:
        SandboxUnavailable: there is no daemon.
        SandboxDied: it went away meanwhile.
    """
    engine = engine or connect()
    chosen = {"label": LABEL}
    found: list[dict[str, Any]] = engine.ask(lambda api: api.containers(all=True, filters=chosen))
    removed = []
    for row in found:
        name = row["Names"][0].lstrip("/") if row.get("Names") else row["Id"][:12]
        lost = name not in _held() and _is_mine(row["Labels"])
        if (everything or lost or orphaned(row["Labels"])) and _remove(engine, row["Id"]):
            removed.append(name)
    if caches:
        volumes = engine.ask(lambda api: api.volumes(filters=chosen)).get("Volumes") or []
        names = [volume["Name"] for volume in volumes]
        removed += [name for name in names if _remove_volume(engine, name)]
    return removed


def _remove(engine: Engine, container: str) -> bool:
    return engine.quietly(lambda api: api.remove_container(container, force=True, v=True))


def _remove_volume(engine: Engine, name: str) -> bool:
    return engine.quietly(lambda api: api.remove_volume(name))


def _held() -> set[str]:
    with _guard:
        return {container for container, pid in _live.items() if pid == os.getpid()}


def _is_mine(found: Mapping[str, str]) -> bool:
    same = (LABEL + part for part in (".host", ".boot", ".pids", ".pid", ".started"))
    own = labels("")
    return all(found.get(key) == own[key] for key in same)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@lru_cache
def _run_id(pid: int) -> str:
    """One for each process; a forked child has another pid, hence another id."""
    return f"{pid:x}{secrets.token_hex(4)}"


@lru_cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@lru_cache
def _pid_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
