"""The base tree of a minted task, made again from what its record says."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.envs.swe_rl.gitread import RAW, GitError, blobs, git, tree_of
from assay.envs.swe_rl.mint.archives import read_archive
from assay.envs.swe_rl.mint.errors import MintError
from assay.envs.swe_rl.mint.index import Index, Release
from assay.envs.swe_rl.mint.layout import base_files
from assay.envs.swe_rl.patches import paths_of
from assay.envs.swe_rl.pyenvs.cache import cache_root
from assay.sandbox.patch import Entry, tree_map

UNDOABLE = ("patch", "test_patch")
SKIPPED = ("__pycache__", "node_modules", "build", "dist")
MAX_FOLDER = 128 * 2**20


def files_of_record(files: Mapping[str, Any], patches: Mapping[str, str]) -> dict[str, Entry]:
    """The files of a base tree.

    Args:
        files: a record's ``environment["files"]``: ``sdist`` (``name``, ``version``, ``file``, ``sha256``), or ``git``
            (a repository's folder) and ``commit``, or ``folder`` (a plain one); ``undo`` names the patches that are
            taken back on it, in order; ``tree`` is the hash of the result (:func:`tree_id`).
        patches: the record's ``patch`` and ``test_patch``.

    Raises:
        MintError: if the archive or commit cannot be had, a patch does not fit, or the result is another tree.
    """
    if "sdist" in files:
        tree = base_files(archive_of(files["sdist"]))
    elif "git" in files:
        tree = base_files(tree_at(Path(str(files["git"])), str(files.get("commit") or "")))
    elif "folder" in files:
        tree = base_files(tree_in(Path(str(files["folder"]))))
    else:
        raise MintError("the record names neither a source archive nor a git repository")
    for name in files.get("undo") or ():
        if name not in UNDOABLE:
            raise MintError(f"undo names {name!r}; known are {', '.join(UNDOABLE)}")
        tree = undone(tree, patches.get(name, ""))
    if files.get("tree") not in (None, tree_id(tree)):
        raise MintError("its source is not what it was when the task was made: put the files back, or mint again")
    return tree


def archive_of(sdist: Mapping[str, Any]) -> dict[str, Entry]:
    """Every file of a source release, its archive from the cache or downloaded and its hash checked.

    Raises:
        MintError: if it cannot be had.
    """
    wanted = {key: str(sdist.get(key) or "") for key in ("name", "version", "file", "sha256")}
    if not re.fullmatch(r"[0-9a-f]{64}", wanted["sha256"]) or "/" in wanted["file"] or not wanted["name"]:
        raise MintError("the record's sdist needs a name, a file and its sha256")
    release = Release(wanted["name"], wanted["version"], wanted["file"], "", wanted["sha256"])
    kept = kept_archive(release)
    if kept.is_file() and hashlib.sha256(kept.read_bytes()).hexdigest() == release.sha256:
        return read_archive(kept)
    index = Index()
    for each in index.releases(release.name):
        if each.file == release.file and each.sha256 in ("", release.sha256):
            path, found = index.fetch(each)
            if found.sha256 == release.sha256:
                return read_archive(path)
    raise MintError(f"{release.file} of this hash is not on the package index any more")


def kept_archive(release: Release) -> Path:
    """Where the cache keeps a downloaded archive."""
    return cache_root() / "sdists" / release.name / f"{release.sha256[:12]}-{release.file}"


def tree_at(repository: Path, commit: str) -> dict[str, Entry]:
    """The files of a commit of a local repository, as they are stored; submodules are left out.

    Raises:
        MintError: if there is no such repository or commit.
    """
    folder = repository / ".git" if (repository / ".git").is_dir() else repository
    if not (folder / "HEAD").is_file():
        raise MintError(f"{repository} is no git repository")
    try:
        listed = [entry for entry in tree_of(folder, commit) if entry[0] in ("100644", "100755")]
        contents = blobs(folder, [oid for _, oid, _ in listed])
        return {path: Entry(int(mode, 8), data) for (mode, _, path), data in zip(listed, contents, strict=True)}
    except GitError as error:
        raise MintError(f"{repository}: {error}") from None


def tree_in(folder: Path) -> dict[str, Entry]:
    """The regular files of a plain folder; caches, virtual environments and hidden folders are left out.

    Raises:
        MintError: if it cannot be read or is far too large for a source tree.
    """
    found: dict[str, Entry] = {}
    size = 0
    for here, folders, names in os.walk(folder):
        place = Path(here)
        skipped = {name for name in folders if name.startswith(".") or name in SKIPPED}
        skipped |= {name for name in folders if (place / name / "pyvenv.cfg").exists()}
        folders[:] = sorted(set(folders) - skipped)
        for name in sorted(names):
            path = place / name
            try:
                about = path.lstat()
                if not stat.S_ISREG(about.st_mode):
                    continue
                size += about.st_size
                if size > MAX_FOLDER or len(found) > 20_000:
                    raise MintError(f"{folder} is too large to be the source of one package")
                mode = 0o100755 if about.st_mode & 0o100 else 0o100644
                found[path.relative_to(folder).as_posix()] = Entry(mode, path.read_bytes())
            except OSError as error:
                raise MintError(f"cannot read {path}: {error.strerror}") from None
    return found


def undone(tree: Mapping[str, Entry], patch: str) -> dict[str, Entry]:
    """The tree with a patch taken back by git.

    Raises:
        MintError: if it does not fit.
    """
    if not patch.strip():
        return dict(tree)
    touched = [path for path in paths_of(patch) if ".." not in path.split("/") and not path.startswith("/")]
    with tempfile.TemporaryDirectory(prefix="assay-mint-") as scratch:
        folder = Path(scratch)
        for path in touched:
            entry = tree.get(path)
            if entry is not None:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(entry.data)
                (folder / path).chmod(entry.mode & 0o777)
        (folder / ".git" / "info").mkdir(parents=True)
        try:
            git(folder, "init", "-q", "--template=")
            (folder / ".git" / "info" / "attributes").write_text(RAW)
            git(folder, "apply", "-R", "--whitespace=nowarn", "-", stdin=patch.encode("utf-8", "surrogateescape"))
        except GitError as error:
            raise MintError(f"a patch of the record does not fit its source: {error}") from None
        found = tree_map(folder)
    kept = {path: entry for path, entry in tree.items() if path not in touched}
    return {**kept, **found}


def tree_id(tree: Mapping[str, Entry]) -> str:
    """A 40-digit hash of paths, modes and contents: what stands for a commit where there is none."""
    digest = hashlib.sha256()
    for path, entry in sorted(tree.items()):
        digest.update(f"{entry.mode:o} {len(entry.data)} ".encode() + os.fsencode(path) + b"\0" + entry.data)
    return digest.hexdigest()[:40]
