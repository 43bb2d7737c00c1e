"""Grounding tasks in a file: one JSON line each, the screenshots as PNG files beside it."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.envs.record_files import FILE, read_lines, records_file
from assay.envs.tasks import content_id

KINDS = ("literal", "functional", "spatial")

"""What a folder of records calls its file."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Record:
    """One screenshot, one instruction, one box.

    Attributes:
        image: where the screenshot is: relative to the file of records, or a reference such as ``qt:0:17``.
        size: its width and height in pixels.
        instruction: what to point at.
        box: x1, y1, x2, y2 in pixels of the stored image, edges included; None where nothing on it is meant.
        role: what kind of element it is (button, menu, cell, ...).
        kind: literal, functional or spatial; a benchmark's own word, or empty, where it has others.
        hard: whether look-alikes of the target are on the screen.
        source: where it came from: ``type`` (qt, web, a benchmark), ``app`` or ``url``; JSON-serialisable.
        truth_from: what the box rests on: "widget geometry", "DOM", "annotation".
        groups: what the benchmark's table is grouped by.
        id: hash of the content; made by :func:`identified` where empty.
    """

    image: str
    size: tuple[int, int]
    instruction: str
    box: Box | None
    role: str = ""
    kind: str = ""
    hard: bool = False
    source: Mapping[str, Any] = field(default_factory=dict)
    truth_from: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    id: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON-serialisable data."""
        data: dict[str, Any] = {
            "id": self.id, "image": self.image, "size": list(self.size), "instruction": self.instruction,
            "box": None if self.box is None else list(self.box), "role": self.role, "kind": self.kind,
            "hard": self.hard, "source": dict(self.source), "truth_from": self.truth_from,
        }  # fmt: skip
        return data | ({"groups": dict(self.groups)} if self.groups else {})


def record_id(digest: str, instruction: str, box: Box | None) -> str:
    """The id of a record: a hash of its picture's digest (or reference), instruction and box."""
    return content_id("gui", digest, instruction, None if box is None else [round(edge, 3) for edge in box])


def record_of(data: Any, where: str) -> Record:
    """The record that a line holds.

    Raises:
        ValueError: one line that begins with ``where`` and names the field.
    """
    if not isinstance(data, dict):
        raise ValueError(f"{where}: a record is an object, got {type(data).__name__}")
    size = numbers(data, "size", 2, where)
    if min(size) < 1 or any(side != int(side) for side in size):
        raise ValueError(f"{where}: field 'size' is [width, height] in whole pixels, got {data['size']}")
    if "box" not in data:
        raise ValueError(f"{where}: no field 'box'")
    box = None if data["box"] is None else box_within(numbers(data, "box", 4, where), size, f"{where}: field 'box'")
    for name in ("source", "groups"):
        if not isinstance(data.get(name, {}), dict):
            raise ValueError(f"{where}: field {name!r} is an object, got {data[name]!r}")
    if not isinstance(data.get("hard", False), bool):
        raise ValueError(f"{where}: field 'hard' is true or false, got {data['hard']!r}")
    optional = {name: text(data, name, where) if name in data else "" for name in ("role", "kind", "truth_from", "id")}
    instruction, image = text(data, "instruction", where, filled=True), text(data, "image", where, filled=True)
    return Record(
        image=image, size=(int(size[0]), int(size[1])), instruction=instruction, box=box, hard=data.get("hard", False),
        source=data.get("source", {}), groups={k: str(v) for k, v in data.get("groups", {}).items()}, **optional,
    )  # fmt: skip


def text(data: Mapping[str, Any], name: str, where: str, filled: bool = False) -> str:
    """A field that is text.

    Raises:
        ValueError: one line, naming the field.
    """
    if name not in data:
        raise ValueError(f"{where}: no field {name!r}")
    value = data[name]
    if not isinstance(value, str) or (filled and not value.strip()):
        raise ValueError(f"{where}: field {name!r} is text{' that is not empty' if filled else ''}, got {value!r}")
    return value


def numbers(data: Mapping[str, Any], name: str, count: int, where: str) -> tuple[float, ...]:
    """A field that is a list of finite numbers.

    Raises:
        ValueError: one line, naming the field.
    """
    if name not in data:
        raise ValueError(f"{where}: no field {name!r}")
    value = data[name]
    listed = isinstance(value, list | tuple) and len(value) == count
    if not listed or not all(_is_number(number) for number in value):
        raise ValueError(f"{where}: field {name!r} is a list of {count} numbers, got {str(value)[:60]}")
    return tuple(float(number) for number in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def box_within(box: tuple[float, ...], size: tuple[float, ...], what: str, slack: float = 0.5) -> Box:
    """A box with its corners in order and on the image; up to ``slack`` pixels beyond the edge are cut off.

    Raises:
        ValueError: one line that begins with ``what``.
    """
    x1, y1, x2, y2 = box
    if x2 < x1 or y2 < y1:
        raise ValueError(f"{what} is [x1, y1, x2, y2] with x1 <= x2 and y1 <= y2, got {list(box)}")
    if min(x1, y1) < -slack or x2 > size[0] + slack or y2 > size[1] + slack:
        raise ValueError(f"{what} {list(box)} is not within the image of {size[0]:g} x {size[1]:g} pixels")
    assert all(math.isfinite(edge) for edge in box)
    return (max(x1, 0.0), max(y1, 0.0), min(x2, float(size[0])), min(y2, float(size[1])))


def file_of(path: str | Path) -> Path:
    """The file of records that a path names: itself, or ``tasks.jsonl`` in a folder.

    Raises:
        ValueError: one line, if there is none.
    """
    return records_file(path, "gui")


def read_records(path: str | Path) -> list[Record]:
    """The records of a file, or of ``tasks.jsonl`` in a folder.

    Raises:
        ValueError: one line that names the file, the line and the field.
    """
    return read_lines(file_of(path), record_of)


def write_records(folder: str | Path, items: Iterable[tuple[Record, Any]]) -> int:
    """Write records and their pictures to a new folder, whole or not at all; returns how many.

    Args:
        folder: must not exist, or be empty.
        items: records and PIL images. Records of one ``image`` share a file; its name becomes a hash of the picture,
            and an empty ``id`` is filled in.

    Raises:
        ValueError: one line; the folder is not empty, there are no items, or a record is not valid.
    """
    folder = Path(folder).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} exists and is not empty: choose another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as place:
        new = Path(place) / folder.name
        count = _write(new, items)
        if not count:
            raise ValueError("no records to write")
        if folder.exists():
            folder.rmdir()
        os.replace(new, folder) if new.stat().st_dev == folder.parent.stat().st_dev else shutil.move(new, folder)
    return count


def _write(folder: Path, items: Iterable[tuple[Record, Any]]) -> int:
    import dataclasses
    from hashlib import sha256

    (folder / "images").mkdir(parents=True)
    written, count = set(), 0
    with (folder / FILE).open("w", encoding="utf-8") as out:
        for record, picture in items:
            digest = sha256(repr(picture.size).encode() + picture.convert("RGB").tobytes()).hexdigest()[:20]
            name = f"images/{digest}.png"
            if name not in written:
                picture.convert("RGB").save(folder / name)
                written.add(name)
            identity = record.id or record_id(digest, record.instruction, record.box)
            stored = dataclasses.replace(record, image=name, id=identity).to_dict()
            record_of(stored, f"record {count + 1}")
            out.write(json.dumps(stored, ensure_ascii=False) + "\n")
            count += 1
        out.flush()
        os.fsync(out.fileno())
    return count
