"""Writes the elements of a page, and keeps what is known of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from html import escape

from assay.envs.gui_grounding.web.elements import Note
from assay.envs.gui_grounding.web.pages.look import Look
from assay.envs.gui_grounding.web.verbs import ICONS, VERBS


class Sheet:
    """The page that is being written.

    Args:
        rng: decides everything on it.
        look: of the page.
        hard: look-alikes are put beside each other, and more buttons are bare icons.

    Attributes:
        notes: what is known of its elements, by id.
        title: of the document.
    """

    def __init__(self, rng: random.Random, look: Look, hard: bool) -> None:
        self.rng, self.look, self.hard = rng, look, hard
        self.notes: dict[str, Note] = {}
        self.title = ""
        self._labels: dict[str, str] = {}

    def mark(self, about: str = "", meaning: str = "", look: str = "", place: str = "", row: str = "") -> str:
        """A new id, with what is known of its element."""
        name = f"e{len(self.notes)}"
        self.notes[name] = Note(about, meaning, look, place, row)
        return name

    def label(self, meaning: str) -> str:
        """What this page calls a command, everywhere alike."""
        if meaning not in self._labels:
            self._labels[meaning] = self.rng.choice(VERBS[meaning].names)
        return self._labels[meaning]

    def button(
        self,
        meaning: str,
        *,
        style: str = "",
        place: str = "",
        kind: str = "",
        link: bool = False,
        disabled: bool = False,
    ) -> str:
        """A button (or a link that looks like one) of a command: its icon, its label, or both.

        Args:
            meaning: a key of the verbs.
            style: further classes.
            place: where it stands, if the structure does not tell.
            kind: "icon", "text" or "both"; by default the look's.
            link: an anchor instead of a button.
            disabled: it cannot be used.
        """
        verb = VERBS[meaning]
        kind = (kind or self.look.icons) if verb.icon else "text"
        name = self.label(meaning)
        look = f"icons of {place}" if kind == "icon" else ""
        identity = self.mark(self.rng.choice(verb.abouts), meaning, look, place)
        inner = (icon(verb.icon) if kind != "text" else "") + (f"<span>{escape(name)}</span>" if kind != "icon" else "")
        named = f' aria-label="{escape(name)}"' if kind == "icon" else ""
        start = f'id="{identity}" class="btn {style}"{named}'
        if link:
            return f'<a href="#" {start}>{inner}</a>'
        return f'<button type="button" {start}{" disabled" if disabled else ""}>{inner}</button>'

    def buttons(self, meanings: Sequence[str], *, style: str = "second", place: str = "", kind: str = "") -> str:
        """Buttons side by side; on a hard page each has its look-alikes beside it."""
        shown: list[str] = []
        for meaning in meanings:
            near = [each for each in VERBS[meaning].near if each in VERBS] if self.hard else []
            shown += [each for each in (meaning, *near) if each not in shown]
        return "".join(self.button(each, style=style, place=place, kind=kind) for each in shown)

    def link(self, text: str, *, about: str = "", meaning: str = "", place: str = "", row: str = "") -> str:
        """A link with a text of its own."""
        return f'<a href="#" id="{self.mark(about, meaning, place=place, row=row)}">{escape(text)}</a>'

    def command(self, meaning: str, *, place: str = "") -> str:
        """A command as a plain link."""
        verb = VERBS[meaning]
        return self.link(self.label(meaning), about=self.rng.choice(verb.abouts), meaning=meaning, place=place)

    def field(self, label: str, *, value: str = "", hint: str = "", about: str = "", kind: str = "text") -> str:
        """A text field below its label."""
        identity = self.mark(about)
        rest = f' value="{escape(value)}"' if value else f' placeholder="{escape(hint)}"' if hint else ""
        return (
            f'<div class="field"><label for="{identity}">{escape(label)}</label>'
            f'<input id="{identity}" type="{kind}"{rest}></div>'
        )

    def area(self, label: str, *, hint: str = "", about: str = "") -> str:
        """A field of several lines below its label."""
        identity = self.mark(about)
        return (
            f'<div class="field"><label for="{identity}">{escape(label)}</label>'
            f'<textarea id="{identity}" rows="3" placeholder="{escape(hint)}"></textarea></div>'
        )

    def choice(self, label: str, options: Sequence[str], *, about: str = "") -> str:
        """A drop-down list below its label, something chosen in it."""
        identity, chosen = self.mark(about), self.rng.choice(list(options))
        inner = "".join(f"<option{' selected' if each == chosen else ''}>{escape(each)}</option>" for each in options)
        return (
            f'<div class="field"><label for="{identity}">{escape(label)}</label>'
            f'<select id="{identity}">{inner}</select></div>'
        )

    def tick(self, label: str, *, about: str = "", group: str = "", on: bool | None = None) -> str:
        """A checkbox with its label around it; with a ``group``, a radio button."""
        identity = self.mark(about)
        checked = self.rng.random() < 0.3 if on is None else on
        kind = f'radio" name="{escape(group)}' if group else "checkbox"
        return (
            f'<label class="tick"><input id="{identity}" type="{kind}"{" checked" if checked else ""}>'
            f"{escape(label)}</label>"
        )

    def switch(self, label: str, *, about: str = "") -> str:
        """A switch with a label before it."""
        identity, on = self.mark(about), self.rng.choice(("true", "false"))
        return (
            f'<span class="row"><span id="{identity}l">{escape(label)}</span><button type="button" id="{identity}" '
            f'role="switch" class="switch far" aria-checked="{on}" aria-labelledby="{identity}l"></button></span>'
        )

    def tabs(self, names: Sequence[str], chosen: int) -> str:
        """A row of tabs."""
        inner = "".join(
            f'<button type="button" role="tab" id="{self.mark()}" aria-selected="{str(i == chosen).lower()}">'
            f"{escape(name)}</button>"
            for i, name in enumerate(names)
        )
        return f'<div role="tablist" class="tabs">{inner}</div>'

    def picture(self, ratio: float = 0.6) -> str:
        """A picture of nothing in particular, drawn by seed."""
        rng, height = self.rng, round(100 * ratio)
        hue = rng.randrange(360)
        shapes = "".join(
            f'<circle cx="{rng.randrange(100)}" cy="{rng.randrange(height)}" r="{rng.randrange(4, 30)}" '
            f'fill="hsl({(hue + rng.randrange(-60, 60)) % 360} 60% {rng.randrange(35, 75)}%)"/>'
            for _ in range(rng.randrange(3, 7))
        )
        return (
            f'<svg class="thumb" viewBox="0 0 100 {height}" preserveAspectRatio="xMidYMid slice" '
            f'style="aspect-ratio:{1 / ratio:.3f}" aria-hidden="true"><rect width="100" height="{height}" '
            f'fill="hsl({hue} 45% 82%)"/>{shapes}</svg>'
        )

    def stars(self) -> str:
        """A rating that is only to be read."""
        full = self.rng.randrange(2, 6)
        return f'<span class="dim">{"★" * full}{"☆" * (5 - full)} ({self.rng.randrange(3, 400)})</span>'


def icon(name: str) -> str:
    """A line icon that takes the colour and size of its text."""
    return (
        '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" '
        f'stroke-linejoin="round" aria-hidden="true"><path d="{ICONS[name]}"/></svg>'
    )
