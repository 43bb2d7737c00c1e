"""ScreenSpot-Pro (arXiv:2504.07981): boxes x1, y1, x2, y2 in pixels; rows without a target are right if nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from assay.envs.gui_grounding.benchmarks import (
    Images,
    annotated,
    benchmark_tasks,
    box_of,
    choice,
    files_in,
    folder_of,
    rows_of,
)
from assay.envs.gui_grounding.options import Options
from assay.envs.gui_grounding.records import Record, numbers, text
from assay.envs.tasks import TaskSet

REPO = "likaixin/ScreenSpot-Pro"
GROUPS = ("cad", "dev", "creative", "scientific", "office", "os")


def tasks(options: Options, split: str) -> TaskSet:
    """The tasks of the folder ``options.path``, or of the hub, with instructions in ``options.language``.

    Raises:
        ValueError: one line that names the file and the field.
    """
    folder = folder_of(options, REPO, ("annotations/*.json", "images/**"))
    return benchmark_tasks(
        options, split, _records(folder, "instruction_cn" if options.language == "cn" else "instruction")
    )


def _records(folder: Path, said: str) -> Iterator[tuple[Record, str]]:
    images = Images(folder, ("images",))
    for file in files_in(folder, ("annotations/*.json",)):
        for where, row in rows_of(file):
            ref, size = images.find(text(row, "img_filename", where, filled=True), where, "img_filename")
            if numbers(row, "img_size", 2, where) != size:
                raise ValueError(f"{where}: field 'img_size' is {row['img_size']}, but the image has {list(size)}")
            negative = row.get("gt_type") == "negative"
            box = None if negative else box_of(row, "bbox", "xyxy", size, where)
            groups = {
                "group": choice(row, "group", GROUPS, where),
                "ui_type": choice(row, "ui_type", ("text", "icon"), where),
                "platform": str(row.get("platform", "")), "gt_type": "negative" if negative else "positive",
            }  # fmt: skip
            instruction, app = text(row, said, where, filled=True), str(row.get("application", ""))
            yield annotated("screenspot-pro", where, ref, size, instruction, box, app, **groups), ref
