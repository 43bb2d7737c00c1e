"""A settings window: categories, and pages of switches, choices, numbers and sliders."""

from __future__ import annotations

from typing import Any

from assay.envs.gui_grounding.qt.app import ABOUT_ROLE, AppWindow, mark, standard_icon

# category -> (icon, about, {group: [(kind, label, about, choices or range)]})
_PAGES: dict[str, tuple[str, str, dict[str, list[tuple[str, str, str, Any]]]]] = {
    "Display": (
        "SP_DesktopIcon",
        "change how things look on the monitor",
        {
            "Picture": [
                ("slider", "Brightness", "make the monitor shine more or less", (0, 100)),
                (
                    "combo",
                    "Resolution",
                    "choose how many pixels there are",
                    ["1280 x 800", "1920 x 1080", "2560 x 1440"],
                ),
                ("combo", "Refresh rate", "choose how often a frame is drawn", ["60 Hz", "75 Hz", "144 Hz"]),
                ("check", "Night light", "have warmer colours in the evening", None),
                ("check", "Automatic rotation", "turn the image when the tablet is turned", None),
            ],
            "Text": [
                ("spin", "Font size", "make letters larger or smaller", (6, 32)),
                ("radio", "Smoothing", "choose how the edges of letters are drawn", ["None", "Grey", "Subpixel"]),
            ],
        },
    ),
    "Sound": (
        "SP_MediaVolume",
        "change what is heard",
        {
            "Output": [
                ("combo", "Speaker", "choose where the music comes out", ["Built-in", "Headphones", "HDMI"]),
                ("slider", "Volume", "make everything louder or quieter", (0, 100)),
                ("slider", "Balance", "shift the music between both ears", (0, 100)),
            ],
            "Input": [
                ("combo", "Microphone", "choose what records the voice", ["Built-in", "Webcam", "Headset"]),
                ("slider", "Gain", "record the voice louder or quieter", (0, 100)),
                ("check", "Noise reduction", "filter hum out of what is recorded", None),
            ],
            "Alerts": [
                ("check", "Play a sound on login", "hear something when the session starts", None),
                ("check", "Beep on errors", "hear something when a thing goes wrong", None),
            ],
        },
    ),
    "Network": (
        "SP_DriveNetIcon",
        "change how this machine reaches others",
        {
            "Wireless": [
                ("check", "Enable Wi-Fi", "switch the radio on or off", None),
                ("check", "Connect automatically", "join known hot spots without being asked", None),
                ("combo", "Band", "choose the radio frequency", ["2.4 GHz", "5 GHz", "Both"]),
            ],
            "Proxy": [
                ("field", "Server", "name the machine that passes requests on", None),
                ("spin", "Port", "give the number under which requests are passed on", (1, 9999)),
                ("check", "Use for local addresses", "pass on even requests to machines nearby", None),
            ],
        },
    ),
    "Power": (
        "SP_MessageBoxWarning",
        "change how long the battery lasts",
        {
            "Saving": [
                ("spin", "Sleep after", "choose the minutes of idleness until it dozes off", (1, 120)),
                ("spin", "Dim after", "choose the minutes until the panel gets darker", (1, 60)),
                ("check", "Stop USB devices", "cut the current of things that are plugged in", None),
            ],
            "Mode": [("radio", "Profile", "trade speed for endurance", ["Saver", "Balanced", "Performance"])],
        },
    ),
    "Privacy": (
        "SP_FileDialogInfoView",
        "change what others learn about you",
        {
            "Access": [
                ("check", "Share location", "let programs know where you are", None),
                ("check", "Allow the camera", "let programs film you", None),
                ("check", "Send crash reports", "tell the makers when a program fails", None),
            ],
            "History": [
                (
                    "combo",
                    "Keep recent files for",
                    "choose when old entries are forgotten",
                    ["A day", "A week", "For ever"],
                ),
                ("check", "Clear history on logout", "forget all traces when the session ends", None),
            ],
        },
    ),
}


