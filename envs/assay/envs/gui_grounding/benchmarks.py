"""What the benchmarks' readers share: folders or the hub, rows of JSON, boxes by the data set's own convention."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from assay.envs.gui_grounding.options import Options
from assay.envs.gui_grounding.pictures import image_size, within
from assay.envs.gui_grounding.records import Box, Record, numbers
from assay.envs.gui_grounding.tasks import task_set
from assay.envs.tasks import TaskSet, content_id

Row = dict[str, Any]
Convention = Literal["xyxy", "xywh", "unit"]
"""How a data set writes a box: corners in pixels, a corner and a size in pixels, or corners as shares of the image."""


def benchmark_tasks(options: Options, split: str, records: Iterable[tuple[Record, str]]) -> TaskSet:
    """The tasks of a benchmark, all of which are for testing.

    Raises:
        ValueError: one line, for another split, or what ``records`` raises.
    """
    if split != "test":
        raise ValueError(f"{options.source} has a test split only: train on qt, web or your own records")
    return task_set(records, options, split)


def folder_of(options: Options, repo: str, patterns: Sequence[str]) -> Path:
    """The folder of the published files: ``options.path``, or a copy from the hub.

    Raises:
        ValueError: one line; there is no such folder, or the hub cannot be reached.
        ImportError: if huggingface_hub is not installed.
    """
    if options.path:
        folder = Path(options.path).expanduser()
        if not folder.is_dir():
            raise ValueError(
                f"no such folder: {folder} (the published files of {options.source}, see {repo} on the hub)"
            )
        return folder
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise ImportError("fetching a benchmark needs huggingface_hub: pip install 'assay[data]'") from None
    try:
        return Path(snapshot_download(repo, repo_type="dataset", allow_patterns=list(patterns)))
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ValueError(
            f"cannot fetch {repo} from the hub ({reason}): check the network, or give path=FOLDER with the published "
            "files"
        ) from None


def files_in(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """The files that match the first pattern which any file matches, sorted.

    Raises:
        ValueError: one line, if there are none.
    """
    for pattern in patterns:
        found = sorted(path for path in folder.glob(pattern) if path.is_file())
        if found:
            return found
    raise ValueError(f"{folder} has no {' or '.join(patterns)}: give the folder with the published files")


def rows_of(file: Path) -> Iterator[tuple[str, Row]]:
    """The objects of a JSON list, or of a file of JSON lines, each with what an error about it begins with.

    Raises:
        ValueError: one line that names the file.
    """
    try:
        content = file.read_text(encoding="utf-8")
        if file.suffix == ".jsonl":
            items = [json.loads(line) for line in content.splitlines() if line.strip()]
        else:
            items = json.loads(content)
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not JSON: {str(error).splitlines()[0]}") from None
    if not isinstance(items, list):
        raise ValueError(f"{file}: a list of objects is wanted, got {type(items).__name__}")
    for number, item in enumerate(items, 1):
        where = f"{file}: item {number}"
        if not isinstance(item, dict):
            raise ValueError(f"{where}: an object is wanted, got {type(item).__name__}")
        yield where, item


class Images:
    """Finds a benchmark's images and their sizes.

    Args:
        folder: of the benchmark.
        roots: folders below it in which its images may lie, tried in turn.
    """

    def __init__(self, folder: Path, roots: Sequence[str]) -> None:
        self.folder = folder
        self.roots = [folder / root for root in roots if (folder / root).is_dir()]
        self._sizes: dict[Path, tuple[int, int]] = {}

    def find(self, name: str, where: str, field: str) -> tuple[str, tuple[int, int]]:
        """The reference of an image and its size.

        Raises:
            ValueError: one line that names the field and the file.
        """
        paths = [within(root, name, where, field) for root in self.roots or [self.folder]]
        path = next((each for each in paths if each.is_file()), paths[0])
        archives = sorted(each.name for each in self.folder.glob("*.zip"))
        if not path.is_file() and archives:
            raise ValueError(f"{where}: field {field!r}: no such image: {path} (unpack {', '.join(archives)} first?)")
        if path not in self._sizes:
            self._sizes[path] = image_size(path, where, field)
        return f"file:{path}", self._sizes[path]


def box_of(row: Mapping[str, Any], field: str, convention: Convention, size: tuple[int, int], where: str) -> Box:
    """A box in pixels. The convention is the data set's and is never guessed from the numbers.

    Raises:
        ValueError: one line that names the field.
    """
    a, b, c, d = numbers(row, field, 4, where)
    width, height = size
    if convention == "xywh":
        box = (a, b, a + c, b + d)
    elif convention == "unit":
        box = (a * width, b * height, c * width, d * height)
    else:
        box = (a, b, c, d)
    if box[2] < box[0] or box[3] < box[1]:
        raise ValueError(f"{where}: field {field!r} is no box ({convention}): {row[field]}")
    if box[2] < 0 or box[3] < 0 or box[0] > width or box[1] > height:
        raise ValueError(f"{where}: field {field!r} is off the image of {width} x {height} pixels: {row[field]}")
    return box


def choice(row: Mapping[str, Any], field: str, allowed: Sequence[str], where: str) -> str:
    """A field that is one of some words, in lower case.

    Raises:
        ValueError: one line that names the field.
    """
    value = str(row.get(field, "")).strip().lower()
    if value not in allowed:
        raise ValueError(f"{where}: field {field!r} is one of {', '.join(allowed)}; got {row.get(field)!r}")
    return value


def annotated(
    benchmark: str, where: str, ref: str, size: tuple[int, int], instruction: str, box: Box | None, app: str = "",
    **groups: str,
) -> Record:  # fmt: skip
    """The record of an annotation; its id has its place in the file, since benchmarks count repeated ones twice."""
    place = where.replace("\\", "/").rpartition("/")[2]
    identity = content_id(benchmark, place, instruction, box)
    source = {"type": benchmark, "app": app}
    return Record(ref, size, instruction, box, source=source, truth_from="annotation", groups=groups, id=identity)
