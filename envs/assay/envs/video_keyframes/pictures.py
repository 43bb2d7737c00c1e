"""Pictures of episodes: a frame of each event, their time line, the question and the verdict."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from assay.envs.errors import InfraError
from assay.envs.video_keyframes.container import VideoError
from assay.envs.video_keyframes.decode import frames_at, probe
from assay.envs.video_keyframes.videos import file_of_ref, reference

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from assay.envs.tasks import Task
    from assay.verifiers.score import Score

WIDTH, TYPE, BAR = 760, 15, 46
_PAPER, _INK, _LINE, _EVENT = "#ffffff", "#202020", "#c8c8c8", "#00a050"
_MOST = 6


def drawn(task: Task, actions: Sequence[str], score: Score | None) -> Picture | None:
    """A frame of each event (six evenly spread ones where none are known), the events in green on a line of the
    video's length, what was said, and the verdict; None for a task without a video.

    Raises:
        InfraError: if the video cannot be had.
    """
    from PIL import Image, ImageDraw, ImageFont

    try:
        path = file_of_ref(reference(task))
        seconds = probe(path).seconds
        events = [(float(begin), float(end)) for begin, end in task.truth.get("events", ())]
        moments = sorted((begin + end) / 2 for begin, end in events)[:_MOST]
        moments = moments or [seconds * (index + 0.5) / _MOST for index in range(_MOST)]
        frames = frames_at(path, moments, 2 * WIDTH // _MOST)
    except (VideoError, ValueError) as error:
        raise InfraError(str(error)) from None
    thumbs = [_fitted(frame) for frame in frames]
    font = ImageFont.load_default(TYPE)
    lines = _lines(task, actions, score)
    top = max(thumb.height for thumb in thumbs) + 24
    sheet = Image.new("RGB", (WIDTH, top + BAR + round(1.4 * TYPE * (len(lines) + 1))), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, (thumb, at) in enumerate(zip(thumbs, moments, strict=True)):
        x = number * (WIDTH // _MOST)
        sheet.paste(thumb, (x + 2, 2))
        pen.text((x + 4, thumb.height + 4), f"{at:.1f} s", fill=_INK, font=font)
    _time_line(pen, top, seconds, events)
    for number, line in enumerate(lines):
        pen.text((8, top + BAR + 1.4 * TYPE * number), line, fill=_INK, font=font)
    return sheet


def _fitted(frame: Picture) -> Picture:
    width = WIDTH // _MOST - 4
    return frame.resize((width, max(1, round(frame.height * width / frame.width))))


def _time_line(pen: Any, top: int, seconds: float, events: Sequence[tuple[float, float]]) -> None:
    left, right, middle = 12, WIDTH - 12, top + BAR // 2

    def x(at: float) -> float:
        return left + (right - left) * min(max(at / max(seconds, 1e-6), 0.0), 1.0)

    pen.line((left, middle, right, middle), fill=_LINE, width=3)
    for begin, end in events:
        pen.rectangle((x(begin), middle - 8, max(x(end), x(begin) + 3), middle + 8), fill=_EVENT)


def _lines(task: Task, actions: Sequence[str], score: Score | None) -> list[str]:
    text = next(part["text"] for part in task.prompt[-1]["content"] if part["type"] == "text")
    earned = "no score" if score is None else f"reward {score.reward:.3f}: {score.detail}"
    said = [f"said: {' '.join(action.split())}" for action in actions]
    width = WIDTH // 8
    found = [line for part in text.splitlines() for line in textwrap.wrap(part, width)][:12]
    return [*found, *(textwrap.shorten(line, width, placeholder=" ...") for line in [*said, earned])]
