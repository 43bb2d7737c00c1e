"""Records in the format of SpatialTree-Bench, from a folder or the hub."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from assay.envs.spatial_tree.bench_truth import Asked, asked, object_of
from assay.envs.spatial_tree.clips import LARGEST, chosen_frames, references
from assay.envs.spatial_tree.options import Options
from assay.envs.spatial_tree.tasks import chosen_leaves, task_of
from assay.envs.tasks import Task, TaskSet
from assay.envs.video_keyframes.benchmarks import question_files, rows_of, text_of
from assay.verifiers import registry
from assay.verifiers.spatial.tree import LEAVES, Leaf

REPO = "LongfeiLi/SpatialTree-Bench"
FILES = ("test*.parquet", "data/test*.parquet", "test*.jsonl", "test*.json", "*.parquet", "data/*.parquet", "*.jsonl",
         "data/*.jsonl", "*.json", "data/*.json")  # fmt: skip
"""Where the records of a folder are, tried in turn."""
MOST_TEXT, MOST_MEDIA = 100_000, 64
_HUB = re.compile(r"[\w.-]+/[\w.-]+")
_PLACES = re.compile(r"<(image|video)>")  # a model's template would take them for pictures of its own
_LONG = 200


def tasks(options: Options) -> TaskSet:
    """The records as tasks.

    Raises:
        ValueError: one line that names file, row and field of what cannot be read.
    """
    if options.split != "test":
        raise ValueError(f"source bench has a test split only, not {options.split}: train on source scenes")
    if options.template:
        raise ValueError("source bench has no kinds of question: leave template away")
    keys = {leaf.key for leaf in chosen_leaves(options)}
    files, folder = _where(options.path)
    rows = [(file, where, row) for file in files for where, row in rows_of(file)]
    shown = track(rows, "reading records", console=Console(stderr=True), transient=True,
                  disable=len(rows) < _LONG or not sys.stderr.isatty())  # fmt: skip
    found: dict[str, Task] = {}
    for file, where, row in shown:
        extra = object_of(row.get("extra_info"), "extra_info", where)
        leaf = leaf_of(extra, where)
        if leaf.key in keys:
            task = _task(row, extra, leaf, folder, where, options, where.removeprefix(str(file)))
            found.setdefault(task.id, task)
    if not found:
        raise ValueError(f"{folder} has no record of {', '.join(sorted(keys))[:200]}")
    return TaskSet(found.values())


def _where(path: str) -> tuple[list[Path], Path]:
    """The files of records and the folder of their media."""
    if not path:
        raise ValueError(f"source bench needs path=FOLDER with the records and their media, or path={REPO}")
    place = Path(path).expanduser()
    if place.is_file():
        return [place], place.parent
    if not place.is_dir() and _HUB.fullmatch(path):
        place = _fetched(path)
    if not place.is_dir():
        raise ValueError(f"no such folder: {place} (the records and media of {REPO})")
    return question_files(place, FILES, REPO), place


def _fetched(repo: str) -> Path:
    """A data set of the hub, as a folder."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise ImportError(f"fetching {repo} needs huggingface_hub: pip install 'assay[data]'") from None
    try:
        return Path(snapshot_download(repo, repo_type="dataset"))
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ValueError(f"no such folder, and {repo} cannot be fetched from the hub ({reason})") from None


def leaf_of(extra: Mapping[str, Any], where: str) -> Leaf:
    """The ability of a record: its level and its deepest ``spatreeN``, spaces and case aside.

    Raises:
        ValueError: one line that names the field.
    """
    names = {int(key[7:]): str(value) for key, value in extra.items() if re.fullmatch(r"spatree\d{1,2}", key) and value}
    if not names or 0 not in names:
        raise ValueError(f"{where}: field 'extra_info' has no spatree0, the level")
    level, deepest = names[0].strip(), _squeezed(names[max(names)])
    for leaf in LEAVES:
        if leaf.level == level and _squeezed(leaf.name) == deepest:
            return leaf
    within = ", ".join(leaf.name for leaf in LEAVES if leaf.level == level) or "no such level"
    raise ValueError(
        f"{where}: field 'extra_info': {level[:20]} has no ability {names[max(names)][:40]!r}; it has: {within}"
    )


