"""The edit scaffold and its blocks: what is found, what fits, what is sent back."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.agents.policy import Completion
from assay.agents.scaffolds.edit import EditScaffold, edit_problem
from assay.agents.scaffolds.edits import Edit, apply_leniently, find_edits, render_edit, unified_patch

FILE = "def add(a, b):\n    return a - b\n\n\ndef twice(x):\n    return x + x\n"
SHOWN = [{"role": "system", "content": "rules"}, {"role": "user", "content": f"### calc.py\n{FILE}"}]
FIX = Edit("calc.py", "    return a - b", "    return a + b")


def answer(*edits: Edit, think: str = "wrong sign") -> str:
    blocks = "\n".join(render_edit(edit) for edit in edits)
    return f"<think>{think}</think>\n<solution>\n{blocks}\n</solution>"


def test_blocks_are_found_where_they_are_whole() -> None:
    other = Edit("new/file.py", "", "x = 1\n\ny = 2")
    assert find_edits(answer(FIX, other)) == [FIX, other]
    assert find_edits(answer(FIX).replace("```python", "```")) == [FIX]
    assert find_edits(answer(FIX).replace("```python", "```"), ("python",)) == []
    assert find_edits(answer(FIX).replace("\n", "\r\n")) == [FIX]
    assert find_edits(answer(FIX).replace("### calc.py", "calc.py")) == []
    assert find_edits(answer(FIX).replace("=======", "=====")) == []
    assert find_edits(answer(FIX, other).split(">>>>>>> REPLACE\n```\n</solution>")[0]) == [FIX]


def test_a_good_answer_is_taken() -> None:
    assert edit_problem(answer(FIX), SHOWN[1]["content"]) == ""
    assert EditScaffold().repair(Completion(answer(FIX)), SHOWN, 0) is None
    two_lines = Edit("calc.py", "def add(a, b):\n    return a - b", "def add(a, b):\n    return a + b")
    assert edit_problem(answer(two_lines), SHOWN[1]["content"].replace("\n", "\r\n")) == ""
    assert edit_problem(answer(two_lines).replace("\n", "\r\n"), SHOWN[1]["content"]) == ""
    later = Edit("calc.py", "    return a + b", "    return b + a")  # searches for what the first edit made
    assert edit_problem(answer(FIX, later), SHOWN[1]["content"]) == ""
    assert EditScaffold().action(Completion(answer(FIX))) == answer(FIX)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("", "<think> must occur exactly once"),
        (answer(FIX, think=" "), "the thinking is empty"),
        (answer(FIX) + "</solution>", "</solution> must occur exactly once, found 2"),
        (answer(), "no whole edit block"),
        (answer(Edit("calc.py", "return a - b", "return a + b")), "do not stand there"),
        (answer(FIX, Edit("calc.py", "    return x * x", "    return 2 * x")), "edit 2 searches"),
        (answer(Edit("calc.py", "    return a - b", "    return a - b")), "the same lines"),
    ],
)
def test_what_cannot_be_applied_is_sent_back_once_with_the_reason(said: str, word: str) -> None:
    scaffold = EditScaffold()
    (message,) = scaffold.repair(Completion(said), SHOWN, 0) or []
    assert word in message["content"]
    assert scaffold.repair(Completion(said), SHOWN, 1) is None
    assert EditScaffold(repairs=0).repair(Completion(said), SHOWN, 0) is None


def test_edits_that_do_not_fit_are_passed_over() -> None:
    files = {"calc.py": FILE, "notes.txt": "one\ntwo\n"}
    fixed = FILE.replace("a - b", "a + b")
    assert apply_leniently([FIX], files) == {"calc.py": fixed}
    assert apply_leniently([Edit("calc.py", "no such line", "x"), FIX, Edit("gone.py", "x", "y")], files) == {
        "calc.py": fixed
    }
    assert apply_leniently([Edit("calc.py", "    return a - b", "    return (a + b")], files) == {}  # does not parse
    assert apply_leniently([Edit("calc.py", "\n\ndef twice(x):", "\n\n\n\ndef twice(x):")], files) == {}  # blank lines
    assert apply_leniently([Edit("calc.py", "", "import os")], files) == {}
    assert apply_leniently([Edit("notes.txt", "two", "three (")], files) == {"notes.txt": "one\nthree (\n"}
    foreign = FILE.replace("\n", "\r\n")
    assert apply_leniently([FIX], {"calc.py": foreign}) == {"calc.py": foreign.replace("a - b", "a + b")}
    everywhere = {"a.py": "    x = 1\nif True:\n    x = 1\n"}
    assert apply_leniently([Edit("a.py", "    x = 1", "    x = 2")], {"a.py": "if 1:\n" + everywhere["a.py"]}) == {
        "a.py": "if 1:\n    x = 2\nif True:\n    x = 2\n"
    }


@settings(max_examples=25, deadline=None)
@given(
    old=st.lists(st.sampled_from(["a", "b", "  c", "", "d\r", "é", "+x", "\x0c"]), max_size=12),
    new=st.lists(st.sampled_from(["a", "b", "  c", "", "d\r", "é", "+x", "\x0c"]), max_size=12),
    ends=st.tuples(st.booleans(), st.booleans()),
)
def test_git_applies_the_patch(tmp_path_factory: pytest.TempPathFactory, old, new, ends) -> None:  # type: ignore[no-untyped-def]
    before, after = ("\n".join(lines) + ("\n" if end else "") for lines, end in zip((old, new), ends, strict=True))
    if not before or not after:
        return
    folder: Path = tmp_path_factory.mktemp("git")
    (folder / "f.txt").write_bytes(before.encode())
    patch = unified_patch({"f.txt": before}, {"f.txt": after})
    assert bool(patch) == (before != after)
    if patch:
        (folder / "p").write_bytes(patch.encode())
        subprocess.run(["git", "apply", "p"], cwd=folder, check=True, capture_output=True)
    assert (folder / "f.txt").read_bytes().decode() == after


@settings(max_examples=200, deadline=None)
@given(
    st.text()
    | st.lists(st.sampled_from(["```", "### a", "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE", "x"])).map("\n".join)
)
def test_any_text_is_read(text: str) -> None:
    for edit in find_edits(text):
        assert find_edits(render_edit(edit)) == [edit]
    edit_problem(text, text)


def test_edits_that_double_a_file_again_and_again_end() -> None:
    double = Edit("a.txt", "x", "x\nx")
    (text,) = apply_leniently([double] * 200, {"a.txt": "x\n"}).values()
    assert 2**18 < len(text) < 1_100_000


def test_a_megabyte_is_read_in_linear_time() -> None:
    began = time.perf_counter()
    assert find_edits("```\n### a\n<<<<<<< SEARCH\n" * 40_000) == []
    assert find_edits("```\n### a\n<<<<<<< SEARCH\n=======\n" * 40_000) == []
    assert time.perf_counter() - began < 60  # a hang guard
