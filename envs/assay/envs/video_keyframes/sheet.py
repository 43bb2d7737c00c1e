"""One picture of why frames were chosen: the variation curve with them marked, then the frames with their times."""

from __future__ import annotations

import os

from assay.envs.video_keyframes.tad import Selection


def write_sheet(
    path: str | os.PathLike[str], k: int, out: str | os.PathLike[str], fps: float = 1.0, limit: int = 768
) -> Selection:
    """Select ``k`` frames of a video file by TAD and draw them, with the curve they were chosen by, into a PNG.

    Args:
        path: the video file.
        k: how many frames, at least 1.
        out: the PNG to write; its folder is made.
        fps: candidates per second.
        limit: most candidates.

    Returns:
        the selection.

    Raises:
        ValueError: if ``k``, ``fps`` or ``limit`` is not positive; as ``VideoError`` if the file cannot be read.
        ImportError: if PyAV is missing.
    """
    raise NotImplementedError
