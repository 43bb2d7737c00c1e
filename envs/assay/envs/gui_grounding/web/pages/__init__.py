"""Pages of our own writing, drawn by seed: eight kinds, in many looks. HTML only: no scripts, nothing from afar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assay.envs.candidates import seeded
from assay.envs.gui_grounding.web.elements import Note
from assay.envs.gui_grounding.web.pages import article, booking, checkout, forum, player, preferences, shop, table
from assay.envs.gui_grounding.web.pages.frame import framed
from assay.envs.gui_grounding.web.pages.look import draw_look
from assay.envs.gui_grounding.web.pages.sheet import Sheet
from assay.envs.tasks import content_id

KINDS: dict[str, Callable[[Sheet], str]] = {
    "shop": shop.body,
    "article": article.body,
    "table": table.body,
    "checkout": checkout.body,
    "forum": forum.body,
    "booking": booking.body,
    "preferences": preferences.body,
    "player": player.body,
}
"""What a page's middle is made of, by kind."""
VIEWS = ((1280, 800), (1024, 768), (1366, 768), (1440, 900), (960, 720), (1200, 900), (800, 900), (1600, 900))
"""Sizes of the viewport, CSS pixels; whole pixels at every scale."""
SCALES = (1.0, 1.5, 2.0)
"""Device scale factors."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the generator.

    Attributes:
        kind: a key of :data:`KINDS`.
        html: the whole document.
        notes: what is known of its elements, by their ids.
        state: a hash of what stands on it, whatever it looks like: the key by which pages are split.
        width, height: of the viewport, CSS pixels.
        scale: device pixels for one CSS pixel.
        scroll: how far down, as a share of what there is.
    """

    kind: str
    html: str
    notes: dict[str, Note]
    state: str
    width: int
    height: int
    scale: float
    scroll: float


def draw_page(kind: str, seed: int, hard: bool = False) -> Page:
    """A page; depends on its arguments alone.

    Args:
        kind: a key of :data:`KINDS`.
        seed: of everything on it, its look and how it is seen.
        hard: look-alikes stand beside each other, and more buttons are bare icons.
    """
    rng = seeded("web-page", kind, seed, hard)
    sheet = Sheet(rng, draw_look(rng), hard)
    html = framed(sheet, KINDS[kind](sheet), kind)
    width, height = rng.choice(VIEWS)
    scale = rng.choice((1.0, *SCALES))
    scroll = round(rng.random(), 3) if rng.random() < 0.35 else rng.choice((0.0, 0.0, 1.0))
    state = content_id("state", kind, html.partition("<body>")[2])
    return Page(kind, html, sheet.notes, state, width, height, scale, scroll)
