"""The attached stream of a container as a plain byte stream: two outputs in frames come in, bytes of one come out."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any

CHUNK = 1 << 18
FRAME_HEAD = 8
STDOUT, STDERR = 1, 2
TAIL = 4000
"""Bytes of the standard error that are kept, to say why a container ended."""


class AttachedStream:
    """A :class:`assay.sandbox.channel.Stream` over what ``attach`` returns.

    The engine frames what comes out of a container without a terminal: one byte that tells the output, three zeros,
    a big-endian ``u32`` length, the payload.

    Args:
        attached: of the SDK: an object around a socket (``_sock``), or a socket itself.
    """

    def __init__(self, attached: Any) -> None:
        self._attached = attached
        self._socket = getattr(attached, "_sock", attached)
        self._buffer = bytearray()
        self._at = 0
        self._left = 0
        self._kind = 0
        self._open = True
        self.tail = b""

    def write(self, data: bytes, deadline: float) -> None:
        """Send all of it; ``TimeoutError`` at the deadline (of ``time.monotonic()``)."""
        if not self._open:
            raise OSError("the stream is closed")
        if data:
            self._socket.settimeout(_left(deadline))
            self._socket.sendall(data)

    def read(self, most: int, deadline: float) -> bytes:
        """1 to ``most`` bytes of the standard output, or none at the end of it."""
        while True:
            piece = self._payload(most, deadline)
            if not piece or self._kind == STDOUT:
                return piece
            self.tail = (self.tail + piece)[-TAIL:]

    def close(self) -> None:
        """Hang up at once: the engine waits 20 s to remove a container whose reader has only stopped reading."""
        if not self._open:
            return
        self._open = False
        with suppress(OSError, EOFError):
            self._socket.shutdown(socket.SHUT_RDWR)
        for part in (self._attached, self._socket):
            with suppress(OSError, EOFError):
                part.close()

    def _payload(self, most: int, deadline: float) -> bytes:
        while not self._left:
            if not self._have(FRAME_HEAD, deadline):
                return b""
            head = self._buffer[self._at : self._at + FRAME_HEAD]
            self._kind, self._left = head[0], int.from_bytes(head[4:], "big")
            self._at += FRAME_HEAD
        if not self._have(1, deadline):
            return b""
        piece = bytes(self._buffer[self._at : self._at + min(most, self._left)])
        self._at += len(piece)
        self._left -= len(piece)
        return piece

    def _have(self, size: int, deadline: float) -> bool:
        while len(self._buffer) - self._at < size:
            del self._buffer[: self._at]
            self._at = 0
            if not self._open:
                raise OSError("the stream is closed")
            self._socket.settimeout(_left(deadline))
            try:
                part = self._socket.recv(CHUNK)
            except TimeoutError:
                continue  # another thread that wrote meanwhile may have set its own limit
            except ConnectionResetError:
                part = b""
            if not part:
                return False
            self._buffer += part
        return True


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
