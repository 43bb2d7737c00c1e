"""The clickable parts of each kind of widget: their rectangle, and whether a point of the widget hits them.

Rectangles are ``QRect`` in the coordinates of the widget that takes the mouse; they come from the geometry the style
itself uses to tell where a click goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.envs.gui_grounding.qt.cells import header_parts, item_parts, shown_text
from assay.envs.gui_grounding.qt.controls import scroll_bar_parts, slider_parts, spin_parts, sub_controls, told
from assay.envs.gui_grounding.qt.part import Part


def parts_of(widget: Any) -> Iterator[Part]:
    """The clickable parts of one widget; none for containers and labels."""
    from PySide6 import QtWidgets as Q

    for kinds, make in (
        ((Q.QMenu,), _menu),
        ((Q.QMenuBar,), _menu_bar),
        ((Q.QTabBar,), _tab_bar),
        ((Q.QHeaderView,), header_parts),
        ((Q.QAbstractItemView,), item_parts),
        ((Q.QAbstractSpinBox,), spin_parts),
        ((Q.QComboBox,), _combo),
        ((Q.QScrollBar,), scroll_bar_parts),
        ((Q.QSlider,), slider_parts),
        ((Q.QCheckBox, Q.QRadioButton), _check),
        ((Q.QToolButton,), _tool),
        ((Q.QAbstractButton,), _button),
        ((Q.QLineEdit, Q.QTextEdit, Q.QPlainTextEdit), _field),
        ((Q.QGroupBox,), _group),
        ((Q.QDial,), _dial),
    ):
        if isinstance(widget, kinds):
            yield from make(widget)
            return


def text_of(label: str) -> str:
    """A label without its mnemonic mark and keyboard shortcut."""
    return label.partition("\t")[0].replace("&&", "\0").replace("&", "").replace("\0", "&").strip()


def _actions(widget: Any, role: str) -> Iterator[Part]:
    for action in widget.actions():
        if action.isVisible() and not action.isSeparator():
            facts = told(action) | {"name": text_of(action.text())}
            if action.menu() is not None:
                facts["key"] = action.menu().objectName() or facts["key"]
            rect = widget.actionGeometry(action)

            def hit(p: Any, action: Any = action) -> bool:
                return bool(widget.actionAt(p) == action)

            yield Part(widget, rect, role, hit, action.isEnabled(), facts)


def _menu_bar(widget: Any) -> Iterator[Part]:
    return _actions(widget, "menu")


def _menu(widget: Any) -> Iterator[Part]:
    return _actions(widget, "menu item")


def _tab_bar(bar: Any) -> Iterator[Part]:
    from PySide6.QtWidgets import QTabBar

    for index in range(bar.count()):
        rect, name = bar.tabRect(index), text_of(bar.tabText(index))
        if bar.fontMetrics().horizontalAdvance(name) > rect.width():
            name = ""
        about = bar.tabData(index)
        facts = {"name": name, "about": about if isinstance(about, str) else "", "key": f"tab.{bar.tabText(index)}"}
        buttons = [
            bar.tabButton(index, side) for side in (QTabBar.ButtonPosition.LeftSide, QTabBar.ButtonPosition.RightSide)
        ]
        for button in buttons:
            if button is not None and button.isVisible():  # the close button at its end is not the tab
                rect = rect.adjusted(0, 0, button.geometry().left() - rect.right() - 1, 0)

        def hit(p: Any, index: int = index) -> bool:
            return bool(bar.tabAt(p) == index)

        yield Part(bar, rect, "tab", hit, bar.isTabEnabled(index), facts)


def _combo(combo: Any) -> Iterator[Part]:
    facts = told(combo)
    if not combo.isEditable():
        facts["name"] = shown_text(combo.currentText(), combo, combo.rect().adjusted(0, 0, -16, 0))
    yield Part(combo, combo.rect(), "drop-down list", enabled=combo.isEnabled(), facts=facts)


def _check(button: Any) -> Iterator[Part]:
    from PySide6.QtWidgets import QCheckBox, QStyle, QStyleOptionButton

    option = QStyleOptionButton()
    button.initStyleOption(option)
    box = isinstance(button, QCheckBox)
    element = QStyle.SubElement.SE_CheckBoxClickRect if box else QStyle.SubElement.SE_RadioButtonClickRect
    rect = button.style().subElementRect(element, option, button).intersected(button.rect())
    width = button.sizeHint().width()
    rect.setWidth(min(rect.width(), width))
    facts = told(button) | {"name": text_of(button.text())}
    yield Part(button, rect, "checkbox" if box else "radio button", button.hitButton, button.isEnabled(), facts)


def _tool(button: Any) -> Iterator[Part]:
    from PySide6.QtCore import Qt

    action = button.defaultAction()
    facts = told(action) | told(button, told(action)["key"]) if action is not None else told(button)
    style = button.toolButtonStyle()
    bare = style == Qt.ToolButtonStyle.ToolButtonIconOnly and not button.icon().isNull()
    facts["name"] = "" if bare else text_of(button.text())
    facts["look"] = "icon" if bare else ""
    if action is not None:
        known = told(action)
        facts["about"], facts["meaning"] = known["about"] or facts["about"], known["meaning"] or facts["meaning"]
    if button.objectName() == "qt_toolbar_ext_button":
        facts |= {"name": "", "about": "see the commands that found no room", "meaning": "more commands", "key": "more"}
    yield Part(button, button.rect(), "button", enabled=button.isEnabled(), facts=facts)


def _button(button: Any) -> Iterator[Part]:
    from PySide6.QtWidgets import QTabBar

    kind = button.metaObject().className()
    if kind == "QTableCornerButton":
        return
    facts = told(button) | {"name": text_of(button.text())}
    bar = button.parentWidget()
    if kind == "CloseButton" and isinstance(bar, QTabBar):
        sides = (QTabBar.ButtonPosition.LeftSide, QTabBar.ButtonPosition.RightSide)
        tabs = [i for i in range(bar.count()) if any(bar.tabButton(i, side) == button for side in sides)]
        label = text_of(bar.tabText(tabs[0])) if tabs else ""
        yield Part(
            button, button.rect(), "close button", facts={"label": label, "key": f"close.{label}", "look": "icon"}
        )
        return
    yield Part(button, button.rect(), "button", button.hitButton, button.isEnabled(), facts)


def _field(widget: Any) -> Iterator[Part]:
    from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QLineEdit

    if isinstance(widget, QLineEdit):
        if isinstance(widget.parent(), (QAbstractSpinBox, QComboBox)):
            return
        facts = told(widget)
        facts["name"] = shown_text(widget.text() or widget.placeholderText(), widget, widget.rect())
        yield Part(widget, widget.rect(), "field", enabled=widget.isEnabled(), facts=facts)
    else:
        yield Part(
            widget.viewport(), widget.viewport().rect(), "text area", enabled=widget.isEnabled(), facts=told(widget)
        )


def _group(box: Any) -> Iterator[Part]:
    if box.isCheckable():
        from PySide6.QtWidgets import QStyle, QStyleOptionGroupBox

        option = QStyleOptionGroupBox()
        box.initStyleOption(option)
        parts = {"checkbox": QStyle.SubControl.SC_GroupBoxCheckBox}
        for role, rect, hit in sub_controls(box, option, QStyle.ComplexControl.CC_GroupBox, parts):
            yield Part(box, rect, role, hit, box.isEnabled(), told(box) | {"label": text_of(box.title())})


def _dial(dial: Any) -> Iterator[Part]:
    yield Part(dial, dial.rect(), "dial", enabled=dial.isEnabled(), facts=told(dial))
