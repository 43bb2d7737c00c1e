"""The process that holds the Qt windows."""

from __future__ import annotations

import atexit
import importlib.util
import threading
from typing import ClassVar

from assay.envs.gui_grounding.workers import Worker

MISSING = "Qt windows need PySide6: pip install 'assay[gui]'"


def need_qt() -> None:
    """Check that PySide6 is there, without loading it.

    Raises:
        ImportError: one line naming the extra to install.
    """
    if importlib.util.find_spec("PySide6") is None:
        raise ImportError(MISSING)


class QtWorker(Worker):
    """A worker process with one ``QApplication``, off screen."""

    what: ClassVar[str] = "Qt worker"
    inside: ClassVar[str] = "assay.envs.gui_grounding.qt.inside"
    environment: ClassVar[dict[str, str]] = {"QT_QPA_PLATFORM": "offscreen"}

    def check(self) -> None:
        """See :func:`need_qt`."""
        need_qt()


_shared: QtWorker | None = None
_shared_lock = threading.Lock()


def shared_worker() -> QtWorker:
    """The worker that all screenshots of this process share; ended at exit."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = QtWorker()
            atexit.register(_shared.close)
        return _shared