class Settings(AppWindow):
    """Settings."""

    kind = "settings"
    titles = ("Settings", "System settings", "Control centre")

    def build(self) -> None:
        """Make the widgets."""
        from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

        self.controls: dict[str, Any] = {}
        self.stack = QStackedWidget()
        names = self.rng.sample(list(_PAGES), self.rng.randrange(4, len(_PAGES) + 1))
        for name in names:
            self.stack.addWidget(self._page(name))
        self.names = names
        body = QWidget()
        layout = QHBoxLayout(body)
        layout.addWidget(self._categories(names))
        layout.addWidget(self.stack, 1)
        self.original = self.values()
        self.applied = dict(self.original)
        order = ["apply", "cancel", "ok"]
        self.rng.shuffle(order)
        buttons = mark(self.row(self.button("defaults"), None, *(self.button(m) for m in order)), place="button row")
        self.main.setCentralWidget(self.column(body, buttons))
        if self.rng.random() < 0.5:
            self.menus({"File": ("export", "-", "close"), "Help": ("help", "about")})
        self.categories.setCurrentRow(self.rng.randrange(len(names)))

    def _categories(self, names: list[str]) -> Any:
        from PySide6.QtWidgets import QListWidget, QListWidgetItem

        self.categories = mark(QListWidget(), place="category list", name="categories")
        icons = self.rng.random() < 0.7
        for name in names:
            item = QListWidgetItem(name, self.categories)
            item.setData(ABOUT_ROLE, _PAGES[name][1])
            if icons:
                item.setIcon(standard_icon(self.main, _PAGES[name][0]))
        self.categories.setMaximumWidth(self.look.points * 16)
        self.categories.currentRowChanged.connect(self.stack.setCurrentIndex)
        return self.categories

    def _page(self, name: str) -> Any:
        from PySide6.QtWidgets import QFormLayout, QGroupBox, QScrollArea

        groups = list(_PAGES[name][2].items())
        self.rng.shuffle(groups)
        boxes = []
        for title, rows in groups:
            box = QGroupBox(title)
            form = QFormLayout(box)
            chosen = rows if len(rows) < 3 else self.rng.sample(rows, self.rng.randrange(2, len(rows) + 1))
            for kind, label, about, data in chosen:
                control = self._control(kind, label, about, data, f"{name}.{label}")
                if kind == "check":
                    form.addRow(control)
                else:
                    form.addRow(label, control)
            boxes.append(box)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self.column(*boxes, None))
        return area

    def _control(self, kind: str, label: str, about: str, data: Any, key: str) -> Any:
        from PySide6.QtCore import Qt
        from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QRadioButton, QSlider, QSpinBox

        made: Any
        if kind == "check":
            made = QCheckBox(label)
            made.setChecked(self.rng.random() < 0.5)
            self.controls[key] = (made.isChecked, made.setChecked)
        elif kind == "combo":
            made = QComboBox()
            made.addItems(data)
            made.setCurrentIndex(self.rng.randrange(len(data)))
            self.controls[key] = (made.currentText, made.setCurrentText)
        elif kind == "spin":
            made = QSpinBox()
            made.setRange(*data)
            made.setValue(self.rng.randrange(data[0] + 1, data[1]))
            self.controls[key] = (made.value, made.setValue)
        elif kind == "slider":
            made = QSlider(Qt.Orientation.Horizontal)
            made.setRange(*data)
            made.setPageStep(10)
            made.setValue(self.rng.randrange(5, 96))
            self.controls[key] = (made.value, made.setValue)
        elif kind == "field":
            made = QLineEdit(self.rng.choice(("", "proxy.example.org")))
            self.controls[key] = (made.text, made.setText)
        else:
            radios = [mark(QRadioButton(text), name=f"{key}.{text}") for text in data]
            radios[self.rng.randrange(len(radios))].setChecked(True)
            self.controls[key] = (
                lambda: next((each.text() for each in radios if each.isChecked()), ""),
                lambda text: [each.setChecked(True) for each in radios if each.text() == text],
            )
            return mark(self.row(*radios, None), name=key)
        return mark(made, about, key, name=key)

    def values(self) -> dict[str, Any]:
        """What every control shows now."""
        return {key: read() for key, (read, _) in self.controls.items()}

    def _set(self, values: dict[str, Any]) -> None:
        for key, value in values.items():
            self.controls[key][1](value)

    def on_apply(self) -> None:
        """Put the shown values into effect."""
        self.applied = self.values()

    on_ok = on_apply

    def on_cancel(self) -> None:
        """Show what is in effect."""
        self._set(self.applied)

    def on_defaults(self) -> None:
        """Show what was in effect at the start."""
        self._set(self.original)

    def model(self) -> dict[str, Any]:
        """The page, the values shown and the values in effect."""
        return {
            "page": self.names[max(0, self.stack.currentIndex())],
            "shown": self.values(),
            "applied": dict(self.applied),
        }
