"""How many samples an MP4 file claims, read from its boxes (ISO/IEC 14496-12) before FFmpeg believes them.

FFmpeg makes an index entry of every sample that a header claims, and of every one again for each entry of an edit list;
neither takes bytes in the file, so a few kilobytes can ask for gigabytes.
"""

from __future__ import annotations

import os
from typing import BinaryIO

MAX_BOXES = 1_000_000
"""Boxes that are looked at; a file of more is refused."""
MAX_ENTRIES = 30_000_000
"""Samples times edits that are indexed: two days of video and sound."""
SAMPLES = (1_000_000, 8)
"""Samples that a file may claim: this many, and this many more for each of its bytes."""
_DEEPEST = 12
_PARENTS = frozenset(
    b"moov trak mdia minf stbl edts moof traf mvex dinf udta meta tref wave sinf schi free skip".split()
)
"""Boxes that FFmpeg looks into."""


def problem(path: str | os.PathLike[str]) -> str:
    """What makes the header of a file unbelievable; empty if nothing does, or if it is no MP4."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        try:
            listed, alike, edits = _claimed(file, size)
        except _CompressedError:
            return "its header is compressed, which is not read"
        except _TooManyError:
            return f"its header has more than {MAX_BOXES:,} boxes"
    if listed + alike > SAMPLES[0] + SAMPLES[1] * size:
        return f"its header claims {listed + alike:,} samples in {size:,} bytes"
    if listed * max(1, edits) > MAX_ENTRIES:
        return f"its header claims {listed:,} samples and {edits:,} edits"
    return ""


class _CompressedError(Exception):
    pass


class _TooManyError(Exception):
    pass


def _claimed(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """Of all tracks together: samples of their own size, samples of one size (plain sound, mostly), and edits."""
    listed = alike = edits = seen = 0
    spans = [(0, size, 0)]
    while spans:
        at, end, depth = spans.pop()
        while at + 8 <= end:
            seen += 1
            if seen > MAX_BOXES:
                raise _TooManyError
            file.seek(at)
            head = file.read(24)
            length, kind, start = _box(head, end - at)
            if length < start:
                break  # not a box, or one that is cut off in its head
            if kind == b"cmov":
                raise _CompressedError
            if kind in _PARENTS and depth < _DEEPEST:
                spans.append((at + start, min(end, at + length), depth + 1))
            file.seek(at + start)
            body = file.read(12)
            first, second = int.from_bytes(body[4:8], "big"), int.from_bytes(body[8:12], "big")
            listed += {b"stsz": 0 if first else second, b"stz2": second, b"trun": first}.get(kind, 0)
            alike += second if kind == b"stsz" and first else 0
            edits += first if kind == b"elst" else 0
            at += length
    return listed, alike, edits


def _box(head: bytes, room: int) -> tuple[int, bytes, int]:
    """Length, type and size of the head of the box that ``head`` begins with; the length is at most ``room``."""
    length, kind = int.from_bytes(head[:4], "big"), head[4:8]
    if length == 1:
        return min(int.from_bytes(head[8:16], "big"), room), kind, 16
    return (room if length == 0 else min(length, room)), kind, 8
