"""A dashboard with a table whose rows can be worked on."""

from __future__ import annotations

from html import escape

from assay.envs.gui_grounding.qt.words import CITIES, PRODUCTS, day, people
from assay.envs.gui_grounding.web.pages.sheet import Sheet

_STATES = ("Paid", "Open", "Shipped", "On hold", "Returned")


def body(sheet: Sheet) -> str:
    """The middle of the page."""
    rng = sheet.rng
    sheet.title = rng.choice(("Orders", "Customers", "Deliveries"))
    names = people(rng, rng.randrange(5, 13))
    acts = rng.sample(("edit", "view", "delete", "duplicate", "archive"), rng.randrange(2, 4) + sheet.hard)
    kind = rng.choice(("icon", "icon", "text"))
    columns = ("Name", "Town", "Product", "Date", "State")[: rng.randrange(3, 6)]
    heads = "".join(f"<th>{_sorter(sheet, each)}</th>" for each in columns)
    rows = "".join(_row(sheet, name, columns, acts, kind) for name in names)
    tools = sheet.buttons(("add", "import", "refresh"), place="tool bar")
    pager = sheet.buttons(("first", "previous", "next", "last"), place="pages bar", kind=rng.choice(("icon", "both")))
    figures = "".join(_figure(sheet, each) for each in ("Today", "This week", "This month"))
    return (
        f'<h1>{sheet.title}</h1><div class="grid" style="grid-template-columns:repeat(3,1fr)">{figures}</div>'
        f'<div class="row" role="toolbar" style="margin:1em 0">{tools}</div><table><thead><tr><th>'
        f"</th>{heads}<th></th></tr>"
        f'</thead><tbody>{rows}</tbody></table><div class="row" style="margin-top:1em">{pager}</div>'
    )


def _row(sheet: Sheet, name: str, columns: tuple[str, ...], acts: list[str], kind: str) -> str:
    rng, place = sheet.rng, f"{name} row"
    values = {
        "Name": sheet.link(name, place=place), "Town": rng.choice(CITIES), "Product": rng.choice(PRODUCTS),
        "Date": day(rng), "State": rng.choice(_STATES),
    }  # fmt: skip
    cells = "".join(f"<td>{values[each]}</td>" for each in columns)
    tick = sheet.mark("pick this entry for what comes next", place=place)
    buttons = "".join(sheet.button(each, style="second", place=place, kind=kind) for each in acts)
    return (
        f'<tr><td><input type="checkbox" id="{tick}" aria-label="Choose {escape(name)}"></td>{cells}'
        f'<td><span class="row" style="flex-wrap:nowrap">{buttons}</span></td></tr>'
    )


def _sorter(sheet: Sheet, column: str) -> str:
    about = f"arrange the rows by {column.lower()}"
    return f'<button type="button" class="btn second" id="{sheet.mark(about, place="heading row")}">{column}</button>'


def _figure(sheet: Sheet, title: str) -> str:
    more = sheet.button("details", style="second", place=title, kind="text")
    return f'<div class="card"><h3>{title}</h3><p>{sheet.rng.randrange(20, 990)} orders</p>{more}</div>'
