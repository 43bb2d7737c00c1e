"""Episodes as a person reads them in a report: what was asked, what was answered, and why it scored as it did."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.envs.base import TaskEnv
from assay.envs.episode import Episode
from assay.training.report_html import text

_LARGEST_IMAGE = 4_000_000
_THUMB = 112


def episode_list(title: str, episodes: Sequence[Episode], images: Mapping[str, Sequence[Any]]) -> str:
    """A titled list of episodes that open on a click.

    Args:
        title: above the list.
        episodes: what to show.
        images: the opening images of tasks by their ids, for messages that hold only a placeholder.
    """
    if not episodes:
        return ""
    shown = "".join(_episode(episode, images.get(episode.task_id, ())) for episode in episodes)
    return f"<div><h3>{text(title)}</h3>{shown}</div>"


def opening_images(envs: Sequence[TaskEnv], episodes: Sequence[Episode]) -> dict[str, list[Any]]:
    """The images that open the tasks of ``episodes``, by task id, from the environments that know the tasks."""
    found: dict[str, list[Any]] = {}
    for env in envs:
        known = set(env.tasks.ids) if env.has_images else set()
        for task_id in {episode.task_id for episode in episodes} & known:
            try:
                found[task_id] = env.open_images(env.tasks.get(task_id))
            except (OSError, ValueError):  # a file has moved since; the report goes without it
                continue
    return found


def _episode(episode: Episode, images: Sequence[Any]) -> str:
    score = episode.score
    reward = score.reward if score is not None else 0.0
    good = score is not None and (score.correct if score.correct is not None else reward > 0)
    said = episode.actions[-1] if episode.turns else ""
    one_line = " ".join(said.split()) or "(empty)"
    why = score.detail if score is not None else episode.error
    summary = (
        f'<summary><span class="badge {"good" if good else "bad"}">{reward:.2f}</span>'
        f'<span class="said">{text(one_line, 160)}</span><span class="why">{text(why, 120)}</span></summary>'
    )
    waiting = iter(images)
    turns = "".join(_turn(turn.messages, turn.action, waiting) for turn in episode.turns)
    return f"<details>{summary}{turns}{_verdict(episode)}</details>"


def _turn(messages: Sequence[Mapping[str, Any]], action: str, images: Iterator[Any]) -> str:
    shown = "".join(
        f'<div class="role">{text(message.get("role", ""))}</div>{_content(message.get("content", ""), images)}'
        for message in messages
    )
    return f'{shown}<div class="role">response</div><pre class="action">{text(action) or "(empty)"}</pre>'


def _content(content: Any, images: Iterator[Any]) -> str:
    if isinstance(content, str):
        return f"<pre>{text(content)}</pre>"
    if not isinstance(content, list):
        return f"<pre>{text(content)}</pre>"
    parts = []
    for part in content:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "text":
            parts.append(f"<pre>{text(part.get('text', ''))}</pre>")
        elif kind == "image":
            parts.append(thumbnail(part.get("image") or next(images, "")))
        else:
            parts.append(f"<pre>{text(part)}</pre>")
    return "".join(parts)


def _verdict(episode: Episode) -> str:
    lines = []
    if episode.score is not None:
        if episode.score.detail:
            lines.append(f"verdict: {episode.score.detail}")
        if episode.score.parts:
            lines.append("parts: " + ", ".join(f"{name} {value:g}" for name, value in episode.score.parts.items()))
        if not episode.score.parsed:
            lines.append("no answer could be read")
    truth = {name: value for name, value in episode.truth.items() if name != "options"}
    if truth:
        lines.append("truth: " + json.dumps(truth, ensure_ascii=False, default=str))
    lines.append(f"task {episode.task_id}, outcome {episode.outcome.value}")
    return "".join(f'<div class="muted">{text(line, 1200)}</div>' for line in lines)


def thumbnail(source: Any) -> str:
    """An image as a small PNG inside the page; a note where it cannot be shown.

    ``source`` is a PIL image, a local path or a base64 ``data:image/...`` URI. Only what PIL can decode is shown,
    re-encoded; nothing is fetched.
    """
    try:
        from PIL import Image

        image = source.copy() if isinstance(source, Image.Image) else Image.open(io.BytesIO(_bytes(str(source))))
        image.draft("RGB", (_THUMB * 2, _THUMB * 2))
        image.thumbnail((_THUMB * 2, _THUMB * 2))
        small = image.convert("RGBA" if image.mode in ("RGBA", "LA", "P") else "RGB")
        buffer = io.BytesIO()
        small.save(buffer, "PNG")
    except Exception:  # whatever a stored image is broken by, the report is still written
        return f'<pre class="muted">image {text(source, 120)}</pre>'
    code = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img class="thumb" alt="" src="data:image/png;base64,{code}">'


def _bytes(source: str) -> bytes:
    if source.startswith("data:image/"):
        head, _, code = source.partition(",")
        if not head.endswith(";base64") or len(code) > _LARGEST_IMAGE:
            raise ValueError("not an image")
        try:
            return base64.b64decode(code, validate=True)
        except binascii.Error as error:
            raise ValueError("not base64") from error
    path = Path(source)
    if path.stat().st_size > _LARGEST_IMAGE or not path.is_file():
        raise ValueError("not a small file")
    return path.read_bytes()
