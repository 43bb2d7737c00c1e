"""Opening video files that nobody vouches for: which formats, how large, how long, and what an error says.

FFmpeg is told to read this one file and nothing else: playlists and the like, which name other files or hosts, are
refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from assay.envs.video_keyframes import boxes

MAX_PIXELS = 8192 * 4608
"""Largest frame that is decoded, width times height."""
MAX_BROKEN = 1000
"""Packets in a row that may fail to decode before the rest of a file is given up."""
MAX_WORK = (2 * 10**10, 20_000)
"""Pixels that are decoded from one file: this many, and this many more for each of its bytes. Real footage stays far
below; a small file made to keep a machine busy for hours does not."""
THREADS = 4
"""Of the decoder, on any machine: how many frames are lost around damage depends on it, and so does memory."""
TIMEOUT_S = 20.0
"""Seconds that opening, or reading one packet, may take."""
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,h264,hevc,ivf,gif,yuv4mpegpipe"
"""Containers that are read, in FFmpeg's words."""
_ATTACHED_PICTURE = 1 << 10
"""FFmpeg's AV_DISPOSITION_ATTACHED_PIC."""
MISSING = "reading video files needs PyAV: pip install 'assay[video]'"


class VideoError(ValueError):
    """A video file that cannot be used; one line that names it and says why."""


class VideoWarning(UserWarning):
    """Part of a video file does not decode; one line that names it and says how much does."""


def library() -> Any:
    """The ``av`` module.

    Raises:
        ImportError: one line naming the extra to install.
    """
    try:
        import av
    except ImportError:
        raise ImportError(MISSING) from None
    return av


def failures() -> tuple[type[BaseException], ...]:
    """What PyAV may raise on a damaged file."""
    return (library().FFmpegError, ValueError, OSError, LookupError, ArithmeticError, MemoryError)


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[tuple[Any, Any]]:
    """The container and its first real video stream, ready to decode; closed at the end.

    Pictures that go with sound (cover art) are not video.

    Raises:
        VideoError: for no such file, no video format, no video stream, a codec this FFmpeg lacks, or frames of
            unknown size or more than :data:`MAX_PIXELS`.
        ImportError: if PyAV is missing.
    """
    av = library()
    if not Path(path).is_file():
        raise VideoError(f"{path}: no such video file")
    try:
        wrong = "the file is empty" if not Path(path).stat().st_size else boxes.problem(path)
    except OSError as error:
        raise VideoError(f"{path}: {error.strerror or error}") from None
    if wrong:
        raise VideoError(f"{path}: {wrong}")
    rules = {"protocol_whitelist": "file", "format_whitelist": FORMATS, "max_pixels": str(MAX_PIXELS)}
    try:
        container = av.open(
            f"file:{Path(path).absolute()}", options=rules, metadata_errors="replace", timeout=TIMEOUT_S
        )
    except failures() as error:
        raise VideoError(f"{path}: cannot be opened as a video ({reason(error)})") from None
    try:
        yield container, _stream(container, path)
    finally:
        container.close()


def reason(error: BaseException) -> str:
    """FFmpeg's own words for what went wrong, in one line."""
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(words).splitlines()[0]


def _stream(container: Any, path: str | os.PathLike[str]) -> Any:
    """The stream to decode, told how."""
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not streams:
        raise VideoError(f"{path}: has no video stream")
    stream = streams[0]
    context = stream.codec_context
    if context is None:
        raise VideoError(f"{path}: its codec cannot be decoded by this FFmpeg; re-encode it, for example as H.264")
    width, height = context.width, context.height
    context.options = {"max_pixels": str(MAX_PIXELS)}
    context.thread_type = "AUTO"
    context.thread_count = THREADS
    if width * height > MAX_PIXELS:
        raise VideoError(
            f"{path}: frames of {width} x {height} are more than the {MAX_PIXELS:,} pixels that are decoded"
        )
    if width < 1 or height < 1:
        raise VideoError(f"{path}: does not say how large its frames are; it is damaged or cut off")
    return stream


def _is_cover(stream: Any) -> bool:
    disposition = getattr(stream, "disposition", 0)
    return bool(int(getattr(disposition, "value", disposition)) & _ATTACHED_PICTURE)


def decoded(container: Any, stream: Any, broken: list[str] | None = None) -> Iterator[Any]:
    """Frames from where the container stands, in the order shown; what is damaged is passed over.

    Args:
        container: opened.
        stream: of it.
        broken: grows by one line for every packet that does not decode.

    Raises:
        VideoError: beyond :data:`MAX_WORK`.
    """
    left = MAX_WORK[0] + MAX_WORK[1] * max(0, container.size)
    for frame in _frames(container, stream, [] if broken is None else broken):
        left -= frame.width * frame.height
        if left < 0:
            raise VideoError(
                f"{container.name.removeprefix('file:')}: decodes to more pixels than footage of its size does"
            )
        yield frame


def _frames(container: Any, stream: Any, broken: list[str]) -> Iterator[Any]:
    damage = failures()
    packets = container.demux(stream)
    missed = 0
    while missed <= MAX_BROKEN:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except damage:
            break
        try:
            frames = packet.decode()
        except damage as error:
            missed += 1
            broken.append(reason(error))
            continue
        missed = 0 if frames else missed
        yield from frames
    with suppress(*damage):
        yield from stream.codec_context.decode(None)
