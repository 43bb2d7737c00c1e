"""A conversation, each contribution with its tools."""

from __future__ import annotations

from html import escape

from assay.envs.gui_grounding.qt.words import TOPICS, day, people, prose
from assay.envs.gui_grounding.web.pages.sheet import Sheet

_TAGS = ("beginners", "repairs", "events", "off-topic", "wanted", "for-sale", "pictures", "questions")


def body(sheet: Sheet) -> str:
    """The middle of the page."""
    rng = sheet.rng
    topics = rng.sample(TOPICS, 6)
    sheet.title = topics[0]
    acts = ["like", "reply", "quote", "report"][: rng.randrange(2, 5)]
    if sheet.hard:
        acts = ["like", "dislike", "reply", "quote", "report"]
    kind = rng.choice(("icon", "text", "both"))
    posts = "".join(_post(sheet, name, acts, kind) for name in people(rng, rng.randrange(3, 7)))
    tags = " ".join(sheet.link(f"#{each}", place="tags line") for each in rng.sample(_TAGS, 3))
    tools = sheet.buttons(("follow", "share"), place="tool bar")
    answer = sheet.area("Your answer", hint="Be kind", about="write something into this conversation")
    send = sheet.buttons(("submit",), place="Your answer", style="", kind="text")
    others = "".join(f"<li>{sheet.link(each, place='Other conversations')}</li>" for each in topics[1:])
    new = sheet.button("new_topic", place="side bar")
    return (
        f'<div class="cols"><div class="main"><h1>{escape(topics[0])}</h1><p>{tags}</p><div class="row" role="toolbar">'
        f"{tools}</div>{posts}<section><h2>Your answer</h2>{answer}{send}</section></div><aside><p>{new}</p>"
        f'<section class="panel"><h3>Other conversations</h3><ul>{others}</ul></section></aside></div>'
    )


def _post(sheet: Sheet, name: str, acts: list[str], kind: str) -> str:
    buttons = "".join(sheet.button(each, style="second", place=name, kind=kind) for each in acts)
    text = escape(prose(sheet.rng, sheet.rng.randrange(1, 5)))
    indent = sheet.rng.choice((0, 0, 2, 4))
    return (
        f'<article class="panel" style="margin-left:{indent}em"><div class="row"><h3>{sheet.link(name)}</h3>'
        f'<span class="dim far">{day(sheet.rng)}</span></div><p>{text}</p><div class="row">{buttons}</div></article>'
    )
