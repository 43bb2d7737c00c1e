"""The base of the windows: real, live applications whose state can be read.

A window is built from ``(seed, look)`` alone. What a user does to its widgets changes :meth:`AppWindow.state`, from
which goals are checked; nothing it does touches files or the network, and nothing blocks (dialogs are opened, never
executed).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from assay.envs.candidates import seeded
from assay.envs.gui_grounding.qt.look import Look
from assay.envs.gui_grounding.qt.verbs import VERBS

ABOUT_ROLE = 0x0100 + 71
"""Item data role of an item's functional description."""
MEANING_ROLE = ABOUT_ROLE + 1
"""Item data role of an item's meaning."""


class AppWindow:
    """One application window.

    Attributes:
        main: the ``QMainWindow``; show it to make it live.
        rng: decides everything about its content.
        did: how often each command was carried out, by meaning.
        hard: look-alike commands stand beside each other.
    """

    kind: ClassVar[str] = ""
    """Name of the kind of window."""
    titles: ClassVar[tuple[str, ...]] = ()
    """Titles it may have."""

    def __init__(self, seed: int, look: Look, hard: bool = False) -> None:
        from PySide6.QtWidgets import QMainWindow

        self.seed, self.look, self.hard = seed, look, hard
        self.rng = seeded("qt-window", self.kind, seed, hard)
        self.did: Counter[str] = Counter()
        self.main: Any = QMainWindow()
        self.main.setWindowTitle(self.rng.choice(self.titles))
        self.main.setContextMenuPolicy(_qt().ContextMenuPolicy.NoContextMenu)
        self.commands: dict[str, Any] = {}
        self._icons: set[str] = set()
        self.build()
        self.main.resize(look.width, look.height)

    def build(self) -> None:
        """Make the widgets; called once."""
        raise NotImplementedError

    def model(self) -> dict[str, Any]:
        """The application's own state, JSON-serialisable."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """What goals are checked on: :meth:`model`, and ``did``, the count of each command carried out."""
        return {**self.model(), "did": dict(self.did)}

    def command(
        self,
        meaning: str,
        run: Callable[[], Any] | None = None,
        *,
        checkable: bool = False,
        checked: bool = False,
        enabled: bool = True,
    ) -> Any:
        """The ``QAction`` of a verb; the same one for menus, tool bars and :meth:`button`."""
        if meaning in self.commands:
            return self.commands[meaning]
        from PySide6.QtGui import QAction

        verb = VERBS[meaning]
        action = QAction(self.rng.choice(verb.names), self.main)
        action.setObjectName(meaning)
        mark(action, self.rng.choice(verb.abouts), meaning)
        action.setCheckable(checkable)
        action.setChecked(checked)
        action.setEnabled(enabled)
        if verb.icon and verb.icon not in self._icons:  # two commands under one icon could not be told apart
            self._icons.add(verb.icon)
            action.setIcon(standard_icon(self.main, verb.icon))
        action.triggered.connect(lambda *_: self._carry_out(meaning, run))
        self.commands[meaning] = action
        return action

    def menus(self, layout: dict[str, Sequence[str]]) -> None:
        """The menu bar: titles and the meanings below them ("-" is a separator)."""
        for title, meanings in layout.items():
            menu = self.main.menuBar().addMenu(title)
            menu.setObjectName(f"menu.{title.lower()}")
            for meaning in meanings:
                if meaning == "-":
                    menu.addSeparator()
                else:
                    menu.addAction(self.command(meaning))

    def tools(self, meanings: Sequence[str], place: str = "tool bar", side: str = "top") -> Any:
        """A tool bar; in a hard window each command has its look-alikes beside it."""
        from PySide6.QtCore import QSize
        from PySide6.QtWidgets import QToolBar

        bar = QToolBar(place, self.main)
        bar.setObjectName(place)
        bar.setMovable(False)
        bar.setIconSize(QSize(self.look.icon, self.look.icon))
        styles = {"icons": "IconOnly", "text": "TextOnly", "beside": "TextBesideIcon", "under": "TextUnderIcon"}
        chosen = "icons" if side in ("left", "right") else self.look.tools
        bar.setToolButtonStyle(getattr(_qt().ToolButtonStyle, f"ToolButton{styles[chosen]}"))
        shown: list[str] = []
        for meaning in meanings:
            shown += [each for each in (meaning, *(VERBS[meaning].near if self.hard else ())) if each not in shown]
        for meaning in shown:
            bar.addAction(self.command(meaning))
        areas = _qt().ToolBarArea
        self.main.addToolBar(getattr(areas, f"{side.capitalize()}ToolBarArea"), bar)
        return bar

    def button(self, meaning: str, run: Callable[[], Any] | None = None, *, icon: bool = True) -> Any:
        """A push button of a command."""
        from PySide6.QtWidgets import QPushButton

        action = self.command(meaning, run)
        button = QPushButton(action.text())
        if icon and not action.icon().isNull():
            button.setIcon(action.icon())
        button.setEnabled(action.isEnabled())
        button.setObjectName(f"button.{meaning}")
        mark(button, action.property("about"), meaning)
        button.clicked.connect(action.trigger)
        return button

    def row(self, *widgets: Any) -> Any:
        """Widgets side by side; a string is a label and None takes the room that is left."""
        from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

        holder = QWidget()
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in widgets:
            if widget is None:
                layout.addStretch(1)
            else:
                layout.addWidget(QLabel(widget) if isinstance(widget, str) else widget)
        return _as_low_as_can_be(holder)

    def column(self, *widgets: Any, low: bool = False) -> Any:
        """Widgets below one another, like :meth:`row`; ``low`` ones take no more height than they need."""
        from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

        holder = QWidget()
        layout = QVBoxLayout(holder)
        if low:
            _as_low_as_can_be(holder)
        for widget in widgets:
            if widget is None:
                layout.addStretch(1)
            else:
                layout.addWidget(QLabel(widget) if isinstance(widget, str) else widget)
        return holder

    def _carry_out(self, meaning: str, run: Callable[[], Any] | None) -> None:
        self.did[meaning] += 1
        if run is None:
            run = getattr(self, f"on_{meaning}", None)
        if run is not None:
            run()


def _as_low_as_can_be(holder: Any) -> Any:
    from PySide6.QtWidgets import QSizePolicy

    holder.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
    return holder


def mark(thing: Any, about: str = "", meaning: str = "", label: str = "", place: str = "", name: str = "") -> Any:
    """Tell the harvest about a widget or action; returns it."""
    for key, value in (("about", about), ("meaning", meaning), ("label", label), ("place", place)):
        if value:
            thing.setProperty(key, value)
    if name:
        thing.setObjectName(name)
    return thing


def standard_icon(widget: Any, name: str) -> Any:
    """A real icon of the style, by the name of its ``QStyle.StandardPixmap``; black ones turn white on dark windows."""
    from PySide6.QtGui import QIcon, QImage, QPixmap
    from PySide6.QtWidgets import QApplication, QStyle

    icon = widget.style().standardIcon(getattr(QStyle.StandardPixmap, name))
    application = QApplication.instance()
    if application is None or luminance(application.palette().button().color()) > 100 or not _black(icon, name):
        return icon
    inverted = QIcon()
    for side in (16, 24, 32):
        image = icon.pixmap(side, side).toImage()
        image.invertPixels(QImage.InvertMode.InvertRgb)
        inverted.addPixmap(QPixmap.fromImage(image))
    return inverted


def luminance(colour: Any) -> float:
    """How bright a ``QColor`` seems, 0 to 255."""
    return float(0.299 * colour.red() + 0.587 * colour.green() + 0.114 * colour.blue())


_known_black: dict[str, bool] = {}


def _black(icon: Any, name: str) -> bool:
    """Whether what is opaque of an icon is nearly black and nothing else."""
    if name not in _known_black:
        image = icon.pixmap(16, 16).toImage()
        colours = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
        solid = [luminance(colour) for colour in colours if colour.alpha() > 128]
        _known_black[name] = bool(solid) and max(solid) < 90
    return _known_black[name]


def _qt() -> Any:
    from PySide6.QtCore import Qt

    return Qt
