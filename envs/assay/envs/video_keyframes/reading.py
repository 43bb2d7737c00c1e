"""Inside an opened video: what time a frame is shown, how to get to a time, how long it is, and small pictures."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from assay.envs.video_keyframes.container import VideoError, decoded, failures, library, opened

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

SLACK = 1e-4
"""Seconds by which a time may be off from rounding."""
_NEAR_S = 4.0
"""A time this close ahead is reached by decoding on; a later one by seeking."""
_BACK_S = (0.0, 2.0, 15.0, math.inf)
"""How much earlier to seek when the file has led to a frame after the one wanted; the last is the start."""
_LONGEST_S = 30 * 24 * 3600.0
"""A stated length above this is not believed."""
_TAIL = 64
"""Entries at the end of a file's index that are checked against its size."""


class Clock:
    """Seconds of frames from the start of the stream; of a stream without timestamps, by counting."""

    def __init__(self, stream: Any) -> None:
        rate = stream.average_rate or stream.guessed_rate
        self.gap = 1 / float(rate) if rate else 0.04
        self.timed = True
        self._start: float | None = None
        if stream.start_time is not None and stream.time_base:
            self._start = float(stream.start_time * stream.time_base)
        self._count = 0

    def seconds(self, frame: Any) -> float:
        """When ``frame`` is shown; frames without a timestamp must come in order from the first."""
        time = frame.time
        if time is None:
            self.timed = False
            self._count += 1
            return (self._count - 1) * self.gap
        if self._start is None:
            self._start = float(time)
        return max(0.0, float(time) - self._start)

    @property
    def start(self) -> float:
        """Time of the stream that counts as 0, seconds."""
        return self._start or 0.0


class Resizer:
    """RGB pictures of decoded frames, turned as the file asks; scaled by FFmpeg to a longest edge."""

    def __init__(self, side: int | None) -> None:
        self._side = side
        self._scaler = library().video.reformatter.VideoReformatter()

    def array(self, frame: Any) -> npt.NDArray[np.uint8]:
        """uint8 [height, width, 3]."""
        longest = max(frame.width, frame.height)
        scale = 1.0 if self._side is None else min(1.0, self._side / longest)
        width, height = (max(1, round(edge * scale)) for edge in (frame.width, frame.height))
        small = self._scaler.reformat(frame, width=width, height=height, format="rgb24", interpolation="AREA")
        rgb: npt.NDArray[np.uint8] = small.to_ndarray()
        quarters = rotation(frame) // 90
        return np.ascontiguousarray(np.rot90(rgb, -quarters)) if quarters else rgb

    def picture(self, frame: Any) -> Picture:
        """The same as an image."""
        from PIL import Image

        return Image.fromarray(self.array(frame))


class Reader:
    """Frames of an opened stream by time, in any order; ascending is fastest."""

    def __init__(self, container: Any, stream: Any, path: str | os.PathLike[str]) -> None:
        self._container, self._stream, self._path = container, stream, path
        self._clock = Clock(stream)
        self._frames: Iterator[Any] = decoded(container, stream)
        self._now = first(self._frames, path)
        self._since = self._clock.seconds(self._now)
        self._next: Any = None
        self._peek()

    def at(self, t: float) -> Any:
        """The frame shown at ``t`` seconds.

        Raises:
            VideoError: if the file does not decode up to there.
        """
        if t + SLACK < self._since or (self._next is not None and t > self._until + _NEAR_S and self._clock.timed):
            self._seek(t)
        while self._next is not None and self._until <= t + SLACK:
            self._now, self._since = self._next, self._until
            self._peek()
        if self._next is None and t > self._since + max(1.0, 2 * self._clock.gap) and not self._lasts(t):
            raise VideoError(f"{self._path}: nothing decodes at {t:.2f} s; the last frame is at {self._since:.2f} s")
        return self._now

    def _lasts(self, t: float) -> bool:
        """Whether a whole file says that its last frame is still shown at ``t``."""
        stated = length(self._container, self._stream, self._path) + self._clock.gap
        return t <= stated and not is_cut(self._container, self._stream, self._path)

    def _peek(self) -> None:
        self._next = next(self._frames, None)
        self._until = math.inf if self._next is None else self._clock.seconds(self._next)

    def _seek(self, t: float) -> None:
        """Stand at a frame at or before ``t``; at the first one if there is none."""
        for back in _BACK_S:
            to = self._clock.start + max(0.0, t - back)
            if self._jump(to if back < math.inf else None) and self._since <= t + SLACK:
                break
        if self._now is None:
            raise VideoError(f"{self._path}: nothing decodes at {t:.2f} s")

    def _jump(self, to: float | None) -> bool:
        """Whether a frame decodes after seeking to a time of the stream (None: to its start)."""
        base = self._stream.time_base
        offset = (self._stream.start_time or 0) if to is None else int(to / base)
        try:
            self._container.seek(offset, stream=self._stream)
        except failures():
            return False
        self._frames = decoded(self._container, self._stream)
        self._now = next(self._frames, None)
        if self._now is None:
            return False
        self._since = self._clock.seconds(self._now)
        self._peek()
        return True


