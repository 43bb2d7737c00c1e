"""What the benchmarks' readers share: rows of their published files, the videos beside them, and their tasks."""

from __future__ import annotations

import csv
import json
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assay.envs.tables import read_table
from assay.envs.tasks import Task, TaskSet
from assay.envs.video_keyframes.options import Options
from assay.envs.video_keyframes.prompt import prompt_of, question_text, request
from assay.envs.video_keyframes.records import Record, letters_for
from assay.envs.video_keyframes.tasks import task_of

Row = dict[str, Any]
SUFFIXES = (".mp4", ".MP4", ".mkv", ".webm", ".mov", ".avi")
MOST_BYTES = 1 << 28
"""A larger file of questions is refused."""


class MissingVideosWarning(UserWarning):
    """Some videos of a benchmark are not there; one line that says how many, and that they count as wrong."""


def folder_of(options: Options, repo: str) -> Path:
    """``options.path``.

    Raises:
        ValueError: one line, if it is empty or no folder.
    """
    if not options.path:
        raise ValueError(
            f"source {options.source} needs path=FOLDER with its videos, unpacked (see {repo} on the hub); questions "
            "that are not in the folder are fetched"
        )
    folder = Path(options.path).expanduser()
    if not folder.is_dir():
        raise ValueError(f"no such folder: {folder} (the videos of {options.source}, see {repo} on the hub)")
    return folder


def question_files(folder: Path, patterns: Sequence[str], repo: str) -> list[Path]:
    """The files that match the first pattern which any file matches, sorted; fetched from the hub where there is none.

    Raises:
        ValueError: one line; there are none and the hub cannot be reached.
        ImportError: if huggingface_hub is then missing.
    """
    found = _matching(folder, patterns)
    if found:
        return found
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise ImportError(
            f"{folder} has no {' or '.join(patterns)}, and fetching it needs huggingface_hub: pip install 'assay[data]'"
        ) from None
    try:
        fetched = Path(snapshot_download(repo, repo_type="dataset", allow_patterns=list(patterns)))
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ValueError(
            f"{folder} has no {' or '.join(patterns)}, and {repo} cannot be fetched from the hub ({reason})"
        ) from None
    found = _matching(fetched, patterns)
    if not found:
        raise ValueError(f"neither {folder} nor {repo} on the hub has {' or '.join(patterns)}")
    return found


def _matching(folder: Path, patterns: Sequence[str]) -> list[Path]:
    each = (sorted(path for path in folder.glob(pattern) if path.is_file()) for pattern in patterns)
    return next((found for found in each if found), [])


def rows_of(file: Path) -> Iterator[tuple[str, Row]]:
    """The rows of a Parquet, CSV, JSON or JSONL file, each with what an error about it begins with.

    Raises:
        ValueError: one line that names the file, and the row where it is one row's fault.
    """
    if not file.is_file():
        raise ValueError(f"no such file: {file}")
    if file.stat().st_size > MOST_BYTES:
        raise ValueError(f"{file} has more than {MOST_BYTES >> 20} MiB, which no file of questions has")
    if file.suffix == ".parquet":
        yield from ((f"{file}: row {number}", row) for number, row in enumerate(read_table(file), 1))
        return
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror or error}") from None
    yield from {".csv": _csv, ".jsonl": _lines}.get(file.suffix, _list)(file, text)


def _lines(file: Path, text: str) -> Iterator[tuple[str, Row]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{file}:{number}", _object(_parsed(line, f"{file}:{number}"), f"{file}:{number}")


def _list(file: Path, text: str) -> Iterator[tuple[str, Row]]:
    items = _parsed(text, str(file))
    if not isinstance(items, list):
        raise ValueError(f"{file}: a list of objects is wanted, got {type(items).__name__}")
    for number, item in enumerate(items, 1):
        yield f"{file}: row {number}", _object(item, f"{file}: row {number}")


def _csv(file: Path, text: str) -> Iterator[tuple[str, Row]]:
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # the default refuses fields over 128 KB
    try:
        rows = list(csv.DictReader(text.splitlines(keepends=True)))
    except csv.Error as error:
        raise ValueError(f"{file} is not a CSV file: {error}") from None
    finally:
        csv.field_size_limit(before)
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise ValueError(f"{file}: row {number} does not have the fields of the header")
        yield f"{file}: row {number}", row


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not JSON: {str(error).splitlines()[0]}") from None


def _object(item: Any, where: str) -> Row:
    if not isinstance(item, dict):
        raise ValueError(f"{where}: an object is wanted, got {type(item).__name__}")
    return item


def text_of(row: Mapping[str, Any], name: str, where: str, default: str | None = None) -> str:
    """A field that is text (or a number, as text) and not empty; ``default`` where it is left out.

    Raises:
        ValueError: one line that names the row and the field.
    """
    value = row.get(name)
    if value is None and default is not None:
        return default
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: field {name!r} is text that is not empty, got {str(value)[:60]!r}")
    return value.strip()


def texts_of(row: Mapping[str, Any], name: str, where: str) -> list[str]:
    """A field that is a list of texts; in CSV, a JSON list.

    Raises:
        ValueError: one line that names the row and the field.
    """
    value = row.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) and each.strip() for each in value):
        raise ValueError(f"{where}: field {name!r} is a list of texts, got {str(row.get(name))[:60]!r}")
    return [each.strip() for each in value]


