"""A spreadsheet: a grid with headings, a formula line, sheets in tabs."""

from __future__ import annotations

from typing import Any

from assay.envs.gui_grounding.qt.app import AppWindow, mark
from assay.envs.gui_grounding.qt.words import CITIES, PRODUCTS, people

_ROWS, _COLUMNS = 40, 12


class Sheet(AppWindow):
    """Spreadsheet."""

    kind = "sheet"
    titles = ("Sheets", "Calc", "Tables")

    def build(self) -> None:
        """Make the widgets."""
        from PySide6.QtWidgets import QTabBar

        self.menus(
            {
                "File": ("new", "open", "save", "export", "print", "-", "quit"),
                "Edit": ("undo", "redo", "-", "cut", "copy", "paste", "clear"),
                "Insert": ("insert_row", "insert_column", "delete_row"),
                "Data": ("sort_up", "sort_down", "-", "sum", "average"),
                "Help": ("help", "about"),
            }
        )
        base = ["open", "save", "print", "sum", "sort_up", "sort_down", "insert_row", "delete_row", "clear"]
        self.tools(self.rng.sample(base, self.rng.randrange(4, 8)))
        if self.rng.random() < 0.5:
            self.tools(("bold", "italic", "align_left", "align_center", "align_right"), "format bar")
        self.saves = 0
        self.tabs = mark(QTabBar(), place="sheet tabs", name="sheets")
        self.tabs.setShape(QTabBar.Shape.RoundedSouth)
        self.tabs.setExpanding(False)
        self.sheets = self.rng.sample(["Costs", "Sales", "Stock", "Staff", "Plan", "Archive"], self.rng.randrange(2, 5))
        self.contents = {name: self._content() for name in self.sheets}
        for name in self.sheets:
            self.tabs.addTab(name)
        self.grid = self._grid()
        self.tabs.currentChanged.connect(lambda *_: self.fill())
        self.main.setCentralWidget(self.column(self._line(), self.grid, self.tabs))
        self.fill()
        self.grid.setCurrentCell(self.rng.randrange(1, 6), self.rng.randrange(0, 4))

    def _content(self) -> dict[str, str]:
        rows = self.rng.randrange(6, 16)
        names = people(self.rng, rows) if self.rng.random() < 0.4 else self.rng.sample(PRODUCTS, rows)
        cells = dict(zip(("A1", "B1", "C1", "D1"), ("Name", "City", "Count", "Price"), strict=True))
        for row, name in enumerate(names, 2):
            cells |= {f"A{row}": name, f"B{row}": self.rng.choice(CITIES), f"C{row}": str(self.rng.randrange(1, 500))}
            cells[f"D{row}"] = f"{self.rng.randrange(100, 9900) / 100:.2f}"
        return cells

    def _line(self) -> Any:
        from PySide6.QtWidgets import QComboBox, QLineEdit, QSpinBox

        self.formula = mark(QLineEdit(), "type what the current entry shall hold", "formula", label="Formula")
        self.formula.setObjectName("formula")
        self.formula.returnPressed.connect(lambda: self._put(self.formula.text()))
        self.number = mark(QComboBox(), "choose how figures are written", "format", label="Format", name="format")
        self.number.addItems(["General", "Number", "Percent", "Currency", "Date"])
        self.digits = mark(QSpinBox(), "choose how exact figures appear", "digits", label="Digits", name="digits")
        self.digits.setRange(0, 9)
        self.digits.setValue(2)
        return mark(
            self.row("Formula", self.formula, "Format", self.number, "Digits", self.digits), place="formula line"
        )

    def _grid(self) -> Any:
        from PySide6.QtWidgets import QTableWidget

        grid = mark(QTableWidget(_ROWS, _COLUMNS), place="grid", name="grid")
        grid.setHorizontalHeaderLabels([chr(65 + column) for column in range(_COLUMNS)])
        grid.setVerticalHeaderLabels([str(row + 1) for row in range(_ROWS)])
        grid.horizontalHeader().setDefaultSectionSize(self.look.points * self.rng.randrange(9, 13))
        grid.verticalHeader().setDefaultSectionSize(self.look.points * 2 + self.rng.randrange(6, 12))
        grid.setAlternatingRowColors(self.rng.random() < 0.3)
        grid.currentCellChanged.connect(lambda *_: self.formula.setText(self._text()))
        grid.itemChanged.connect(lambda item: self._store(item.row(), item.column(), item.text()))
        return grid

    def _cells(self) -> dict[str, str]:
        return self.contents[self.sheets[self.tabs.currentIndex()]]

    def _text(self) -> str:
        return self._cells().get(_name(self.grid.currentRow(), self.grid.currentColumn()), "")

    def _store(self, row: int, column: int, text: str) -> None:
        if text:
            self._cells()[_name(row, column)] = text
        else:
            self._cells().pop(_name(row, column), None)

    def _put(self, text: str) -> None:
        row, column = self.grid.currentRow(), self.grid.currentColumn()
        if row >= 0 and column >= 0:
            self._store(row, column, text)
            self.fill()
            self.grid.setCurrentCell(row, column)

    def fill(self) -> None:
        """Show the current sheet."""
        from PySide6.QtWidgets import QTableWidgetItem

        here = self.grid.currentRow(), self.grid.currentColumn()
        self.grid.blockSignals(True)
        self.grid.clearContents()
        for name, text in self._cells().items():
            self.grid.setItem(int(name[1:]) - 1, ord(name[0]) - 65, QTableWidgetItem(text))
        self.grid.blockSignals(False)
        self.formula.setText(self._text())
        if here[0] >= 0:
            self.grid.setCurrentCell(*here)

    def _above(self) -> list[float]:
        row, column = self.grid.currentRow(), self.grid.currentColumn()
        values: list[float] = []
        for r in range(row - 1, -1, -1):
            try:
                values.append(float(self._cells().get(_name(r, column), "")))
            except ValueError:
                break
        return values

    def on_sum(self) -> None:
        """Put the sum of the numbers above into the current cell."""
        self._put(f"{sum(self._above()):.2f}")

    def on_average(self) -> None:
        """Put the mean of the numbers above into the current cell."""
        values = self._above()
        if values:
            self._put(f"{sum(values) / len(values):.2f}")

    def on_clear(self) -> None:
        """Empty the current cell."""
        self._put("")

    def on_save(self) -> None:
        """Count a save."""
        self.saves += 1

    def on_insert_row(self) -> None:
        """An empty row at the current cell."""
        self._shift(1)

    def on_delete_row(self) -> None:
        """Take the current row out."""
        self._shift(-1)

    def _shift(self, by: int) -> None:
        here = self.grid.currentRow()
        if here < 0:
            return
        moved = {}
        for name, text in self._cells().items():
            row = int(name[1:]) - 1
            if by < 0 and row == here:
                continue
            moved[name[0] + str(row + 1 + (by if row >= here else 0))] = text
        cells = self._cells()
        cells.clear()
        cells.update(moved)
        self.fill()

    def on_sort_up(self, backwards: bool = False) -> None:
        """Sort the records by the current column; the first row is the heading."""
        column = max(0, self.grid.currentColumn())
        cells = self._cells()
        rows = sorted({int(name[1:]) - 1 for name in cells} - {0})
        records = [{name[0]: text for name, text in cells.items() if int(name[1:]) - 1 == row} for row in rows]
        records.sort(key=lambda record: _order(record.get(chr(65 + column), "")), reverse=backwards)
        for name in [name for name in cells if int(name[1:]) > 1]:
            del cells[name]
        for row, record in zip(rows, records, strict=True):
            cells.update({f"{letter}{row + 1}": text for letter, text in record.items()})
        self.fill()

    def on_sort_down(self) -> None:
        """Like :meth:`on_sort_up`, largest first."""
        self.on_sort_up(backwards=True)

    def model(self) -> dict[str, Any]:
        """The sheet, the current cell, and every filled cell of every sheet."""
        return {
            "sheet": self.sheets[self.tabs.currentIndex()],
            "cell": _name(self.grid.currentRow(), self.grid.currentColumn()),
            "cells": {name: dict(cells) for name, cells in self.contents.items()},
            "format": self.number.currentText(),
            "digits": self.digits.value(),
            "saves": self.saves,
        }


def _name(row: int, column: int) -> str:
    return f"{chr(65 + max(0, column))}{row + 1}"


def _order(text: str) -> tuple[int, float, str]:
    try:
        return 0, float(text), ""
    except ValueError:
        return 1, 0.0, text
