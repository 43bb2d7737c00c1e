"""A film with its controls, and more films beside it."""

from __future__ import annotations

from html import escape

from assay.envs.gui_grounding.qt.words import BANDS, SONGS, people, prose
from assay.envs.gui_grounding.web.pages.sheet import Sheet


def body(sheet: Sheet) -> str:
    """The middle of the page."""
    rng = sheet.rng
    songs = rng.sample(SONGS, 9)
    sheet.title = songs[0]
    controls = ["play", "mute", "captions", "theatre", "fullscreen"]
    rng.shuffle(controls)
    bar = "".join(sheet.button(each, place="player controls", kind="icon") for each in controls)
    seek = sheet.mark("jump to another moment of the film", place="player controls")
    acts = sheet.buttons(rng.sample(("like", "share", "queue", "download", "report"), 3), place="tool bar")
    more = "".join(_other(sheet, each) for each in songs[1 : rng.randrange(4, 9)])
    band = sheet.link(rng.choice(BANDS), about="see everything by those who made this")
    remarks = "".join(_remark(sheet, name) for name in people(rng, rng.randrange(2, 5)))
    return (
        f'<div class="cols"><div class="main">{sheet.picture(0.5)}<div class="panel">'
        f'<input type="range" id="{seek}" value='
        f'"{rng.randrange(100)}" style="width:100%" aria-label="Seek"><div class="row">{bar}</div></div>'
        f"<h1>{songs[0]}</h1>"
        f'<div class="row">{band}{sheet.button("follow", place="tool bar")}'
        f'<span class="row far" role="toolbar">{acts}</span></div>'
        f"<section><h2>Remarks</h2>{remarks}</section></div><aside style='width:18em'><h2>Up next</h2>{more}"
        f"</aside></div>"
    )


def _other(sheet: Sheet, title: str) -> str:
    extra = sheet.button("queue", style="second", place=title, kind="icon")
    return (
        f'<article class="card" style="margin-bottom:.6em">{sheet.picture(0.4)}'
        f"<h4>{sheet.link(title)}</h4>{extra}</article>"
    )


def _remark(sheet: Sheet, name: str) -> str:
    acts = "".join(sheet.button(each, style="second", place=name) for each in ("like", "dislike", "reply"))
    text = escape(prose(sheet.rng, 2))
    return f'<article class="panel"><h3>{escape(name)}</h3><p>{text}</p><div class="row">{acts}</div></article>'
