"""Where made things are kept between runs: folders that appear whole or not at all, readable by any user."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

READY = "assay-ready.json"


def cache_root() -> Path:
    """``$ASSAY_CACHE``, else ``$XDG_CACHE_HOME/assay``, else ``~/.cache/assay``."""
    chosen = os.environ.get("ASSAY_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "assay"


def key_of(*values: Any) -> str:
    """A 20-digit hash of JSON-serialisable values."""
    blob = json.dumps(values, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return hashlib.sha256(blob).hexdigest()[:20]


def cached_folder(folder: Path, make: Callable[[Path], dict[str, Any] | None]) -> Path:
    """``folder``, made by ``make(part)`` if it is not there yet.

    ``make`` fills an empty folder beside it, which then takes the name by one rename, under a lock: two processes make
    it once, and a killed one leaves nothing that counts. What ``make`` returns is kept (:func:`facts_of`).

    Raises:
        OSError: if the cache cannot be written.
    """
    if (folder / READY).is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(folder.name + ".lock")):
        if (folder / READY).is_file():
            return folder
        for left_over in folder.parent.glob(f".{folder.name}.part-*"):  # of a killed process: we hold the lock
            shutil.rmtree(left_over, ignore_errors=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.part-", dir=folder.parent))
        try:
            facts = make(part)
            (part / READY).write_text(json.dumps(facts or {}), encoding="utf-8")
            make_readable(part)
            shutil.rmtree(folder, ignore_errors=True)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder


def facts_of(folder: Path) -> dict[str, Any]:
    """What ``make`` returned when the folder was made."""
    facts: dict[str, Any] = json.loads((folder / READY).read_text(encoding="utf-8"))
    return facts


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; released by the kernel if we die."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make_readable(folder: Path) -> None:
    """Give every user what the owner may read: a sandbox shows it under another uid."""
    folder.chmod(0o755)
    for here, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(here, name)
            if not os.path.islink(path):
                mode = os.stat(path).st_mode & 0o777
                os.chmod(path, mode | (0o555 if mode & 0o100 or name in folders else 0o444))
