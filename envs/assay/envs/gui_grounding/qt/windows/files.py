"""A file manager over an invented tree of folders; nothing on any disk is touched."""

from __future__ import annotations

from typing import Any

from assay.envs.gui_grounding.qt.app import ABOUT_ROLE, AppWindow, mark, standard_icon
from assay.envs.gui_grounding.qt.words import ENDINGS, FOLDERS, day, files

_PLACES = {
    "Documents": ("SP_DirIcon", "go to the texts and letters"),
    "Pictures": ("SP_FileDialogContentsView", "go to the photographs"),
    "Music": ("SP_MediaVolume", "go to the songs"),
    "Computer": ("SP_ComputerIcon", "see the drives of this machine"),
    "Desktop": ("SP_DesktopIcon", "go to what lies behind all windows"),
    "Network": ("SP_DriveNetIcon", "see other machines nearby"),
    "Wastebasket": ("SP_TrashIcon", "see what was thrown away"),
}


class Files(AppWindow):
    """File manager."""

    kind = "files"
    titles = ("Files", "File manager", "Folders")

    def build(self) -> None:
        """Make the widgets."""
        from PySide6.QtWidgets import QSplitter

        self.tree: dict[str, list[dict[str, Any]]] = {place: self._entries() for place in _PLACES}
        for entries in list(self.tree.values()):
            for entry in entries:
                if entry["kind"] == "Folder":
                    self.tree.setdefault(entry["name"], self._entries())
        self.tree["Wastebasket"] = []
        self.place, self.past, self.future = "Documents", [], []  # type: ignore[var-annotated]
        self.held: tuple[str, str] | None = None
        self.command("hidden_files", self.fill, checkable=True)
        self.menus(
            {
                "File": ("new_folder", "open", "rename", "delete", "-", "properties", "close"),
                "Edit": ("cut", "copy", "paste", "-", "select_all", "find"),
                "View": ("refresh", "hidden_files", "list_view", "detail_view"),
                "Go": ("back", "forward", "up", "home"),
            }
        )
        optional = ["new_folder", "delete", "copy", "paste", "properties", "detail_view"]
        self.tools(["back", "forward", "up", "home", "refresh", *self.rng.sample(optional, self.rng.randrange(1, 4))])
        splitter = QSplitter()
        splitter.addWidget(self._side())
        splitter.addWidget(self._listing())
        splitter.setSizes([180, 700])
        splitter.setStretchFactor(1, 1)
        self.main.setCentralWidget(splitter)
        self.main.statusBar().showMessage(f"{self.rng.randrange(20, 900)} GB free")
        self.fill()

    def _entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = [
            {"name": name, "kind": "Folder", "size": "", "date": day(self.rng)}
            for name in self.rng.sample(FOLDERS, self.rng.randrange(1, 5))
        ]
        for name in sorted(files(self.rng, self.rng.randrange(4, 14), self.hard)):
            kind = ENDINGS[name.rpartition(".")[2]]
            entries.append(
                {"name": name, "kind": kind, "size": f"{self.rng.randrange(2, 980)} KB", "date": day(self.rng)}
            )
        entries.append({"name": ".settings", "kind": "Text", "size": "1 KB", "date": day(self.rng)})
        return entries

    def _side(self) -> Any:
        from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem

        self.places = mark(QTreeWidget(), place="places", name="places")
        self.places.setHeaderHidden(True)
        names = list(_PLACES)
        groups = {"My files": names[:3], "This computer": names[3:]}
        for group, members in groups.items():
            top = QTreeWidgetItem(self.places, [group])
            for name in members:
                item = QTreeWidgetItem(top, [name])
                item.setIcon(0, standard_icon(self.main, _PLACES[name][0]))
                item.setData(0, ABOUT_ROLE, _PLACES[name][1])
        self.places.expandAll()
        if self.rng.random() < 0.3:
            self.places.topLevelItem(1).setExpanded(False)
        self.places.currentItemChanged.connect(
            lambda item, *_: self.go(item.text(0)) if item and item.text(0) in self.tree else None
        )
        return self.places

    def _listing(self) -> Any:
        from PySide6.QtWidgets import QComboBox, QLineEdit, QTreeWidget

        self.address = mark(QLineEdit(), "type where to go", "address", label="Location", name="address")
        self.address.returnPressed.connect(lambda: self.go(self.address.text().rpartition("/")[2]))
        self.kinds = mark(QComboBox(), "limit what is listed to one sort of content", label="Type", name="kinds")
        self.kinds.addItems(["All", *sorted(set(ENDINGS.values()))])
        self.kinds.currentIndexChanged.connect(lambda *_: self.fill())
        self.listing = mark(QTreeWidget(), place="file list", name="files")
        self.listing.setHeaderLabels(["Name", "Kind", "Size", "Changed"])
        self.listing.setRootIsDecorated(False)
        self.listing.setAlternatingRowColors(self.rng.random() < 0.5)
        self.listing.setSortingEnabled(self.rng.random() < 0.5)
        self.listing.itemDoubleClicked.connect(lambda item, *_: self.go(item.text(0)))
        top = self.row("Location", self.address, "Type", self.kinds)
        return self.column(top, self.listing)

    def fill(self) -> None:
        """Show the entries of the current place."""
        from PySide6.QtWidgets import QTreeWidgetItem

        hidden = self.commands["hidden_files"].isChecked()
        kind = self.kinds.currentText()
        self.listing.clear()
        for entry in self.tree[self.place]:
            if (hidden or not entry["name"].startswith(".")) and kind in ("All", entry["kind"]):
                item = QTreeWidgetItem(self.listing, [entry[key] for key in ("name", "kind", "size", "date")])
                icon = "SP_DirClosedIcon" if entry["kind"] == "Folder" else "SP_FileIcon"
                item.setIcon(0, standard_icon(self.main, icon))
        for column in range(4):
            self.listing.resizeColumnToContents(column)
        self.address.setText(f"~/{self.place}")

    def go(self, place: str, *, remember: bool = True) -> None:
        """Enter a place, if it is one."""
        if place in self.tree and place != self.place:
            if remember:
                self.past.append(self.place)
                self.future.clear()
            self.place = place
            self.fill()

    def _chosen(self) -> dict[str, Any] | None:
        items = self.listing.selectedItems()
        name = items[0].text(0) if items else None
        return next((entry for entry in self.tree[self.place] if entry["name"] == name), None)

    def on_back(self) -> None:
        """Return to the place before."""
        if self.past:
            self.future.append(self.place)
            self.go(self.past.pop(), remember=False)

    def on_forward(self) -> None:
        """Undo :meth:`on_back`."""
        if self.future:
            self.past.append(self.place)
            self.go(self.future.pop(), remember=False)

    def on_home(self) -> None:
        """Go to the first place."""
        self.go("Documents")

    def on_up(self) -> None:
        """Go to the place that holds this one."""
        self.go(next((place for place, held in self.tree.items() if any(e["name"] == self.place for e in held)), ""))

    def on_new_folder(self) -> None:
        """Make a folder here."""
        taken = {entry["name"] for entry in self.tree[self.place]}
        name = next(f"Folder {i}" for i in range(1, 1000) if f"Folder {i}" not in taken)
        self.tree[self.place].insert(0, {"name": name, "kind": "Folder", "size": "", "date": "2025-06-01"})
        self.tree.setdefault(name, [])
        self.fill()

    def on_delete(self) -> None:
        """Move the chosen entry to the wastebasket."""
        entry = self._chosen()
        if entry is not None and self.place != "Wastebasket":
            self.tree[self.place].remove(entry)
            self.tree["Wastebasket"].append(entry)
            self.fill()

    def on_copy(self) -> None:
        """Remember the chosen entry."""
        entry = self._chosen()
        self.held = (self.place, entry["name"]) if entry else None

    on_cut = on_copy

    def on_paste(self) -> None:
        """Put the remembered entry here, unless its name is taken."""
        if self.held is not None and self.held[0] != self.place:
            place, name = self.held
            entry = next((each for each in self.tree[place] if each["name"] == name), None)
            if entry and all(each["name"] != name for each in self.tree[self.place]):
                self.tree[self.place].append(dict(entry))
                self.fill()

    def on_open(self) -> None:
        """Enter the chosen folder."""
        entry = self._chosen()
        if entry is not None:
            self.go(entry["name"])

    def on_select_all(self) -> None:
        """Mark everything."""
        self.listing.selectAll()

    def on_refresh(self) -> None:
        """List the entries again."""
        self.fill()

    def model(self) -> dict[str, Any]:
        """Place, its history, the entries of every place, and the selection."""
        entry = self._chosen()
        return {
            "place": self.place,
            "past": list(self.past),
            "tree": {place: [each["name"] for each in held] for place, held in self.tree.items()},
            "selected": entry["name"] if entry else None,
            "held": list(self.held) if self.held else None,
            "filter": self.kinds.currentText(),
            "hidden": self.commands["hidden_files"].isChecked(),
        }
