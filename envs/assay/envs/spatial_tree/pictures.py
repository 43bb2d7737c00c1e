"""Pictures for the agent and for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.envs.errors import InfraError
from assay.envs.spatial_tree import clips
from assay.envs.tasks import Task
from assay.verifiers.score import Score

_WIDTH = 640
_LINE = 15


def open_picture(path: str) -> Any:
    """The picture in a file as RGB, or a frame of a clip (:mod:`assay.envs.spatial_tree.clips`).

    Raises:
        InfraError: if it cannot be read.
    """
    from PIL import Image

    if clips.is_reference(path):
        return clips.frame_of(path)
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InfraError(f"cannot read the picture {path}: {str(error).splitlines()[0]}") from error


def drawn(task: Task, actions: Sequence[str], score: Score | None, more: Sequence[Any] = ()) -> Any:
    """The task's pictures and ``more`` side by side; below them the question, the truth, the actions, the verdict."""
    import textwrap

    from PIL import Image, ImageDraw

    content = [part for message in task.prompt for part in message["content"]]
    pictures = [open_picture(part["image"]) for part in content if part["type"] == "image"]
    pictures += more
    words = "\n".join(part["text"].strip() for part in content if part["type"] == "text" and part["text"].strip())
    said = " | ".join(actions)
    verdict = "" if score is None else f"score {score.parts.get('score', score.reward):.2f} {score.detail}"
    head = f"{task.meta['leaf']} / {task.meta.get('template', '')} / {task.meta.get('difficulty', '')}"
    lines = [head]
    for text in (words, f"truth: {task.truth['gold']}", f"said: {said}"[:400], verdict):
        for line in text.splitlines():
            lines += textwrap.wrap(line, _WIDTH // 6) or [""]
    columns = min(len(pictures), 4) or 1
    side = _WIDTH // columns
    small = [each.resize((side, max(1, round(each.height * side / each.width)))) for each in pictures]
    rows = [small[at : at + columns] for at in range(0, len(small), columns)]
    height = sum(max(each.height for each in row) for row in rows)
    sheet = Image.new("RGB", (_WIDTH, height + _LINE * len(lines) + 8), "white")
    top = 0
    for row in rows:
        for column, each in enumerate(row):
            sheet.paste(each, (column * side, top))
        top += max(each.height for each in row)
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        pen.text((4, top + 4 + number * _LINE), line, fill="black")
    return sheet
