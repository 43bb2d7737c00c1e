"""The files of a task at its base commit, read one by one or all, wherever they come from."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from assay.envs.swe_rl.gitread import GitError, blobs, find_mirror, missing, tree_of
from assay.envs.swe_rl.rows import SweRow

Entry: TypeAlias = tuple[int, bytes]
"""A mode (0o100644, 0o100755 or 0o120000 for a link) and the content, or where the link points."""
MAX_FILES = 200_000
CHUNK = 500


class RepoError(ValueError):
    """The files of a task cannot be had; one line that says why and what to do."""


@dataclass(frozen=True)
class Base:
    """A tree of files that is not written anywhere yet.

    Attributes:
        key: names the tree: equal keys, equal files.
        paths: every file and link, sorted.
        read: the entries of some of them, in the order asked for.
    """

    key: Sequence[Any]
    paths: tuple[str, ...]
    read: Callable[[Sequence[str]], Iterator[Entry]]


def base_of(row: SweRow, repos: str = "") -> Base:
    """Where the files of ``row`` come from.

    The row's ``environment["files"]`` decides if it has one: ``{"fixture": instance_id}``, ``{"directory": path}``,
    ``{"archive": path, "sha256": ...}``, or a minted row's ``{"sdist": {...}}`` or ``{"git": path, "commit": ...}``
    with the patches to ``undo``; else the folder of git repositories ``repos``.

    Raises:
        RepoError: there is no such source, or it lacks the commit.
    """
    given = row.environment.get("files")
    files = dict(given) if isinstance(given, Mapping) else {}
    name = row.instance_id
    if "fixture" in files:
        from assay.envs.swe_rl import fixtures

        try:
            tree = fixtures.base_tree(str(files["fixture"]))
        except KeyError as error:
            raise RepoError(f"{name}: {error.args[0]}") from None
        return held({path: (0o100644, data) for path, data in tree.items()})
    if "directory" in files:
        folder = Path(str(files["directory"])).expanduser()
        if not folder.is_dir():
            raise RepoError(f"{name}: there is no folder {folder}")
        return held(dict(read_folder(folder)))
    if files:
        return held(_minted(files, row))
    return _mirrored(row, repos)


def held(tree: Mapping[str, Entry]) -> Base:
    """A base whose files are in memory."""
    digest = hashlib.sha256()
    for path, (mode, data) in sorted(tree.items()):
        digest.update(f"{mode:o} {len(data)} ".encode() + os.fsencode(path) + b"\0" + data)
    return Base(["files", digest.hexdigest()], tuple(sorted(tree)), lambda paths: (tree[path] for path in paths))


def _mirrored(row: SweRow, repos: str) -> Base:
    name = row.instance_id
    if not repos:
        raise RepoError(f"{name}: no files: the row names none, so give a folder of git repositories with repos=DIR")
    if not Path(repos).expanduser().is_dir():
        raise RepoError(f"there is no folder {repos} (option repos)")
    mirror = find_mirror(Path(repos).expanduser(), row.repo)
    if mirror is None:
        wanted = Path(repos) / row.repo.replace("/", "+")
        raise RepoError(f"{name}: {repos} has no git repository of {row.repo}; expected one at {wanted}")
    try:
        listed = tree_of(mirror, row.base_commit)
    except GitError as error:
        raise RepoError(f"{name}: {mirror} has no commit {row.base_commit[:40]} ({error}): fetch it there") from None
    # Submodules stay empty folders, as after a clone that was not told to fetch them.
    entries = {path: (int(mode, 8), oid) for mode, oid, path in listed if mode != "160000"}
    absent = missing(mirror, [oid for _, oid in entries.values()])
    lost = sorted(path for path, (_, oid) in entries.items() if oid in absent)
    if lost and not row.environment.get("partial"):
        raise RepoError(
            f"{name}: {mirror} lacks {len(lost)} file(s) of the commit, {lost[0]} among them: make it a full clone, or "
            'put "partial": true into the row\'s environment to do without them'
        )
    for path in lost:
        del entries[path]

    def read(paths: Sequence[str]) -> Iterator[Entry]:
        for start in range(0, len(paths), CHUNK):
            part = [entries[path] for path in paths[start : start + CHUNK]]
            try:
                yield from zip([mode for mode, _ in part], blobs(mirror, [oid for _, oid in part]), strict=True)
            except GitError as error:
                raise RepoError(f"{name}: {error}") from None

    return Base(["git", row.repo, row.base_commit, lost], tuple(sorted(entries)), read)


def _minted(files: Mapping[str, Any], row: SweRow) -> dict[str, Entry]:
    from assay.envs.swe_rl.mint.errors import MintError
    from assay.envs.swe_rl.mint.source import files_of_record

    try:
        tree = files_of_record(files, {"patch": row.patch, "test_patch": row.test_patch})
    except MintError as error:
        raise RepoError(f"{row.instance_id}: {error}") from None
    return {path: (entry.mode, entry.data) for path, entry in tree.items()}


def read_folder(folder: Path) -> Iterator[tuple[str, Entry]]:
    """The files of a plain directory; every ``.git`` in it is left out, and links are not followed.

    Raises:
        RepoError: if there are more than 200,000 files.
    """
    count = 0
    for here, folders, names in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        skipped = {".git", "__pycache__"}
        folders[:] = sorted(name for name in folders if name.lower() not in skipped and name not in links)
        for name in sorted(names) + links:
            if name.lower() == ".git":
                continue
            path = Path(here, name)
            about = path.lstat()
            count += 1
            if count > MAX_FILES:
                raise RepoError(f"{folder} has over {MAX_FILES:,} files")
            inside = path.relative_to(folder).as_posix()
            if stat.S_ISLNK(about.st_mode):
                yield inside, (0o120000, os.fsencode(os.readlink(path)))
            elif stat.S_ISREG(about.st_mode):
                yield inside, (0o100755 if about.st_mode & 0o100 else 0o100644, path.read_bytes())
