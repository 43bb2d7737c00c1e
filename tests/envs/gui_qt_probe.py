"""Runs inside a Qt worker: real mouse clicks on the boxes of a scene, and what they did."""

from __future__ import annotations

from typing import Any

from assay.envs.gui_grounding.qt.scenes import settle, shown, survey


def widgets_at(kind: str, seed: int, hard: bool, boxes: list[list[float]]) -> list[bool]:
    """Whether Qt finds one and the same widget (or its children) under the centre and the corners of each box."""
    from PySide6.QtCore import QPoint
    from PySide6.QtWidgets import QApplication

    with shown(kind, seed, hard) as window:
        origin = window.main.mapToGlobal(QPoint(0, 0))
        verdicts = []
        for x1, y1, x2, y2 in boxes:
            spots = [((x1 + x2) // 2, (y1 + y2) // 2), (x1, y1), (x2, y1), (x1, y2), (x2, y2)]
            found = [QApplication.widgetAt(origin + QPoint(int(x), int(y))) for x, y in spots]
            roots = [each for each in found if each is not None and all(_within(other, each) for other in found)]
            verdicts.append(bool(roots) or _siblings(found))
        return verdicts


def _within(widget: Any, root: Any) -> bool:
    return widget is not None and (widget is root or root.isAncestorOf(widget))


def _siblings(found: list[Any]) -> bool:
    """Corners of a composite, such as a spin box without a frame of its own, may lie in different children of it."""
    from PySide6.QtWidgets import QAbstractSpinBox, QComboBox

    owners = {each.parent() for each in found if each is not None}
    return len(owners) == 1 and isinstance(owners.pop(), (QAbstractSpinBox, QComboBox))


def click_all(kind: str, seed: int, hard: bool, role: str) -> list[dict[str, Any]]:
    """Click the centre of every target of a role, each in a fresh window; the state before and after."""
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    with shown(kind, seed, hard) as window:
        targets = [each for each in survey(window.main)[0] if each.target and each.role == role]
    done = []
    for target in targets:
        with shown(kind, seed, hard) as window:
            before = window.state()
            window.main.setUpdatesEnabled(True)
            x1, y1, x2, y2 = target.box
            spot = window.main.mapToGlobal(QPoint(int(x1 + x2) // 2, int(y1 + y2) // 2))
            widget = QApplication.widgetAt(spot)
            QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=widget.mapFromGlobal(spot))
            settle()
            popup = QApplication.activePopupWidget()
            done.append(
                {"element": target.to_dict(), "before": before, "after": window.state(), "popup": popup is not None}
            )
    return done


def stuck() -> None:
    """Never returns."""
    import time

    while True:
        time.sleep(60)
