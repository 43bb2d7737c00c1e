"""Records in a file, such as ``assay-mint gui`` writes: split by screen, so that none is in two splits."""

from __future__ import annotations

from assay.envs.gui_grounding.options import Options
from assay.envs.gui_grounding.pictures import image_size, within
from assay.envs.gui_grounding.records import file_of, read_records
from assay.envs.gui_grounding.tasks import task_set
from assay.envs.tasks import TaskSet, split_of


def tasks(options: Options, split: str) -> TaskSet:
    """The tasks of the file ``options.path``, or of ``tasks.jsonl`` in that folder.

    Raises:
        ValueError: one line that names the file, the line and the field.
    """
    if not options.path:
        raise ValueError("source 'jsonl' needs a path: a file of records, or the folder that assay-mint gui wrote")
    file, chosen, sizes = file_of(options.path), [], {}
    for number, record in enumerate(read_records(file), 1):
        where = f"{file}: record {number}"
        path = within(file.parent, record.image, where)
        if path not in sizes:
            sizes[path] = image_size(path, where)
        if sizes[path] != record.size:
            raise ValueError(f"{where}: field 'size' is {list(record.size)}, but {path} has {list(sizes[path])}")
        screen = str(record.source.get("screen", record.image))  # other pictures of a screen belong to its split
        if split_of(screen, options.test_share, options.dev_share) == split:
            chosen.append((record, f"file:{path}"))
    return task_set(chosen, options, split)
