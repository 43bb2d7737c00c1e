"""Rows from where they are kept: bundled, minted, a file, or a published data set."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from assay.envs.swe_rl.formats import r2e_gym_row, swe_smith_row
from assay.envs.swe_rl.official import with_environment
from assay.envs.swe_rl.options import Options
from assay.envs.swe_rl.rows import RowError, SweRow, row_of
from assay.envs.tables import load_hub, read_table
from assay.envs.tasks import split_of

PUBLISHED = {
    "swebench-verified": ("SWE-bench/SWE-bench_Verified", "swe-bench"),
    "swebench-lite": ("SWE-bench/SWE-bench_Lite", "swe-bench"),
    "swebench-full": ("SWE-bench/SWE-bench", "swe-bench"),
    "swe-gym": ("SWE-Gym/SWE-Gym", "swe-gym"),
    "r2e-gym": ("R2E-Gym/R2E-Gym-Subset", "r2e-gym"),
    "swe-smith": ("SWE-bench/SWE-smith", "swe-smith"),
}
"""Hub name and kind of record of each published source."""
SPLITS = {"train": "train", "dev": "dev", "validation": "dev", "test": "test"}
MINTED = ("rows.jsonl", "tasks.jsonl")
Reader = Callable[[Mapping[str, Any], str], SweRow]


def load_rows(options: Options) -> list[SweRow]:
    """The rows of ``options.split``.

    Raises:
        ValueError: one line; no such file or data set, a row that is none (named), or a split that has no rows.
        ImportError: if ``datasets`` is needed and not installed.
    """
    if options.source == "fixture":
        from assay.envs.swe_rl import fixtures

        records = [{**row, "environment": {**row.get("environment", {}), "files": {"fixture": row["instance_id"]}}}
                   for row in fixtures.rows()]  # fmt: skip
        rows = [row_of(record, "fixtures", {"source": "fixture"}) for record in records]
        return _of_split(rows, options)
    if options.source in PUBLISHED:
        return _published(options)
    if not options.path:
        raise ValueError(f"source={options.source} needs path=FILE, a .jsonl, .json or .parquet of rows")
    path = _file(options.path)
    level = {} if options.source == "minted" else {"level": "official"}
    rows = _read(read_records(path), path.name, lambda record, where: _local(record, where, path, level, options))
    return _of_split(rows, options)


def read_records(path: Path) -> list[dict[str, Any]]:
    """The records of a file: JSON lines, a JSON list (or an object of lists, by split), or Parquet.

    Raises:
        ValueError: one line; it is not there or not what its suffix says.
    """
    if path.suffix.lower() != ".json":
        return read_table(path)
    if not path.is_file():
        raise ValueError(f"no such file: {path}")
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if isinstance(data, dict):
        data = [{"split": split, **row} for split, rows in data.items() if isinstance(rows, list) for row in rows]
    if not isinstance(data, list) or not data or not all(isinstance(row, dict) for row in data):
        raise ValueError(f"{path} is not a list of objects")
    return data


def _file(path: str) -> Path:
    place = Path(path).expanduser()
    if place.is_dir():
        for name in MINTED:
            if (place / name).is_file():
                return place / name
        raise ValueError(f"{place} has no {' and no '.join(MINTED)}: give the file of rows")
    return place


def _read(records: list[dict[str, Any]], name: str, reader: Reader) -> list[SweRow]:
    return [reader(record, f"{name}:{number}") for number, record in enumerate(records, 1)]


def _local(record: Mapping[str, Any], where: str, path: Path, level: dict[str, str], options: Options) -> SweRow:
    """A row of a file, whose relative paths start at the file's folder; ids like SWE-smith's are read as such."""
    own = record.get("split")
    about = {**level, "source": options.source, **({"split": SPLITS[own]} if own in SPLITS else {})}
    reader = _reader_of(record)
    row = with_environment(reader(_with_absolute_files(record, path.parent), where))
    return _replace_meta(row, {**about, **row.meta})


def _reader_of(record: Mapping[str, Any]) -> Reader:
    if "parsed_commit_content" in record or "expected_output_json" in record:
        return r2e_gym_row
    if "image_name" in record and "test_patch" not in record:
        return swe_smith_row
    return row_of


def _with_absolute_files(record: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    environment = record.get("environment")
    files = environment.get("files") if isinstance(environment, Mapping) else None
    if not isinstance(environment, Mapping) or not isinstance(files, Mapping):
        return record
    known = {
        kind: str((folder / str(files[kind])).absolute()) for kind in ("directory", "git", "folder") if kind in files
    }
    return {**record, "environment": {**environment, "files": {**files, **known}}}


def _published(options: Options) -> list[SweRow]:
    hub, kind = PUBLISHED[options.source]
    about = {"level": "official", "source": options.source}
    if options.path:
        path = Path(options.path).expanduser()
        found = read_records(path)
        if all(record.get("split") in SPLITS for record in found):
            found = [record for record in found if SPLITS[record["split"]] == options.split]
        records: dict[str, list[dict[str, Any]]] = {options.split: found}
        where = path.name
    else:
        loaded = load_hub(hub)
        records = {SPLITS[name]: [dict(row) for row in data] for name, data in loaded.items() if name in SPLITS}
        where = hub
    if not records.get(options.split):
        have = ", ".join(sorted(records)) or "none"
        raise ValueError(f"{where} has no split {options.split!r}; it has: {have} (split=...)")
    reader = {"swe-smith": swe_smith_row, "r2e-gym": r2e_gym_row}.get(kind, row_of)
    rows = _read(records[options.split], where, reader)
    rows = [_replace_meta(row, {**row.meta, **about, "split": options.split}) for row in rows]
    return [with_environment(row) if options.repos else _with_image(row, kind) for row in rows]


def _with_image(row: SweRow, kind: str) -> SweRow:
    """The row with the image that its data set publishes for it."""
    from dataclasses import replace

    from assay.envs.swe_rl.images import PYTHONS
    from assay.sandbox.docker.names import of_row

    environment = {"executable": PYTHONS[kind], **row.environment}
    try:
        named = {"image": row.image} if row.image else {}
        return replace(row, image=of_row({"instance_id": row.instance_id, **named}, kind), environment=environment)
    except ValueError as error:
        raise RowError(f"{row.instance_id}: {error}") from None


def _of_split(rows: list[SweRow], options: Options) -> list[SweRow]:
    """The rows whose own split, else whose repository's, is the one asked for."""
    kept = []
    for row in rows:
        split = row.meta.get("split") or split_of(f"repo:{row.repo}", options.test_share, options.dev_share)
        if split == options.split:
            kept.append(_replace_meta(row, {**row.meta, "split": split}))
    if not kept:
        repos = len({row.repo for row in rows})
        raise ValueError(
            f"none of the {len(rows)} rows is in split {options.split!r}: they are of {repos} repositories, split by "
            "the hash of their names; set test_share (1 puts all into test, 0 into train)"
        )
    return kept


def _replace_meta(row: SweRow, meta: dict[str, Any]) -> SweRow:
    from dataclasses import replace

    return replace(row, meta=meta)
