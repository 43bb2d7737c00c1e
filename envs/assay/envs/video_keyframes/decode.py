"""Frames of video files through PyAV: facts, candidates in one streaming pass, and single frames by time.

Seconds count from the first frame of the video stream. Frames are turned as the file asks, so width and height are those of
the picture as it is shown.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from assay.envs.video_keyframes.container import MAX_BROKEN, MAX_PIXELS, VideoError, failures, opened

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

__all__ = ["Frame", "VideoError", "VideoFacts", "candidates", "frames_at", "probe"]

SIDE = 160
"""Longest edge of a candidate's picture, pixels."""
_SLACK = 1e-4
"""Seconds by which a time may be off from rounding."""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a file says of its video stream.

    Attributes:
        width, height: of the picture as shown (after rotation), pixels.
        seconds: length; of a file that is cut off, the length it had.
        fps: mean frames per second; 0 if unknown.
        frames: how many, if the container counts them, else seconds * fps rounded.
        rotation: degrees clockwise that stored frames are turned by to be shown: 0, 90, 180 or 270.
        codec: FFmpeg's name, such as h264.
        truncated: whether the file ends before its video does.
    """

    width: int
    height: int
    seconds: float
    fps: float
    frames: int
    rotation: int
    codec: str
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """A candidate.

    Attributes:
        index: its number among the candidates, from 0.
        seconds: when it is shown, from the start of the video.
        rgb: uint8 [height, width, 3], longest edge at most ``side`` pixels.
    """

    index: int
    seconds: float
    rgb: npt.NDArray[np.uint8]


def probe(path: str | os.PathLike[str]) -> VideoFacts:
    """The facts of a file; decodes one frame.

    Raises:
        VideoError: one line, if there is no video stream, nothing decodes, or the codec is missing.
        ImportError: if PyAV is missing.
    """
    raise NotImplementedError


def candidates(path: str | os.PathLike[str], fps: float = 1.0, limit: int = 768, side: int = SIDE) -> Iterator[Frame]:
    """Evenly spaced frames of a file, each as it is decoded: one pass, and only one small picture in memory at a time.

    A candidate is the first frame at or after each multiple of 1 / fps seconds (of length / limit, where that is more);
    a frame stands for one multiple only. What does not decode is left out, with a warning.

    Raises:
        ValueError: if ``fps``, ``limit`` or ``side`` is not positive.
        VideoError: as :func:`probe`.
    """
    raise NotImplementedError


def frames_at(path: str | os.PathLike[str], seconds: Sequence[float], side: int | None = None) -> list[Picture]:
    """The frames shown at some times, in the order asked for.

    Args:
        path: the file.
        seconds: times from the start of the video; in any order.
        side: longest edge in pixels (a smaller picture keeps its size); None keeps all.

    Returns:
        RGB pictures.

    Raises:
        VideoError: as :func:`probe`, or if nothing decodes at one of the times.
    """
    raise NotImplementedError
