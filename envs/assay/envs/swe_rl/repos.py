"""The pristine copy of a repository that sandboxes are shown.

It has the files at the base commit and a history of exactly one commit: no other branch, tag, remote, reflog or object
from which the answer could be read.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from assay.envs.errors import InfraError
from assay.envs.swe_rl.bases import Entry, RepoError, base_of
from assay.envs.swe_rl.gitread import RAW, GitError, git
from assay.envs.swe_rl.pyenvs.cache import cache_root, cached_folder, key_of
from assay.envs.swe_rl.rows import SweRow

FORMAT = 4


def pristine(row: SweRow, repos: str = "") -> Path:
    """The folder with the files of ``row`` at its base commit, from the cache or made now.

    Args:
        row: the task.
        repos: folder of git repositories, for rows that do not say where their files are.

    Raises:
        RepoError: there is no such source, or it lacks the commit.
        InfraError: git is not installed, or the cache cannot be written.
    """
    base = base_of(row, repos)

    def make(part: Path) -> dict[str, Any]:
        tree = part / "tree"
        tree.mkdir()
        count = write_tree(tree, zip(base.paths, base.read(base.paths), strict=True))
        if not count:
            raise RepoError(f"{row.instance_id}: its repository has no files")
        one_commit(tree)
        return {"instance": row.instance_id, "files": count}

    try:
        return cached_folder(cache_root() / "swe" / "trees" / key_of(FORMAT, list(base.key)), make) / "tree"
    except GitError as error:
        raise RepoError(f"{row.instance_id}: {error}") from None
    except OSError as error:
        raise InfraError(f"the cache at {cache_root()} cannot be written: {error}") from error


def write_tree(folder: Path, files: Iterable[tuple[str, Entry]]) -> int:
    """Write files below ``folder``, which is empty; how many there were.

    Raises:
        RepoError: if a path leads out of the folder, through a link or otherwise.
    """
    made: set[str] = set()
    links: set[str] = set()
    count = 0
    for path, (mode, data) in files:
        parts = path.split("/")
        if any(part in ("", ".", "..") or part.lower() == ".git" or "\0" in part for part in parts):
            raise RepoError(f"the repository has a path that is no plain file name: {path[:200]!r}")
        parents = ["/".join(parts[:i]) for i in range(1, len(parts))]
        if links & set(parents):
            raise RepoError(f"the repository has a file behind a link: {path[:200]!r}")
        if parents and parents[-1] not in made:
            os.makedirs(folder / parents[-1], exist_ok=True)
            made.add(parents[-1])
        target = folder / path
        count += 1
        if mode == 0o120000:
            links.add(path)
            os.symlink(data, os.fsencode(target))
        else:
            with open(target, "xb") as out:
                out.write(data)
            if mode & 0o100:
                target.chmod(0o755)
    return count


def one_commit(folder: Path) -> None:
    """Give a folder a git history of one commit, with a fixed author and date, and nothing else.

    ``.git/info/attributes`` switches off every conversion that the tree's own attributes ask for.

    Raises:
        GitError: if git refuses.
    """
    shutil.rmtree(folder / ".git", ignore_errors=True)
    git(folder, "init", "-q", "--template=", "--initial-branch=main")
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "attributes").write_text(RAW)
    git(folder, "add", "-A", "-f", ".")
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "base"), ("EMAIL", "base@example.invalid"), ("DATE", "2000-01-01T00:00:00Z"))
    }
    git(folder, "commit", "-q", "--no-verify", "--allow-empty", "-m", "The repository as it is", env=who)
    git(folder, "repack", "-a", "-d", "-q")  # one file instead of thousands, for back-ends that copy
    shutil.rmtree(folder / ".git" / "logs", ignore_errors=True)
    for left in ("COMMIT_EDITMSG", "ORIG_HEAD", "FETCH_HEAD"):
        (folder / ".git" / left).unlink(missing_ok=True)