def _squeezed(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _task(row: Mapping[str, Any], extra: Mapping[str, Any], leaf: Leaf, folder: Path, where: str, options: Options,
          name: str) -> Task:  # fmt: skip
    question = _PLACES.sub("", text_of(row, "question", where))
    if len(question) > MOST_TEXT:
        raise ValueError(f"{where}: field 'question' has {len(question)} characters, more than {MOST_TEXT}")
    metricfunc = text_of(extra, "metricfunc", f"{where}: field 'extra_info'")
    wanted = asked(row, metricfunc, object_of(row.get("hint"), "hint", where), where)
    _check(wanted, where)
    lettered = [f"{letter}. {text}" for letter, text in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", wanted.options, strict=False)]
    data = {
        "text": "\n".join([question, *lettered]), "options": [], "ask": wanted.ask, "metric": wanted.metric,
        "gold": _gold(wanted), "truth": wanted.truth, "captions": [], "start": {},
    }  # fmt: skip
    files = pictures_of(row, folder, where)
    meta = {"split": "test", "source": "bench", "template": metricfunc, "name": name}
    return task_of(data, files, leaf, options, meta)


def _check(wanted: Asked, where: str) -> None:
    """What the verifier itself says of the truth."""
    try:
        registry.score(f"spatial.{wanted.metric}", "", wanted.truth)
    except ValueError as error:
        raise ValueError(f"{where}: fields 'answer' and 'hint': {error}") from None


def _gold(wanted: Asked) -> str:
    """A response that earns full reward, or "" where none is known."""
    known = registry.get(f"spatial.{wanted.metric}")
    return (known.gold(wanted.truth) if known.gold is not None else None) or ""


def pictures_of(row: Mapping[str, Any], folder: Path, where: str) -> list[str]:
    """The pictures of a record: files, or references to the frames of its clip; the clip counts where it has both.

    Raises:
        ValueError: one line that names the field.
    """
    clips = _media(row, "video", folder, where)
    if not clips:
        return [str(path) for path in _media(row, "image", folder, where)]
    listed = _listed(row, where)
    return references(clips[0], chosen_frames(listed, 0 if listed else _length(clips[0], where)))


def _media(row: Mapping[str, Any], field: str, folder: Path, where: str) -> list[Path]:
    names = row.get(field)
    if names is None or names == "":
        return []
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError(f"{where}: field {field!r} is a list of paths, got {str(names)[:60]!r}")
    if len(names) > MOST_MEDIA:
        raise ValueError(f"{where}: field {field!r} lists {len(names)} files, more than {MOST_MEDIA}")
    return [_inside(folder, name, field, where) for name in names]


def _inside(folder: Path, name: str, field: str, where: str) -> Path:
    beyond = "\x00" in name or len(name) > 500 or Path(name).is_absolute() or ".." in Path(name).parts
    if beyond or not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{where}: field {field!r}: {name[:60]!r} is outside of {folder}")
    if not (folder / name).is_file():
        packed = sorted(each.name for each in folder.glob("*.zip"))
        hint = f" (unpack {', '.join(packed[:3])} first?)" if packed else ""
        raise ValueError(f"{where}: field {field!r}: no such file: {folder / name}{hint}")
    return folder / name


def _listed(row: Mapping[str, Any], where: str) -> list[int]:
    """The frames that ``video_info`` lists of the first clip."""
    told = row.get("video_info")
    if told is None or told == "" or (isinstance(told, list | tuple) and not told):
        return []
    first = object_of(told[0] if isinstance(told, list | tuple) else told, "video_info", where)
    frames = first.get("frame_index")
    if frames is None:
        return []
    whole = isinstance(frames, list | tuple) and all(type(n) is int and 0 <= n <= LARGEST for n in frames)
    if not whole:
        raise ValueError(f"{where}: field 'video_info': frame_index is a list of frame numbers, got {str(frames)[:60]}")
    return list(frames or ())


def _length(clip: Path, where: str) -> int:
    from assay.envs.video_keyframes.decode import VideoError, probe

    try:
        return max(1, probe(clip).frames)
    except VideoError as error:
        raise ValueError(f"{where}: field 'video': {error}") from None
