"""ScreenSpot-v2 (arXiv:2410.23218): boxes x, y, w, h in pixels; the platform is in the name of the file."""

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
from assay.envs.gui_grounding.records import Record, text
from assay.envs.tasks import TaskSet

REPO = "OS-Copilot/ScreenSpot-v2"


def tasks(options: Options, split: str) -> TaskSet:
    """The tasks of the folder ``options.path``, or of the hub.

    Raises:
        ValueError: one line that names the file and the field.
    """
    folder = folder_of(options, REPO, ("*.json", "*.zip"))
    return benchmark_tasks(options, split, _records(folder))


def _records(folder: Path) -> Iterator[tuple[Record, str]]:
    images = Images(folder, ("screenspotv2_image", "screenspot_imgs", "images"))
    for file in files_in(folder, ("screenspot_*_v2.json",)):
        platform = file.stem.split("_")[1]
        for where, row in rows_of(file):
            ref, size = images.find(text(row, "img_filename", where, filled=True), where, "img_filename")
            box = box_of(row, "bbox", "xywh", size, where)
            groups = {"platform": platform, "ui_type": choice(row, "data_type", ("text", "icon"), where)}
            instruction = text(row, "instruction", where, filled=True)
            app = str(row.get("data_source", ""))
            yield annotated("screenspot-v2", where, ref, size, instruction, box, app, **groups), ref
