"""How a worker and its owner talk: a frame is one JSON value and any number of byte strings. Nothing is unpickled."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from typing import Any

_HEAD = struct.Struct(">II")
_LENGTH = struct.Struct(">Q")
_MOST = 1 << 30


class RefusedError(ValueError):
    """What the caller of a worker asked for cannot be done; one line."""


def write_frame(descriptor: int, value: Any, blobs: Sequence[bytes] = ()) -> None:
    """Write one frame.

    Raises:
        OSError: if the other side is gone.
    """
    text = json.dumps(value, separators=(",", ":")).encode()
    head = _HEAD.pack(len(text), len(blobs)) + b"".join(_LENGTH.pack(len(blob)) for blob in blobs)
    for part in (head + text, *blobs):
        view = memoryview(part)
        while view:
            view = view[os.write(descriptor, view) :]


def read_frame(descriptor: int) -> tuple[Any, list[bytes]]:
    """Read one frame.

    Raises:
        EOFError: if the other side is gone.
        ValueError: if what comes is not a frame.
    """
    size, count = _HEAD.unpack(_exactly(descriptor, _HEAD.size))
    if size > _MOST or count > 64:
        raise ValueError("not a frame")
    lengths = [_LENGTH.unpack(_exactly(descriptor, _LENGTH.size))[0] for _ in range(count)]
    if sum(lengths) > _MOST:
        raise ValueError("not a frame")
    value = json.loads(_exactly(descriptor, size))
    return value, [_exactly(descriptor, length) for length in lengths]


def _exactly(descriptor: int, size: int) -> bytes:
    parts = bytearray(size)
    view, done = memoryview(parts), 0
    while done < size:
        read = os.readv(descriptor, [view[done:]])
        if not read:
            raise EOFError("the other side has closed")
        done += read
    return bytes(parts)
