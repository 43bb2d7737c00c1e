"""Settings of an account: tabs, switches, choices."""

from __future__ import annotations

from assay.envs.gui_grounding.qt.words import address_of, person
from assay.envs.gui_grounding.web.pages.sheet import Sheet

_GROUPS = {
    "Notifications": {
        "Weekly summary": "get one letter with everything every seven days",
        "Mentions": "hear of it when somebody writes your name",
        "Security warnings": "hear of it when a stranger tries to get in",
        "Product news": "hear of what the makers have finished",
    },
    "Privacy": {
        "Public profile": "let strangers see who you are",
        "Show online status": "let others see whether you are here",
        "Usage statistics": "let the makers count what you do",
        "Search engines": "let the big indexes find you",
    },
    "Display": {
        "Dark theme": "make everything black",
        "Compact rows": "fit more lines on the screen",
        "Animations": "let things move when they open",
        "Large text": "make letters bigger",
    },
}


def body(sheet: Sheet) -> str:
    """The middle of the page."""
    rng = sheet.rng
    sheet.title = "Settings"
    names = ["Account", *_GROUPS, "Billing"]
    tabs = sheet.tabs(names, rng.randrange(len(names)))
    name = person(rng)
    fields = sheet.field("Display name", value=name, about="change what others see you called")
    fields += sheet.field("Mail address", value=address_of(name), about="change where letters go")
    fields += sheet.field("Password", kind="password", hint="unchanged", about="change the secret word")
    fields += sheet.choice(
        "Language", ("English", "Deutsch", "Français", "Türkçe"), about="choose in which tongue it speaks"
    )
    fields += sheet.choice(
        "Time zone", ("UTC", "Lisbon", "Berlin", "Istanbul", "Tokyo"), about="say what clock you live by"
    )
    groups = "".join(_group(sheet, title) for title in rng.sample(tuple(_GROUPS), rng.randrange(2, 4)))
    volume = sheet.mark("make the signals louder or softer")
    sound = (
        f'<div class="field"><label for="{volume}">Volume</label>'
        f'<input type="range" id="{volume}" value="{rng.randrange(100)}"></div>'
    )
    acts = sheet.buttons(("save", "discard"), place="button bar")
    danger = sheet.button("delete", style="second", place="Danger zone", kind="both")
    return (
        f'<h1>Settings</h1>{tabs}<div class="cols"><div class="main"><section class="panel"><h2>Account</h2>'
        f'<div class="grid" style="grid-template-columns:1fr 1fr">{fields}</div>{sound}</section>{groups}'
        f'<div class="row">{acts}</div>'
        f'<section class="panel" style="margin-top:2em"><h2>Danger zone</h2><p>This ends the account.'
        f"</p>{danger}</section></div></div>"
    )


def _group(sheet: Sheet, title: str) -> str:
    tick = sheet.rng.random() < 0.4
    chosen = sheet.rng.sample(tuple(_GROUPS[title].items()), sheet.rng.randrange(2, 5))
    make = sheet.tick if tick else sheet.switch
    rows = "".join(
        f'<div style="margin:.4em 0;max-width:26em">{make(name, about=about)}</div>' for name, about in chosen
    )
    return f'<section class="panel"><h2>{title}</h2>{rows}</section>'