def letter_of(row: Mapping[str, Any], name: str, count: int, where: str) -> str:
    """A field that is the letter of one of ``count`` options.

    Raises:
        ValueError: one line that names the row and the field.
    """
    value = text_of(row, name, where).upper()
    if value not in letters_for(count):
        raise ValueError(f"{where}: field {name!r} is one of {', '.join(letters_for(count))}, got {value[:20]!r}")
    return value


def distinct(found: Iterable[tuple[str, Record]], field: str, nothing: str) -> list[Record]:
    """The records of a benchmark, each of which comes with where it stands.

    Raises:
        ValueError: one line, if two have one id, which ``field`` gives them, or ``nothing`` if there are none.
    """
    seen: dict[str, str] = {}
    records = []
    for where, record in found:
        if record.id in seen:
            raise ValueError(f"{where}: field {field!r}: the same question is in {seen[record.id]}")
        seen[record.id] = where
        records.append(record)
    if not records:
        raise ValueError(nothing)
    return records


class Videos:
    """Finds a benchmark's videos, and counts those that are not there.

    Args:
        folder: of the benchmark.
        roots: folders below it in which videos may lie, tried in turn; the folder itself comes last.
    """

    def __init__(self, folder: Path, roots: Sequence[str]) -> None:
        self.folder = folder
        self.roots = [folder / root for root in roots if (folder / root).is_dir()] + [folder]
        self._known: dict[str, Path] = {}
        self.missing: set[str] = set()

    def find(self, name: str, where: str, field: str) -> Path:
        """Where the video ``name`` (with or without its suffix) is, or would be.

        Raises:
            ValueError: one line, if it is outside of the folder.
        """
        if name not in self._known:
            self._known[name] = self._look(name, where, field)
        return self._known[name]

    def _look(self, name: str, where: str, field: str) -> Path:
        outside = Path(name).is_absolute() or ".." in Path(name).parts or "\x00" in name or len(name) > 500
        if outside or not (self.folder / name).resolve().is_relative_to(self.folder.resolve()):
            raise ValueError(f"{where}: field {field!r}: {name[:60]!r} is outside of {self.folder}")
        names = [name] if Path(name).suffix in SUFFIXES else [f"{name}{suffix}" for suffix in SUFFIXES]
        for root in self.roots:
            for each in names:
                if (root / each).is_file():
                    return root / each
        self.missing.add(name)
        return self.roots[0] / names[0]

    def tell(self, source: str) -> None:
        """Warn of videos that are missing.

        Raises:
            ValueError: one line, if none is there.
        """
        if self.missing and len(self.missing) == len(self._known):
            archives = sorted(each.name for each in self.folder.glob("*.zip"))
            hint = f" (unpack {', '.join(archives[:3])} first?)" if archives else ""
            raise ValueError(f"none of the {len(self._known)} videos of {source} is in {self.roots[0]}{hint}")
        if self.missing:
            warnings.warn(
                f"{len(self.missing)} of {len(self._known)} videos of {source} are missing, such as "
                f"{min(self.missing)}: their questions count as wrong",
                MissingVideosWarning,
                stacklevel=2,
            )


def benchmark_tasks(options: Options, split: str, records: Iterable[Record], before: str, cue: str) -> TaskSet:
    """The tasks of a benchmark, all of which are for testing: those of ``options.kinds``, at most ``options.limit``.

    Args:
        options: of the environment.
        split: must be test.
        records: with ids, ``video`` being the whole path.
        before: what is said before the question; empty for nothing.
        cue: what is said after the options. Where the environment asks for thinking, its own request stands there.

    Raises:
        ValueError: one line, for another split, or if nothing is left.
    """
    if split != "test":
        raise ValueError(f"{options.source} has a test split only: train on events or your own files")
    kept = [record for record in records if not options.kinds or record.kind in options.kinds]
    if not kept:
        raise ValueError(f"no question of {options.source} is left: check kinds")
    return TaskSet(_task(record, options, before, cue) for record in kept[: options.limit or None])


def _task(record: Record, options: Options, before: str, cue: str) -> Task:
    ref = f"file:{record.video}"
    task = task_of(record, options, "test", ref)
    asked = question_text(record.question, record.options)
    ask = request(record.problem, True) if options.think else cue
    truth = {**task.truth, "verifier": "video.mcq_letter"}
    if options.parity:
        truth["options"] = {**truth["options"], "parity": True}
    return replace(task, prompt=prompt_of(ref, f"{before}\n{asked}" if before else asked, ask), truth=truth)
