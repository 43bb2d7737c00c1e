"""From a reference to a file: ``file:PATH``, or ``SOURCE:...``, which the source of that name makes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from assay.envs.tasks import Task


def file_of_ref(ref: str) -> Path:
    """The video file of a reference; it may have to be made first.

    Raises:
        InfraError: one line, if it cannot be made.
    """
    scheme, _, rest = ref.partition(":")
    if scheme == "file":
        return Path(rest)
    module = import_module(f"assay.envs.video_keyframes.sources.{scheme.replace('-', '_')}")
    made: Path = module.video(rest)
    return made


def reference(task: Task) -> str:
    """The reference of a task's video.

    Raises:
        ValueError: if it has none.
    """
    for message in task.prompt:
        for part in message["content"] if isinstance(message["content"], list) else ():
            if part["type"] == "video":
                return str(part["video"])
    raise ValueError(f"task {task.id} has no video")
