"""The owner's side of a live application: one worker process, opened anew for each episode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from assay.envs.errors import InfraError
from assay.envs.gui_agent.actions import Action, Point
from assay.envs.gui_grounding.elements import Element
from assay.envs.gui_grounding.qt.worker import QtWorker

if TYPE_CHECKING:
    from PIL.Image import Image

_LIVE = "assay.envs.gui_agent.live"
_START = 60.0
"""Seconds that starting a worker and opening a window may take on a busy machine."""


@dataclass(frozen=True, slots=True)
class View:
    """What an application looks like and is like at one moment.

    Attributes:
        size: width and height of its window, pixels.
        state: of the application, plain data.
        picture: the screenshot, RGB, or None where none was asked for.
    """

    size: tuple[int, int]
    state: dict[str, Any]
    picture: Image | None


class Session:
    """A live application in a process of its own, which dies with this one.

    Args:
        patience: seconds that one action may take; an application that takes longer is killed.
        worker: used instead of a process of its own.
    """

    def __init__(self, patience: float = 30.0, worker: QtWorker | None = None) -> None:
        self._worker = QtWorker(patience) if worker is None else worker
        self._born: int | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the application, or None where none runs."""
        return self._worker.pid

    def open(self, window: Mapping[str, Any], picture: bool = True) -> View:
        """Start the window of ``kind``, ``seed`` and ``hard``; a dead or used process is no obstacle.

        Raises:
            ImportError: one line, if PySide6 is missing.
            InfraError: if the worker cannot be started, dies, or takes too long.
        """
        self._born = None
        found = self._view(self._worker.call(f"{_LIVE}:open_window", patience=_START, **window, picture=picture))
        self._born = self._worker.started
        return found

    def act(self, action: Action, point: Point | None, to: Point | None, picture: bool = True) -> View:
        """Carry out an action whose points are given in pixels of the window.

        Raises:
            InfraError: if the application of this episode is dead, dies, or takes too long.
        """
        return self._view(self._call("act", action=asdict(action) | {"point": point, "to": to}, picture=picture))

    def elements(self) -> list[Element]:
        """What stands on the screen now.

        Raises:
            InfraError: as :meth:`act`.
        """
        return [Element.from_dict(each) for each in self._call("elements")[0]]

    def menu_of(self, meaning: str) -> str | None:
        """Title of the menu that holds a command, or None.

        Raises:
            InfraError: as :meth:`act`.
        """
        found = self._call("menu_of", meaning=meaning)[0]
        return None if found is None else str(found)

    def close(self) -> None:
        """End the application and its process."""
        self._born = None
        self._worker.close()

    def _call(self, function: str, **arguments: Any) -> tuple[Any, list[bytes]]:
        if self._born is None:
            raise InfraError("the application of this episode is gone")
        try:
            return self._worker.call(f"{_LIVE}:{function}", born=self._born, **arguments)
        except InfraError:
            self._worker.close()  # whatever state it is in, nobody knows it any more
            self._born = None
            raise

    @staticmethod
    def _view(answer: tuple[Any, list[bytes]]) -> View:
        found, blobs = answer
        size = (int(found["size"][0]), int(found["size"][1]))
        picture = None
        if blobs:
            from PIL import Image

            picture = Image.frombytes("RGB", size, blobs[0])
        return View(size, found["state"], picture)
