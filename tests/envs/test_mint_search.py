"""Taking releases apart and putting bugs in: the pure parts, against slow obvious versions of themselves."""

from __future__ import annotations

import ast
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.envs.swe_rl.mint.bench import node_arguments
from assay.envs.swe_rl.mint.history import _read as read_log
from assay.envs.swe_rl.mint.history import words_of
from assay.envs.swe_rl.mint.mutators import MUTATORS, Source, sites
from assay.envs.swe_rl.mint.split import Block, blocks_of, minimal, with_blocks
from assay.sandbox.patch import REGULAR, Entry

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "def f():\n", "    return 1\n"]), max_size=12)


def entry(lines: list[str]) -> Entry:
    return Entry(REGULAR, "".join(lines).encode())


@settings(max_examples=150, deadline=None)
@given(LINES, LINES)
def test_blocks_lead_from_one_text_to_the_other(old: list[str], new: list[str]) -> None:
    before, after = {"x.py": entry(old)}, {"x.py": entry(new)}
    blocks = blocks_of(before, after, ["x.py"])
    assert with_blocks(before, after, blocks, ["x.py"])["x.py"] == after["x.py"]
    assert with_blocks(before, after, [], ["x.py"])["x.py"] == before["x.py"]
    for block in blocks:  # taken one by one they add up to all
        rest = [each for each in blocks if each != block]
        partial = with_blocks(before, after, rest, ["x.py"])["x.py"]
        assert partial is not None
        again = blocks_of({"x.py": partial}, after, ["x.py"])
        assert with_blocks({"x.py": partial}, after, again, ["x.py"])["x.py"] == after["x.py"]


def test_whole_files_are_one_block() -> None:
    before = {"gone.py": entry(["a\n"]), "data.txt": entry(["1\n", "2\n"]), "same.py": entry(["x\n"])}
    after = {"come.py": entry(["b\n"]), "data.txt": entry(["1\n", "3\n"]), "same.py": entry(["x\n"])}
    paths = ["come.py", "data.txt", "gone.py", "same.py"]
    blocks = blocks_of(before, after, paths)
    assert blocks == [Block("come.py"), Block("data.txt"), Block("gone.py")]
    assert with_blocks(before, after, blocks[:1], paths) == {
        "come.py": after["come.py"], "data.txt": before["data.txt"], "gone.py": before["gone.py"],
        "same.py": before["same.py"],
    }  # fmt: skip
    assert with_blocks(before, after, blocks[2:], paths)["gone.py"] is None


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 9), st.lists(st.sets(st.integers(0, 8), min_size=1, max_size=3), min_size=1, max_size=3))
def test_minimal_is_minimal(count: int, ways: list[set[int]]) -> None:
    """Whatever holds for any superset of one of some sets: nothing can be left out of the result."""
    items = [Block("x.py", number, number + 1) for number in range(count)]
    wanted = [{items[number] for number in way if number < count} for way in ways]

    def holds(part: list[Block]) -> bool:
        return any(way <= set(part) for way in wanted)

    found = minimal(items, holds, lambda: True)
    assert holds(found)
    for size in range(len(found)):
        for rest in itertools.combinations(found, size):
            assert not holds(list(rest)) or len(found) <= 1


def test_minimal_stops_when_the_budget_is_spent() -> None:
    items = [Block("x.py", number, number + 1) for number in range(64)]
    left = iter([True] * 5)
    asked: list[int] = []

    def holds(part: list[Block]) -> bool:
        asked.append(len(part))
        return items[0] in part

    found = minimal(items, holds, lambda: next(left, False))
    assert items[0] in found
    assert len(asked) < 5


SOURCE = '''
class Ä:
    @staticmethod
    def f(a, b=1, *, ü="ö"):
        """Täxt über 3 < 4."""
        if a < b and b:
            a += 2
        for x in range(a, b):
            if x == 3:
                break
            try:
                g(a - b, x)
            except ValueError:
                continue
        return [a % 2, f"{a + 1}", ü]

    def g(self): return 1
'''


def test_every_mutator_changes_one_place_into_other_python() -> None:
    data = SOURCE.encode()
    found = sites(data)
    assert {each.kind for each in found} == set(MUTATORS)
    assert {each.function for each in found} == {"f"}
    assert {each.first for each in found} == {3}  # the decorator's line, as code objects have it
    for site in found:
        changed = site.applied(data)
        assert changed != data
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(data)), site
        assert changed.startswith(data[: site.start])
        assert changed.endswith(data[site.stop :])


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("comparison", "x = ä < 3", "x = ä <= 3"),
        ("comparison", "x = a is not b", "x = a is b"),
        ("arithmetic", "x = 'ä', a - b", "x = 'ä', a + b"),
        ("boolean", "x = a and b or c", "x = (a and b) and (c)"),
        ("constant", "x = f(9)", "x = f(10)"),
        ("constant", "x = True", "x = False"),
        ("negated-condition", "x = a if b else c", "x = a if not (b) else c"),
        ("dropped-statement", "x += 1", "pass"),
        ("swapped-arguments", "f(a, b, c)", "f(b, a, c)"),
        ("lost-value", "return a + 1", "return None"),
        ("loop-exit", "while a:\n        break", "while a:\n        continue"),
    ],
)
def test_mutators_by_example(kind: str, before: str, after: str) -> None:
    head = "def f(a, b, c, ä):\n    y()\n    "
    data = (head + before + "\n").encode()
    results = {site.applied(data).decode() for site in sites(data) if site.kind == kind}
    assert head + after + "\n" in results


@pytest.mark.parametrize("data", [b"def (", b"\xff\xfe", b"x = 1\r\n", b"\xef\xbb\xbfx = 1\n", b"x\x0c = 1\n"])
def test_source_that_cannot_be_handled(data: bytes) -> None:
    with pytest.raises(ValueError):
        Source(data)


def test_what_pytest_is_given() -> None:
    assert node_arguments(["t.py::A::test_x[1]", "t.py::A::test_x[2]"]) == ["t.py::A::test_x"]
    assert node_arguments([f"t.py::test_{i}" for i in range(50)]) == ["t.py"]


def test_commits_that_may_be_tasks() -> None:
    def commit(sha: str, parents: str, message: str, *paths: str) -> str:
        return f"\x01{sha}\0{parents}\0{'2024-05-01T10:00:00+00:00'}\0{message}\n\x02\n" + "".join(
            f"{p}\0" for p in paths
        )

    log = "".join([
        commit("a1", "b1 c1", "Fix sizes", "pkg/a.py", "tests/test_a.py"),
        commit("a2", "b2", "Only tests", "tests/test_a.py"),
        commit("a3", "b3", "Only source", "pkg/a.py"),
        commit("a4", "", "The first", "pkg/a.py", "tests/test_a.py"),
        commit("a5", "b5", "Bump version", "pkg/a.py", "tests/test_a.py"),
        commit("a6", "b6", "Everything", *(f"pkg/{i}.py" for i in range(50)), "tests/test_a.py"),
    ])  # fmt: skip
    found = list(read_log(log))
    assert [(each.sha, each.parent, each.date) for each in found] == [("a1", "b1", "2024-05-01T10:00:00")]
    assert words_of("Fix sizes (#12)\n\nThey were wrong. Fixes #3.\n\nSigned-off-by: A <a@b>\n") == (
        "Fix sizes\n\nThey were wrong."
    )
