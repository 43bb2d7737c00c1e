"""A text to read, with links in it, tools around it and more texts beside it."""

from __future__ import annotations

from html import escape

from assay.envs.gui_grounding.qt.words import CITIES, SENTENCES, STREETS, TOPICS, people
from assay.envs.gui_grounding.web.pages.sheet import Sheet


def body(sheet: Sheet) -> str:
    """The middle of the page."""
    rng = sheet.rng
    topics = rng.sample(TOPICS, 10)
    sheet.title = topics[0]
    author, other = people(rng, 2)
    tools = sheet.buttons(rng.sample(("share", "print", "bookmark", "copy_link"), 3), place="tool bar")
    paragraphs = "".join(_paragraph(sheet, heading) for heading in topics[1 : rng.randrange(3, 6)])
    crumbs = " › ".join(sheet.link(each, place="path bar") for each in rng.sample(CITIES, 3))
    related = "".join(f"<li>{sheet.link(each, place='More to read')}</li>" for each in topics[6:])
    votes = sheet.buttons(("like", "dislike"), place="Was this useful?")
    sign = sheet.field("Mail address", hint="name@example.org", about="type in where the newsletter should go")
    letter = f'<section class="panel"><h3>Newsletter</h3>{sign}{sheet.button("subscribe")}</section>'
    return (
        f'<div class="cols"><main class="main"><p class="dim">{crumbs}</p><h1>{escape(topics[0])}</h1>'
        f'<p class="dim">By '
        f"{sheet.link(author, about='read more by the one who wrote this')} and {sheet.link(other)}</p>"
        f'<div role="toolbar" class="row">{tools}</div>{sheet.picture(0.35)}{paragraphs}'
        f'<section class="panel"><h3>Was this useful?</h3><div class="row">{votes}</div></section></main><aside>'
        f'<section class="panel"><h3>More to read</h3><ul>{related}</ul></section>{letter}</aside></div>'
    )


def _paragraph(sheet: Sheet, heading: str) -> str:
    rng = sheet.rng
    parts = [escape(rng.choice(SENTENCES)) for _ in range(rng.randrange(4, 9))]
    for name in rng.sample(STREETS + CITIES, rng.randrange(0, 3)):
        parts.insert(rng.randrange(len(parts)), f"See also {sheet.link(name, place=heading)}.")
    return f"<section><h2>{escape(heading)}</h2><p>{' '.join(parts)}</p></section>"
