"""Frames of video files through PyAV: facts, candidates in one streaming pass, and single frames by time.

Seconds count from the start of the video stream. Frames are turned as the file asks, so width and height are those of
the picture as it is shown.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from assay.envs.video_keyframes.container import VideoError, VideoWarning, decoded, opened
from assay.envs.video_keyframes.reading import SLACK, Clock, Reader, Resizer, first, is_cut, length, nothing, rotation

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

__all__ = ["Frame", "VideoError", "VideoFacts", "VideoWarning", "candidates", "frames_at", "probe"]

SIDE = 160
"""Longest edge of a candidate's picture, pixels."""


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
    """The facts of a file; decodes one frame, and reads the end of the file to see whether it is whole.

    Raises:
        VideoError: one line, if there is no video stream, nothing decodes, or the codec is missing.
        ImportError: if PyAV is missing.
    """
    with opened(path) as (container, stream):
        shown = first(decoded(container, stream), path)
        turned = rotation(shown)
        width, height = (shown.height, shown.width) if turned % 180 else (shown.width, shown.height)
        rate = stream.average_rate or stream.guessed_rate
        fps = float(rate) if rate else 0.0
        codec = str(stream.codec_context.name)
        seconds = length(container, stream, path)
        frames = stream.frames or round(seconds * fps)
        truncated = is_cut(container, stream, path)
    return VideoFacts(width, height, seconds, fps, int(frames), turned, codec, truncated)


def candidates(path: str | os.PathLike[str], fps: float = 1.0, limit: int = 768, side: int = SIDE) -> Iterator[Frame]:
    """Evenly spaced frames of a file, each as it is decoded: one pass, and one small picture in memory at a time.

    A candidate is the first frame at or after each multiple of 1 / fps seconds (of length / limit, where that is more);
    a frame stands for one multiple only. What does not decode is left out, with a :class:`VideoWarning` at the end.

    Args:
        path: the file.
        fps: candidates per second.
        limit: most candidates.
        side: longest edge of their pictures in pixels; a smaller picture keeps its size.

    Raises:
        ValueError: if ``fps``, ``limit`` or ``side`` is not positive and finite.
        VideoError: as :func:`probe`, once the first candidate is asked for.
    """
    for name, value in (("fps", fps), ("limit", limit), ("side", side)):
        if not (0 < value < math.inf):
            raise ValueError(f"{name} must be positive, got {value}")
    return _stream_candidates(path, fps, limit, side)


def _stream_candidates(path: str | os.PathLike[str], fps: float, limit: int, side: int) -> Iterator[Frame]:
    with opened(path) as (container, stream):
        seconds = length(container, stream, path)
        step = max(1 / fps, seconds / limit)
        clock, small = Clock(stream), Resizer(side)
        broken: list[str] = []
        count, due, now = 0, -math.inf, 0.0
        for frame in decoded(container, stream, broken):
            now = clock.seconds(frame)
            if now + SLACK < due or count == limit:
                continue
            yield Frame(count, now, small.array(frame))
            count, due = count + 1, (math.floor((now + SLACK) / step) + 1) * step
        if not count:
            raise nothing(path)
        if broken or (seconds > 0 and now + max(1.0, 2 * clock.gap) < seconds):
            lost = f"; {len(broken)} damaged packets were passed over" if broken else ""
            warnings.warn(f"{path}: decodes up to {now:.1f} of {seconds:.1f} s{lost}", VideoWarning, stacklevel=2)


def frames_at(path: str | os.PathLike[str], seconds: Sequence[float], side: int | None = None) -> list[Picture]:
    """The frames shown at some times, in the order asked for.

    A frame is shown until the next one. Before the first one there is the first, and after the last one the last, as
    long as the file says that its video lasts.

    Args:
        path: the file.
        seconds: times from the start of the video; in any order.
        side: longest edge in pixels (a smaller picture keeps its size); None keeps all.

    Returns:
        RGB pictures.

    Raises:
        ValueError: if a time is negative or not finite.
        VideoError: as :func:`probe`, or if nothing decodes at one of the times.
    """
    if any(not 0 <= t < math.inf for t in seconds):
        raise ValueError(f"times must be finite and not negative, got {list(seconds)}")
    shown: dict[float, Picture] = {}
    with opened(path) as (container, stream):
        reader, size = Reader(container, stream, path), Resizer(side)
        for t in sorted(set(seconds)):
            shown[t] = size.picture(reader.at(t))
    return [shown[t] for t in seconds]
