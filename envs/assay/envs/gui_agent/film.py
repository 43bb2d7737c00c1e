"""An episode as a picture: its screenshots in order, each with the action that followed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.envs.gui_agent.actions import Point
from assay.envs.gui_agent.session import View
from assay.verifiers.score import Score

_COLUMNS, _WIDTH, _GAP, _LINE = 3, 480, 8, 16
_INK, _LONGEST = "#d00000", 78


def film(
    views: Sequence[View],
    points: Sequence[tuple[Point | None, Point | None] | None],
    actions: Sequence[str],
    score: Score | None,
) -> Any:
    """A PIL image, three screenshots in a row.

    Args:
        views: the screenshots, one more than actions.
        points: of each action, where it pointed and where a drag ended, pixels of the window; None for no action.
        actions: what the agent said.
        score: of the episode.
    """
    from PIL import Image, ImageDraw

    last = "no score" if score is None else f"reward {score.reward:g}: {score.detail}"
    captions = [f"{number}. {action}" for number, action in enumerate(actions, 1)] + [last]
    frames = [_frame(view, place) for view, place in zip(views, [*points, None], strict=True)]
    height = max(frame.height for frame in frames) + _LINE + _GAP
    rows = -(-len(frames) // _COLUMNS)
    columns = min(_COLUMNS, len(frames))
    sheet = Image.new("RGB", (columns * (_WIDTH + _GAP) + _GAP, rows * height + _GAP), "#404040")
    pen = ImageDraw.Draw(sheet)
    for number, (frame, caption) in enumerate(zip(frames, captions, strict=True)):
        row, column = divmod(number, _COLUMNS)
        x, y = _GAP + column * (_WIDTH + _GAP), _GAP + row * height
        sheet.paste(frame, (x, y + _LINE))
        pen.text((x, y), " ".join(caption.split())[:_LONGEST].encode("ascii", "replace").decode(), fill="#ffffff")
    return sheet


def _frame(view: View, place: tuple[Point | None, Point | None] | None) -> Any:
    from PIL import Image, ImageDraw

    assert view.picture is not None
    share = _WIDTH / view.size[0]
    frame = view.picture.resize((_WIDTH, max(1, round(view.size[1] * share))), Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(frame)
    start, end = place or (None, None)
    for point in (start, end):
        if point is not None:
            x, y = point[0] * share, point[1] * share
            pen.ellipse((x - 7, y - 7, x + 7, y + 7), outline=_INK, width=3)
    if start is not None and end is not None:
        pen.line([(start[0] * share, start[1] * share), (end[0] * share, end[1] * share)], fill=_INK, width=2)
    return frame
