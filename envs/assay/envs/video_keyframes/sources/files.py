"""Records in a file, such as ``assay-mint video`` writes, with the videos beside it."""

from __future__ import annotations

from pathlib import Path

from assay.envs.tasks import Task, TaskSet, split_of
from assay.envs.video_keyframes.options import Options
from assay.envs.video_keyframes.records import Record, file_of, read_records
from assay.envs.video_keyframes.tasks import task_of


def tasks(options: Options, split: str) -> TaskSet:
    """The tasks of the file ``options.path``, or of ``tasks.jsonl`` in that folder.

    A record's own split holds, unless ``test_share`` is 1 (then everything is a test); a record without one is split
    by the hash of its video, so that no video is in two splits.

    Raises:
        ValueError: one line that names the file, the line and the field.
    """
    if not options.path:
        raise ValueError("source 'files' needs a path: a file of records, or the folder that assay-mint video wrote")
    file = file_of(options.path)
    found: dict[str, Task] = {}
    for number, record in enumerate(read_records(file), 1):
        if _split(record, options) != split or (options.kinds and record.kind not in options.kinds):
            continue
        where = f"{file}: record {number}"
        video = within(file.parent, record.video, where, "video")
        meta = {"subtitles": str(within(file.parent, record.subtitles, where, "subtitles"))} if record.subtitles else {}
        task = task_of(record, options, split, f"file:{video}", **meta)
        found.setdefault(task.id, task)
        if options.limit and len(found) >= options.limit:
            break
    if not found:
        raise ValueError(f"the {split} split of {file} is empty: check kinds, split and test_share")
    return TaskSet(found.values())


def _split(record: Record, options: Options) -> str:
    if options.test_share >= 1:
        return "test"
    return record.split or split_of(record.video, options.test_share, options.dev_share)


def within(folder: Path, name: str, where: str, field: str) -> Path:
    """The file ``name`` below ``folder``, which must be there.

    Raises:
        ValueError: one line, if it is missing or somewhere else.
    """
    path = folder / name
    if Path(name).is_absolute() or not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{where}: field {field!r}: {name} is outside of {folder}")
    if not path.is_file():
        raise ValueError(f"{where}: field {field!r}: no such file: {path}")
    return path
