"""LVBench (arXiv:2406.08035) in its two published forms: one JSON object a video, or one row a question.

Of a video: key (the file's name), type, and qa, a list of uid, question ("(A) .." lines inside), answer, question_type
(a list) and time_reference ("MM:SS-MM:SS"). A row of the other form has video_path, question, answer and, optional,
options (texts without letters), type, question_type, uid and time_reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.envs.tasks import TaskSet, content_id
from assay.envs.video_keyframes.benchmarks import (
    Videos,
    benchmark_tasks,
    distinct,
    folder_of,
    letter_of,
    question_files,
    rows_of,
    text_of,
    texts_of,
)
from assay.envs.video_keyframes.options import Options
from assay.envs.video_keyframes.records import Interval, Record, letters_for

REPO = "THUDM/LVBench"
FILES = ("video_info.meta.jsonl", "data/video_info.meta.jsonl", "*.jsonl", "*.json", "**/*.parquet", "*.csv")
CUE = "Answer with the letter of the right option."
_OPTION = re.compile(r"^[ \t]*\(([A-Z])\)[ \t]*(.*)$", re.MULTILINE)
_CLOCK = r"(?:(\d{1,2}):)?(\d{1,3}):(\d{1,2})"
_SPAN = re.compile(rf"\s*{_CLOCK}\s*[-–~]\s*{_CLOCK}\s*", re.ASCII)


def tasks(options: Options, split: str) -> TaskSet:
    """The questions of the folder ``options.path``.

    Raises:
        ValueError: one line that names the file, the row and the field.
    """
    return benchmark_tasks(options, split, read_lvbench(folder_of(options, REPO), options), "", CUE)


def read_lvbench(path: str | Path, options: Options) -> list[Record]:
    """The questions in a folder with the published files of either form, and videos in it or below ``all_videos``.

    A video that is missing is told of; its questions stay, and count as wrong.

    Args:
        path: the folder; questions that are not in it are fetched from the hub.
        options: of the environment.

    Raises:
        ValueError: one line that names the file, the row and the field; or no video is there at all.
    """
    folder = Path(path)
    videos = Videos(folder, ("all_videos", "videos", "video"))
    rows = (each for file in question_files(folder, FILES, REPO) for each in rows_of(file))
    found = (each for where, row in rows for each in _records(row, where, videos))
    records = distinct(found, "uid", f"{folder} has no questions of LVBench")
    videos.tell(options.source)
    return records


def _records(row: Mapping[str, Any], where: str, videos: Videos) -> Iterator[tuple[str, Record]]:
    if "qa" not in row:
        name = text_of(row, "video_path", where)
        yield where, _record(row, where, str(videos.find(name, where, "video_path")), name, row)
        return
    if not isinstance(row["qa"], list):
        raise ValueError(f"{where}: field 'qa' is a list of questions, got {str(row['qa'])[:60]!r}")
    name = text_of(row, "key", where)
    file = str(videos.find(name, where, "key"))
    for number, qa in enumerate(row["qa"], 1):
        place = f"{where}: question {number}"
        if not isinstance(qa, dict):
            raise ValueError(f"{place}: field 'qa' is a list of objects, got {str(qa)[:60]!r}")
        yield place, _record(qa, place, file, name, row)


def _record(qa: Mapping[str, Any], where: str, file: str, name: str, about: Mapping[str, Any]) -> Record:
    question, options = _asked(qa, where)
    answer = letter_of(qa, "answer", len(options), where)
    kinds = _kinds(qa, where)
    uid = text_of(qa, "uid", where, "")
    source = {
        "type": "lvbench", "video_type": text_of(about, "type", where, ""), "question_type": kinds, "video_id": name,
        "uid": uid,
    }  # fmt: skip
    return Record(
        video=file, question=question, answer=answer, options=tuple(options), kind=kinds[0] if kinds else "",
        events=_events(qa.get("time_reference")), split="test", source=source,
        id=content_id("lvbench", name, uid, question, options, answer),
    )  # fmt: skip


def _asked(qa: Mapping[str, Any], where: str) -> tuple[str, list[str]]:
    """The question without its options, and these without their letters."""
    text = text_of(qa, "question", where)
    if qa.get("options") not in (None, "", []):
        options = texts_of(qa, "options", where)
        if not 2 <= len(options) <= 26:
            raise ValueError(f"{where}: field 'options' is of 2 to 26 texts, got {len(options)}")
        return text, options
    found = list(_OPTION.finditer(text))
    if not 2 <= len(found) <= 26 or [each.group(1) for each in found] != letters_for(len(found)):
        raise ValueError(f"{where}: field 'question' has its options as lines '(A) ..', got {text[:60]!r}")
    options = [each.group(2).strip() for each in found]
    if not all(options) or not text[: found[0].start()].strip():
        raise ValueError(f"{where}: field 'question' is a question and options that are not empty, got {text[:60]!r}")
    return text[: found[0].start()].strip(), options


def _kinds(qa: Mapping[str, Any], where: str) -> list[str]:
    value = qa.get("question_type")
    if value in (None, "", []):
        return []
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return [value.strip()]
    return texts_of(qa, "question_type", where)


def _events(reference: Any) -> tuple[Interval, ...]:
    """The time that the answer rests on, where it is given as two times."""
    match = _SPAN.fullmatch(reference[:60]) if isinstance(reference, str) else None
    if match is None:
        return ()
    begin, end = (
        int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
        for hours, minutes, seconds in (match.groups()[:3], match.groups()[3:])
    )
    return ((float(begin), float(end)),) if begin <= end else ()
