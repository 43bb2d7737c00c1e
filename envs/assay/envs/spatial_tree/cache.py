"""Where pictures and made questions are kept between runs; each file appears whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def cache_root() -> Path:
    """``spatial`` below ``$ASSAY_CACHE``, else ``$XDG_CACHE_HOME/assay``, else ``~/.cache/assay``."""
    chosen = os.environ.get("ASSAY_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute() / "spatial"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "assay" / "spatial"


def written_once(path: Path, write: Callable[[Path], None]) -> Path:
    """``path``; ``write(part)`` writes it under another name beside it if it is not there yet.

    Raises:
        OSError: if the cache cannot be written.
    """
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(descriptor)
    try:
        write(Path(part))
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)
    return path
