"""How a page looks: colours, type, corners, density, and how its buttons are drawn."""

from __future__ import annotations

import random
from dataclasses import dataclass

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
{_SHARED}"""


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


_SHARED = """*{box-sizing:border-box} html{background:var(--ground)}
body{margin:0;background:var(--ground);color:var(--ink)}
h1,h2,h3,h4{line-height:1.2;margin:.6em 0 .4em} p{margin:.4em 0 .8em} ul,ol{margin:.3em 0;padding-left:1.4em}
a{color:var(--accent)} img,svg{vertical-align:middle}
.btn,input,select,textarea{font:inherit;border-radius:var(--corner);padding:calc(var(--pad)*.6) var(--pad)}
.btn{cursor:pointer;display:inline-flex;align-items:center;gap:.4em;text-decoration:none;white-space:nowrap}
.btn svg{width:1.15em;height:1.15em;flex:none} .btn:disabled{opacity:.45;cursor:default}
input,select,textarea{background:var(--ground);color:var(--ink);border:1px solid var(--line)}
input[type=checkbox],input[type=radio]{width:1.1em;height:1.1em;padding:0;margin:0 .35em 0 0;vertical-align:-.15em}
label.tick{display:inline-flex;align-items:center;margin:.15em 0}
.wrap{margin:0 auto;padding:var(--pad) calc(var(--pad)*1.6)} .cols{display:flex;gap:calc(var(--pad)*2);align-items:flex-start}
.main{flex:1;min-width:0} aside{flex:none;width:15em}
.panel,.card{background:var(--panel);border:0 none var(--line);border-width:1px;border-radius:var(--corner);padding:var(--pad)}
.panel{margin-bottom:calc(var(--pad)*1.5)} .row{display:flex;flex-wrap:wrap;gap:var(--pad);align-items:center}
.grid{display:grid;gap:calc(var(--pad)*1.4)} .stack{display:flex;flex-direction:column;gap:var(--pad);align-items:flex-start}
.far{margin-left:auto} .dim{opacity:.75;font-size:.9em}
header.top{top:0;z-index:5;background:var(--panel);border-bottom:1px solid var(--line);padding:var(--pad) calc(var(--pad)*1.6)}
header.top a{text-decoration:none;padding:.2em .3em} .brand{font-weight:bold;font-size:1.25em}
footer{border-top:1px solid var(--line);margin-top:2em;padding:calc(var(--pad)*2)}
table{border-collapse:collapse;width:100%} th,td{text-align:left;padding:var(--pad);border:0 none var(--line);border-width:1px}
thead th{background:var(--panel)} fieldset{border:1px solid var(--line);border-radius:var(--corner);margin:0 0 1.2em;padding:var(--pad) calc(var(--pad)*1.5)}
legend{font-weight:bold;padding:0 .4em} .field{display:flex;flex-direction:column;gap:.25em;margin:.5em 0;min-width:12em}
.veil{position:fixed;inset:0;background:rgba(0,0,0,.5);z-index:40;display:flex;align-items:center;justify-content:center}
.dialog{background:var(--ground);color:var(--ink);border:1px solid var(--line);border-radius:var(--corner);padding:1.4em;max-width:32em}
.cookies{position:fixed;left:0;right:0;bottom:0;z-index:30;background:var(--panel);border-top:2px solid var(--line);padding:1em 1.5em}
.bubble{position:fixed;right:1.2em;bottom:1.2em;z-index:20} .unfolded{position:relative}
.drop{position:absolute;z-index:15;top:100%;right:0;min-width:13em;background:var(--ground);border:1px solid var(--line);box-shadow:0 4px 14px rgba(0,0,0,.3)}
.drop [role=menuitem]{display:block;padding:.5em .9em;color:var(--ink);text-decoration:none;cursor:pointer}
.tabs{display:flex;gap:2px;border-bottom:2px solid var(--line);margin-bottom:1em}
.tabs [role=tab]{padding:.5em 1em;cursor:pointer;background:none;border:0;font:inherit;color:inherit}
.tabs [aria-selected=true]{border-bottom:3px solid var(--accent);font-weight:bold}
.switch{width:2.6em;height:1.4em;border-radius:1em;border:1px solid var(--line);background:var(--line);position:relative;cursor:pointer;padding:0;flex:none}
.switch::after{content:"";position:absolute;top:1px;left:2px;width:1.1em;height:1.1em;border-radius:50%;background:var(--ground)}
.switch[aria-checked=true]{background:var(--accent)} .switch[aria-checked=true]::after{left:auto;right:2px}
.thumb{display:block;width:100%;border-radius:var(--corner)}
"""
