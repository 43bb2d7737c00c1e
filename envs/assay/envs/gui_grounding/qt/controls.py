"""Spin boxes, sliders and scroll bars, in the manner of :mod:`~assay.envs.gui_grounding.qt.parts`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from assay.envs.gui_grounding.qt.part import Part

_SCROLLS = {
    ("scroll up arrow", True): "see a little more of what stands further up",
    ("scroll down arrow", True): "see a little more of what stands further down",
    ("scroll left arrow", False): "see a little more of what stands further to the left",
    ("scroll right arrow", False): "see a little more of what stands further to the right",
    ("scroll handle", True): "drag the view up or down quickly",
    ("scroll handle", False): "drag the view sideways quickly",
}


def spin_parts(spin: Any) -> Iterator[Part]:
    """The field of a spin box and its arrows."""
    from PySide6.QtWidgets import QDateTimeEdit, QStyle, QStyleOptionComboBox, QStyleOptionSpinBox

    known, edit = told(spin), spin.lineEdit()
    yield Part(edit, edit.rect(), "field", enabled=spin.isEnabled(), facts=known)
    if isinstance(spin, QDateTimeEdit) and spin.calendarPopup():
        combo = QStyleOptionComboBox()
        combo.initFrom(spin)
        arrow = QStyle.SubControl.SC_ComboBoxArrow
        rect = spin.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, combo, arrow, spin)
        facts = {"label": known["label"], "key": known["key"] + ".arrow"}
        yield Part(spin, rect, "drop-down arrow", rect.contains, spin.isEnabled(), facts)
        return
    option = QStyleOptionSpinBox()
    spin.initStyleOption(option)
    wanted = {"up arrow": QStyle.SubControl.SC_SpinBoxUp, "down arrow": QStyle.SubControl.SC_SpinBoxDown}
    steps = spin.stepEnabled()
    for role, rect, hit in sub_controls(spin, option, QStyle.ComplexControl.CC_SpinBox, wanted):
        flag = spin.StepEnabledFlag.StepUpEnabled if role == "up arrow" else spin.StepEnabledFlag.StepDownEnabled
        facts = {
            "label": known["label"],
            "key": f"{known['key']}.{role.split()[0]}",
            "meaning": f"{known['key']}.{role}",
        }
        yield Part(spin, rect, role, hit, spin.isEnabled() and bool(steps & flag), facts)


def slider_parts(slider: Any) -> Iterator[Part]:
    """A slider and its handle."""
    from PySide6.QtWidgets import QStyle, QStyleOptionSlider

    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    known = told(slider)
    yield Part(slider, slider.rect(), "slider", enabled=slider.isEnabled(), facts=known)
    parts = {"slider handle": QStyle.SubControl.SC_SliderHandle}
    for role, rect, hit in sub_controls(slider, option, QStyle.ComplexControl.CC_Slider, parts):
        facts = {"label": known["label"], "key": known["key"] + ".handle", "meaning": known["key"] + ".handle"}
        yield Part(slider, rect, role, hit, slider.isEnabled(), facts)


def scroll_bar_parts(bar: Any) -> Iterator[Part]:
    """The arrows and the handle of a scroll bar that has something to scroll."""
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
    for role, rect, hit in sub_controls(bar, option, QStyle.ComplexControl.CC_ScrollBar, parts):
        facts = {"key": f"scroll.{role}", "meaning": f"{role} {upright}", "about": _SCROLLS[role, upright]}
        yield Part(bar, rect, role, hit, bar.isEnabled(), facts)


def sub_controls(
    widget: Any, option: Any, control: Any, parts: dict[str, Any]
) -> Iterator[tuple[str, Any, Callable[[Any], bool]]]:
    """Named parts of a control: name, rectangle, and whether a point hits it, all three from the style."""
    style = widget.style()
    for name, part in parts.items():
        rect = style.subControlRect(control, option, part, widget)

        def hit(p: Any, part: Any = part) -> bool:
            return bool(style.hitTestComplexControl(control, option, p, widget) == part)

        if not rect.isEmpty():
            yield name, rect, hit


def told(thing: Any, key: str = "") -> dict[str, str]:
    """What our windows say of a widget or action; of others' windows, what their authors wrote down for users."""
    facts = {name: str(thing.property(name) or "") for name in ("about", "meaning", "label")}
    if not facts["about"]:
        facts["about"] = str(thing.whatsThis() or thing.statusTip() or thing.toolTip() or "").partition("\n")[0]
        facts["about"] = "" if "<" in facts["about"] else facts["about"]
    return facts | {"key": thing.objectName() or key}
