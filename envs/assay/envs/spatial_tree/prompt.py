"""How it is asked: pictures, the question, its options, and the form of the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.envs.spatial_tree.question import LETTERS
from assay.envs.tasks import Message

THOUGHT = "First think between <think> and </think>, then give only the answer between <answer> and </answer>."


def prompt_of(data: Mapping[str, Any], files: Sequence[str], think: bool) -> list[Message]:
    """The messages that open a task; ``data`` as :func:`assay.envs.spatial_tree.tasks.task_of` has it."""
    parts: list[dict[str, Any]] = []
    for number, file in enumerate(files):
        if data["captions"]:
            parts.append({"type": "text", "text": f"{data['captions'][number]}\n"})
        parts += [{"type": "image", "image": file}, {"type": "text", "text": "\n"}]
    lines = [data["text"], *(f"{LETTERS[k]}. {option}" for k, option in enumerate(data["options"])), data["ask"]]
    if think:
        lines.append(THOUGHT)
    return [{"role": "user", "content": [*parts, {"type": "text", "text": "\n".join(lines)}]}]
