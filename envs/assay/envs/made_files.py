"""Files that are costly to make and kept in the user's cache between runs; each appears whole or not at all."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

_GUARD = threading.Lock()
_BUSY: dict[Path, threading.Lock] = {}


def cache_folder(kind: str) -> Path:
    """The folder ``kind`` below ``$ASSAY_CACHE``, else ``$XDG_CACHE_HOME/assay``, else ``~/.cache/assay``."""
    chosen = os.environ.get("ASSAY_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute() / kind
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "assay" / kind


def written_once(path: Path, write: Callable[[Path], object]) -> Path:
    """``path``; ``write(part)`` writes it under another name beside it if it is not there yet.

    Threads of one process make it once; two processes may both make it, and either file will do.

    Raises:
        OSError: if the cache cannot be written.
    """
    if path.is_file():
        return path
    with _GUARD:
        lock = _BUSY.setdefault(path, threading.Lock())
    with lock:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, part = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
            os.close(descriptor)
            try:
                write(Path(part))
                os.replace(part, path)
            finally:
                Path(part).unlink(missing_ok=True)
    with _GUARD:
        _BUSY.pop(path, None)
    return path
