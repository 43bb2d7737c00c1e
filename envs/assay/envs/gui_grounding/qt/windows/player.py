"""A media player: a queue, transport buttons, sliders, an equaliser."""

from __future__ import annotations

from typing import Any

from assay.envs.gui_grounding.qt.app import ABOUT_ROLE, AppWindow, mark
from assay.envs.gui_grounding.qt.words import BANDS, SONGS

_BANDS = ("60 Hz", "230 Hz", "910 Hz", "3.6 kHz", "14 kHz")
_LISTS = {
    "Queue": "see what will be heard soon",
    "Favourites": "see the pieces that are liked best",
    "Recent": "see what was heard in the last days",
    "Discover": "meet music that is new",
}


class Player(AppWindow):
    """Media player."""

    kind = "player"
    titles = ("Player", "Music", "Jukebox")

    def build(self) -> None:
        """Make the widgets."""
        from PySide6.QtWidgets import QSplitter

        count = self.rng.randrange(7, 15)
        self.songs = [
            {
                "title": title,
                "artist": self.rng.choice(BANDS),
                "time": f"{self.rng.randrange(2, 7)}:{self.rng.randrange(60):02d}",
            }
            for title in self.rng.sample(SONGS, count)
        ]
        self.original = list(self.songs)
        self.current, self.playing = self.rng.randrange(count), False
        self.command("shuffle", checkable=True, checked=self.rng.random() < 0.3)
        self.command("repeat", checkable=True, checked=self.rng.random() < 0.3)
        self.command("mute", checkable=True)
        self.menus(
            {
                "File": ("open", "eject", "-", "quit"),
                "Playback": ("play", "pause", "stop_music", "-", "previous", "next", "seek_back", "seek_forward"),
                "List": ("shuffle", "repeat", "-", "remove_track", "clear_list"),
                "Help": ("help", "about"),
            }
        )
        top = QSplitter()
        top.addWidget(self._lists())
        top.addWidget(self._queue())
        if self.rng.random() < 0.6:
            top.addWidget(self._equaliser())
        top.setSizes([self.look.points * 14, self.look.width, self.look.points * 20][: top.count()])
        top.setStretchFactor(1, 1)
        parts = [top, self._transport()]
        if self.rng.random() < 0.25:
            parts.reverse()
        self.main.setCentralWidget(self.column(*parts))
        self.fill()

    def _lists(self) -> Any:
        from PySide6.QtWidgets import QListWidget, QListWidgetItem

        self.lists = mark(QListWidget(), place="library", name="library")
        for name, about in _LISTS.items():
            QListWidgetItem(name, self.lists).setData(ABOUT_ROLE, about)
        self.lists.setCurrentRow(0)
        self.lists.setMaximumWidth(self.look.points * 14)
        return self.lists

    def _queue(self) -> Any:
        from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget

        self.queue = mark(QTableWidget(0, 3), place="song list", name="songs")
        self.queue.setHorizontalHeaderLabels(["Title", "Artist", "Length"])
        self.queue.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.queue.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.queue.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.queue.setShowGrid(self.rng.random() < 0.3)
        self.queue.cellDoubleClicked.connect(lambda row, _: self._play(row))
        return self.queue

    def _equaliser(self) -> Any:
        from PySide6.QtCore import Qt
        from PySide6.QtWidgets import QCheckBox, QGridLayout, QGroupBox, QLabel, QSlider

        box = QGroupBox("Equaliser")
        grid = QGridLayout(box)
        self.equal = mark(QCheckBox("Enabled"), "let the five filters shape the sound", "equaliser", name="equaliser")
        grid.addWidget(self.equal, 0, 0, 1, len(_BANDS))
        self.filters = {}
        for column, band in enumerate(_BANDS):
            slider = mark(QSlider(Qt.Orientation.Vertical), label=band, meaning=f"band {band}", name=f"band {band}")
            slider.setRange(-12, 12)
            slider.setValue(self.rng.randrange(-10, 11))
            grid.addWidget(slider, 1, column, Qt.AlignmentFlag.AlignHCenter)
            grid.addWidget(QLabel(band), 2, column, Qt.AlignmentFlag.AlignHCenter)
            self.filters[band] = slider
        return box

    def _transport(self) -> Any:
        from PySide6.QtCore import QSize, Qt
        from PySide6.QtWidgets import QDoubleSpinBox, QSlider, QToolButton

        wanted = ["previous", "seek_back", "play", "pause", "stop_music", "seek_forward", "next"]
        if not self.hard:
            wanted = self.rng.choice((wanted, ["previous", "play", "pause", "next"], ["play", "pause", "stop_music"]))
        buttons = []
        for meaning in (*wanted, "mute", "shuffle", "repeat"):
            action = self.command(meaning)
            button = mark(QToolButton(), name=f"transport.{meaning}")
            button.setDefaultAction(action)
            button.setIconSize(QSize(self.look.icon, self.look.icon))
            button.setAutoRaise(self.rng.random() < 0.5)
            buttons.append(button)
        self.position = mark(QSlider(Qt.Orientation.Horizontal), "jump within the song", "position", name="position")
        self.position.setValue(self.rng.randrange(5, 95))
        self.position.setProperty("label", "Position")
        self.volume = mark(QSlider(Qt.Orientation.Horizontal), "set how loud it is", "volume", name="volume")
        self.volume.setProperty("label", "Volume")
        self.volume.setValue(self.rng.randrange(5, 95))
        self.volume.setMaximumWidth(140)
        self.speed = mark(QDoubleSpinBox(), "make the music faster or slower", "speed", label="Speed", name="speed")
        self.speed.setRange(0.25, 3.0)
        self.speed.setSingleStep(0.25)
        self.speed.setValue(1.0)
        upper = self.row("Position", self.position)
        lower = self.row(*buttons, None, "Volume", self.volume, "Speed", self.speed)
        return mark(self.column(upper, lower, low=True), place="player controls")

    def fill(self) -> None:
        """Show the queue."""
        from PySide6.QtWidgets import QTableWidgetItem

        self.queue.setRowCount(len(self.songs))
        for row, song in enumerate(self.songs):
            for column, key in enumerate(("title", "artist", "time")):
                item = QTableWidgetItem(song[key])
                font = item.font()
                font.setBold(row == self.current)
                item.setFont(font)
                self.queue.setItem(row, column, item)
        self.queue.resizeColumnToContents(1)
        self.queue.resizeColumnToContents(2)

    def _play(self, row: int) -> None:
        if self.songs:
            self.current, self.playing = row % len(self.songs), True
            self.position.setValue(0)
            self.fill()

    def on_play(self) -> None:
        """Start."""
        self.playing = bool(self.songs)

    def on_pause(self) -> None:
        """Halt."""
        self.playing = False

    def on_stop_music(self) -> None:
        """Halt and rewind."""
        self.playing = False
        self.position.setValue(0)

    def on_next(self) -> None:
        """The song after this one."""
        self._play(self.current + 1)

    def on_previous(self) -> None:
        """The song before this one."""
        self._play(self.current - 1)

    def on_seek_forward(self) -> None:
        """Ten steps on."""
        self.position.setValue(self.position.value() + 10)

    def on_seek_back(self) -> None:
        """Ten steps back."""
        self.position.setValue(self.position.value() - 10)

    def on_louder(self) -> None:
        """Ten steps louder."""
        self.volume.setValue(self.volume.value() + 10)

    def on_remove_track(self) -> None:
        """Take the chosen song off the queue."""
        row = self.queue.currentRow()
        if 0 <= row < len(self.songs):
            del self.songs[row]
            self.current = max(0, min(self.current, len(self.songs) - 1))
            self.fill()

    def on_clear_list(self) -> None:
        """Empty the queue."""
        self.songs.clear()
        self.current, self.playing = 0, False
        self.fill()

    def model(self) -> dict[str, Any]:
        """The queue, what is playing, and every control."""
        item = self.lists.currentItem()
        return {
            "list": item.text() if item else None,
            "songs": [song["title"] for song in self.songs],
            "current": self.songs[self.current]["title"] if self.songs else None,
            "playing": self.playing,
            "position": self.position.value(),
            "volume": self.volume.value(),
            "speed": self.speed.value(),
            "on": [key for key, action in self.commands.items() if action.isCheckable() and action.isChecked()],
            "bands": {band: slider.value() for band, slider in getattr(self, "filters", {}).items()},
            "equaliser": self.equal.isChecked() if hasattr(self, "equal") else None,
        }
