"""The process that holds the browsers."""

from __future__ import annotations

import atexit
import importlib.util
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from assay.envs.errors import InfraError
from assay.envs.gui_grounding.workers import Worker

MISSING = "web pages need playwright: pip install 'assay[web]'"


def need_playwright() -> None:
    """Check that Playwright is there, without loading it.

    Raises:
        ImportError: one line naming the extra to install.
    """
    if importlib.util.find_spec("playwright") is None:
        raise ImportError(MISSING)


class BrowserWorker(Worker):
    """A worker process with headless Chromium, of the system or Playwright's own."""

    what: ClassVar[str] = "browser worker"
    inside: ClassVar[str] = "assay.envs.gui_grounding.web.inside"

    def check(self) -> None:
        """See :func:`need_playwright`."""
        need_playwright()

    def close(self) -> None:
        """Let the browsers end in peace, then the worker."""
        with self._lock:
            if self.pid is not None and self._owner == os.getpid():
                with suppress(InfraError, ValueError):  # it is ended by force below
                    self.call("assay.envs.gui_grounding.web.browser:close_browsers", patience=10)
            super().close()

    def _kill(self) -> None:
        process = self._process
        family = descendants(process.pid) if process is not None and self._owner == os.getpid() else []
        super()._kill()
        end(family)

    def _bury(self) -> int | None:
        process = self._process
        family = descendants(process.pid) if process is not None and self._owner == os.getpid() else []
        status = super()._bury()
        end(family)
        return status


def descendants(pid: int) -> list[tuple[int, str]]:
    """Processes below one, with their start times; empty where there is no /proc."""
    parents: dict[int, list[tuple[int, str]]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append((int(folder.name), fields[19]))
    found: list[tuple[int, str]] = []
    waiting = [pid]
    while waiting:
        for child in parents.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child[0])
    return found


def end(family: list[tuple[int, str]]) -> None:
    """Kill processes of :func:`descendants` that still live; a driver that died may have left them."""
    for pid, born in family:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            if fields[19] == born:
                os.kill(pid, 9)
        except OSError:
            continue


_shared: BrowserWorker | None = None
_shared_lock = threading.Lock()


def shared_worker() -> BrowserWorker:
    """The worker that all pages of this process share; ended at exit."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = BrowserWorker()
            atexit.register(_shared.close)
        return _shared
