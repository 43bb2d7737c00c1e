"""The clickable parts of each kind of widget: their rectangle, and whether a point of the widget hits them.

Rectangles are ``QRect`` in the coordinates of the widget that takes the mouse; they come from the geometry the style
itself uses to tell where a click goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from assay.envs.gui_grounding.qt.cells import header_parts, item_parts, shown_text
from assay.envs.gui_grounding.qt.part import Part

_SCROLLS = {
    ("scroll up arrow", True): "see a little more of what stands further up",
    ("scroll down arrow", True): "see a little more of what stands further down",
    ("scroll left arrow", False): "see a little more of what stands further to the left",
    ("scroll right arrow", False): "see a little more of what stands further to the right",
    ("scroll handle", True): "drag the view up or down quickly",
    ("scroll handle", False): "drag the view sideways quickly",
}


def parts_of(widget: Any) -> Iterator[Part]:
    """The clickable parts of one widget; none for containers and labels."""
    from PySide6 import QtWidgets as Q

    for kinds, make in (
        ((Q.QMenu,), _menu),
        ((Q.QMenuBar,), _menu_bar),
        ((Q.QTabBar,), _tab_bar),
        ((Q.QHeaderView,), header_parts),
        ((Q.QAbstractItemView,), item_parts),
        ((Q.QAbstractSpinBox,), _spin),
        ((Q.QComboBox,), _combo),
        ((Q.QScrollBar,), _scroll_bar),
        ((Q.QSlider,), _slider),
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
            facts = _told(action) | {"name": text_of(action.text())}
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


def _complex(
    widget: Any, option: Any, control: Any, parts: dict[str, Any]
) -> Iterator[tuple[str, Any, Callable[[Any], bool]]]:
    style = widget.style()
    for name, part in parts.items():
        rect = style.subControlRect(control, option, part, widget)

        def hit(p: Any, part: Any = part) -> bool:
            return bool(style.hitTestComplexControl(control, option, p, widget) == part)

        if not rect.isEmpty():
            yield name, rect, hit


def _spin(spin: Any) -> Iterator[Part]:
    from PySide6.QtWidgets import QDateTimeEdit, QStyle, QStyleOptionComboBox, QStyleOptionSpinBox

    told, edit = _told(spin), spin.lineEdit()
    yield Part(edit, edit.rect(), "field", enabled=spin.isEnabled(), facts=told)
    if isinstance(spin, QDateTimeEdit) and spin.calendarPopup():
        combo = QStyleOptionComboBox()
        combo.initFrom(spin)
        arrow = QStyle.SubControl.SC_ComboBoxArrow
        rect = spin.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, combo, arrow, spin)
        facts = {"label": told["label"], "key": told["key"] + ".arrow"}
        yield Part(spin, rect, "drop-down arrow", rect.contains, spin.isEnabled(), facts)
        return
    option = QStyleOptionSpinBox()
    spin.initStyleOption(option)
    wanted = {"up arrow": QStyle.SubControl.SC_SpinBoxUp, "down arrow": QStyle.SubControl.SC_SpinBoxDown}
    steps = spin.stepEnabled()
    for role, rect, hit in _complex(spin, option, QStyle.ComplexControl.CC_SpinBox, wanted):
        flag = spin.StepEnabledFlag.StepUpEnabled if role == "up arrow" else spin.StepEnabledFlag.StepDownEnabled
        facts = {"label": told["label"], "key": f"{told['key']}.{role.split()[0]}", "meaning": f"{told['key']}.{role}"}
        yield Part(spin, rect, role, hit, spin.isEnabled() and bool(steps & flag), facts)


def _combo(combo: Any) -> Iterator[Part]:
    facts = _told(combo)
    if not combo.isEditable():
        facts["name"] = shown_text(combo.currentText(), combo, combo.rect().adjusted(0, 0, -16, 0))
    yield Part(combo, combo.rect(), "drop-down list", enabled=combo.isEnabled(), facts=facts)


def _slider(slider: Any) -> Iterator[Part]:
    from PySide6.QtWidgets import QStyle, QStyleOptionSlider

    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    told = _told(slider)
    yield Part(slider, slider.rect(), "slider", enabled=slider.isEnabled(), facts=told)
    parts = {"slider handle": QStyle.SubControl.SC_SliderHandle}
    for role, rect, hit in _complex(slider, option, QStyle.ComplexControl.CC_Slider, parts):
        facts = {"label": told["label"], "key": told["key"] + ".handle", "meaning": told["key"] + ".handle"}
        yield Part(slider, rect, role, hit, slider.isEnabled(), facts)


def _scroll_bar(bar: Any) -> Iterator[Part]:
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QStyle, QStyleOptionSlider

    if bar.maximum() <= bar.minimum():
        return
    option = QStyleOptionSlider()
    bar.initStyleOption(option)
    upright = bar.orientation() == Qt.Orientation.Vertical
    ends = ("scroll up arrow", "scroll down arrow") if upright else ("scroll left arrow", "scroll right arrow")
    control = QStyle.SubControl
    parts = {ends[0]: control.SC_ScrollBarSubLine, ends[1]: control.SC_ScrollBarAddLine}
    parts["scroll handle"] = control.SC_ScrollBarSlider
    for role, rect, hit in _complex(bar, option, QStyle.ComplexControl.CC_ScrollBar, parts):
        facts = {"key": f"scroll.{role}", "meaning": f"{role} {upright}", "about": _SCROLLS[role, upright]}
        yield Part(bar, rect, role, hit, bar.isEnabled(), facts)


def _check(button: Any) -> Iterator[Part]:
    from PySide6.QtWidgets import QCheckBox, QStyle, QStyleOptionButton

    option = QStyleOptionButton()
    button.initStyleOption(option)
    box = isinstance(button, QCheckBox)
    element = QStyle.SubElement.SE_CheckBoxClickRect if box else QStyle.SubElement.SE_RadioButtonClickRect
    rect = button.style().subElementRect(element, option, button).intersected(button.rect())
    width = button.sizeHint().width()
    rect.setWidth(min(rect.width(), width))
    facts = _told(button) | {"name": text_of(button.text())}
    yield Part(button, rect, "checkbox" if box else "radio button", button.hitButton, button.isEnabled(), facts)


def _tool(button: Any) -> Iterator[Part]:
    from PySide6.QtCore import Qt

    action = button.defaultAction()
    facts = _told(action) | _told(button, _told(action)["key"]) if action is not None else _told(button)
    style = button.toolButtonStyle()
    bare = style == Qt.ToolButtonStyle.ToolButtonIconOnly and not button.icon().isNull()
    facts["name"] = "" if bare else text_of(button.text())
    facts["look"] = "icon" if bare else ""
    if action is not None:
        told = _told(action)
        facts["about"], facts["meaning"] = told["about"] or facts["about"], told["meaning"] or facts["meaning"]
    if button.objectName() == "qt_toolbar_ext_button":
        facts |= {"name": "", "about": "see the commands that found no room", "meaning": "more commands", "key": "more"}
    yield Part(button, button.rect(), "button", enabled=button.isEnabled(), facts=facts)


def _button(button: Any) -> Iterator[Part]:
    from PySide6.QtWidgets import QTabBar

    kind = button.metaObject().className()
    if kind == "QTableCornerButton":
        return
    facts = _told(button) | {"name": text_of(button.text())}
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
        facts = _told(widget)
        facts["name"] = shown_text(widget.text() or widget.placeholderText(), widget, widget.rect())
        yield Part(widget, widget.rect(), "field", enabled=widget.isEnabled(), facts=facts)
    else:
        yield Part(
            widget.viewport(), widget.viewport().rect(), "text area", enabled=widget.isEnabled(), facts=_told(widget)
        )


def _group(box: Any) -> Iterator[Part]:
    if box.isCheckable():
        from PySide6.QtWidgets import QStyle, QStyleOptionGroupBox

        option = QStyleOptionGroupBox()
        box.initStyleOption(option)
        parts = {"checkbox": QStyle.SubControl.SC_GroupBoxCheckBox}
        for role, rect, hit in _complex(box, option, QStyle.ComplexControl.CC_GroupBox, parts):
            yield Part(box, rect, role, hit, box.isEnabled(), _told(box) | {"label": text_of(box.title())})


def _dial(dial: Any) -> Iterator[Part]:
    yield Part(dial, dial.rect(), "dial", enabled=dial.isEnabled(), facts=_told(dial))


def _told(thing: Any, key: str = "") -> dict[str, str]:
    """What our windows say of a widget or action; of others' windows, what their authors wrote down for users."""
    told = {name: str(thing.property(name) or "") for name in ("about", "meaning", "label")}
    if not told["about"]:
        told["about"] = str(thing.whatsThis() or thing.statusTip() or thing.toolTip() or "").partition("\n")[0]
        told["about"] = "" if "<" in told["about"] else told["about"]
    return told | {"key": thing.objectName() or key}
