"""Patches between trees, applied forwards and backwards by git itself."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.sandbox.errors import FileRefused
from assay.sandbox.linediff import matching_blocks, split_lines
from assay.sandbox.patch import Entry, diff_trees, make_patch, quote_path, tree_map

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def put(tree: dict[str, Entry], where: Path) -> Path:
    for path, entry in tree.items():
        file = where / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if entry.mode == 0o120000:
            os.symlink(entry.data, os.fsencode(file))
        else:
            file.write_bytes(entry.data)
            file.chmod(entry.mode & 0o777)
    where.mkdir(exist_ok=True)
    return where


def git_apply(where: Path, patch: str, *options: str) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": "/", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CEILING_DIRECTORIES": "/"}
    run = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", *options, "-"],
        cwd=where,
        input=patch.encode(),
        capture_output=True,
        env=env,
    )
    assert run.returncode == 0, (run.stderr.decode(), patch)


def check(old: dict[str, Entry], new: dict[str, Entry], where: Path) -> str:
    patch = make_patch(old, new)
    directory = put(old, where)
    if not patch:
        assert old == new
        return patch
    git_apply(directory, patch)
    assert tree_map(directory) == new
    git_apply(directory, patch, "-R")
    assert tree_map(directory) == old
    return patch


REGULAR, EXECUTABLE, LINK = 0o100644, 0o100755, 0o120000
parts = st.sampled_from(
    ["a", "b.py", "with blank", 'quo"te', "back\\slash", "tab\t", "new\nline", "ümlaut", "\udcff", "-x", "a b "]
)
lines = st.sampled_from(
    [b"", b"x", b"def f():", b"    return 1", b"-- x", b"++ y", b"\t ", b"cr\r", "é".encode(), b"\xe9", b"\0"]
)
text = st.builds(
    lambda rows, end: b"\n".join(rows) + end, st.lists(lines, max_size=14), st.sampled_from([b"", b"\n", b"\r\n"])
)
contents = st.one_of(text, st.binary(max_size=200))
files = st.builds(Entry, st.sampled_from([REGULAR, EXECUTABLE]), contents)
LINKS = st.sampled_from(
    ["there", "../out", "/etc/passwd", "ö", "\udcfe"]
)  # a link to itself is more than git apply takes
links = st.builds(lambda to: Entry(LINK, os.fsencode(to)), LINKS)
paths = st.lists(parts, min_size=1, max_size=3).map("/".join)


def consistent(tree: dict[str, Entry]) -> bool:
    """No file is another's directory."""
    return not any(other.startswith(f"{path}/") for path in tree for other in tree)


trees = st.dictionaries(paths, st.one_of(files, links), max_size=5).filter(consistent)


@st.composite
def two_trees(draw: st.DrawFn) -> tuple[dict[str, Entry], dict[str, Entry]]:
    old = draw(trees)
    new = dict(draw(trees))
    for path, entry in old.items():
        kept = draw(st.sampled_from(["same", "edit", "mode", "gone", "other"]))
        if kept == "same":
            new[path] = entry
        elif kept == "mode" and entry.mode != LINK:
            new[path] = Entry(EXECUTABLE if entry.mode == REGULAR else REGULAR, entry.data)
        elif kept == "edit" and entry.mode != LINK:
            rows = split_lines(entry.data)
            at = draw(st.integers(0, len(rows)))
            rows[at : at + draw(st.integers(0, 2))] = draw(st.lists(lines.map(lambda line: line + b"\n"), max_size=3))
            new[path] = Entry(entry.mode, b"".join(rows))
    return (old, new) if consistent(new) else (old, old)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(two_trees())
def test_git_applies_it_forwards_and_backwards(
    tmp_path_factory: pytest.TempPathFactory, pair: tuple[dict[str, Entry], dict[str, Entry]]
) -> None:
    check(*pair, tmp_path_factory.mktemp("tree"))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n"]), max_size=30), st.randoms(use_true_random=False))
