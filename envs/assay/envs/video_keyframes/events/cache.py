"""Where made videos are kept between runs; each appears whole or not at all."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

_GUARD = threading.Lock()
_BUSY: dict[Path, threading.Lock] = {}


def cache_root() -> Path:
    """``video`` below ``$ASSAY_CACHE``, else ``$XDG_CACHE_HOME/assay``, else ``~/.cache/assay``."""
    chosen = os.environ.get("ASSAY_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute() / "video"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "assay" / "video"


def cached_video(key: str, make: Callable[[Path], None]) -> Path:
    """The file of ``key``; ``make(path)`` writes it if it is not there yet.

    It is written under another name beside it and renamed. Threads of one process make it once; two processes may both
    make it, and either file will do.

    Raises:
        OSError: if the cache cannot be written.
    """
    path = cache_root() / key[:2] / f"{key}.mp4"
    if path.is_file():
        return path
    with _GUARD:
        lock = _BUSY.setdefault(path, threading.Lock())
    with lock:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, part = tempfile.mkstemp(prefix=f".{key}-", suffix=".mp4", dir=path.parent)
            os.close(descriptor)
            try:
                make(Path(part))
                os.replace(part, path)
            finally:
                Path(part).unlink(missing_ok=True)
    with _GUARD:
        _BUSY.pop(path, None)
    return path