def first(frames: Iterator[Any], path: str | os.PathLike[str]) -> Any:
    """The first of ``frames``.

    Raises:
        VideoError: if there is none.
    """
    frame = next(frames, None)
    if frame is None:
        raise nothing(path)
    return frame


def nothing(path: str | os.PathLike[str]) -> VideoError:
    """The error of a file without a single frame."""
    return VideoError(f"{path}: no frame decodes; the video is empty, damaged or cut off")


def rotation(frame: Any) -> int:
    """Degrees clockwise, a multiple of 90, by which a stored frame is turned to be shown."""
    return -round(getattr(frame, "rotation", 0) / 90) * 90 % 360


def length(container: Any, stream: Any, path: str | os.PathLike[str]) -> float:
    """Seconds of the opened stream of ``path``: as stated by it or its container, else by reading the file through."""
    stated = 0.0
    if stream.duration and stream.time_base:
        stated = float(stream.duration * stream.time_base)
    elif container.duration:
        stated = container.duration / 1e6 - max(0.0, (container.start_time or 0) / 1e6)
    if 0 < stated < _LONGEST_S:
        return stated
    start, end, count = Clock(stream), 0.0, 0
    with opened(path) as (again, same):
        for packet in _packets(again, same):
            count += 1
            end = max(end, _end_of(packet, start.start))
    return end if 0 < end < _LONGEST_S else count * start.gap


def is_cut(container: Any, stream: Any, path: str | os.PathLike[str]) -> bool:
    """Whether ``path``, opened, lacks the end of its video; where it does not say how long that is, no.

    Its index names bytes after the file's end; or, without a full index, the last packet lies before the stated end.
    """
    if not (stream.duration or container.duration):
        return False
    seconds, size = length(container, stream, path), os.path.getsize(path)
    entries = getattr(stream, "index_entries", None) or ()
    tail = [entries[i] for i in range(max(0, len(entries) - _TAIL), len(entries))]
    if any(entry.pos + entry.size > size for entry in tail):
        return True
    if "mp4" in container.format.name and 0 < stream.frames == len(entries):
        return False
    return all(_end(path, near) + max(1.0, 0.02 * seconds) < seconds for near in (seconds, None))


def _end(path: str | os.PathLike[str], near: float | None) -> float:
    """Where the last packet ends, in seconds, read from before ``near`` or (None) from the start."""
    with opened(path) as (container, stream):
        start = Clock(stream).start
        if near is not None:
            with suppress(*failures()):
                container.seek(int((start + near) / stream.time_base), stream=stream)
        return max((_end_of(packet, start) for packet in _packets(container, stream)), default=0.0)


def _end_of(packet: Any, start: float) -> float:
    return 0.0 if packet.pts is None else float((packet.pts + (packet.duration or 0)) * packet.time_base) - start


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """Packets that hold something, undecoded, from where the container stands to where reading ends."""
    with suppress(*failures()):
        yield from (packet for packet in container.demux(stream) if packet.size)
