"""The difference of two source trees, split: what an agent is given, what tests it, and what was done about it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from assay.envs.swe_rl.mint.errors import MintError
from assay.envs.swe_rl.mint.layout import base_files, is_generated_version, is_source, paths_of_tests, runnable
from assay.sandbox.linediff import matching_blocks, split_lines
from assay.sandbox.patch import Entry, make_patch

CONFIGS = ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg", ".pytest.ini")
Tree = dict[str, Entry]


@dataclass(frozen=True, slots=True)
class Change:
    """One change, as three trees that differ by one step each.

    Attributes:
        base: what the agent finds.
        mid: with the new tests.
        after: with the new source too.
        sources: the paths of source that the last step touches, sorted.
        tests: the test modules of ``after``, for pytest.
    """

    base: Tree
    mid: Tree
    after: Tree
    sources: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def test_patch(self) -> str:
        """From ``base`` to ``mid``."""
        return make_patch(self.base, self.mid)

    @property
    def patch(self) -> str:
        """The reference solution: from ``mid`` to ``after``."""
        return make_patch(self.mid, self.after)


def change_between(old: Mapping[str, Entry], new: Mapping[str, Entry], versions: tuple[str, str] = ("", "")) -> Change:
    """Split what lies between two trees of one project.

    Lines that only restate the version are left as they were: they would tell the answer's release and mend nothing.

    Args:
        old: the earlier tree.
        new: the later one.
        versions: of both; empty where there is none.

    Raises:
        MintError: if there are no tests, or either half of the difference is empty.
    """
    before, later = base_files(old), base_files(new)
    tests = paths_of_tests({**before, **later})
    if not runnable(later):
        raise MintError("no tests in the source")
    mid = {path: entry for path, entry in before.items() if path not in tests}
    mid |= {path: entry for path, entry in later.items() if path in tests}
    for path in CONFIGS:
        if path in later and pytest_section(path, before.get(path)) != pytest_section(path, later[path]):
            mid[path] = later[path]
    after = dict(mid)
    for path in {*before, *later}:
        if is_source(path, tests):
            entry = _without_version(path, before.get(path), later.get(path), versions)
            if entry is None:
                after.pop(path, None)
            else:
                after[path] = entry
    sources = tuple(sorted(path for path in {*mid, *after} if mid.get(path) != after.get(path)))
    if not any(path.endswith(".py") for path in sources):
        raise MintError("no change of source")
    if mid == before:
        raise MintError("no change of tests")
    return Change(before, mid, after, sources, tuple(runnable(after)))


def pytest_section(path: str, entry: Entry | None) -> str:
    """The part of a configuration file that pytest reads, in a comparable form; empty if there is none."""
    if entry is None:
        return ""
    text = entry.data.decode("utf-8", "replace")
    if path.endswith(".toml"):
        try:
            tool = tomllib.loads(text).get("tool", {})
        except (tomllib.TOMLDecodeError, RecursionError):
            return ""
        return repr(tool.get("pytest")) if isinstance(tool, dict) and tool.get("pytest") else ""
    match = re.search(r"(?ms)^\[(?:tool:)?pytest\]\s*\n(.*?)(?=^\[|\Z)", text)
    return match[1].strip() if match else ""


def python_lines(before: Mapping[str, Entry], after: Mapping[str, Entry], paths: tuple[str, ...]) -> int:
    """Lines of Python that are removed or added; data rides along and does not count."""
    total = 0
    for path in paths:
        if path.endswith((".py", ".pyi")):
            a, b = _lines(before.get(path)), _lines(after.get(path))
            total += len(a) + len(b) - 2 * sum(size for _, _, size in matching_blocks(a, b))
    return total


def _lines(entry: Entry | None) -> list[bytes]:
    return split_lines(entry.data) if entry else []


def _without_version(path: str, old: Entry | None, new: Entry | None, versions: tuple[str, str]) -> Entry | None:
    if old is None or new is None or old == new or not path.endswith(".py"):
        return new
    if is_generated_version(path, old.data) and is_generated_version(path, new.data):
        return old
    a, b = split_lines(old.data), split_lines(new.data)
    forms = [(each.encode(), later.encode()) for each, later in _forms(versions)]
    result: list[bytes] = []
    i = j = 0
    for start_a, start_b, size in [*matching_blocks(a, b), (len(a), len(b), 0)]:
        gone, come = a[i:start_a], b[j:start_b]
        result += gone if gone and _only_version(gone, come, forms) else come
        result += b[start_b : start_b + size]
        i, j = start_a + size, start_b + size
    data = b"".join(result)
    return old if data == old.data else Entry(new.mode, data)


def _forms(versions: tuple[str, str]) -> list[tuple[str, str]]:
    """The two versions as text and as a tuple."""
    old, new = versions
    if not old or not new:
        return []
    return [(old, new), (", ".join(old.split(".")), ", ".join(new.split(".")))]


def _only_version(gone: list[bytes], come: list[bytes], forms: list[tuple[bytes, bytes]]) -> bool:
    one, other = b"".join(gone), b"".join(come)
    return any(one != other and one == other.replace(new, old) for old, new in forms)
