"""Scenes: a window of a kind in a look, in some state, with perhaps a menu open. Runs inside a worker."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from assay.envs.candidates import seeded
from assay.envs.gui_grounding.elements import Element
from assay.envs.gui_grounding.qt.harvest import Screen, harvest
from assay.envs.gui_grounding.qt.look import draw_look
from assay.envs.gui_grounding.qt.windows import build
from assay.envs.tasks import content_id


@contextmanager
def shown(kind: str, seed: int, hard: bool, compact: bool = False) -> Iterator[Any]:
    """The window of a scene, on its screen; taken away afterwards."""
    rng = seeded("qt-scene", kind, seed, hard)
    window = build(kind, rng.getrandbits(48), draw_look(rng, hard, compact), hard)
    window.main.setUpdatesEnabled(False)  # laid out by the event loop, but painted by grab() alone
    try:
        window.main.show()
        settle()
        _live_a_little(window.main, rng)
        settle()
        yield window
    finally:
        take_away(window.main)


def take_away(main: Any) -> None:
    """Close a window with its popups, and free it."""
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtWidgets import QApplication

    for _ in range(8):
        popup = QApplication.activePopupWidget()
        if popup is None:
            break
        popup.hide()
    main.close()
    main.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def settle() -> None:
    """Let layouts and posted events take effect."""
    from PySide6.QtCore import QEventLoop
    from PySide6.QtWidgets import QApplication

    for _ in range(2):
        QApplication.sendPostedEvents()
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents)


def layout_of(elements: list[Element], size: tuple[int, int]) -> str:
    """A hash of what stands where: equal for two states of windows that show the same elements."""
    return content_id("layout", list(size), [(each.box, each.role, each.name, each.label) for each in elements])


def survey(main: Any) -> tuple[list[Element], tuple[int, int]]:
    """The elements of a shown window, and the size of its screenshot."""
    return harvest(main), (int(main.width()), int(main.height()))


def grab(main: Any) -> Any:
    """The screenshot of a window and all that stands before it, as an RGB ``QImage``."""
    from PySide6.QtGui import QImage

    screen = Screen(main)
    image = QImage(main.size(), QImage.Format.Format_RGB32)
    main.setUpdatesEnabled(True)
    for top in screen.tops:
        top.render(image, top.geometry().topLeft() - screen.origin)
    return image.convertToFormat(QImage.Format.Format_RGB888)


def pixels(image: Any) -> bytes:
    """The bytes of an RGB ``QImage``, rows without padding."""
    width, height, stride = image.width(), image.height(), image.bytesPerLine()
    data = bytes(image.constBits())
    if stride == 3 * width:
        return data
    return b"".join(data[row * stride : row * stride + 3 * width] for row in range(height))


def render(kind: str, seed: int, hard: bool, compact: bool = False) -> tuple[list[int], list[bytes]]:
    """The screenshot of a scene: ``[width, height]`` and its RGB bytes."""
    with shown(kind, seed, hard, compact) as window:
        image = grab(window.main)
        return [image.width(), image.height()], [pixels(image)]


def elements_of(kind: str, seed: int, hard: bool, compact: bool = False) -> list[dict[str, Any]]:
    """Every element of a scene, as :meth:`~assay.envs.gui_grounding.elements.Element.to_dict` has it."""
    with shown(kind, seed, hard, compact) as window:
        return [each.to_dict() for each in survey(window.main)[0]]


def _live_a_little(main: Any, rng: random.Random) -> None:
    """Scroll here and there, choose a cell, open a menu or a list of choices."""
    from PySide6.QtCore import QPoint
    from PySide6.QtWidgets import QAbstractItemView, QAbstractScrollArea, QComboBox

    for area in _seen(main, QAbstractScrollArea):
        bar = area.verticalScrollBar()
        if bar.maximum() > 0 and rng.random() < 0.4:
            bar.setValue(rng.randrange(bar.maximum() + 1))
        if isinstance(area, QAbstractItemView) and area.model() is not None and rng.random() < 0.3:
            rows = area.model().rowCount()
            if rows:
                area.setCurrentIndex(area.model().index(rng.randrange(rows), 0))
    chance = rng.random()
    titles = [each for each in main.menuBar().actions() if each.menu() is not None] if _has_menu_bar(main) else []
    combos = [each for each in _seen(main, QComboBox) if each.isEnabled() and each.count() > 1]
    if chance < 0.3 and titles:
        action = rng.choice(titles)
        main.menuBar().setActiveAction(action)
        rect = main.menuBar().actionGeometry(action)
        if not action.menu().isVisible():
            action.menu().popup(main.menuBar().mapToGlobal(rect.bottomLeft() + QPoint(0, 1)))
    elif 0.3 <= chance < 0.42 and combos:
        rng.choice(combos).showPopup()


def _has_menu_bar(main: Any) -> bool:
    return main.menuWidget() is not None


def _seen(main: Any, kind: type) -> list[Any]:
    return [each for each in main.findChildren(kind) if each.isVisible() and each.window() is main]
