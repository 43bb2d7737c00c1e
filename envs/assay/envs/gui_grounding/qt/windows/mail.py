"""A mail program: folders, a list of letters, the open letter, and a sheet for writing."""

from __future__ import annotations

from typing import Any

from assay.envs.gui_grounding.qt.app import ABOUT_ROLE, AppWindow, mark
from assay.envs.gui_grounding.qt.words import TOPICS, address_of, day, people, prose

_FOLDERS = {
    "Inbox": "what has arrived",
    "Drafts": "letters that are not finished",
    "Sent": "letters that went out",
    "Archive": "letters that were put away for good",
    "Junk": "unwanted advertising",
    "Bin": "what was thrown away",
}


class Mail(AppWindow):
    """Mail."""

    kind = "mail"
    titles = ("Mail", "Post office", "Letterbox")

    def build(self) -> None:
        """Make the widgets."""
        from PySide6.QtWidgets import QSplitter, QTabWidget

        count = self.rng.randrange(7, 16)
        topics = self.rng.sample(TOPICS, count)
        if self.hard:  # answers to answers: subjects that differ in a prefix
            topics = [f"{('', 'Re: ', 'Fwd: ')[i % 3]}{topics[i // 3]}" for i in range(count)]
        self.letters: list[dict[str, Any]] = [
            {"from": who, "subject": topic, "date": day(self.rng), "folder": "Inbox", "read": self.rng.random() < 0.6}
            | {"starred": False, "text": prose(self.rng, self.rng.randrange(2, 6))}
            for who, topic in zip(people(self.rng, count), topics, strict=True)
        ]
        self.sent: list[dict[str, str]] = []
        self.folder = "Inbox"
        self.menus(
            {
                "File": ("compose", "save_as", "print", "-", "quit"),
                "Edit": ("copy", "select_all", "find", "-", "preferences"),
                "Message": ("reply", "reply_all", "forward_mail", "-", "archive", "junk", "star", "unread"),
                "Help": ("help", "about"),
            }
        )
        wanted = ["compose", "reply", "forward_mail", "archive", "junk", "star", "delete"]
        self.tools(wanted[: self.rng.randrange(4, 8)])
        splitter = QSplitter()
        self.tabs = QTabWidget()
        self.tabs.addTab(self._reading(), "Letters")
        self.tabs.addTab(self._writing(), "Write")
        self.tabs.setObjectName("tabs")
        for index, about in enumerate(("look at what others sent", "put a letter together")):
            self.tabs.tabBar().setTabData(index, about)
        parts = [self._folders(), self.tabs]
        if self.rng.random() < 0.3:
            parts.reverse()
        for part in parts:
            splitter.addWidget(part)
        side = splitter.indexOf(self.places)
        splitter.setSizes([170, 700] if side == 0 else [700, 170])
        splitter.setStretchFactor(1 - side, 1)
        self.main.setCentralWidget(splitter)
        self.fill()

    def _folders(self) -> Any:
        from PySide6.QtWidgets import QListWidget, QListWidgetItem

        self.places = mark(QListWidget(), place="folder list", name="folders")
        for name, about in _FOLDERS.items():
            item = QListWidgetItem(name, self.places)
            item.setData(ABOUT_ROLE, f"see {about}")
        self.places.setCurrentRow(0)
        self.places.currentTextChanged.connect(self._enter)
        return self.places

    def _reading(self) -> Any:
        from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QPlainTextEdit, QTableWidget

        self.search = mark(QLineEdit(), "look for a letter by its words", "search", name="search")
        self.search.setPlaceholderText("Search mail")
        self.search.textChanged.connect(lambda *_: self.fill())
        self.table = mark(QTableWidget(0, 3), place="message list", name="letters")
        self.table.setHorizontalHeaderLabels(["From", "Subject", "Date"])
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.currentCellChanged.connect(lambda row, *_: self._open(row))
        self.body = mark(QPlainTextEdit(), "read the chosen letter", "letter text", place="letter", name="letter")
        self.body.setReadOnly(True)
        buttons = [self.button(meaning) for meaning in self.rng.sample(["reply", "delete", "unread"], 2)]
        return self.column(self.search, self.table, self.row("Letter", None, *buttons), self.body)

    def _writing(self) -> Any:
        from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QPlainTextEdit, QWidget

        holder = mark(QWidget(), place="new letter")
        form = QFormLayout(holder)
        self.to = mark(QLineEdit(), "say who shall get the letter", name="to")
        self.copy_to = mark(QLineEdit(), "say who else shall see the letter", name="cc")
        self.subject = mark(QLineEdit(), "say what the letter is concerned with", name="subject")
        self.priority = mark(QComboBox(), "say how urgent the letter is", name="priority")
        self.priority.addItems(["Low", "Normal", "High"])
        self.priority.setCurrentIndex(1)
        self.text = mark(QPlainTextEdit(), "put down what you have to tell", name="text")
        self.receipt = mark(QCheckBox("Ask for a receipt"), "be told when the letter has been opened", name="receipt")
        for label, field in (("To", self.to), ("Cc", self.copy_to), ("Subject", self.subject)):
            form.addRow(label, field)
        form.addRow("Priority", self.priority)
        form.addRow("Text", self.text)
        form.addRow("", self.receipt)
        form.addRow("", self.row(self.button("attach"), None, self.button("discard"), self.button("send")))
        return holder

    def fill(self) -> None:
        """Show the letters of the folder that match the search."""
        from PySide6.QtWidgets import QTableWidgetItem

        words = self.search.text().lower()
        self.shown = [
            each
            for each in self.letters
            if each["folder"] == self.folder and words in f"{each['from']} {each['subject']}".lower()
        ]
        self.table.blockSignals(True)
        self.table.setRowCount(len(self.shown))
        for row, letter in enumerate(self.shown):
            for column, text in enumerate((letter["from"], letter["subject"], letter["date"])):
                item = QTableWidgetItem(("★ " if letter["starred"] and column == 1 else "") + text)
                font = item.font()
                font.setBold(not letter["read"])
                item.setFont(font)
                self.table.setItem(row, column, item)
        self.table.resizeColumnToContents(0)
        self.table.resizeColumnToContents(2)
        self.table.setCurrentCell(-1, -1)
        self.table.blockSignals(False)
        self.body.setPlainText("")

    def _enter(self, folder: str) -> None:
        self.folder = folder
        self.tabs.setCurrentIndex(0)
        self.fill()

    def _open(self, row: int) -> None:
        if 0 <= row < len(self.shown):
            self.shown[row]["read"] = True
            self.body.setPlainText(self.shown[row]["text"])

    def _chosen(self) -> dict[str, Any] | None:
        row = self.table.currentRow()
        return self.shown[row] if 0 <= row < len(self.shown) else None

    def _file(self, folder: str) -> None:
        letter = self._chosen()
        if letter is not None:
            letter["folder"] = folder
            self.fill()

    def on_archive(self) -> None:
        """Put the chosen letter away."""
        self._file("Archive")

    def on_junk(self) -> None:
        """Put the chosen letter with the advertising."""
        self._file("Junk")

    def on_delete(self) -> None:
        """Throw the chosen letter away."""
        self._file("Bin")

    def on_star(self) -> None:
        """Flag the chosen letter, or take the flag off."""
        letter = self._chosen()
        if letter is not None:
            letter["starred"] = not letter["starred"]
            self.fill()

    def on_unread(self) -> None:
        """Make the chosen letter look new."""
        letter = self._chosen()
        if letter is not None:
            letter["read"] = False
            self.fill()

    def on_compose(self) -> None:
        """Open an empty sheet."""
        self.tabs.setCurrentIndex(1)
        self.to.setFocus()

    def on_reply(self, prefix: str = "Re: ") -> None:
        """Open a sheet that answers the chosen letter."""
        letter = self._chosen()
        if letter is not None:
            self.to.setText(address_of(letter["from"]) if prefix == "Re: " else "")
            self.subject.setText(prefix + letter["subject"])
            self.on_compose()

    def on_reply_all(self) -> None:
        """Like :meth:`on_reply`: every letter here has one sender."""
        self.on_reply()

    def on_forward_mail(self) -> None:
        """Open a sheet that passes the chosen letter on."""
        self.on_reply("Fwd: ")

    def on_find(self) -> None:
        """Go to the search field."""
        self.tabs.setCurrentIndex(0)
        self.search.setFocus()

    def on_send(self) -> None:
        """Send the sheet if somebody shall get it."""
        if self.to.text().strip():
            self.sent.append(self._draft())
            self.on_discard()

    def on_discard(self) -> None:
        """Empty the sheet and go back to the letters."""
        for field in (self.to, self.copy_to, self.subject, self.text):
            field.clear()
        self.tabs.setCurrentIndex(0)

    def _draft(self) -> dict[str, str]:
        return {"to": self.to.text(), "cc": self.copy_to.text(), "subject": self.subject.text()} | {
            "text": self.text.toPlainText(),
            "priority": self.priority.currentText(),
        }

    def model(self) -> dict[str, Any]:
        """Folder, letters, the sheet being written, and what was sent."""
        letter = self._chosen()
        return {
            "folder": self.folder,
            "search": self.search.text(),
            "page": self.tabs.currentIndex(),
            "letters": [{key: value for key, value in each.items() if key != "text"} for each in self.letters],
            "selected": letter["subject"] if letter else None,
            "draft": self._draft() | {"receipt": self.receipt.isChecked()},
            "sent": list(self.sent),
        }
