"""UI-I2E-Bench (arXiv:2504.11257): boxes x1, y1, x2, y2 in pixels; instructions say or imply their target."""

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

REPO = "vaundys/I2E-Bench"


def tasks(options: Options, split: str) -> TaskSet:
    """The tasks of the folder ``options.path``, or of the hub.

    Raises:
        ValueError: one line that names the file and the field.
    """
    return benchmark_tasks(options, split, _records(folder_of(options, REPO, ("*.jsonl", "**/*.png", "**/*.jpg"))))


def _records(folder: Path) -> Iterator[tuple[Record, str]]:
    images = Images(folder, (".", "images"))
    for file in files_in(folder, ("I2E-bench-annotation.jsonl",)):
        for where, row in rows_of(file):
            ref, size = images.find(text(row, "image", where, filled=True), where, "image")
            box = box_of(row, "bounding_box", "xyxy", size, where)
            notes = row.get("annotations")
            if not isinstance(notes, dict):
                raise ValueError(f"{where}: field 'annotations' is an object, got {notes!r}")
            level = choice(notes, "instr_type", ("explicit", "implicit"), f"{where}: annotations")
            groups = {"instr_type": level, "origin": str(row.get("source", "")).lower()}
            instruction = text(row, "instruction", where, filled=True)
            yield annotated("ui-i2e", where, ref, size, instruction, box, **groups), ref
