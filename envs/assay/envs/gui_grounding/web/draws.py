"""Tasks of the ``web`` source, drawn inside a worker: the first page of a stream that falls into a split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.envs.candidates import seeded
from assay.envs.gui_grounding.elements import Element
from assay.envs.gui_grounding.instructions import Instruction, write_instructions
from assay.envs.gui_grounding.qt.frames import RefusedError
from assay.envs.gui_grounding.web.elements import elements_of, pixels_of
from assay.envs.gui_grounding.web.pages import Page, draw_page
from assay.envs.gui_grounding.web.render import drawn_page
from assay.envs.tasks import content_id, split_of

_ATTEMPTS = 300


def draw_screen(
    seed: int,
    split: str,
    number: int,
    count: int,
    apps: Sequence[str],
    kinds: Sequence[str],
    hard: str,
    test_share: float,
    dev_share: float,
) -> dict[str, Any]:
    """Screen ``number`` of a split: the page and ``count`` tasks on it.

    A stream of pages depends on ``(seed, split, number)`` alone; the first one is taken whose content falls into the
    split and that has enough tasks. Half of the pages are hard ones unless ``hard`` says otherwise.

    Returns:
        ``kind``, ``seed`` and ``hard`` of the page, its ``size`` in pixels, ``layout`` and ``tasks``.

    Raises:
        RefusedError: if no page of the stream has them.
    """
    rng = seeded("web-source", seed, split, number)
    for _ in range(_ATTEMPTS):
        kind, scene = rng.choice(list(apps)), rng.getrandbits(48)
        difficult = hard == "only" or (hard == "mixed" and rng.random() < 0.5)
        page = draw_page(kind, scene, difficult)
        if split_of(page.state, test_share, dev_share) != split:
            continue
        elements, size = survey(page)
        words = seeded("web-words", kind, scene, number)
        wanted = "only" if difficult and number % 2 and hard == "mixed" else hard
        tasks = write_instructions(elements, words, count, kinds, wanted)
        if len(tasks) == count:
            layout = content_id("layout", page.state, list(size), [each.box for each in elements])
            return {"kind": kind, "seed": scene, "hard": difficult, "size": list(size), "layout": layout} | {
                "tasks": [_task(each) for each in tasks]
            }
    raise RefusedError(f"source web draws no {split} pages with such tasks: check kinds, hard, apps and test_share")


def survey(page: Page) -> tuple[list[Element], tuple[int, int]]:
    """The elements of a page as it is seen, and the size of its screenshot in pixels."""
    view, _ = drawn_page(page.html, page.width, page.height, page.scale, page.scroll, picture=False)
    return elements_of(view, page.scale, page.notes), pixels_of(view, page.scale)


def render(kind: str, seed: int, hard: bool) -> tuple[None, list[bytes]]:
    """The PNG of a page."""
    page = draw_page(kind, seed, hard)
    _, pictures = drawn_page(page.html, page.width, page.height, page.scale, page.scroll, harvest=False)
    return None, pictures


def _task(made: Instruction) -> dict[str, Any]:
    return {
        "instruction": made.text, "kind": made.kind, "hard": made.hard, "box": list(made.element.box),
        "role": made.element.role, "name": made.element.name,
    }  # fmt: skip
