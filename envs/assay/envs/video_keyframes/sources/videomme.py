"""VideoMME (arXiv:2405.21075) as lmms-lab/Video-MME publishes it: a table of questions, videos, and subtitles.

A row has video_id, duration (short, medium, long), domain, sub_category, url, videoID (the file's name), question_id,
task_type, question, options (four texts, "A. .." to "D. .."), and answer (a letter).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
from assay.envs.video_keyframes.records import Record, letters_for

REPO = "lmms-lab/Video-MME"
FILES = ("videomme/*.parquet", "*.parquet", "*.jsonl", "*.json", "*.csv")
DURATIONS = ("short", "medium", "long")
_LABEL = re.compile(r"\(?([A-Z])[.):]\s*(?=\S)")
BEFORE = (
    "Choose the best answer to this multiple-choice question about the {seen}. Reply with its letter ({letters}) only."
)
CUE = "The best answer is:"


def tasks(options: Options, split: str) -> TaskSet:
    """The questions of the folder ``options.path``.

    Raises:
        ValueError: one line that names the file, the row and the field.
    """
    folder = folder_of(options, REPO)
    seen = "video and its subtitles" if options.subtitles else "video"
    before = BEFORE.format(seen=seen, letters="A, B, C or D")
    return benchmark_tasks(options, split, read_videomme(folder, options), before, CUE)


def read_videomme(path: str | Path, options: Options) -> list[Record]:
    """The questions in a folder with the published files: Parquet, CSV, JSON or JSONL, and videos below ``data``.

    A video that is missing is told of; its questions stay, and count as wrong.

    Args:
        path: the folder; questions that are not in it are fetched from the hub.
        options: of the environment.

    Raises:
        ValueError: one line that names the file, the row and the field; or no video is there at all.
    """
    folder = Path(path)
    videos = Videos(folder, ("data", "videos", "video"))
    rows = (each for file in question_files(folder, FILES, REPO) for each in rows_of(file))
    found = ((where, _record(row, where, videos)) for where, row in rows)
    records = distinct(found, "question_id", f"{folder} has no questions of VideoMME")
    videos.tell(options.source)
    return records


def _record(row: Mapping[str, Any], where: str, videos: Videos) -> Record:
    options = _options(row, where)
    duration = text_of(row, "duration", where).lower()
    if duration not in DURATIONS:
        raise ValueError(f"{where}: field 'duration' is one of {', '.join(DURATIONS)}, got {duration[:20]!r}")
    name, question = text_of(row, "videoID", where), text_of(row, "question", where)
    groups = {key: text_of(row, key, where) for key in ("domain", "sub_category", "task_type")}
    number, answer = text_of(row, "question_id", where), letter_of(row, "answer", len(options), where)
    subtitle = next(
        (path for folder in ("subtitle", "subtitles") if (path := videos.folder / folder / f"{name}.srt").is_file()),
        None,
    )
    return Record(
        video=str(videos.find(name, where, "videoID")), question=question, answer=answer, options=tuple(options),
        kind=groups["task_type"], split="test", subtitles="" if subtitle is None else str(subtitle),
        source={"type": "videomme", "duration": duration, **groups, "video_id": name, "question_id": number},
        id=content_id("videomme", number, question, options, answer),
    )  # fmt: skip


def _options(row: Mapping[str, Any], where: str) -> list[str]:
    """The options without their letters, which must be A, B, C, ... in order."""
    found = texts_of(row, "options", where)
    labels = [_LABEL.match(each) for each in found]
    if not 2 <= len(found) <= 26 or [label and label.group(1) for label in labels] != letters_for(len(found)):
        raise ValueError(f"{where}: field 'options' is a list such as ['A. ..', 'B. ..'], got {str(found)[:60]}")
    return [each[label.end() :] for each, label in zip(found, labels, strict=True) if label]
