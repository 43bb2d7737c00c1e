"""A text editor: documents in tabs, a find bar, an outline, a status bar with choices."""

from __future__ import annotations

from typing import Any

from assay.envs.gui_grounding.qt.app import AppWindow, mark
from assay.envs.gui_grounding.qt.words import STEMS, prose

_FORMATS = ("bold", "italic", "underline")
_ALIGNMENTS = ("align_left", "align_center", "align_right")


class Editor(AppWindow):
    """Text editor."""

    kind = "editor"
    titles = ("Editor", "Notepad", "Writer")

    def build(self) -> None:
        """Make the widgets."""
        from PySide6.QtGui import QActionGroup
        from PySide6.QtWidgets import QTabWidget

        self.saved: dict[str, str] = {}
        self.exported: list[str] = []
        self.zoom = 100
        for meaning in (*_FORMATS, "word_wrap", "read_only"):
            self.command(meaning, checkable=True, checked=self.rng.random() < 0.3 and meaning != "read_only")
        group = QActionGroup(self.main)
        chosen = self.rng.choice(_ALIGNMENTS)
        for meaning in _ALIGNMENTS:
            group.addAction(self.command(meaning, checkable=True, checked=meaning == chosen))
        self.command("paste", enabled=self.rng.random() < 0.7)
        self.menus(
            {
                "File": ("new", "open", "save", "save_as", "-", "print", "export", "-", "close", "quit"),
                "Edit": ("undo", "redo", "-", "cut", "copy", "paste", "-", "select_all", "find", "replace"),
                "View": ("zoom_in", "zoom_out", "word_wrap", "read_only"),
                "Format": (*_FORMATS, "-", *_ALIGNMENTS, "-", "upper", "lower"),
                "Help": ("help", "about"),
            }
        )
        base = ["new", "open", "save", "print", "undo", "redo", "cut", "copy", "paste", "find"]
        self.tools(base[: self.rng.randrange(4, 11)])
        if self.rng.random() < 0.6:
            self.tools(self.rng.choice((_FORMATS, (*_FORMATS, *_ALIGNMENTS))), "format bar")
        self.tabs = mark(QTabWidget(), name="documents")
        self.tabs.setTabsClosable(self.rng.random() < 0.5)
        self.tabs.tabCloseRequested.connect(self._close)
        for stem in self.rng.sample(STEMS, self.rng.randrange(1, 5)):
            self._add(f"{stem}.txt", "\n\n".join(prose(self.rng, 4) for _ in range(self.rng.randrange(1, 9))))
        self.tabs.setCurrentIndex(self.rng.randrange(self.tabs.count()))
        self.bar = self._find_bar()
        self.bar.setVisible(self.rng.random() < 0.5)
        self.main.setCentralWidget(self.column(self.tabs, self.bar))
        self._status()

    def _add(self, name: str, text: str) -> None:
        from PySide6.QtWidgets import QPlainTextEdit

        page = mark(QPlainTextEdit(text), "type and edit words", "text", place="document", name=f"text.{name}")
        self.tabs.setCurrentIndex(self.tabs.addTab(page, name))
        self.saved[name] = text

    def _find_bar(self) -> Any:
        from PySide6.QtWidgets import QCheckBox, QLineEdit

        self.wanted = mark(QLineEdit(), "say which word to look up", "wanted", label="Find", name="wanted")
        self.instead = mark(
            QLineEdit(), "say what to put in its place", "instead", label="Replace with", name="instead"
        )
        self.case = mark(QCheckBox("Match case"), "tell capitals from small letters", "case", name="case")
        self.whole = mark(QCheckBox("Whole words"), "ignore hits inside longer ones", "whole", name="whole")
        upper = self.row("Find", self.wanted, self.case)
        lower = self.row("Replace with", self.instead, self.button("replace", icon=False), self.whole)
        return mark(self.column(upper, lower, low=True), place="find bar", name="find bar")

    def _status(self) -> None:
        from PySide6.QtWidgets import QComboBox, QSpinBox

        status = mark(self.main.statusBar(), place="status bar")
        self.encoding = mark(QComboBox(), "choose how letters become bytes", "encoding", name="encoding")
        self.encoding.addItems(["UTF-8", "UTF-16", "Latin-1", "ASCII"])
        self.language = mark(QComboBox(), "choose the rules for colouring", "language", name="language")
        self.language.addItems(["Plain text", "Markdown", "Python", "HTML"])
        self.tab_width = mark(QSpinBox(), "choose how far indented lines move in", "tab width", name="tab width")
        self.tab_width.setRange(1, 16)
        self.tab_width.setValue(self.rng.choice((2, 4, 8)))
        for label, widget in (("Indent", self.tab_width), ("Encoding", self.encoding), ("Language", self.language)):
            widget.setProperty("label", label)
            status.addPermanentWidget(self.row(label, widget))
        status.showMessage(f"Line {self.rng.randrange(1, 90)}")

    def _name(self) -> str:
        return str(self.tabs.tabText(self.tabs.currentIndex()))

    def _page(self) -> Any:
        return self.tabs.currentWidget()

    def _close(self, index: int) -> None:
        if self.tabs.count() > 1:
            self.tabs.removeTab(index)

    def _replace_selection(self, change: Any) -> None:
        cursor = self._page().textCursor()
        if cursor.hasSelection() and not self._page().isReadOnly():
            cursor.insertText(change(cursor.selectedText()))

    def on_new(self) -> None:
        """Add an empty document."""
        taken = {self.tabs.tabText(index) for index in range(self.tabs.count())} | set(self.saved)
        self._add(next(f"untitled-{i}.txt" for i in range(1, 1000) if f"untitled-{i}.txt" not in taken), "")

    def on_save(self) -> None:
        """Keep the current text."""
        self.saved[self._name()] = self._page().toPlainText()

    def on_save_all(self) -> None:
        """Keep every text."""
        for index in range(self.tabs.count()):
            self.saved[self.tabs.tabText(index)] = self.tabs.widget(index).toPlainText()

    def on_save_copy(self) -> None:
        """Keep a second version."""
        self.saved[f"copy of {self._name()}"] = self._page().toPlainText()

    def on_export(self) -> None:
        """Note what was exported."""
        self.exported.append(self._name())

    def on_close(self) -> None:
        """Close the current document unless it is the last."""
        self._close(self.tabs.currentIndex())

    def on_undo(self) -> None:
        """Undo in the current document."""
        self._page().undo()

    def on_redo(self) -> None:
        """Redo in the current document."""
        self._page().redo()

    def on_select_all(self) -> None:
        """Mark the whole text."""
        self._page().selectAll()

    def on_find(self) -> None:
        """Show or hide the find bar."""
        self.bar.setVisible(not self.bar.isVisible())

    def on_replace(self) -> None:
        """Swap the wanted word throughout the current document."""
        if self.wanted.text() and not self._page().isReadOnly():
            self._page().setPlainText(self._page().toPlainText().replace(self.wanted.text(), self.instead.text()))

    def on_upper(self) -> None:
        """Capitals for the marked part."""
        self._replace_selection(str.upper)

    def on_lower(self) -> None:
        """Small letters for the marked part."""
        self._replace_selection(str.lower)

    def on_zoom_in(self) -> None:
        """Larger letters."""
        self.zoom = min(200, self.zoom + 10)
        self._page().zoomIn(1)

    def on_zoom_out(self) -> None:
        """Smaller letters."""
        self.zoom = max(50, self.zoom - 10)
        self._page().zoomOut(1)

    def on_read_only(self) -> None:
        """Protect the current document."""
        self._page().setReadOnly(self.commands["read_only"].isChecked())

    def model(self) -> dict[str, Any]:
        """Documents, what is on the invented disk, and every switch."""
        names = [self.tabs.tabText(index) for index in range(self.tabs.count())]
        return {
            "documents": {name: self.tabs.widget(index).toPlainText() for index, name in enumerate(names)},
            "current": self._name(),
            "saved": dict(self.saved),
            "exported": list(self.exported),
            "zoom": self.zoom,
            "on": [key for key, action in self.commands.items() if action.isCheckable() and action.isChecked()],
            "find": {"shown": self.bar.isVisible(), "wanted": self.wanted.text(), "instead": self.instead.text()}
            | {"case": self.case.isChecked(), "whole": self.whole.isChecked()},
            "encoding": self.encoding.currentText(),
            "language": self.language.currentText(),
            "tab_width": self.tab_width.value(),
        }
