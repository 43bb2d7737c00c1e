"""What agentless-mini reads out of completions: paths, edits, scripts. Pure."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from assay.agents.scaffolds.chat import without_thoughts
from assay.agents.scaffolds.edits import apply_leniently, find_edits, unified_patch
from assay.verifiers.parse.fences import fences


@dataclass(frozen=True)
class Patch:
    """A proposal.

    Attributes:
        changed: the new contents of the files it changes; empty for an answer that changes nothing.
        text: the same as a git patch.
    """

    changed: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


def sources(files: Mapping[str, str], *, keep_tests: bool = False) -> list[str]:
    """The Python files of a repository, sorted, without its tests unless they are its subject (pytest itself)."""
    return sorted(path for path in files if path.endswith(".py") and (keep_tests or not is_test(path)))


def is_test(path: str) -> bool:
    """Whether a path is a test by its name or stands in a folder of tests."""
    *folders, name = path.lower().split("/")
    in_tests = any(folder in ("test", "tests", "testing") for folder in folders)
    return in_tests or name.startswith("test_") or name.endswith("_test.py") or name in ("tests.py", "conftest.py")


def read_paths(text: str, known: Iterable[str], count: int) -> tuple[str, ...]:
    """The known paths that an answer names, each alone on a line, at most ``count``, in its order."""
    there = set(known)
    lines = [line.strip().strip("`") for line in _said(text).splitlines()]
    return tuple(dict.fromkeys(line for line in lines if line in there))[:count]


def location_sets(answers: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The sets of files that were named, each once, in the order in which they came; empty ones are dropped."""
    found: dict[frozenset[str], tuple[str, ...]] = {}
    for answer in answers:
        if answer:
            found.setdefault(frozenset(answer), answer)
    return list(found.values())


def fit(
    paths: Sequence[str], files: Mapping[str, str], room: int, length: Callable[[str], int], rng: random.Random | None
) -> dict[str, str]:
    """As many of the files as fit into ``room`` tokens, the first named first; then shuffled."""
    chosen: dict[str, str] = {}
    for path in paths:
        needed = length(files[path]) + 20  # its heading
        if needed <= room:
            chosen[path] = files[path]
            room -= needed
    order = list(chosen)
    if rng is not None:
        rng.shuffle(order)
    return {path: chosen[path] for path in order}


def read_patch(text: str, files: Mapping[str, str]) -> Patch:
    """The change that an answer's edits make to ``files``, read leniently."""
    changed = apply_leniently(find_edits(_said(text), languages=("python", "py")), files)
    return Patch(changed, unified_patch(files, changed)) if changed else Patch()


def read_script(text: str) -> str | None:
    """The last whole python block that parses and can print both verdicts; None if there is none."""
    for block in reversed(fences(_said(text), "python")):
        if block.closed and "Issue reproduced" in block.text and "Issue resolved" in block.text and _parses(block.text):
            return f"{block.text}\n"
    return None


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _said(text: str) -> str:
    """What follows the thoughts; all of it where the thoughts hold the whole answer."""
    return without_thoughts(text) or text
