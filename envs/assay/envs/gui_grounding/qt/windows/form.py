"""A form in steps: fields in groups, choices, dates, and buttons to go on."""

from __future__ import annotations

from typing import Any

from assay.envs.gui_grounding.qt.app import AppWindow, mark
from assay.envs.gui_grounding.qt.words import CITIES, COUNTRIES, STREETS, address_of, person

# step -> {group: [(kind, label, about, data)]}
_STEPS: dict[str, dict[str, list[tuple[str, str, str, Any]]]] = {
    "Person": {
        "Name": [
            ("combo", "Title", "say how you are addressed", ["Mr", "Ms", "Dr", "Prof"]),
            ("field", "First name", "say what your friends call you", None),
            ("field", "Surname", "say what your family is called", None),
            ("date", "Birthday", "say when you were born", None),
        ],
        "Contact": [
            ("field", "E-mail", "say where electronic letters reach you", None),
            ("field", "Phone", "say where you can be called", None),
            ("radio", "Preferred way", "choose how you are reached", ["Call", "Letter", "Message"]),
        ],
    },
    "Delivery": {
        "Address": [
            ("field", "Street", "name the road you live in", None),
            ("field", "House number", "say which building in the road it is", None),
            ("field", "Postcode", "give the digits that the mail is sorted by", None),
            ("combo", "City", "choose the town you live in", list(CITIES)),
            ("combo", "Country", "choose the state you live in", list(COUNTRIES)),
        ],
        "Parcel": [
            ("spin", "Number of items", "say how many pieces you want", (1, 99)),
            ("check", "Gift wrapping", "have it packed as a present", None),
            ("check", "Leave with a neighbour", "let the people next door take it in", None),
            ("radio", "Speed", "choose how soon it comes", ["Standard", "Express", "Collect"]),
        ],
    },
    "Payment": {
        "Card": [
            ("field", "Card holder", "say whose plastic money it is", None),
            ("field", "Card number", "type the long digits on the plastic", None),
            ("date", "Valid until", "say when the plastic expires", None),
        ],
        "Invoice": [
            ("field", "Company", "name the firm that pays", None),
            ("field", "Tax number", "type the digits from the revenue office", None),
            ("check", "Send by e-mail", "get the bill electronically", None),
            ("check", "Accept the terms", "agree to the contract", None),
            ("area", "Remarks", "tell us anything else", None),
        ],
    },
}


