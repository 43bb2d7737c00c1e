"""Pictures of episodes: the screenshot, the true box, the points in their order, the reward."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, TypeAlias

from assay.envs.gui_grounding.pictures import open_screenshot, references
from assay.verifiers.gui.points import UnreadableError, listed_points, loose_point

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    from assay.envs.tasks import Task
    from assay.verifiers.gui.points import Point
    from assay.verifiers.score import Score

_TRUE, _HIT, _MISS = "#00a050", "#0060e0", "#e02020"
Font: TypeAlias = "FreeTypeFont | ImageFont"
_PAPER, _INK = "#ffffff", "#202020"


def points_of(response: str, loose: bool) -> list[Point]:
    """The points that a response names, whatever else is wrong with it; none where they cannot be read."""
    answer = response.rpartition("</think>")[2]
    try:
        return [loose_point(answer)] if loose else listed_points(answer)
    except UnreadableError:
        return []


def drawn(task: Task, response: str, score: Score | None) -> Picture | None:
    """The screenshot in its own size: the true box in green, points numbered by rank (blue in the box, red beside it),
    and a line below with the instruction, the reward and what the verifier says; None for a task without a screenshot.

    Raises:
        InfraError: if the screenshot cannot be had.
    """
    from PIL import Image, ImageDraw

    found = references(task)
    if not found:
        return None
    shot = open_screenshot(found[-1])
    size = max(15, round(max(shot.size) / 64))
    lines = _caption(task, score, max(20, int(shot.width / (0.56 * size))))
    picture = Image.new("RGB", (shot.width, shot.height + round(size * (1.35 * len(lines) + 0.8))), _PAPER)
    picture.paste(shot, (0, 0))
    pen = ImageDraw.Draw(picture)
    box, scale = task.truth.get("box"), task.truth.get("scale", (1.0, 1.0))
    if box:
        wide = max(2, size // 6)
        pen.rectangle((box[0] - wide, box[1] - wide, box[2] + wide, box[3] + wide), outline=_TRUE, width=wide)
    loose = task.truth.get("verifier") == "gui.point_in_box"
    for rank, (x, y) in enumerate(points_of(response, loose)[:10], 1):
        _mark(pen, (x * scale[0], y * scale[1]), rank, box, shot.size, size)
    for number, line in enumerate(lines):
        pen.text((size * 0.5, shot.height + size * (0.3 + 1.35 * number)), line, fill=_INK, font=_font(size))
    return picture


def _caption(task: Task, score: Score | None, width: int) -> list[str]:
    said = textwrap.shorten(str(task.meta.get("instruction", "")), 3 * width, placeholder=" ...")
    earned = "no score" if score is None else f"reward {score.reward:.3f}: {score.detail}"
    return [*textwrap.wrap(said, width), *textwrap.wrap(earned, width)[:2]]


def _mark(
    pen: ImageDraw, at: tuple[float, float], rank: int, box: list[float] | None, size: tuple[int, int], text: int
) -> None:
    """A ring with a dot in it and the rank beside it; a place off the screen is marked at its edge."""
    x, y = min(max(at[0], 0.0), size[0] - 1.0), min(max(at[1], 0.0), size[1] - 1.0)
    inside = box is not None and box[0] <= at[0] <= box[2] and box[1] <= at[1] <= box[3]
    colour, ring, dot = (_HIT if inside else _MISS), text * 0.55, max(1.5, text * 0.12)
    pen.ellipse((x - ring, y - ring, x + ring, y + ring), outline=_PAPER, width=max(4, text // 4))
    pen.ellipse((x - ring, y - ring, x + ring, y + ring), outline=colour, width=max(2, text // 8))
    pen.ellipse((x - dot, y - dot, x + dot, y + dot), fill=colour)
    tx = x + ring + 2 if x + ring + text < size[0] else x - ring - text * 0.8
    ty = min(max(y - text * 0.6, 0.0), size[1] - text * 1.2)
    pen.text((tx, ty), str(rank), fill=colour, font=_font(text), stroke_width=max(1, text // 8), stroke_fill=_PAPER)


def _font(size: int) -> Font:
    from PIL import ImageFont

    return ImageFont.load_default(size)
