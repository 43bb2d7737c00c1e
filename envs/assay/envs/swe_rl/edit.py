"""Single-turn tasks: which files are shown, and the reference solution as their new contents."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from assay.envs.swe_rl.bases import Base
from assay.envs.swe_rl.excerpt import excerpts
from assay.envs.swe_rl.fixtures.apply import PatchError, apply, parse
from assay.envs.swe_rl.inside.protected import is_test
from assay.envs.swe_rl.rows import SweRow
from assay.sandbox.patch import EXECUTABLE, LINK, REGULAR, Entry, make_patch
from assay.verifiers.swe import FormatError, predicted_contents


class LeftOutError(ValueError):
    """A row that cannot be put as an edit task; the reason, in words that can be counted."""


@dataclass(frozen=True)
class EditTask:
    """What an edit task is made of.

    Attributes:
        context: text of every file that may be edited, by path.
        oracle: text, after the reference solution, of every file that it changes.
        shown: what the prompt shows of the files: all of them, or excerpts.
    """

    context: dict[str, str]
    oracle: dict[str, str]
    shown: dict[str, str]


def edit_task(row: SweRow, base: Base, max_chars: int, distractors: int, functions: bool = False) -> EditTask:
    """The files that the reference solution changes, some that it does not, and what it makes of the former.

    Without unchanged files a policy learns to edit everything it is shown (arXiv 2502.18449, section 2.1). They are
    chosen by hash among the source files nearest to the changed ones.

    Raises:
        LeftOutError: the solution deletes, renames or does not fit a file, a file is not UTF-8, or they are too large.
    """
    patch = row.patch.encode("utf-8", "surrogateescape")
    try:
        changes = parse(patch)
    except PatchError:
        raise LeftOutError("the solution renames files or changes binary ones") from None
    if any(change.deleted for change in changes):
        raise LeftOutError("the solution deletes a file")
    old = [change.path for change in changes if not change.created]
    known = set(base.paths)
    if not set(old) <= known:
        raise LeftOutError("the solution does not fit the repository")
    before = dict(zip(old, (data for _, data in base.read(old)), strict=True))
    try:
        after = apply(before, patch)
    except PatchError:
        raise LeftOutError("the solution does not fit the repository") from None
    context = {path: _text(data) for path, data in before.items()}
    oracle = {change.path: _text(after[change.path]) for change in changes}
    if functions:
        shown = excerpts(context, oracle)
        if sum(map(len, shown.values())) > max_chars:
            raise LeftOutError(f"the functions to change have over {max_chars:,} characters")
        return EditTask(context, oracle, shown)
    size = sum(map(len, context.values()))
    if size > max_chars:
        raise LeftOutError(f"the files to change have over {max_chars:,} characters")
    for path in _neighbours(row.instance_id, list(oracle), base, known - set(oracle))[: 4 * distractors]:
        if len(context) - len(before) >= distractors:
            break
        try:
            text = _text(next(iter(base.read([path])))[1])
        except LeftOutError:
            continue
        if text.strip() and size + len(text) <= max_chars:
            context[path] = text
            size += len(text)
    return EditTask(context, oracle, context)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise LeftOutError("a file is not UTF-8") from None


def _neighbours(name: str, changed: list[str], base: Base, others: set[str]) -> list[str]:
    """Source files of the same kinds, those that share most folders with a changed one first, else by hash."""
    kinds = {posixpath.splitext(path)[1] for path in changed}

    def rank(path: str) -> tuple[int, str]:
        shared = max(len(posixpath.commonpath([path, one]).split("/")) for one in changed) if changed else 0
        return -shared, hashlib.sha256(f"{name}\0{path}".encode("utf-8", "surrogateescape")).hexdigest()

    return sorted((p for p in others if posixpath.splitext(p)[1] in kinds and not is_test(p)), key=rank)


def patch_of_answer(answer: str, context: Mapping[str, str], modes: Mapping[str, int], strict: bool) -> str:
    """The git patch that an answer's edits make of the files shown.

    Raises:
        FormatError: if the answer is malformed or its edits do not fit.
    """
    new = predicted_contents(answer, context, strict_empty_search=strict)
    before = {path: Entry(modes.get(path, REGULAR), _bytes(context[path])) for path in new if path in context}
    after = {path: Entry(modes.get(path, REGULAR), _bytes(text)) for path, text in new.items() if _is_plain(path)}
    if len(after) < len(new):
        raise FormatError("an edit names a path outside of the repository")
    return make_patch(before, after)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _is_plain(path: str) -> bool:
    parts = path.split("/")
    return bool(path) and "\0" not in path and not {"", ".", "..", ".git"} & {part.lower() for part in parts}


def modes_of(base: Base, paths: list[str]) -> dict[str, int]:
    """The modes of files that are not plain ones."""
    known = [path for path in paths if path in set(base.paths)]
    return {path: mode for path, (mode, _) in zip(known, base.read(known), strict=True) if mode in (EXECUTABLE, LINK)}
