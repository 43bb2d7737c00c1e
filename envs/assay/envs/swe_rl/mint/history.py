"""Tasks from a local git repository's own history: commits that change source and tests together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.envs.swe_rl.gitread import GitError, git
from assay.envs.swe_rl.mint.errors import MintError
from assay.envs.swe_rl.mint.layout import is_source, paths_of_tests
from assay.envs.swe_rl.mint.metadata import read_metadata
from assay.envs.swe_rl.mint.releases import Side
from assay.envs.swe_rl.mint.source import tree_at

MOST_FILES = 40
NOISE = re.compile(r"^(merge|revert|release|bump|prepare|version|black|isort|ruff|format|lint|typo|pre-commit)\b", re.I)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that may be a task.

    Attributes:
        sha: its id.
        parent: its only (or first) parent.
        date: committed at, ``YYYY-MM-DDTHH:MM:SS``.
        message: subject and body.
    """

    sha: str
    parent: str
    date: str
    message: str


def commits(repository: Path, since: str = "") -> list[Commit]:
    """The commits of the current branch that touch source and tests, newest first; merges count by their first parent.

    Raises:
        MintError: if the folder is no git repository.
    """
    folder = git_folder(repository)
    dates = [f"--since={since}"] if since else []
    shape = "--format=%x01%H%x00%P%x00%cI%x00%B%x02"
    try:
        out = git(
            folder, "--git-dir=.", "log", "--first-parent", "-m", "--name-only", "-z", *dates, shape, "HEAD", "--"
        )
    except GitError as error:
        raise MintError(f"{repository}: {error}") from None
    return list(_read(out.decode("utf-8", "replace")))


def git_folder(repository: Path) -> Path:
    """The git directory of a work tree or bare repository.

    Raises:
        MintError: if it is neither.
    """
    for folder in (repository / ".git", repository):
        if (folder / "HEAD").is_file() and (folder / "objects").is_dir():
            return folder.resolve()
    raise MintError(f"{repository} is no git repository")


def sides_of(repository: Path, commit: Commit, name: str) -> tuple[Side, Side]:
    """The trees before and after a commit.

    Raises:
        MintError: if one cannot be read.
    """
    folder = git_folder(repository)
    found = []
    for sha in (commit.parent, commit.sha):
        tree = tree_at(folder, sha)
        about = read_metadata(tree, name)
        files = {"git": str(repository.resolve()), "commit": sha}
        found.append(Side(tree, about, sha[:12], commit.date, files))
    return found[0], found[1]


def words_of(message: str) -> str:
    """A commit message as a statement: without trailers and references that lead nowhere."""
    lines = [line.rstrip() for line in message.strip().splitlines()]
    kept = [
        line
        for line in lines
        if not re.match(r"^(signed-off-by|co-authored-by|reviewed-by|change-id|git-svn)", line, re.I)
    ]
    text = "\n".join(kept)
    text = re.sub(r"\s*\(#\d+\)|(?i:\b(?:fix(?:es|ed)?|close[sd]?|resolve[sd]?|refs?|see)\b:?\s+#\d+\.?)", "", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _read(text: str) -> Iterator[Commit]:
    for part in text.split("\x01")[1:]:
        head, _, names = part.partition("\x02")
        sha, parents, date, message = head.split("\0", 3)
        paths = [path.strip("\n") for path in names.split("\0") if path.strip("\n")]
        tests = paths_of_tests(paths) | {path for path in paths if re.search(r"(^|/)tests?/", path)}
        source = [path for path in paths if path.endswith(".py") and is_source(path, tests)]
        if parents and source and tests and len(paths) <= MOST_FILES and not NOISE.match(message):
            yield Commit(sha, parents.split(" ")[0], date[:19], message)
