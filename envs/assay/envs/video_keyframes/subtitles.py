"""Subtitles: ``.srt`` files, read as they come, and the lines that were on the screen at some times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

MOST_BYTES = 1 << 24
"""A larger file is no subtitles."""
MOST_LINE = 2000
"""Characters of one entry that are kept."""
_CLOCK = r"(\d{1,4}):([0-5]?\d):([0-5]?\d)(?:[,.](\d{1,6}))?"
_TIMES = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s.*)?", re.ASCII)
_TAG = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")


class SubtitleError(ValueError):
    """A file that is no subtitles; one line that names it."""


class Subtitle(NamedTuple):
    """One entry: shown from ``begin`` until just before ``end``, both in seconds."""

    begin: float
    end: float
    text: str


def read_srt(path: str | Path) -> list[Subtitle]:
    """The entries of an ``.srt`` file by time: an index, ``HH:MM:SS,mmm --> HH:MM:SS,mmm``, and lines of text.

    Text that is not UTF-8 is read with marks in its place, tags such as ``<font>`` are taken out, lines are joined by
    a space. An entry without times, without text, or that ends before it begins is left out.

    Raises:
        SubtitleError: one line; there is no such file, it is larger than 16 MiB, or it has no entry at all.
    """
    file = Path(path)
    try:
        with file.open("rb") as handle:
            data = handle.read(MOST_BYTES + 1)
    except OSError as error:
        raise SubtitleError(f"{file}: {error.strerror or error}") from None
    if len(data) > MOST_BYTES:
        raise SubtitleError(f"{file} has more than {MOST_BYTES >> 20} MiB, which no subtitles have")
    utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    found = parse_srt(data.decode("utf-16" if utf16 else "utf-8-sig", errors="replace"))
    if not found:
        raise SubtitleError(f"{file} has no subtitles: no entry with 'HH:MM:SS,mmm --> HH:MM:SS,mmm' and text")
    return found


def parse_srt(text: str) -> list[Subtitle]:
    """The entries of the text of an ``.srt`` file by time; see :func:`read_srt`."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    times = [(number, match) for number, line in enumerate(lines) if (match := _timed(line))]
    found = []
    for place, (number, match) in enumerate(times):
        last = times[place + 1][0] if place + 1 < len(times) else len(lines)
        said = _text(lines[number + 1 : last])
        begin, end = _seconds(match.groups()[:4]), _seconds(match.groups()[4:])
        if said and begin < end:
            found.append(Subtitle(begin, end, said))
    return sorted(found)


def _timed(line: str) -> re.Match[str] | None:
    return _TIMES.fullmatch(line) if "-->" in line and len(line) < 200 else None


def _text(lines: Sequence[str]) -> str:
    """The lines of an entry up to the first empty one, without tags."""
    kept: list[str] = []
    for line in lines:
        if not line.strip():
            break
        kept.append(_TAG.sub("", line[:MOST_LINE]))
    printable = "".join(c if c.isprintable() else " " for c in " ".join(kept)[:MOST_LINE])
    return " ".join(printable.split())


def _seconds(clock: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = clock
    assert hours is not None
    assert minutes is not None
    assert seconds is not None
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + (float(f"0.{fraction}") if fraction else 0.0)


def lines_at(entries: Sequence[Subtitle], seconds: Sequence[float]) -> list[str]:
    """What is written on the screen at any of some times, each entry once, in the order in which they are shown.

    An entry is on the screen at t where begin <= t < end.

    Args:
        entries: of :func:`read_srt`.
        seconds: in any order.
    """
    moments = sorted(seconds)
    found, at = [], 0
    for entry in sorted(entries):
        while at < len(moments) and moments[at] < entry.begin:
            at += 1
        if at == len(moments):
            break
        if moments[at] < entry.end:
            found.append(entry.text)
    return found
