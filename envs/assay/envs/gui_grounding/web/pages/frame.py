"""Around the middle of every page: header, footer, and what may lie over it all."""

from __future__ import annotations

from html import escape

from assay.envs.gui_grounding.web.pages.sheet import Sheet

_BRANDS = (
    "Birchwood", "Copperfield", "Daylight", "Everpine", "Fernhill", "Granary", "Hillside", "Ironbark", "Juniper",
    "Lakeside", "Mapleway", "Northgate", "Oakmere", "Pinecrest", "Quarry", "Riverbend",
)  # fmt: skip
_SECTIONS = {
    "shop": ("Kitchen", "Garden", "Workshop", "Office", "Outdoors", "Sale"),
    "article": ("World", "Science", "Travel", "Food", "Opinion", "Weather"),
    "table": ("Overview", "Orders", "Customers", "Stock", "Reports"),
    "checkout": ("Kitchen", "Garden", "Workshop", "Gifts"),
    "forum": ("Latest", "Unanswered", "Tags", "Members", "Rules"),
    "booking": ("Rooms", "Tables", "Courses", "Offers", "Gallery"),
    "preferences": ("Overview", "Projects", "Team", "Billing"),
    "player": ("Films", "Series", "Live", "Music", "Kids"),
}
_TOPS = ("search", "login", "register", "account", "notifications", "messages", "help", "cart", "wishlist", "settings")
_FOOTS = ("about", "contact", "terms", "privacy", "help", "cookies", "subscribe")


def framed(sheet: Sheet, middle: str, kind: str) -> str:
    """The whole document."""
    rng = sheet.rng
    brand = rng.choice(_BRANDS)
    sheet.title = f"{sheet.title} · {brand}" if sheet.title else brand
    parts = [_header(sheet, brand, kind), f'<div class="wrap">{middle}</div>', _footer(sheet, brand)]
    parts += _overlays(sheet, brand)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(sheet.title)}</title>'
        f"<style>{sheet.look.css()}</style></head><body>{''.join(parts)}</body></html>"
    )


def _header(sheet: Sheet, brand: str, kind: str) -> str:
    rng = sheet.rng
    sections = rng.sample(_SECTIONS[kind], rng.randrange(3, len(_SECTIONS[kind]) + 1))
    links = " ".join(sheet.link(each, place="navigation bar") for each in sections)
    tools = rng.sample(_TOPS[1:], rng.randrange(2, 5))
    if sheet.hard:
        tools = list(dict.fromkeys([*tools, "notifications", "messages"]))
    shown = "".join(sheet.button(each, style="second", place="top bar") for each in tools)
    search = ""
    if rng.random() < 0.6:
        box = sheet.mark("type in what to look for on this site", place="top bar")
        go = sheet.button("search", place="top bar", kind=rng.choice(("icon", "text")))
        search = f'<input id="{box}" type="search" placeholder="{sheet.label("search")} {escape(brand)}">{go}'
    unfolded = ""
    if rng.random() < 0.25:
        unfolded = _menu(sheet, brand)
    start = sheet.link(brand, about="go to the start of the site", meaning="home", place="top bar")
    return (
        f'<header class="top"><div class="row"><span class="brand">{start}</span><nav class="row">{links}</nav>'
        f'<span class="row far">{search}{shown}{unfolded}</span></div></header>'
    )


def _menu(sheet: Sheet, brand: str) -> str:
    rng = sheet.rng
    inner = ""
    for meaning in rng.sample(("account", "settings", "messages", "help", "wishlist", "invite", "logout"), 4):
        from assay.envs.gui_grounding.web.verbs import VERBS

        identity = sheet.mark(rng.choice(VERBS[meaning].abouts), meaning, place="menu")
        inner += f'<a role="menuitem" href="#" id="{identity}">{escape(sheet.label(meaning))}</a>'
    opener = sheet.mark("fold the list of personal pages", place="top bar")
    return (
        f'<span class="unfolded"><button type="button" class="btn second" id="{opener}" aria-expanded="true">'
        f'{escape(brand)} ▾</button><div role="menu" class="drop">{inner}</div></span>'
    )


def _footer(sheet: Sheet, brand: str) -> str:
    links = " · ".join(sheet.command(each, place="bottom bar") for each in sheet.rng.sample(_FOOTS, 4))
    return f"<footer>{links}<p class='dim'>© 2025 {escape(brand)}, which is not a real company</p></footer>"


def _overlays(sheet: Sheet, brand: str) -> list[str]:
    rng, parts = sheet.rng, []
    if rng.random() < 0.3:
        row = "".join(sheet.button(each, place="cookie bar") for each in rng.sample(("accept", "reject", "cookies"), 3))
        parts.append(
            f'<div class="cookies" role="region"><p>{escape(brand)} would like to set cookies.</p>'
            f'<div class="row">{row}</div></div>'
        )
    if rng.random() < 0.25:
        parts.append(f'<div class="bubble">{sheet.button("chat")}</div>')
    if rng.random() < 0.15:
        hint = sheet.field("Your mail address", hint="name@example.org", about="type in where the letters should go")
        row = sheet.button("subscribe") + sheet.button("dismiss", style="second", kind=rng.choice(("icon", "text")))
        parts.append(
            f'<div class="veil"><div class="dialog" role="dialog"><h2>News from {escape(brand)}</h2>'
            f'<p>One letter a month, nothing else.</p>{hint}<div class="row">{row}</div></div></div>'
        )
    return parts
