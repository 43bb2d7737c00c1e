"""A wide release taken apart: which of its blocks does each failing test need? (delta debugging, Zeller 2002)"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from assay.envs.errors import InfraError
from assay.envs.swe_rl.mint.bench import Bench, node_arguments
from assay.envs.swe_rl.mint.changelog import release_notes
from assay.envs.swe_rl.mint.changes import Change, Tree, python_lines
from assay.envs.swe_rl.mint.errors import MintError
from assay.envs.swe_rl.mint.layout import base_files
from assay.envs.swe_rl.mint.releases import Found, Side, Tools, complete
from assay.envs.swe_rl.mint.statement import matching_points
from assay.envs.swe_rl.mint.trial import Trial
from assay.sandbox.linediff import matching_blocks, split_lines
from assay.sandbox.patch import Entry, make_patch

WIDE_LINES = 30
MOST_LINES = 200
MOST_BLOCKS = 400
MOST_PIECES = 6
MOST_SECONDS = 180.0
THIRD = 1 / 3


@dataclass(frozen=True, slots=True)
class Block:
    """One run of changed lines of a file, or a whole file that is new, gone or not Python.

    Attributes:
        path: the file.
        start: first old line, from 0; -1 for a whole file.
        stop: the old line after the last.
        first: first new line.
        last: the new line after the last.
    """

    path: str
    start: int = -1
    stop: int = -1
    first: int = -1
    last: int = -1


def blocks_of(old: Tree, new: Tree, paths: Sequence[str]) -> list[Block]:
    """The blocks by which two trees differ in some files, in order."""
    found: list[Block] = []
    for path in paths:
        a, b = old.get(path), new.get(path)
        if a == b:
            continue
        if a is None or b is None or not path.endswith(".py"):
            found.append(Block(path))
            continue
        one, other = split_lines(a.data), split_lines(b.data)
        i = j = 0
        for start, first, size in [*matching_blocks(one, other), (len(one), len(other), 0)]:
            if i < start or j < first:
                found.append(Block(path, i, start, j, first))
            i, j = start + size, first + size
    return found


def with_blocks(old: Tree, new: Tree, chosen: Sequence[Block], paths: Sequence[str]) -> dict[str, Entry | None]:
    """Those files as they are with only the chosen blocks at their new text; None for one that is not there."""
    result: dict[str, Entry | None] = {}
    for path in paths:
        own = sorted((block for block in chosen if block.path == path), key=lambda block: (block.start, block.first))
        a, b = old.get(path), new.get(path)
        if any(block.start < 0 for block in own):
            result[path] = b
        elif a is None or b is None or not own:
            result[path] = a
        else:
            one, other = split_lines(a.data), split_lines(b.data)
            lines: list[bytes] = []
            at = 0
            for block in own:
                lines += one[at : block.start] + other[block.first : block.last]
                at = block.stop
            result[path] = Entry(b.mode, b"".join([*lines, *one[at:]]))
    return result


def minimal(items: Sequence[Block], holds: Callable[[list[Block]], bool], more: Callable[[], bool]) -> list[Block]:
    """A subset for which ``holds`` and from which nothing can be left out, by ddmin over complements.

    Args:
        items: the whole, for which ``holds`` is known.
        holds: the test; called at most O(n^2) times.
        more: whether another call may be made; when not, what has been reached is returned.
    """
    current = list(items)
    parts = 2
    while len(current) > 1 and more():
        size = max(1, len(current) // parts)
        for start in range(0, len(current), size):
            rest = current[:start] + current[start + size :]
            if rest and more() and holds(rest):
                current, parts = rest, max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts = min(len(current), 2 * parts)
    return current


def is_wide(found: Found) -> bool:
    """Whether a task is worth taking apart: it changes more than a few lines, and several tests turn that could be
    imported before (those of a module that cannot all need the same first blocks)."""
    lines = int(found.row.meta.get("gold_lines", 0))
    return len(set(found.row.fail_to_pass) - found.unseen) > 1 and lines > WIDE_LINES


def pieces(whole: Found, new: Side, tools: Tools, runs: int) -> list[Found]:
    """Validated tasks of parts of a release: the new release with only the blocks that some tests need put back.

    What is degenerate is dropped: no line of Python, over 200 of them, a third of the suite turning, or a module that
    cannot be imported without the piece.

    Args:
        whole: the release's task.
        new: its later side.
        tools: what it needs.
        runs: test runs that the search may cost.
    """
    change = whole.draft.change
    target = base_files(new.tree)
    blocks = blocks_of(change.mid, target, change.sources)
    if not 2 <= len(blocks) <= MOST_BLOCKS:
        return []
    found: list[Found] = []
    for number, needed in enumerate(_clusters(whole, target, blocks, tools, runs)):
        if len(found) < MOST_PIECES and len(needed) < len(blocks):
            try:
                found.append(_piece(whole, new, target, blocks, needed, number, tools))
            except MintError:
                continue
    return found


def _clusters(whole: Found, target: Tree, blocks: list[Block], tools: Tools, runs: int) -> list[list[Block]]:
    """The different sets of blocks that the failing tests need, each found once."""
    change = whole.draft.change
    deadline = time.monotonic() + MOST_SECONDS
    tests = {
        path: change.mid.get(path)
        for path in {*change.base, *change.mid}
        if change.base.get(path) != change.mid.get(path)
    }
    with Bench(whole.row, tools.backend, max(10.0, min(tools.limit, whole.after.seconds * 3))) as bench:

        def more() -> bool:
            return bench.runs < runs and time.monotonic() < deadline

        def passing(chosen: list[Block], names: Sequence[str]) -> set[str]:
            changed = {**tests, **with_blocks(change.mid, target, chosen, change.sources)}
            return {each for each in bench.run(node_arguments(names), changed).good() if each in names}

        todo = [each for each in whole.row.fail_to_pass if each not in whole.unseen]
        found: list[list[Block]] = []
        try:
            sound = passing(blocks, todo)
            todo = [each for each in todo if each in sound]
            while todo and more():
                name = todo[0]
                needed = minimal(blocks, lambda part, name=name: name in passing(part, [name]), more)  # type: ignore[misc]
                if not more():
                    break  # it may not be minimal yet
                found.append(needed)
                done = passing(needed, todo) | {name}
                todo = [each for each in todo if each not in done]
        except InfraError:
            pass  # what has been found so far stands
    return found


def _piece(
    whole: Found, new: Side, target: Tree, blocks: list[Block], needed: list[Block], number: int, tools: Tools
) -> Found:
    draft, change = whole.draft, whole.draft.change
    rest = [block for block in blocks if block not in needed]
    paths = tuple(sorted({block.path for block in needed}))
    mid = dict(target)
    for path, entry in with_blocks(change.mid, target, rest, paths).items():
        if entry is None:
            mid.pop(path, None)
        else:
            mid[path] = entry
    lines = python_lines(mid, target, paths)
    if not 0 < lines <= MOST_LINES:
        raise MintError(f"{lines} lines of Python")
    small = Change(_old_tests(whole, mid), mid, target, paths, change.tests)
    files = {**new.files, "undo": ["patch", "test_patch"]}
    notes = matching_points(release_notes(new.tree, new.version), make_patch(mid, target), whole.row.fail_to_pass)
    extra = {"parent": whole.row.instance_id, "blocks": len(needed), "of_blocks": len(blocks)}
    piece = replace(
        draft, name=f"{draft.name}.{number}", change=small, files=files, notes=notes, level="split-release",
        kind="split", extra=extra,
    )  # fmt: skip
    trial = Trial(piece.row(), tools.backend, tools.limit)
    result = complete(piece, trial, whole.after, most=THIRD)
    if result.row.meta.get("f2p_uncollectable"):
        raise MintError("a test module cannot be imported without it")
    strange = set(result.row.fail_to_pass) - set(whole.row.fail_to_pass)
    if len(strange) > len(result.row.fail_to_pass) / 2:  # the new release without the piece is worse than the old one
        raise MintError("most tests that turn worked in the old release")
    return result


def _old_tests(whole: Found, mid: Tree) -> Tree:
    """The tree with the test modules that hold failing tests as they were before the release."""
    change = whole.draft.change
    holding = {name.split("::")[0] for name in whole.row.fail_to_pass}
    base = dict(mid)
    for path in holding:
        if change.base.get(path) != change.mid.get(path):
            old = change.base.get(path)
            if old is None:
                base.pop(path, None)
            else:
                base[path] = old
    return base
