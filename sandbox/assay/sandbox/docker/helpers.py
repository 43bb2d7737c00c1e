"""Containers for one call, and volumes that are filled once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from assay.sandbox.docker.engine import Engine, EngineRefused
from assay.sandbox.docker.owner import LABEL, labels, new_name, release
from assay.sandbox.docker.plan import Bound
from assay.sandbox.errors import ImageMissing


def create_helper(
    engine: Engine, image: str, command: Sequence[str], bounds: Sequence[Bound], *, write: bool = False
) -> str:
    """A container for one call, by name: no network, no capability, not started."""
    name = new_name("helper")
    settings = engine.api.create_host_config(
        network_mode="none",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        mem_limit=1 << 30,
        pids_limit=64,
        mounts=mounts(bounds, write=write),
    )

    def create(api: Any) -> None:
        api.create_container(
            image,
            name=name,
            entrypoint=list(command[:1]),
            command=list(command[1:]),
            user="0:0",
            working_dir="/",
            labels=labels("helper"),
            host_config=settings,
        )

    try:
        engine.ask(create, repeat=False)
    except BaseException:
        release(name)
        raise
    return name


def remove_helper(engine: Engine, container: str) -> None:
    """Remove it; nothing if it is gone."""
    engine.quietly(lambda api: api.remove_container(container, force=True))
    release(container)


def mounts(bounds: Sequence[Bound], *, write: bool = False) -> list[dict[str, Any]]:
    """The mounts of the API, read-only unless told otherwise; a host path that is not there is refused, not made."""
    return [
        {
            "Type": "volume" if bound.volume else "bind",
            "Source": bound.source,
            "Target": bound.target,
            "ReadOnly": not write,
        }
        for bound in bounds
    ]


def ready_volume(engine: Engine, name: str, write: Callable[[], None]) -> None:
    """A volume that ``write`` has filled, by this process or another; a second, empty one marks that it is whole."""
    with _lock:
        if (engine.address, name) in _filled:
            return
        if not (_ours(engine, name) and _ours(engine, f"{name}.whole")):
            for part in (name, f"{name}.whole"):
                _remove_volume(engine, part)  # half full, left by a process that was killed, or half removed
            engine.ask(lambda api: api.create_volume(name, labels=labels("cache")))
            write()
            engine.ask(lambda api: api.create_volume(f"{name}.whole", labels=labels("cache")))
        _filled.add((engine.address, name))


def untouched(engine: Engine, volumes: Sequence[str]) -> bool:
    """Whether volumes that a container was just created with are ours, and not made empty because ours were removed."""
    if all(_ours(engine, name) for name in volumes):
        return True
    with _lock:
        _filled.difference_update({(engine.address, name) for name in volumes})
    return False


def _remove_volume(engine: Engine, name: str) -> None:
    engine.quietly(lambda api: api.remove_volume(name))


def _ours(engine: Engine, volume: str) -> bool:
    try:
        found = engine.ask(lambda api: api.inspect_volume(volume))
    except (EngineRefused, ImageMissing):
        return False
    return LABEL in (found.get("Labels") or {})


_lock = threading.RLock()
_filled: set[tuple[str, str]] = set()
