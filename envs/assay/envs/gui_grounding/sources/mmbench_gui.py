"""MMBench-GUI, level 2, element grounding (arXiv:2507.19478): boxes x1, y1, x2, y2 as shares of the image."""

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

REPO = "OpenGVLab/MMBench-GUI"


def tasks(options: Options, split: str) -> TaskSet:
    """The tasks of the folder ``options.path``, or of the hub.

    Raises:
        ValueError: one line that names the file and the field.
    """
    folder = folder_of(options, REPO, ("L2_annotations.json", "*.zip", "**/offline_images/**"))
    return benchmark_tasks(options, split, _records(folder))


def _records(folder: Path) -> Iterator[tuple[Record, str]]:
    images = Images(folder, ("offline_images", "MMBench-GUI-OfflineImages/offline_images", "images"))
    for file in files_in(folder, ("L2_annotations.json",)):
        for where, row in rows_of(file):
            platform = text(row, "platform", where, filled=True)
            name = f"{platform}/{text(row, 'image_path', where, filled=True)}"
            ref, size = images.find(name, where, "image_path")
            if numbers(row, "image_size", 2, where) != size:
                raise ValueError(f"{where}: field 'image_size' is {row['image_size']}, but the image has {list(size)}")
            box = box_of(row, "bbox", "unit", size, where)
            level = choice(row, "grounding_type", ("basic", "advanced"), where)
            groups = {"platform": platform.lower(), "grounding_type": level}
            instruction = text(row, "instruction", where, filled=True)
            yield (
                annotated("mmbench-gui", where, ref, size, instruction, box, str(row.get("app_name", "")), **groups),
                ref,
            )
