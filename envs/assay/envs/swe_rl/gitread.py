"""git on repositories that nobody vouches for: no hooks, no configuration, no filters, no network."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.envs.errors import InfraError

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.autocrlf=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.alternateRefsCommand=",
    "protocol.allow=never",
    "safe.directory=*",
    "gc.auto=0",
    "maintenance.auto=false",
    "commit.gpgSign=false",
    "credential.helper=",
)
RAW = "* -text -eol -filter -ident -working-tree-encoding -merge -export-subst -export-ignore\n"
"""Attributes of a repository of ours: whatever its ``.gitattributes`` say, bytes stay as they are."""
TIMEOUT = 600.0


class GitError(ValueError):
    """git refused; one line with its reason."""


def environment() -> dict[str, str]:
    """What git is told by its environment; nothing of the user's own settings."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
        **{f"GIT_CONFIG_KEY_{i}": setting.partition("=")[0] for i, setting in enumerate(_SETTINGS)},
        **{f"GIT_CONFIG_VALUE_{i}": setting.partition("=")[2] for i, setting in enumerate(_SETTINGS)},
    }


def git(folder: str | Path, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
    """The output of a git command in ``folder``.

    Raises:
        GitError: if it fails.
        InfraError: if git is not installed or does not end.
    """
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            env={**environment(), **(env or {})},
            input=stdin,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        raise InfraError("git is not installed: it reads the repositories of swe-rl tasks") from None
    except subprocess.TimeoutExpired:
        raise InfraError(f"git {words[0]} in {folder} did not end within {TIMEOUT:g} s") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {done.returncode}"]
        raise GitError(f"git {words[0]}: {lines[-1][:300]}")
    return done.stdout


def find_mirror(folder: str | Path, repo: str) -> Path | None:
    """The git directory of ``owner/name`` in a folder of mirrors.

    Known layouts, each bare or with a work tree: ``owner+name``, ``owner__name``, ``owner/name``, ``name``, with or
    without ``.git`` at the end, or a folder ``repo`` in one of these.
    """
    owner, _, name = repo.partition("/")
    stems = [f"{owner}+{name}", f"{owner}__{name}", f"{owner}/{name}", name] if name else [owner]
    for stem in stems:
        for tail in ("", ".git", "/repo", "/repo.git"):
            place = Path(folder) / (stem + tail)
            for candidate in (place, place / ".git"):
                if (candidate / "HEAD").is_file() and (candidate / "objects").is_dir():
                    return candidate
    return None


def tree_of(mirror: Path, commit: str) -> list[tuple[str, str, str]]:
    """(mode, object id, path) of every file of a commit, submodules included.

    Raises:
        GitError: if the commit is not there.
    """
    if not commit or commit.startswith("-") or not all(c.isalnum() or c in "._/-^~" for c in commit):
        raise GitError(f"{commit[:60]!r} does not name a commit")
    listed = git(mirror, "--git-dir=.", "ls-tree", "-r", "-z", "--full-tree", commit)
    found = []
    for entry in listed.split(b"\0")[:-1]:
        about, _, path = entry.partition(b"\t")
        mode, _, oid = about.decode("ascii").split(" ")
        found.append((mode, oid, os.fsdecode(path)))
    return found


def blobs(mirror: Path, oids: list[str]) -> Iterator[bytes]:
    """The contents of objects, in order, as they are stored: no filter and no line-ending conversion.

    Raises:
        GitError: if one is missing (a partial clone lacks most).
    """
    out = git(mirror, "--git-dir=.", "cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in oids).encode())
    at = 0
    for oid in oids:
        end = out.index(b"\n", at)
        words = out[at:end].split(b" ")
        if len(words) != 3 or words[1] != b"blob":
            raise GitError(f"object {oid} is not in {mirror}: it is not a full clone")
        size = int(words[2])
        yield out[end + 1 : end + 1 + size]
        at = end + 1 + size + 1


def missing(mirror: Path, oids: list[str]) -> set[str]:
    """Those of the objects that the repository does not hold, as partial clones and shallow copies do not."""
    listed = git(mirror, "--git-dir=.", "cat-file", "--batch-check", stdin="".join(f"{oid}\n" for oid in oids).encode())
    return {line.split(b" ")[0].decode("ascii") for line in listed.splitlines() if line.endswith(b" missing")}
