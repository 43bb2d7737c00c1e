"""Pages drawn by seed and rendered by a real browser: an endless source of tasks with exact truth, without a network.

As with the ``qt`` source, task ``i`` of a split depends on ``(seed, split, i)`` and the filters alone, ``per_window``
tasks share a screen, a page's content decides its split whatever it looks like, and screenshots are rendered when asked
for. Boxes depend on the fonts of the machine; ids do too.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from assay.envs.caching import made_once
from assay.envs.gui_grounding.drawn import DrawnTasks, check_drawn
from assay.envs.gui_grounding.instructions import KINDS as INSTRUCTIONS
from assay.envs.gui_grounding.options import Options
from assay.envs.gui_grounding.records import Record, record_id
from assay.envs.gui_grounding.web.pages import KINDS as PAGES
from assay.envs.gui_grounding.web.worker import need_playwright, shared_worker
from assay.envs.tasks import TaskSet

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_KEPT_PICTURES = 32


def tasks(options: Options, split: str) -> TaskSet:
    """``options.count`` tasks of a split, drawn when they are asked for.

    Raises:
        ImportError: one line; Playwright is not installed.
        ValueError: one line; there is no Chromium, or the options leave nothing to draw.
    """
    need_playwright()
    check_drawn(options, split, PAGES)
    return WebTasks(options, split)


class WebTasks(DrawnTasks):
    """Tasks on pages."""

    def records(self, screen: int) -> list[Record]:
        """The records of a page."""
        options = self.options
        found = _screen(
            options.seed, self.split, screen, options.apps or tuple(PAGES), options.kinds or INSTRUCTIONS, options.hard,
            options.test_share, options.dev_share, options.per_window,
        )  # fmt: skip
        return [_record(found, drawn) for drawn in found["tasks"]]


@lru_cache(maxsize=1024)
def _screen(
    seed: int, split: str, number: int, apps: tuple[str, ...], kinds: tuple[str, ...], hard: str, test_share: float,
    dev_share: float, per_window: int,
) -> dict[str, Any]:  # fmt: skip
    found, _ = shared_worker().call(
        "assay.envs.gui_grounding.web.draws:draw_screen",
        seed=seed, split=split, number=number, count=per_window, apps=list(apps), kinds=list(kinds), hard=hard,
        test_share=test_share, dev_share=dev_share,
    )  # fmt: skip
    return dict(found)


def _record(screen: dict[str, Any], drawn: dict[str, Any]) -> Record:
    x1, y1, x2, y2 = drawn["box"]
    reference = f"web:{screen['kind']}:{screen['seed']}:{'hard' if screen['hard'] else 'plain'}"
    return Record(
        image=reference, size=(screen["size"][0], screen["size"][1]), instruction=drawn["instruction"],
        box=(x1, y1, x2, y2), role=drawn["role"], kind=drawn["kind"], hard=drawn["hard"],
        source={"type": "web", "app": screen["kind"]}, truth_from="DOM",
        id=record_id(f"{reference} {screen['layout']}", drawn["instruction"], (x1, y1, x2, y2)),
    )  # fmt: skip


@made_once(maxsize=_KEPT_PICTURES)
def screenshot(rest: str) -> Picture:
    """The screenshot of a reference without its ``web:``. Not to be changed.

    Raises:
        InfraError: if the worker died.
        ValueError: if that is no reference of this source, or there is no Chromium.
    """
    from PIL import Image

    kind, _, tail = rest.partition(":")
    seed, _, level = tail.partition(":")
    if kind not in PAGES or not seed.isdecimal() or level not in ("hard", "plain"):
        raise ValueError(f"web:{rest} is no reference of the web source")
    _, blobs = shared_worker().call(
        "assay.envs.gui_grounding.web.draws:render", kind=kind, seed=int(seed), hard=level == "hard"
    )
    with Image.open(io.BytesIO(blobs[0])) as picture:
        return picture.convert("RGB")
