"""ScreenSpot (arXiv:2401.10935): the authors' JSON files (boxes x, y, w, h in pixels), or the mirror on the hub, whose
boxes are x1, y1, x2, y2 as shares of the image."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.envs.errors import InfraError
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

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

REPO = "rootsautomation/ScreenSpot"
PLATFORMS = {
    "ios": "mobile", "android": "mobile", "windows": "desktop", "macos": "desktop", "gitlab": "web", "shop": "web",
    "forum": "web", "tool": "web",
}  # fmt: skip
"""Platform by ``data_source``, as the authors group them."""


def tasks(options: Options, split: str) -> TaskSet:
    """The tasks of the folder ``options.path``, or of the mirror on the hub.

    Raises:
        ValueError: one line that names the file and the field.
    """
    folder = folder_of(options, REPO, ("data/*.parquet", "README.md"))
    mirrored = not any(folder.glob("screenspot_*.json"))
    if mirrored and not any(folder.glob("**/*.parquet")):
        raise ValueError(
            f"{folder} has neither screenspot_*.json nor *.parquet: give the folder with the published files"
        )
    return benchmark_tasks(options, split, _mirror(folder) if mirrored else _original(folder))


def _original(folder: Path) -> Iterator[tuple[Record, str]]:
    images = Images(folder, ("screenspot_imgs", "images"))
    for file in files_in(folder, ("screenspot_*.json",)):
        platform = file.stem.split("_")[1]
        for where, row in rows_of(file):
            ref, size = images.find(text(row, "img_filename", where, filled=True), where, "img_filename")
            box = box_of(row, "bbox", "xywh", size, where)
            kind = choice(row, "data_type", ("text", "icon"), where)
            instruction = text(row, "instruction", where, filled=True)
            groups = {"platform": platform, "ui_type": kind}
            yield (
                annotated("screenspot", where, ref, size, instruction, box, str(row.get("data_source", "")), **groups),
                ref,
            )


def _mirror(folder: Path) -> Iterator[tuple[Record, str]]:
    for number, row in enumerate(_rows(str(folder)), 1):
        where = f"{folder}: row {number}"
        size = _picture(row, where).size
        origin = text(row, "data_source", where).lower()
        groups = {
            "platform": PLATFORMS.get(origin, origin),
            "ui_type": choice(row, "data_type", ("text", "icon"), where),
        }
        instruction = text(row, "instruction", where, filled=True)
        box = box_of(row, "bbox", "unit", size, where)
        ref = f"screenspot:{number - 1}:{folder}"
        yield annotated("screenspot", where, ref, size, instruction, box, origin, **groups), ref


def screenshot(rest: str) -> Picture:
    """The picture of a row of the mirror.

    Raises:
        InfraError: one line, if it cannot be read.
    """
    number, _, folder = rest.partition(":")
    try:
        return _picture(_rows(folder)[int(number)], f"{folder}: row {int(number) + 1}").convert("RGB")
    except (ValueError, OSError) as error:
        raise InfraError(str(error).splitlines()[0]) from None


@lru_cache(maxsize=2)
def _rows(folder: str) -> Any:
    try:
        from datasets import Image, load_dataset
    except ImportError:
        raise ImportError("the parquet files of ScreenSpot need datasets: pip install 'assay[data]'") from None
    files = [str(path) for path in sorted(Path(folder).glob("**/*.parquet"))]
    try:
        rows = load_dataset("parquet", data_files=files, split="train")
        return rows.cast_column("image", Image(decode=False))
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ValueError(f"{folder}: cannot read the parquet files: {reason}") from None


def _picture(row: dict[str, Any], where: str) -> Picture:
    from PIL import Image

    try:
        return Image.open(io.BytesIO(row["image"]["bytes"]))
    except (OSError, KeyError, TypeError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{where}: field 'image': cannot read the image: {error!r}") from None
