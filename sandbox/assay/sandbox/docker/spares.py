"""Containers made ahead: half a second of creation happens while something else runs."""

from __future__ import annotations

import atexit
import os
import threading
from collections import defaultdict, deque
from collections.abc import Callable

from assay.sandbox.docker.cell import Cell
from assay.sandbox.errors import SandboxError

END_SECONDS = 30.0


class Spares:
    """By a spec's key, up to a number of cells that are filled and waiting; a thread replaces those that are taken."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ready: dict[str, deque[Cell]] = defaultdict(deque)
        self._wanted: dict[str, tuple[int, Callable[[], Cell]]] = {}
        self._worker: threading.Thread | None = None
        self._process = os.getpid()
        self.failures: dict[str, SandboxError] = {}

    def keep(self, key: str, count: int, make: Callable[[], Cell]) -> None:
        """From now on keep ``count`` ready; 0 closes those that there are."""
        with self._changed:
            self._forget_parents()
            if count:
                self._wanted[key] = (count, make)
                self.failures.pop(key, None)
            else:
                self._wanted.pop(key, None)
            surplus = [self._ready[key].pop() for _ in range(len(self._ready[key]) - count)]
            if self._wanted and (self._worker is None or not self._worker.is_alive()):
                self._worker = threading.Thread(target=self._work, name="assay-docker-spares", daemon=True)
                self._worker.start()
                atexit.unregister(self.end)
                atexit.register(self.end)
            self._changed.notify_all()
        for cell in surplus:
            cell.close()

    def take(self, key: str) -> Cell | None:
        """One that answers, if there is one."""
        while True:
            with self._changed:
                self._forget_parents()
                cell = self._ready[key].popleft() if self._ready.get(key) else None
                self._changed.notify_all()
            if cell is None or (cell.channel is not None and _answers(cell)):
                return cell
            cell.close()

    def ready(self, key: str) -> int:
        """How many wait."""
        with self._changed:
            return len(self._ready.get(key, ()))

    def wait(self, key: str, count: int, timeout: float) -> bool:
        """Until ``count`` wait, or making them has failed, or the time is over: whether they do."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._ready.get(key, ())) >= count or key in self.failures, timeout)
            return len(self._ready.get(key, ())) >= count

    def end(self) -> None:
        """Remove all, when the interpreter ends: also one that is just being made."""
        with self._changed:
            self._forget_parents()
            worker = self._worker
            self._wanted.clear()
            cells = [cell for ready in self._ready.values() for cell in ready]
            self._ready.clear()
            self._changed.notify_all()
        if worker is not None:
            worker.join(END_SECONDS)
        for cell in cells:
            cell.close()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._wanted or self._lacking() is not None)
                key = self._lacking()
                if key is None:
                    self._worker = None
                    return
                make = self._wanted[key][1]
            try:
                cell = make()
            except SandboxError as error:
                with self._changed:  # whoever starts a sandbox makes one, and gets the error
                    self.failures[key] = error
                    self._wanted.pop(key, None)
                    self._changed.notify_all()
                continue
            with self._changed:
                wanted = key in self._wanted
                if wanted:
                    self._ready[key].append(cell)
                self._changed.notify_all()
            if not wanted:
                cell.close()

    def _lacking(self) -> str | None:
        return next((key for key, (count, _) in self._wanted.items() if len(self._ready[key]) < count), None)

    def _forget_parents(self) -> None:
        """After a fork the streams belong to the parent, and so do the containers."""
        if self._process != os.getpid():
            self._process, self._worker = os.getpid(), None
            self._ready.clear()
            self._wanted.clear()


def _answers(cell: Cell) -> bool:
    assert cell.channel is not None
    try:
        cell.channel.call("ping", timeout=5)
    except SandboxError:
        return False
    return True
