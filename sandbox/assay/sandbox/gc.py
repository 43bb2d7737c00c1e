"""What parents that were killed have left: containers, temporary directories, cgroups, mounts."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from assay.sandbox.bubblewrap import PREFIX as BUBBLEWRAP
from assay.sandbox.errors import SandboxDied, SandboxUnavailable
from assay.sandbox.local_unsafe import OWNER
from assay.sandbox.local_unsafe import PREFIX as LOCAL

YOUNG = 60.0
"""Seconds for which a directory without an owner's name may be one that is just being made."""


def collect(dry: bool = False) -> dict[str, list[str]]:
    """Remove what belongs to no living process, by kind; what cannot be looked at is left out.

    Native and bubblewrap sandboxes leave neither processes nor mounts: the kernel ends them with their parent. What can
    stay is their directories and cgroups, temporary directories of local-unsafe, and containers.

    Args:
        dry: only say what would go (containers and cgroups are then not looked for).
    """
    found = {"directories": sweep_directories(dry=dry)}
    if not dry:
        found["cgroups"] = _cgroups()
        found["containers"] = _containers()
    return {kind: names for kind, names in found.items() if names}


def sweep_directories(where: str | None = None, dry: bool = False, now: Callable[[], float] = time.time) -> list[str]:
    """Remove the temporary directories of dead owners; the paths of what went.

    Args:
        where: default: the directory for temporary files.
        dry: only say what would go.
        now: the time in seconds.
    """
    gone = []
    for path in sorted(Path(where or tempfile.gettempdir()).glob("assay-*")):
        if not path.name.startswith((LOCAL, BUBBLEWRAP)) or path.is_symlink() or not path.is_dir():
            continue
        with suppress(OSError):
            info = path.lstat()
            if info.st_uid != os.geteuid() or _owned(path, now() - info.st_mtime):
                continue
            if not dry:
                _unmount(path)
                shutil.rmtree(path, ignore_errors=True)
            gone.append(str(path))
    return gone


def _owned(path: Path, age: float) -> bool:
    try:
        pid = int((path / OWNER).read_text())
    except (OSError, ValueError):
        return age < YOUNG
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _unmount(path: Path) -> None:
    """A stage of bubblewrap's lives in a mount namespace of its own; one that is seen here was left by hand."""
    if os.path.ismount(path):
        raise OSError(f"{path} is a mount; unmount it first")


def _cgroups() -> list[str]:
    from assay.sandbox.native.cgroups import sweep

    count = sweep()
    return [f"{count} empty cgroups"] if count else []


def _containers() -> list[str]:
    try:
        from assay.sandbox.docker import sweep

        return list(sweep())
    except (ImportError, SandboxUnavailable, SandboxDied):
        return []
