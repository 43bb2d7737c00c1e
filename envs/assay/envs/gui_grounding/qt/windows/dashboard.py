"""A dashboard: cards with the same buttons on each, a table of alerts, filters."""

from __future__ import annotations

from typing import Any

from assay.envs.gui_grounding.qt.app import AppWindow, mark
from assay.envs.gui_grounding.qt.words import CITIES, PRODUCTS, day

_MEASURES = {
    "Visitors": "how many people came",
    "Revenue": "how much money came in",
    "Orders": "how many purchases were made",
    "Returns": "how many goods were sent back",
    "Latency": "how long replies take",
    "Uptime": "how long machines have been running",
    "Errors": "how often something failed",
    "Storage": "how full the disks are",
}


class Dashboard(AppWindow):
    """Dashboard."""

    kind = "dashboard"
    titles = ("Dashboard", "Overview", "Monitor")

    def build(self) -> None:
        """Make the widgets."""
        from PySide6.QtWidgets import QTabWidget

        self.cards = self.rng.sample(list(_MEASURES), self.rng.randrange(3, 7))
        self.opened: list[str] = []
        self.pinned: list[str] = []
        self.alerts = [
            {"level": self.rng.choice(("Low", "Medium", "High")), "source": source, "date": day(self.rng)}
            for source in self.rng.sample(PRODUCTS, self.rng.randrange(5, 12))
        ]
        if self.rng.random() < 0.6:
            self.menus(
                {
                    "File": ("export", "print", "share", "-", "quit"),
                    "View": ("refresh", "full_screen", "-", "zoom_in", "zoom_out"),
                    "Panels": ("add_panel", "remove_panel", "preferences"),
                    "Help": ("help", "about"),
                }
            )
        base = ["refresh", "export", "share", "add_panel", "remove_panel", "full_screen", "help"]
        side = self.rng.choice(("top", "top", "left"))
        self.tools(self.rng.sample(base, self.rng.randrange(3, 7)), side=side)
        self.tabs = mark(QTabWidget(), name="pages")
        self.tabs.addTab(self._overview(), "Overview")
        self.tabs.addTab(self._alerts(), "Alerts")
        self.tabs.addTab(self._targets(), "Targets")
        for index, about in enumerate(("see all figures at a glance", "see warnings", "see what ought to be reached")):
            self.tabs.tabBar().setTabData(index, about)
        self.tabs.setCurrentIndex(self.rng.choice((0, 0, 0, 1, 2)))
        self.main.setCentralWidget(self.column(self._filters(), self.tabs))

    def _filters(self) -> Any:
        from PySide6.QtWidgets import QCheckBox, QComboBox, QDateEdit

        self.period = mark(QComboBox(), "choose how far back figures reach", "period", label="Period", name="period")
        self.period.addItems(["Today", "This week", "This month", "This year"])
        self.site = mark(QComboBox(), "choose which town is looked at", "site", label="Site", name="site")
        self.site.addItems(["All sites", *self.rng.sample(CITIES, 5)])
        self.live = mark(QCheckBox("Live updates"), "have figures change by themselves", "live", name="live")
        self.live.setChecked(self.rng.random() < 0.5)
        self.since = mark(QDateEdit(), "choose the first day that counts", "since", label="Since", name="since")
        self.since.setDisplayFormat("yyyy-MM-dd")
        parts = ["Period", self.period, "Site", self.site]
        if self.look.width > 80 * self.look.points:
            parts += ["Since", self.since]
        return mark(self.row(*parts, None, self.live), place="filter bar")

    def _overview(self) -> Any:
        from PySide6.QtWidgets import QGridLayout, QScrollArea, QWidget

        holder = QWidget()
        grid = QGridLayout(holder)
        columns = max(1, min(3, self.look.width // (32 * self.look.points)))
        for index, name in enumerate(self.cards):
            grid.addWidget(self._card(name), index // columns, index % columns)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(holder)
        return area

    def _card(self, name: str) -> Any:
        from PySide6.QtWidgets import QGroupBox, QLabel, QProgressBar, QPushButton, QVBoxLayout

        box = QGroupBox(name)
        layout = QVBoxLayout(box)
        figure = QLabel(f"{self.rng.randrange(10, 9999):,}")
        font = figure.font()
        font.setPointSize(self.look.points + 8)
        figure.setFont(font)
        layout.addWidget(figure)
        gauge = QProgressBar()
        gauge.setValue(self.rng.randrange(3, 98))
        layout.addWidget(gauge)
        details = QPushButton("Details")
        mark(details, f"learn more on {_MEASURES[name]}", f"details {name}", name=f"details.{name}")
        details.clicked.connect(lambda *_: self.opened.append(name))
        pin = QPushButton("Pin")
        pin.setCheckable(True)
        mark(pin, f"always keep in view {_MEASURES[name]}", f"pin {name}", name=f"pin.{name}")
        pin.toggled.connect(lambda on: self.pinned.append(name) if on else self.pinned.remove(name))
        layout.addWidget(self.row(details, pin, None))
        return box

    def _alerts(self) -> Any:
        from PySide6.QtCore import Qt
        from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

        self.table = mark(QTableWidget(len(self.alerts), 3), place="alert table", name="alerts")
        self.table.setHorizontalHeaderLabels(["Source", "Level", "Day"])
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setStretchLastSection(True)
        for row, alert in enumerate(self.alerts):
            for column, key in enumerate(("source", "level", "date")):
                item = QTableWidgetItem(alert[key])
                if column == 0:
                    item.setCheckState(Qt.CheckState.Unchecked)
                self.table.setItem(row, column, item)
        self.table.resizeColumnToContents(0)
        return self.column(self.table, self.row(None, self.button("acknowledge"), self.button("dismiss")))

    def _targets(self) -> Any:
        from PySide6.QtWidgets import QFormLayout, QSpinBox, QWidget

        holder = mark(QWidget(), place="targets")
        form = QFormLayout(holder)
        self.goals = {}
        for name in self.cards:
            spin = mark(QSpinBox(), f"set the aim for {_MEASURES[name]}", f"goal {name}", name=f"goal.{name}")
            spin.setRange(0, 10000)
            spin.setSingleStep(100)
            spin.setValue(self.rng.randrange(1, 90) * 100)
            form.addRow(name, spin)
            self.goals[name] = spin
        form.addRow("", self.row(self.button("apply"), self.button("defaults"), None))
        self.aims = {name: spin.value() for name, spin in self.goals.items()}
        self.first = dict(self.aims)
        return holder

    def on_apply(self) -> None:
        """Put the shown targets into effect."""
        self.aims = {name: spin.value() for name, spin in self.goals.items()}

    def on_defaults(self) -> None:
        """Show the first targets."""
        for name, value in self.first.items():
            self.goals[name].setValue(value)

    def on_acknowledge(self) -> None:
        """Take the chosen alert off the table."""
        row = self.table.currentRow()
        if row >= 0:
            self.table.removeRow(row)
            del self.alerts[row]

    def on_dismiss(self) -> None:
        """Take all alerts off the table."""
        self.table.setRowCount(0)
        self.alerts.clear()

    def model(self) -> dict[str, Any]:
        """The page, filters, cards, targets and alerts."""
        from PySide6.QtCore import Qt

        rows = range(self.table.rowCount())
        return {
            "page": self.tabs.tabText(self.tabs.currentIndex()),
            "period": self.period.currentText(),
            "site": self.site.currentText(),
            "live": self.live.isChecked(),
            "since": self.since.date().toString("yyyy-MM-dd"),
            "opened": list(self.opened),
            "pinned": list(self.pinned),
            "targets": dict(self.aims),
            "alerts": [alert["source"] for alert in self.alerts],
            "checked": [
                self.alerts[row]["source"]
                for row in rows
                if self.table.item(row, 0).checkState() == Qt.CheckState.Checked
            ],
        }
