"""What is said while frames are shown: the lines of a subtitle file at their times."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from assay.envs.tasks import Task

HEAD = "This video's subtitles are listed below:"


def spoken(task: Task, seconds: Sequence[float]) -> str:
    """The subtitles of the frames at those seconds, each once, as text for the prompt; empty where there are none.

    A file that cannot be read, of those that ``task.meta["subtitles"]`` names, is as good as none, with a warning.
    """
    file = str(task.meta.get("subtitles", ""))
    if not file:
        return ""
    from assay.envs.video_keyframes.subtitles import SubtitleError, lines_at, read_srt

    try:
        lines = lines_at(read_srt(file), sorted(seconds))
    except SubtitleError as error:
        warnings.warn(str(error), UserWarning, stacklevel=2)
        return ""
    return "\n".join([HEAD, *lines, ""]) if lines else ""
