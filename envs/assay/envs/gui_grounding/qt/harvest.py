"""From shown windows to elements: exact boxes, and whether a click on them would arrive.

An element is a target only if it is enabled, no popup or modal dialog stands in its way, its whole rectangle is inside
the screenshot and visible, both sides are large enough, and its centre and four corners hit it: the topmost window
there, that window's ``childAt``, and the widget's own account of what lies under the point all agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from assay.envs.gui_grounding.elements import Box, Element, large_enough
from assay.envs.gui_grounding.qt.part import Part
from assay.envs.gui_grounding.qt.parts import parts_of, text_of


class Screen:
    """What is to be seen of one application: its main window and everything before it.

    Args:
        main: the main window, shown; its area is the screenshot.
    """

    def __init__(self, main: Any) -> None:
        from PySide6.QtCore import QPoint, QRect
        from PySide6.QtWidgets import QApplication

        self.main = main
        self.origin = main.mapToGlobal(QPoint(0, 0))
        self.frame = QRect(self.origin, main.size())
        self.popup = QApplication.activePopupWidget()
        self.modal = QApplication.activeModalWidget()
        others = [each for each in QApplication.topLevelWidgets() if each.isVisible() and each is not main]
        others = [each for each in others if _mine(each, main)]
        self.tops = [main, *sorted(others, key=lambda each: (_is_popup(each), each is self.popup))]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the screenshot, pixels."""
        return int(self.main.width()), int(self.main.height())

    def top_at(self, point: Any) -> Any:
        """The topmost window at a global point, or None."""
        return next((top for top in reversed(self.tops) if top.geometry().contains(point)), None)

    def reacts(self, top: Any, widget: Any) -> bool:
        """Whether a click on a window goes through: a popup takes all but menu titles, a modal dialog takes all."""
        from PySide6.QtWidgets import QMenu, QMenuBar

        if self.popup is not None:
            bar = isinstance(self.popup, QMenu) and isinstance(widget, QMenuBar)
            return bar or _is_popup(top)
        return self.modal is None or top is self.modal

    def hits(self, part: Part, rect: Any) -> bool:
        """Whether clicks on the centre and the corners of a global rectangle arrive at the part."""
        from PySide6.QtCore import QPoint

        for point in (rect.center(), rect.topLeft(), rect.topRight(), rect.bottomLeft(), rect.bottomRight()):
            top = self.top_at(point)
            if top is not part.widget.window():
                return False
            child = top.childAt(top.mapFromGlobal(point)) or top
            if child is not part.widget and not (part.widget.isAncestorOf(child) and _passes_on(child)):
                return False
            if not part.hit(part.widget.mapFromGlobal(QPoint(point))):
                return False
        return True


def harvest(main: Any) -> list[Element]:
    """Every visible element of an application, targets or not, windows from back to front.

    Args:
        main: its main window, shown and laid out.
    """
    screen = Screen(main)
    found: list[Element] = []
    for top in screen.tops:
        labels = _buddies(top)
        for widget in _visible(top):
            found.extend(_elements(screen, top, widget, labels))
    return _unique_keys(_mend(found))


def _visible(top: Any) -> Iterator[Any]:
    from PySide6.QtWidgets import QWidget

    yield top
    for widget in top.findChildren(QWidget):
        if widget.window() is top and widget.isVisible():
            yield widget


def _elements(screen: Screen, top: Any, widget: Any, labels: dict[Any, str]) -> Iterator[Element]:
    from PySide6.QtCore import QRect

    place = ""
    for part in parts_of(widget):
        place = place or place_of(widget)
        rect = QRect(part.widget.mapToGlobal(part.rect.topLeft()), part.rect.size())
        seen = QRect(part.widget.mapToGlobal(part.rect.topLeft()), part.rect.size())
        shown = part.widget.visibleRegion().boundingRect()
        seen &= QRect(part.widget.mapToGlobal(shown.topLeft()), shown.size()) & screen.frame
        if seen.isEmpty() or screen.top_at(seen.center()) is not top:
            continue
        box = _box(seen, screen.origin)
        whole = seen == rect and large_enough(box) and part.enabled and screen.reacts(top, widget)
        facts = {key: value for key, value in part.facts.items() if value}
        if not facts.get("label"):
            facts["label"] = labels.get(widget, "")
        clear = facts.get("name", "") if seen == rect else ""
        yield Element(
            **{**facts, "name": clear},
            box=box,
            role=part.role,
            path=place,
            window=top.windowTitle() or screen.main.windowTitle(),
            target=whole and screen.hits(part, rect),
        )


def place_of(widget: Any) -> str:
    """Where a widget stands, in words: the nearest group, tool bar, menu or dialog around it."""
    from PySide6 import QtWidgets as Q

    here = widget
    while here is not None:
        if here.property("place"):
            return str(here.property("place"))
        if isinstance(here, Q.QComboBox) and here.window() is not widget.window():
            return f"open {here.property('label') or ''} list".replace("  ", " ")
        if isinstance(here, Q.QMenu):
            return f"{text_of(here.title())} menu" if here.title() else "menu"
        if isinstance(here, Q.QMenuBar):
            return "menu bar"
        if isinstance(here, Q.QGroupBox) and here.title():
            return text_of(here.title())
        if isinstance(here, Q.QToolBar):
            return here.windowTitle() or "tool bar"
        if isinstance(here, Q.QStatusBar):
            return "status bar"
        if isinstance(here, Q.QDialog) and here.windowTitle():
            return f"{here.windowTitle()} dialog"
        here = here.parentWidget()
    return ""


def _buddies(top: Any) -> dict[Any, str]:
    from PySide6.QtWidgets import QLabel

    pairs = ((label.buddy(), text_of(label.text()).rstrip(":")) for label in top.findChildren(QLabel))
    return {buddy: text for buddy, text in pairs if buddy is not None and text}


def _mend(elements: Sequence[Element]) -> list[Element]:
    """Drop what Qt lists twice: a spin box in an editor's cell and the like share role and box."""
    seen: set[tuple[Box, str]] = set()
    kept = []
    for each in elements:
        if (each.box, each.role) not in seen:
            seen.add((each.box, each.role))
            kept.append(each)
    return kept


def _unique_keys(elements: Sequence[Element]) -> list[Element]:
    from dataclasses import replace

    taken: dict[str, int] = {}
    named = []
    for each in elements:
        key = "/".join(part for part in (each.path, each.key or each.role) if part)
        taken[key] = taken.get(key, 0) + 1
        named.append(replace(each, key=key if taken[key] == 1 else f"{key}#{taken[key]}"))
    return named


def _box(rect: Any, origin: Any) -> Box:
    return (
        float(rect.left() - origin.x()),
        float(rect.top() - origin.y()),
        float(rect.right() - origin.x()),
        float(rect.bottom() - origin.y()),
    )


def _mine(top: Any, main: Any) -> bool:
    """A window that belongs to ``main``: opened by one of its widgets, or a parentless dialog or popup."""
    parent = top.parentWidget()
    return parent is None or parent.window() is main or _mine(parent.window(), main)


def _is_popup(top: Any) -> bool:
    from PySide6.QtCore import Qt

    return bool(top.windowType() == Qt.WindowType.Popup)


def _passes_on(child: Any) -> bool:
    """A label or a bare holder inside a widget lets the mouse through to it."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QLabel

    return isinstance(child, QLabel) or bool(child.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents))
