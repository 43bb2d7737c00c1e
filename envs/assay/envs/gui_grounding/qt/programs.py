"""Other people's Qt programs: show their windows, open their menus, harvest each view. Runs inside a worker."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

from assay.envs.gui_grounding.qt.frames import RefusedError
from assay.envs.gui_grounding.qt.scenes import grab, pixels, settle, survey

_MOST_VIEWS = 60


def views_of(module: str, function: str, folder: str) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Every view of the windows that ``module:function`` shows: elements and size, and the RGB bytes.

    Raises:
        RefusedError: one line; there is no such module or function, it failed, or shows nothing to click on.
    """
    shown = _windows(_call(module, function, folder))
    if not shown:
        raise RefusedError(f"{module}:{function} shows no window: show one, or return it")
    views, blobs = [], []
    for main in shown:
        for _ in _states(main):
            elements, size = survey(main)
            if any(each.target for each in elements):
                views.append({"elements": [each.to_dict() for each in elements], "size": list(size)})
                blobs.append(pixels(grab(main)))
            if len(views) == _MOST_VIEWS:
                break
    if not views:
        raise RefusedError(f"{module}:{function}: no element on its windows can be clicked")
    return views, blobs


def _call(module: str, function: str, folder: str) -> Any:
    _lend_application()
    sys.path.insert(0, folder)
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(error.name + ".")):
            raise RefusedError(f"there is no module {module!r} in {folder} or on the module path") from None
        raise RefusedError(f"cannot import {module}: {_line(error)}") from None
    except Exception as error:
        raise RefusedError(f"cannot import {module}: {_line(error)}") from None
    wanted = getattr(found, function, None)
    if not callable(wanted):
        raise RefusedError(f"module {module} has no function {function!r}")
    from PySide6.QtCore import QCoreApplication, QTimer

    # A program may end its set-up with the event loop; the loop ends as soon as it is idle, without closing windows.
    QTimer.singleShot(0, lambda: QCoreApplication.exit(0))
    try:
        return wanted()
    except SystemExit:
        return None
    except Exception as error:
        raise RefusedError(f"{module}:{function} failed: {_line(error)}") from None


def _lend_application() -> None:
    """Let a program that makes its own ``QApplication`` have the one there is; Qt allows no second."""
    from PySide6 import QtWidgets

    real = QtWidgets.QApplication
    lent = type("QApplication", (real,), {"__new__": lambda cls, *arguments, **options: real.instance()})
    setattr(QtWidgets, "QApplication", lent)  # noqa: B010 - an attribute that typing knows as a class


def _line(error: BaseException) -> str:
    first = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _windows(returned: Any) -> list[Any]:
    """The windows that are to be seen, those returned first; returned ones are shown."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QApplication, QWidget

    given = returned if isinstance(returned, (list, tuple)) else [returned]
    windows = [each for each in given if isinstance(each, QWidget)]
    for each in windows:
        each.show()
    settle()
    for each in QApplication.topLevelWidgets():
        if (
            each.isVisible()
            and each not in windows
            and each.windowType() in (Qt.WindowType.Window, Qt.WindowType.Dialog)
        ):
            windows.append(each)
    mains = [each for each in windows if each.parentWidget() is None]
    return [each for each in mains or windows if each.width() > 0 and each.height() > 0]


def _states(main: Any) -> Iterator[None]:
    """The window as it is, then with each menu and each list of choices open, then on each of its other pages."""
    from PySide6.QtCore import QPoint
    from PySide6.QtWidgets import QComboBox, QMenuBar, QTabWidget

    yield
    for bar in main.findChildren(QMenuBar):
        for action in bar.actions():
            menu = action.menu()
            if menu is not None and menu.actions() and action.isEnabled():
                menu.popup(bar.mapToGlobal(bar.actionGeometry(action).bottomLeft() + QPoint(0, 1)))
                settle()
                yield
                menu.hide()
                settle()
    for combo in main.findChildren(QComboBox):
        if combo.isVisible() and combo.isEnabled() and combo.count() > 1:
            combo.showPopup()
            settle()
            yield
            combo.hidePopup()
            settle()
    for tabs in main.findChildren(QTabWidget):
        here = tabs.currentIndex()
        for index in range(tabs.count()):
            if index != here and tabs.isVisible():
                tabs.setCurrentIndex(index)
                settle()
                yield
        tabs.setCurrentIndex(here)
        settle()