def test_blocks_are_equal_runs_in_order(old: list[bytes], rng: random.Random) -> None:
    new = [line for line in old if rng.random() < 0.8]
    for _ in range(rng.randrange(5)):
        new.insert(rng.randrange(len(new) + 1), rng.choice([b"a\n", b"d\n"]))
    i = j = 0
    for start, twin, length in matching_blocks(old, new):
        assert start >= i
        assert twin >= j
        assert (start, twin) != (i, j) or i == 0
        assert old[start : start + length] == new[twin : twin + length]
        i, j = start + length, twin + length
    assert i <= len(old)
    assert j <= len(new)


def test_an_edit_is_as_short_as_git_prints_it(tmp_path: Path) -> None:
    old = b"".join(b"line %d\n" % i for i in range(40))
    new = old.replace(b"line 3\n", b"three\n").replace(b"line 30\n", b"line 30\nnew\n")
    patch = check({"a.py": Entry(REGULAR, old)}, {"a.py": Entry(REGULAR, new)}, tmp_path / "t")
    for name, data in (("x", old), ("y", new)):
        (tmp_path / name).write_bytes(data)
    run = subprocess.run(["git", "diff", "--no-index", "--full-index", "x", "y"], cwd=tmp_path, capture_output=True)
    assert [line.split(" @@")[0] for line in patch.split("\n")[4:]] == [
        line.split(" @@")[0] for line in run.stdout.decode().split("\n")[4:]
    ]


def test_huge_texts_with_nothing_and_everything_alike_still_apply(tmp_path: Path) -> None:
    rng = random.Random(1)
    few = b"".join(b"%d\n" % rng.randrange(50) for _ in range(60_000))
    swapped = few[len(few) // 2 :] + few[: len(few) // 2]
    same = b"x\n" * 30_000 + b"y\n" * 30_000
    old = {"few": Entry(REGULAR, few), "same": Entry(REGULAR, same)}
    new = {"few": Entry(REGULAR, swapped), "same": Entry(REGULAR, same[::-1].lstrip(b"\n") + b"\n")}
    check(old, new, tmp_path / "t")


def test_links_to_outside_are_recorded_and_never_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    tree = tmp_path / "t"
    tree.mkdir()
    (tree / "file").symlink_to(tmp_path / "secret")
    (tree / "folder").symlink_to(tmp_path)
    os.mkfifo(tree / "pipe")
    assert tree_map(tree) == {
        "file": Entry(LINK, os.fsencode(tmp_path / "secret")),
        "folder": Entry(LINK, os.fsencode(tmp_path)),
    }


def test_what_git_would_refuse_is_left_out(tmp_path: Path) -> None:
    for name in (".git/config", "sub/.GIT/hooks/x", "git~1/x", ".git. /x", ".github/ok", "kept"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert sorted(tree_map(tmp_path)) == [".github/ok", "kept"]


def test_a_patch_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "big").write_bytes(b"0" * 5000)
    with pytest.raises(FileRefused, match="more than 4,000 bytes"):
        tree_map(tmp_path / "b", max_bytes=4000)
    with pytest.raises(FileRefused, match="more than 4,000 bytes"):
        diff_trees(tmp_path / "a", tmp_path / "b", max_bytes=4000)
    assert diff_trees(tmp_path / "a", tmp_path / "b", max_bytes=5000).startswith("diff --git a/big b/big\nnew file")


def test_directories_give_the_same_patch_as_maps(tmp_path: Path) -> None:
    old = {f"d/{i}.py": Entry(REGULAR, b"x = %d\n" % i) for i in range(20)}
    new = {**old, "d/3.py": Entry(EXECUTABLE, b"x = 3\n"), "d/4.py": Entry(REGULAR, b"x = 5\n"), "l": Entry(LINK, b"d")}
    del new["d/7.py"]
    assert diff_trees(put(old, tmp_path / "a"), put(new, tmp_path / "b")) == make_patch(old, new)
    assert diff_trees(tmp_path / "b", tmp_path / "b") == ""


@pytest.mark.parametrize(
    ("path", "quoted"),
    [("a/plain", "a/plain"), ("a/b c", "a/b c"), ("a/\t", r'"a/\t"'), ("a/ü", r'"a/\303\274"'), ('a/"\\', r'"a/\"\\"')],
)
def test_paths_are_quoted_as_git_does(path: str, quoted: str) -> None:
    assert quote_path(path) == quoted
