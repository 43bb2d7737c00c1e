"""How a window looks: style, palette, font, sizes. Drawn by seed; the same window has many looks."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

PALETTES: dict[str, dict[str, str]] = {
    "light": {"window": "#efefef", "base": "#ffffff", "text": "#101010", "button": "#efefef", "mark": "#308cc6"},
    "paper": {"window": "#f4ecd8", "base": "#fffaf0", "text": "#3a2f20", "button": "#e9dfc6", "mark": "#a0522d"},
    "mist": {"window": "#e4ebf2", "base": "#f9fbfd", "text": "#14202c", "button": "#d5e0ea", "mark": "#23659c"},
    "mint": {"window": "#e6f2ea", "base": "#fbfffc", "text": "#10261a", "button": "#d3e8da", "mark": "#1f7a4d"},
    "dark": {"window": "#2b2b2e", "base": "#404046", "text": "#ececec", "button": "#4c4c54", "mark": "#2a82da"},
    "night": {"window": "#1f2840", "base": "#36425f", "text": "#e2e7f2", "button": "#41507a", "mark": "#7a5cd6"},
    "contrast": {"window": "#101010", "base": "#3c3c3c", "text": "#ffffff", "button": "#5a5a5a", "mark": "#ffd000"},
    "contrast-light": {
        "window": "#ffffff",
        "base": "#ffffff",
        "text": "#000000",
        "button": "#ffffff",
        "mark": "#0000c0",
    },
}
"""Colours of each palette; ``mark`` is the colour of selections."""

STYLES = ("Fusion", "Windows")
_FAMILIES = ("DejaVu Sans", "Liberation Sans", "DejaVu Sans Condensed", "Liberation Sans Narrow", "DejaVu Serif")
_LIGHT = ("light", "paper", "mist", "mint", "contrast-light")
_SIZES = ((640, 480), (720, 540), (800, 600), (960, 640), (1024, 700), (1180, 760), (1280, 800), (900, 900))


@dataclass(frozen=True, slots=True)
class Look:
    """The look of a window.

    Attributes:
        style: a name of ``QStyleFactory``.
        palette: a key of :data:`PALETTES`.
        family: font family; one that is not installed is replaced by Qt.
        points: font size.
        width: of the window, pixels; a window may need more.
        height: of the window, pixels.
        icon: side of an icon in tool bars, pixels.
        tools: what tool buttons show where they have an icon.
    """

    style: str = "Fusion"
    palette: str = "light"
    family: str = "DejaVu Sans"
    points: int = 10
    width: int = 960
    height: int = 640
    icon: int = 20
    tools: Literal["icons", "text", "beside", "under"] = "beside"

    def to_dict(self) -> dict[str, Any]:
        """The look as JSON-serialisable data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Look:
        """The inverse of :meth:`to_dict`."""
        return cls(**data)


def draw_look(rng: random.Random, hard: bool = False, compact: bool = False) -> Look:
    """A look; ``hard`` prefers bare icons and small type, ``compact`` is as small as windows go, in light colours."""
    if compact:
        return Look(
            palette=rng.choice(_LIGHT), family=_FAMILIES[0], points=8, width=rng.randrange(300, 400),
            height=rng.randrange(280, 380), icon=16, tools="icons" if hard else rng.choice(("icons", "text")),
        )  # fmt: skip
    points = rng.choice((8, 8, 9) if hard else (8, 9, 9, 10, 10, 11, 12, 14))
    fitting = [size for size in _SIZES if size[0] >= 76 * points]
    width, height = rng.choice(fitting)
    return Look(
        style=rng.choice(STYLES),
        palette=rng.choice(tuple(PALETTES)),
        family=rng.choice(_FAMILIES),
        points=points,
        width=width + rng.randrange(-20, 21),
        height=height + rng.randrange(-20, 21),
        icon=rng.choice((16, 20) if hard else (16, 20, 24, 32)),
        tools=rng.choice(("icons", "icons", "text") if hard else ("icons", "text", "beside", "under")),
    )


def wear(look: Look) -> None:
    """Put the whole application into a look; a worker shows one look at a time."""
    from PySide6.QtGui import QColor, QFont, QPalette
    from PySide6.QtWidgets import QApplication, QStyleFactory

    application = QApplication.instance()
    if application.property("look") == look.to_dict():
        return
    if application.style().objectName().lower() != look.style.lower():
        application.setStyle(QStyleFactory.create(look.style))
    application.setFont(QFont(look.family, look.points))
    application.setPalette(_palette(PALETTES[look.palette], QColor, QPalette))
    application.setProperty("look", look.to_dict())


def _palette(colours: Mapping[str, str], color: Any, palette: Any) -> Any:
    from assay.envs.gui_grounding.qt.app import luminance

    window, base, text, button, mark = (color(colours[part]) for part in ("window", "base", "text", "button", "mark"))
    made = palette(button, window)
    role, group = palette.ColorRole, palette.ColorGroup
    mixed = color(*((a + b) // 2 for a, b in zip(text.getRgb()[:3], window.getRgb()[:3], strict=True)))
    bright = color("#000000") if luminance(mark) > 140 else color("#ffffff")
    shades = {
        role.WindowText: text,
        role.Text: text,
        role.ButtonText: text,
        role.Base: base,
        role.AlternateBase: window,
        role.Highlight: mark,
        role.HighlightedText: bright,
        role.Link: mark,
        role.ToolTipBase: base,
        role.ToolTipText: text,
        role.PlaceholderText: mixed,
    }
    for part, shade in shades.items():
        made.setColor(part, shade)
    for part in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(group.Disabled, part, mixed)
    return made
