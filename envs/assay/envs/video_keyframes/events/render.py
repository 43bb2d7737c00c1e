"""From a quiz and footage to a file: signs are put into the frames, and the frames are encoded as H.264."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from assay.envs.errors import InfraError
from assay.envs.video_keyframes.events.detect import MARGIN, sides_of
from assay.envs.video_keyframes.events.plan import FULL, RATE, Event
from assay.envs.video_keyframes.events.signs import Pixels, plate_of

CARD = (96, 96, 96)
"""The ground of a picture that a sign has for itself."""
CODEC = "libx264"


def with_events(frames: Iterable[Pixels], events: Sequence[Event]) -> Iterator[Pixels]:
    """The frames (:data:`RATE` a second), each with the signs that are on at its time."""
    for index, frame in enumerate(frames):
        active = [event for event in events if event.start <= index / RATE < event.end]
        yield put(frame, active) if active else frame


def put(frame: Pixels, events: Sequence[Event]) -> Pixels:
    """A copy of a frame, uint8 [height, width, 3], with the events' signs."""
    frame = frame.copy()
    height, width = frame.shape[:2]
    small, large = sides_of(width, height)
    margin = max(1, round(MARGIN * min(width, height)))
    for event in events:
        if event.place == FULL:
            frame[:] = CARD
            top, left, side = (height - large) // 2, (width - large) // 2, large
        else:
            top = margin if event.place.startswith("top") else height - margin - small
            left = margin if event.place.endswith("left") else width - margin - small
            side = small
        frame[top : top + side, left : left + side] = plate_of(event.sign, side)
    return frame


def write_h264(path: Path, frames: Iterable[Pixels], size: tuple[int, int], quality: int = 23) -> None:
    """Encode RGB frames, :data:`RATE` a second, as an MP4 file.

    Args:
        path: ends in .mp4.
        frames: uint8 [height, width, 3].
        size: width and height, even.
        quality: constant rate factor, 0 (best) to 51.

    Raises:
        ImportError: one line, if PyAV is missing.
        InfraError: one line, if this PyAV has no encoder, or encoding fails.
    """
    try:
        import av
    except ImportError:
        raise ImportError("videos need PyAV: pip install 'assay[video]'") from None
    if CODEC not in av.codecs_available:
        raise InfraError(f"this PyAV cannot encode H.264 (no {CODEC}): install the wheel, pip install 'assay[video]'")
    try:
        with av.open(str(path), "w") as out:
            # One thread and one preset: the same frames make the same file.
            options = {"preset": "ultrafast", "crf": str(quality), "threads": "1"}
            stream = out.add_stream(CODEC, rate=RATE, options=options)
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, RATE)
            stream.codec_context.gop_size = 8 * RATE
            for index, rgb in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
                frame.pts = index
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise InfraError(f"encoding {path.name} failed: {error}") from None
