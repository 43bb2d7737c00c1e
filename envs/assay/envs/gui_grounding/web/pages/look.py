"""How a page looks: colours, type, corners, density, and how its buttons are drawn."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

PALETTES = {
    "paper": ("#ffffff", "#1d1d1f", "#f4f4f6", "#d6d6dc", "#1f5fbf", "#ffffff"),
    "sand": ("#fbf6ec", "#33291c", "#f2e8d5", "#d9c8a5", "#a4521d", "#ffffff"),
    "leaf": ("#f7fbf7", "#17301f", "#e5f1e7", "#bcd6c2", "#227a44", "#ffffff"),
    "mist": ("#f3f6fa", "#1b2733", "#e3eaf2", "#bccada", "#33679a", "#ffffff"),
    "plum": ("#fdf8fd", "#2c1a2f", "#f3e6f4", "#dcc0df", "#86308f", "#ffffff"),
    "night": ("#14171f", "#e4e7ee", "#1f2430", "#3a4256", "#6ea8fe", "#0b0d12"),
    "coal": ("#1e1e1e", "#dddddd", "#2a2a2a", "#454545", "#ffb454", "#1e1e1e"),
    "contrast": ("#ffffff", "#000000", "#ffffff", "#000000", "#0000c8", "#ffffff"),
}
"""Ground, ink, panel, line, accent, and ink on the accent."""
FAMILIES = (
    "'Liberation Sans', Arial, sans-serif", "'DejaVu Sans', Verdana, sans-serif",
    "'Liberation Serif', 'Times New Roman', serif", "'DejaVu Serif', Georgia, serif",
    "'Liberation Sans Narrow', 'Arial Narrow', sans-serif", "'Liberation Mono', 'Courier New', monospace",
)  # fmt: skip
_BUTTONS = {
    "solid": "background:var(--accent);color:var(--onaccent);border:1px solid var(--accent)",
    "outline": "background:transparent;color:var(--accent);border:2px solid var(--accent)",
    "soft": "background:var(--panel);color:var(--ink);border:1px solid var(--line)",
    "raised": "background:linear-gradient(var(--ground),var(--panel));color:var(--ink);border:1px solid var(--line);"
    "box-shadow:0 1px 3px rgba(0,0,0,.35)",
    "plain": "background:none;color:var(--accent);border:1px solid transparent;text-decoration:underline",
}


@dataclass(frozen=True, slots=True)
class Look:
    """The look of a page: everything that its style sheet depends on."""

    palette: str
    family: str
    size: int
    corner: int
    pad: int
    button: str
    second: str
    narrow: bool
    icons: str
    side: str
    sticky: bool
    lines: bool

    def css(self) -> str:
        """The style sheet."""
        ground, ink, panel, line, accent, onaccent = PALETTES[self.palette]
        values = {
            "ground": ground, "ink": ink, "panel": panel, "line": line, "accent": accent, "onaccent": onaccent,
            "pad": f"{self.pad}px", "corner": f"{self.corner}px",
        }  # fmt: skip
        root = ";".join(f"--{key}:{value}" for key, value in values.items())
        width = "1080px" if self.narrow else "1500px"
        return f""":root{{{root}}}
body{{font:{self.size}px/1.45 {self.family};}}
.btn{{{_BUTTONS[self.button]}}} .btn.second{{{_BUTTONS[self.second]}}}
.wrap{{max-width:{width}}}
header.top{{position:{"sticky" if self.sticky else "static"}}}
.cols{{flex-direction:{"row" if self.side == "left" else "row-reverse"}}}
.card,.panel,td,th{{border-{"style" if self.lines else "bottom-style"}:solid}}
{_shared()}"""


def draw_look(rng: random.Random) -> Look:
    """A look."""
    return Look(
        palette=rng.choice(tuple(PALETTES)),
        family=rng.choice(FAMILIES[:2] + FAMILIES),
        size=rng.choice((12, 13, 14, 14, 15, 16, 18)),
        corner=rng.choice((0, 0, 3, 6, 10, 18)),
        pad=rng.choice((4, 6, 8, 10, 13)),
        button=rng.choice(tuple(_BUTTONS)[:4]),
        second=rng.choice(tuple(_BUTTONS)[1:]),
        narrow=rng.random() < 0.5,
        icons=rng.choice(("icon", "text", "both", "both")),
        side=rng.choice(("left", "left", "right")),
        sticky=rng.random() < 0.4,
        lines=rng.random() < 0.6,
    )


@lru_cache(maxsize=1)
def _shared() -> str:
    """The part of the style sheet that all looks have."""
    return files(__package__).joinpath("shared.css").read_text(encoding="utf-8")
