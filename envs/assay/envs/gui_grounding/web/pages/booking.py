"""A month to choose a day from, and what else a booking needs."""

from __future__ import annotations

import calendar

from assay.envs.gui_grounding.qt.words import CITIES
from assay.envs.gui_grounding.web.pages.sheet import Sheet

_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def body(sheet: Sheet) -> str:
    """The middle of the page."""
    rng = sheet.rng
    month, year = rng.randrange(1, 13), rng.randrange(2024, 2028)
    sheet.title = f"Booking in {rng.choice(CITIES)}"
    guests = sheet.choice("Guests", ("1", "2", "3", "4", "5"), about="say how many people will come")
    room = sheet.choice("Room", ("Single", "Double", "Family", "Suite"), about="say where you want to sleep")
    came = sheet.field("Arrival", hint="dd.mm.yyyy", about="type in the day on which you come")
    left = sheet.field("Departure", hint="dd.mm.yyyy", about="type in the day on which you go home")
    extras = "".join(
        f"<div>{sheet.tick(e)}</div>" for e in rng.sample(("Breakfast", "Parking", "Late arrival", "Cot", "Pets"), 3)
    )
    acts = sheet.buttons(("availability", "book", "cancel"), place="button bar", kind=rng.choice(("text", "both")))
    times = "".join(_time(sheet, hour) for hour in rng.sample(range(8, 21), rng.randrange(4, 9)))
    return (
        f'<h1>{sheet.title}</h1><div class="cols"><div class="main">{_month(sheet, year, month)}<section>'
        f"<h2>Free times</h2>"
        f'<div class="row">{times}</div></section></div><aside style="width:20em"><fieldset><legend>Your stay'
        f"</legend>{came}"
        f"{left}{guests}{room}</fieldset><fieldset><legend>Extras</legend>{extras}</fieldset>"
        f'<div class="row">{acts}</div>'
        f"</aside></div>"
    )


def _month(sheet: Sheet, year: int, month: int) -> str:
    rng, name = sheet.rng, calendar.month_name[month]
    heads = "".join(f"<th>{each}</th>" for each in _WEEK)
    rows = ""
    for week in calendar.Calendar().monthdayscalendar(year, month):
        rows += "<tr>" + "".join(f"<td>{_day(sheet, each, name) if each else ''}</td>" for each in week) + "</tr>"
    turn = sheet.button("previous", style="second", place="calendar row", kind="icon")
    turn += f"<strong>{name} {year}</strong>" + sheet.button("next", style="second", place="calendar row", kind="icon")
    turn += sheet.button("today", style="second far", place="calendar row", kind=rng.choice(("icon", "text")))
    return f'<div class="panel"><div class="row">{turn}</div><table><thead><tr>{heads}</tr></thead>{rows}</table></div>'


def _day(sheet: Sheet, day: int, month: str) -> str:
    taken = sheet.rng.random() < 0.2
    return (
        f'<button type="button" class="btn second" id="{sheet.mark(place=month)}" aria-label="{day} {month}"'
        f"{' disabled' if taken else ''}>{day}</button>"
    )


def _time(sheet: Sheet, hour: int) -> str:
    identity, minute = sheet.mark(place="Free times"), sheet.rng.choice(("00", "30"))
    return f'<button type="button" class="btn" id="{identity}">{hour}:{minute}</button>'