class Form(AppWindow):
    """Form in steps."""

    kind = "form"
    titles = ("Order form", "Registration", "Sign up")

    def build(self) -> None:
        """Make the widgets."""
        from PySide6.QtWidgets import QStackedWidget

        self.controls: dict[str, Any] = {}
        self.submitted: dict[str, Any] | None = None
        self.steps = list(_STEPS)
        self.stack = QStackedWidget()
        for step in self.steps:
            self.stack.addWidget(self._page(step))
        self.empty = self.values()
        self._prefill()
        self.heading = self._heading()
        names = ["reset", "cancel", "previous_page", "next_page", "finish"]
        head, tail = names[: self.rng.randrange(1, 3)], names[2:]
        buttons = mark(self.row(*map(self.button, head), None, *map(self.button, tail)), place="button row")
        self.main.setCentralWidget(self.column(self.heading, self.stack, buttons))
        if self.rng.random() < 0.4:
            self.menus({"Form": ("save", "open", "print", "-", "close"), "Help": ("help", "about")})
        self._enter(self.rng.randrange(len(self.steps)))

    def _heading(self) -> Any:
        from PySide6.QtWidgets import QTabBar

        self.bar = mark(QTabBar(), place="steps", name="steps")
        for number, step in enumerate(self.steps, 1):
            self.bar.addTab(f"{number}. {step}")
        self.bar.currentChanged.connect(self._enter)
        return self.bar

    def _page(self, step: str) -> Any:
        from PySide6.QtWidgets import QFormLayout, QGroupBox, QScrollArea

        groups = list(_STEPS[step].items())
        self.rng.shuffle(groups)
        boxes = []
        for title, rows in groups:
            box = QGroupBox(title)
            form = QFormLayout(box)
            for kind, label, about, data in rows:
                control = self._control(kind, label, about, data, f"{step}.{label}")
                if kind == "check":
                    form.addRow(control)
                else:
                    form.addRow(label, control)
            boxes.append(box)
        wide = self.look.width > 70 * self.look.points and self.rng.random() < 0.5
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self.column(self.row(*boxes), None) if wide else self.column(*boxes, None))
        return area

    def _control(self, kind: str, label: str, about: str, data: Any, key: str) -> Any:
        from PySide6.QtCore import QDate
        from PySide6.QtWidgets import (
            QCheckBox,
            QComboBox,
            QDateEdit,
            QLineEdit,
            QPlainTextEdit,
            QRadioButton,
            QSpinBox,
        )  # fmt: skip

        made: Any
        if kind == "field":
            made = QLineEdit()
            self.controls[key] = (made.text, made.setText)
        elif kind == "combo":
            made = QComboBox()
            made.addItems(data)
            self.controls[key] = (made.currentText, made.setCurrentText)
        elif kind == "date":
            made = QDateEdit(
                QDate(self.rng.randrange(1950, 2030), self.rng.randrange(1, 13), self.rng.randrange(1, 29))
            )
            made.setDisplayFormat("yyyy-MM-dd")
            made.setCalendarPopup(self.rng.random() < 0.3)
            self.controls[key] = (
                lambda: made.date().toString("yyyy-MM-dd"),
                lambda text: made.setDate(QDate.fromString(text, "yyyy-MM-dd")),
            )
        elif kind == "spin":
            made = QSpinBox()
            made.setRange(*data)
            self.controls[key] = (made.value, made.setValue)
        elif kind == "check":
            made = QCheckBox(label)
            self.controls[key] = (made.isChecked, made.setChecked)
        elif kind == "area":
            made = QPlainTextEdit()
            made.setMaximumHeight(self.look.points * 8)
            self.controls[key] = (made.toPlainText, made.setPlainText)
        else:
            radios = [mark(QRadioButton(text), name=f"{key}.{text}") for text in data]
            radios[0].setChecked(True)
            self.controls[key] = (
                lambda: next((each.text() for each in radios if each.isChecked()), ""),
                lambda text: [each.setChecked(True) for each in radios if each.text() == text],
            )
            return mark(self.row(*radios, None), name=key)
        return mark(made, about, key, name=key)

    def _prefill(self) -> None:
        who = person(self.rng)
        known = {
            "Person.First name": who.split()[0],
            "Person.Surname": who.split()[1],
            "Person.E-mail": address_of(who),
            "Delivery.Street": self.rng.choice(STREETS),
            "Delivery.Country": self.rng.choice(COUNTRIES),
            "Payment.Card holder": who,
        }
        for key, value in known.items():
            if self.rng.random() < 0.4:
                self.controls[key][1](value)

    def values(self) -> dict[str, Any]:
        """What every control shows now."""
        return {key: read() for key, (read, _) in self.controls.items()}

    def _enter(self, index: int) -> None:
        self.stack.setCurrentIndex(index)
        self.bar.setCurrentIndex(index)
        for meaning, works in (("previous_page", index > 0), ("next_page", index < len(self.steps) - 1)):
            for button in self.main.findChildren(object, f"button.{meaning}"):
                button.setEnabled(works)

    def on_next_page(self) -> None:
        """The following step."""
        self._enter(min(self.stack.currentIndex() + 1, len(self.steps) - 1))

    def on_previous_page(self) -> None:
        """The step before."""
        self._enter(max(self.stack.currentIndex() - 1, 0))

    def on_reset(self) -> None:
        """Empty every control."""
        for key, value in self.empty.items():
            self.controls[key][1](value)

    def on_finish(self) -> None:
        """Hand the form in."""
        self.submitted = self.values()

    def model(self) -> dict[str, Any]:
        """The step, every value, and what was handed in."""
        return {
            "step": self.steps[self.stack.currentIndex()],
            "values": self.values(),
            "submitted": self.submitted,
        }
