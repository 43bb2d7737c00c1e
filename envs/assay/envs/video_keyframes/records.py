"""Questions about videos in a file: one JSON line each, the videos beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from assay.envs.record_files import read_lines, records_file
from assay.envs.tasks import content_id

"""What a folder of records calls its file."""
PROBLEMS = ("mcq", "numerical", "ocr", "free", "regression")
SPLITS = ("train", "dev", "test")
Interval: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Record:
    """One video, one question, one answer.

    Attributes:
        video: where it is, relative to the file of records.
        question: without options and without how to answer.
        answer: the right letter, or for other problems the text to compare with.
        options: of a multiple-choice question, without letters, in their order.
        problem: how the answer is judged: see the verifier ``video.answer``.
        kind: of question; free words.
        about: what in the video is asked about; free words, may be empty.
        events: [begin, end] in seconds of what must be seen to answer, the most needed first; empty if unknown.
        split: which part of the data it belongs to; empty decides by the hash of ``video``.
        source: where it came from; JSON-serialisable.
        subtitles: an .srt file, relative to the file of records; empty if there is none.
        id: hash of the content; made where empty.
    """

    video: str
    question: str
    answer: str
    options: tuple[str, ...] = ()
    problem: str = "mcq"
    kind: str = ""
    about: str = ""
    events: tuple[Interval, ...] = ()
    split: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    subtitles: str = ""
    id: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON-serialisable data."""
        return {**asdict(self), "source": dict(self.source)}


def letters_for(count: int) -> list[str]:
    """The letters of that many options."""
    return [chr(ord("A") + number) for number in range(count)]


def record_of(data: Any, where: str) -> Record:
    """The record that a line holds.

    Raises:
        ValueError: one line that begins with ``where`` and names the field.
    """
    if not isinstance(data, dict):
        raise ValueError(f"{where}: a record is an object, got {type(data).__name__}")
    texts = {name: _text(data, name, where, filled=True) for name in ("video", "question", "answer")}
    optional = {
        name: _text(data, name, where) for name in ("kind", "about", "split", "subtitles", "id") if name in data
    }
    problem = _text(data, "problem", where) if "problem" in data else "mcq"
    if problem not in PROBLEMS:
        raise ValueError(f"{where}: field 'problem' is one of {', '.join(PROBLEMS)}, got {problem!r}")
    if optional.get("split") and optional["split"] not in SPLITS:
        raise ValueError(f"{where}: field 'split' is one of {', '.join(SPLITS)}, got {optional['split']!r}")
    options = data.get("options", [])
    if not isinstance(options, list) or not all(isinstance(each, str) and each.strip() for each in options):
        raise ValueError(f"{where}: field 'options' is a list of texts, got {str(options)[:60]}")
    if problem == "mcq" and not (2 <= len(options) <= 26 and texts["answer"] in letters_for(len(options))):
        raise ValueError(f"{where}: a multiple-choice record has 2 to 26 options and the letter of one as its answer")
    if not isinstance(data.get("source", {}), dict):
        raise ValueError(f"{where}: field 'source' is an object, got {data['source']!r}")
    return Record(
        **texts, problem=problem, options=tuple(options), events=_events(data, where),
        source=data.get("source", {}), **optional,
    )  # fmt: skip


def record_id(digest: str, record: Record) -> str:
    """The id of a record: a hash of its video's digest and of what is asked."""
    return content_id("video", digest, record.question, record.options, record.answer, record.problem)


def _text(data: Mapping[str, Any], name: str, where: str, filled: bool = False) -> str:
    value = data.get(name)
    if not isinstance(value, str) or (filled and not value.strip()):
        raise ValueError(f"{where}: field {name!r} is text{' that is not empty' if filled else ''}, got {value!r}")
    return value


def _events(data: Mapping[str, Any], where: str) -> tuple[Interval, ...]:
    found = data.get("events", [])
    if not isinstance(found, list) or not all(_is_interval(each) for each in found):
        raise ValueError(f"{where}: field 'events' is a list of [begin, end] in seconds, got {str(found)[:60]}")
    return tuple((float(begin), float(end)) for begin, end in found)


def _is_interval(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(each, int | float) and not isinstance(each, bool) for each in value)
        and 0 <= value[0] <= value[1] < 1e9
    )


def file_of(path: str | Path) -> Path:
    """The file of records that a path names: itself, or ``tasks.jsonl`` in a folder.

    Raises:
        ValueError: one line, if there is none.
    """
    return records_file(path, "video")


def read_records(path: str | Path) -> list[Record]:
    """The records of a file, or of ``tasks.jsonl`` in a folder.

    Raises:
        ValueError: one line that names the file, the line and the field.
    """
    return read_lines(file_of(path), record_of)
