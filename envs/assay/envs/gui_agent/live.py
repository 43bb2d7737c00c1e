"""Inside the worker: one live application, used through real mouse and keyboard events.

The functions here are called by :class:`~assay.envs.gui_agent.session.Session`. Events go through Qt's window system
layer, so that focus, popups, combo boxes, shortcuts and modal dialogs behave as they do for a person. Nothing depends
on the clock: tooltips, double-click and search intervals, which do, are switched off or made shorter than an action.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.envs.candidates import seeded
from assay.envs.gui_grounding.qt.harvest import harvest
from assay.envs.gui_grounding.qt.inside import SCREEN
from assay.envs.gui_grounding.qt.look import draw_look
from assay.envs.gui_grounding.qt.scenes import grab, pixels, settle
from assay.envs.gui_grounding.qt.windows import build

_SETTLE = 15
"""Milliseconds for which events run after an action: longer than the double-click interval set here."""
_WAIT = 100
_held: dict[str, Any] = {}


def open_window(kind: str, seed: int, hard: bool = False, picture: bool = True) -> tuple[dict[str, Any], list[bytes]]:
    """Put the window of a kind and seed in place of whatever was open: size, state, screenshot."""
    from PySide6.QtCore import QPoint

    _prepare()
    _put_away()
    window = build(kind, seed, draw_look(seeded("qt-look", kind, seed), hard), hard)
    main = window.main
    main.show()
    main.activateWindow()
    settle()
    # In the corner of the screen, Qt turns popups so that they stay upon the window, which is all that is seen.
    main.move(SCREEN[0] - main.width(), SCREEN[1] - main.height())
    settle()
    _held["window"] = window
    _test().mouseMove(main.windowHandle(), QPoint(main.width() - 1, main.height() - 1))
    return observe(picture)


def observe(picture: bool) -> tuple[dict[str, Any], list[bytes]]:
    """Size and state of the window and, if asked for, its pixels as RGB bytes."""
    window = _held["window"]
    _settle()
    found = {"size": [window.main.width(), window.main.height()], "state": window.state()}
    return found, [pixels(grab(window.main))] if picture else []


def act(action: Mapping[str, Any], picture: bool = True) -> tuple[dict[str, Any], list[bytes]]:
    """Carry out one action in pixels of the window: what :func:`observe` tells afterwards.

    Args:
        action: the fields of :class:`~assay.envs.gui_agent.actions.Action`.
        picture: take a screenshot.
    """
    kind = action["kind"]
    if kind in ("type", "key"):
        _keyboard(action)
    elif kind == "scroll":
        _wheel(action)
    elif kind == "wait":
        _test().qWait(_WAIT)
    elif kind != "done":
        _mouse(action)
    return observe(picture)


def elements() -> list[dict[str, Any]]:
    """What stands on the screen, for the scripted expert."""
    return [each.to_dict() for each in harvest(_held["window"].main)]


def menu_of(meaning: str) -> str | None:
    """The title of the menu that holds a command, for the scripted expert."""
    for entry in _held["window"].main.menuBar().actions():
        menu = entry.menu()
        if menu is not None and any(each.objectName() == meaning for each in menu.actions()):
            return str(entry.text())
    return None


def _mouse(action: Mapping[str, Any]) -> None:
    from PySide6.QtCore import Qt

    test, button, none = _test(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    handle, place = _under(action["point"])
    test.mouseMove(handle, place)
    if action["kind"] == "right_click":
        _right_click(handle, place)
    elif action["kind"] == "double_click":
        test.mouseClick(handle, button, none, place)
        handle, place = _under(action["point"])  # the first click may have opened something there
        test.mouseDClick(handle, button, none, place)
    elif action["kind"] == "drag":
        _drag(handle, place, _point(action["to"]) - _point(action["point"]))
    else:
        test.mouseClick(handle, button, none, place)


def _drag(handle: Any, place: Any, way: Any) -> None:
    """Press, move in steps and release; a press that closes a popup may end it there."""
    from PySide6.QtCore import Qt
    from shiboken6 import isValid

    test, button, none = _test(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    test.mousePress(handle, button, none, place)
    for share in (0.1, 0.4, 0.7, 1.0):
        if isValid(handle):
            test.mouseMove(handle, place + way * share)
    if isValid(handle):
        test.mouseRelease(handle, button, none, place + way)


def _right_click(handle: Any, place: Any) -> None:
    """Press and release; the request for a context menu comes from the platform, which here has none."""
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QContextMenuEvent
    from PySide6.QtWidgets import QApplication

    none, where = Qt.KeyboardModifier.NoModifier, handle.mapToGlobal(place)
    _test().mouseClick(handle, Qt.MouseButton.RightButton, none, place)
    widget = QApplication.widgetAt(where)
    if widget is not None and QApplication.activePopupWidget() is None:
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, widget.mapFromGlobal(where), where, none)
        QApplication.sendEvent(widget, event)


def _wheel(action: Mapping[str, Any]) -> None:
    from PySide6.QtCore import QPoint, QPointF, Qt
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    handle, place = _under(action["point"])
    _test().mouseMove(handle, place)
    turn = 120 * action["amount"] * (1 if action["direction"] in ("up", "left") else -1)
    angle = QPoint(0, turn) if action["direction"] in ("up", "down") else QPoint(turn, 0)
    where = QPointF(handle.mapToGlobal(place))
    event = QWheelEvent(
        QPointF(place), where, QPoint(), angle, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(handle, event)


def _keyboard(action: Mapping[str, Any]) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QGuiApplication

    test, none = _test(), Qt.KeyboardModifier.NoModifier
    handle = QGuiApplication.focusWindow() or _held["window"].main.windowHandle()
    if action["kind"] == "key":
        held = none
        for name in action["modifiers"]:
            held |= {
                "ctrl": Qt.KeyboardModifier.ControlModifier, "shift": Qt.KeyboardModifier.ShiftModifier,
                "alt": Qt.KeyboardModifier.AltModifier, "meta": Qt.KeyboardModifier.MetaModifier,
            }[name]  # fmt: skip
        test.keyClick(handle, getattr(Qt.Key, f"Key_{action['key']}"), held)
        return
    named = {"\n": Qt.Key.Key_Return, "\t": Qt.Key.Key_Tab}
    for letter in action["text"]:
        handle = QGuiApplication.focusWindow() or handle
        if letter in named:
            test.keyClick(handle, named[letter], none)
        else:
            code = Qt.Key(ord(letter.upper())) if letter.isascii() else Qt.Key.Key_unknown
            test.sendKeyEvent(test.KeyAction.Click, handle, code, letter, none)


def _under(point: Any) -> tuple[Any, Any]:
    """The window that a person would hit at a point of the main window, and the place within it.

    An open popup takes every click, those beside it too (it closes then); a modal dialog those upon it.
    """
    from PySide6.QtWidgets import QApplication

    main = _held["window"].main
    where = main.mapToGlobal(_point(point))
    target = QApplication.activePopupWidget() or main
    for top in reversed(QApplication.topLevelWidgets()):
        if top.isVisible() and top.frameGeometry().contains(where) and _is_over(top, main, target):
            target = top
    place = target.mapFromGlobal(where)
    if place.isNull():
        place.setX(1)  # the test library takes (0, 0) for "the middle"
    _held["target"] = target  # PySide declares the handle dead with the last reference to its widget
    return target.windowHandle(), place


def _is_over(top: Any, main: Any, target: Any) -> bool:
    from PySide6.QtCore import Qt

    if top.windowType() == Qt.WindowType.Popup:
        return True
    return target is main and top is not main and top.windowType() == Qt.WindowType.Dialog


def _point(point: Any) -> Any:
    from PySide6.QtCore import QPoint

    return QPoint(int(point[0]), int(point[1]))


def _settle() -> None:
    from PySide6.QtCore import QCoreApplication, QEvent

    settle()
    _test().qWait(_SETTLE)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _put_away() -> None:
    """Close whatever is open and forget it."""
    from PySide6.QtWidgets import QApplication

    _held.clear()
    popup = QApplication.activePopupWidget()
    while popup is not None and popup.close():
        popup = QApplication.activePopupWidget()
    for top in QApplication.topLevelWidgets():
        top.hide()
        top.deleteLater()
    QApplication.clipboard().clear()
    settle()


def _prepare() -> None:
    """Make the application independent of the clock, once."""
    from PySide6.QtCore import QEvent, QObject
    from PySide6.QtWidgets import QApplication

    application: Any = QApplication.instance()
    if application.property("live"):
        return

    class NoTips(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
            return bool(event.type() == QEvent.Type.ToolTip)

    application.setProperty("live", True)
    application.setDoubleClickInterval(10)
    application.setKeyboardInputInterval(0)
    filters = NoTips(application)
    application.installEventFilter(filters)


def _test() -> Any:
    from PySide6.QtTest import QTest

    return QTest
