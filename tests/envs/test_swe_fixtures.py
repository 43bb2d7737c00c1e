"""The bundled repositories: complete, honest, and as the committed rows say."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.envs.swe_rl import fixtures
from assay.envs.swe_rl.fixtures import base_tree, rows
from assay.envs.swe_rl.fixtures.apply import PatchError, apply, parse, reverse
from assay.envs.swe_rl.fixtures.build import dump, measured_row, unmeasured_row
from assay.envs.swe_rl.fixtures.measure import write_tree
from assay.envs.swe_rl.fixtures.trees import ROOT, SKIPPED, Bug, all_bugs, bugs, commit_id, gold_tree, repositories
from assay.envs.swe_rl.repos import one_commit
from assay.envs.swe_rl.rows import row_of

BUGS = all_bugs()
KINDS = {
    "aliasing", "data-file", "encoding", "escaping", "falsy-zero", "late-binding", "missing-branch",
    "missing-edge-case", "missing-feature", "mutable-default", "mutation-while-iterating", "off-by-one", "ordering",
    "precedence", "precision", "recursion", "regex", "sign", "stale-state", "time-zone", "two-files",
    "unhandled-none", "wrong-exception", "wrong-operator", "wrong-order", "wrong-type", "wrong-unit",
}  # fmt: skip
each_bug = pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.instance_id)
each_repo = pytest.mark.parametrize("repo", repositories())


def row(bug: Bug) -> dict[str, object]:
    return next(each for each in rows() if each["instance_id"] == bug.instance_id)


def python_files(repo: str) -> Iterator[tuple[str, ast.Module]]:
    for path, data in gold_tree(repo).items():
        if path.endswith(".py"):
            yield path, ast.parse(data, path)


def test_twenty_repositories_with_three_bugs_each() -> None:
    assert len(repositories()) == 20
    assert [len(bugs(repo)) for repo in repositories()] == [3] * 20
    assert [each["instance_id"] for each in rows()] == [bug.instance_id for bug in BUGS]
    for values in ([bug.instance_id for bug in BUGS], [bug.slug for bug in BUGS], [bug.statement for bug in BUGS]):
        assert len(set(values)) == 60


def test_no_folder_of_a_bug_is_forgotten() -> None:
    assert {path.name for path in ROOT.glob("*/bugs/*")} == {bug.slug for bug in BUGS}


def test_all_kinds_and_levels_are_there() -> None:
    assert {kind for bug in BUGS for kind in bug.kinds} >= KINDS
    levels = [bug.level for bug in BUGS]
    assert min(levels.count(level) for level in ("easy", "medium", "hard")) >= 10


@each_bug
def test_the_committed_row_is_what_the_files_say(bug: Bug) -> None:
    measured = {"FAIL_TO_PASS", "PASS_TO_PASS"}
    assert {**row(bug), **{key: [] for key in measured}} == unmeasured_row(bug)
    read = row_of(row(bug), "fixtures")
    assert read.fail_to_pass
    assert read.pass_to_pass
    assert {test.partition("::")[0] for test in read.fail_to_pass} <= set(bug.test_files())


def test_the_file_is_written_as_the_builder_writes_it() -> None:
    assert dump(rows()) == fixtures.ROWS.read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore:backend 'local-unsafe'")
@pytest.mark.parametrize("name", ["assay__ledgerlite-2", "assay__csvtidy-2", "assay__smallmatrix-3"])
def test_measuring_again_gives_the_row(name: str) -> None:
    (bug,) = [bug for bug in BUGS if bug.instance_id == name]
    assert measured_row(bug, "local-unsafe", repeats=1) == row(bug)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:backend 'local-unsafe'")
@each_bug
def test_measuring_any_again_gives_its_row(bug: Bug) -> None:
    assert measured_row(bug, "local-unsafe", repeats=1) == row(bug)


@each_bug
def test_a_base_tree_is_the_right_tree_but_for_the_bug(bug: Bug) -> None:
    base, gold = base_tree(bug.instance_id), gold_tree(bug.repo)
    assert base == base_tree(bug.instance_id) == apply(gold, bug.bug_patch)
    assert base != gold
    assert apply(base, str(row(bug)["patch"]).encode()) == gold
    assert reverse(reverse(bug.bug_patch)) == b"".join(
        line for line in bug.bug_patch.splitlines(keepends=True) if not line.startswith(b"index ")
    )


def test_trees_are_the_callers_own() -> None:
    base_tree(BUGS[0].instance_id).clear()
    gold_tree(BUGS[0].repo).clear()
    rows()[0].clear()
    assert base_tree(BUGS[0].instance_id)
    assert gold_tree(BUGS[0].repo)
    assert rows()[0]


@each_bug
def test_hidden_tests_are_not_in_the_base(bug: Bug) -> None:
    base = base_tree(bug.instance_id)
    seen = b"\n".join(base.values()).decode("latin-1")
    hidden = re.findall(r"^\+ *def (test_\w+)", bug.test_patch.decode(), re.MULTILINE)
    assert hidden
    assert [name for name in hidden if re.search(rf"\b{name}\b", seen)] == []


@each_bug
def test_the_statement_does_not_give_the_fix_away(bug: Bug) -> None:
    added = [line[1:].strip() for line in bug.gold_patch.decode().split("\n") if line.startswith("+")]
    assert [line for line in added if len(line) > 12 and line in bug.statement] == []
    assert bug.statement == bug.statement.strip() + "\n"
    title, blank = bug.statement.split("\n")[:2]
    assert 15 < len(title) < 100
    assert blank == ""
    assert len(bug.statement) > 250
    assert max(map(len, bug.statement.split("\n"))) <= 130


@each_bug
def test_what_changes_is_small_enough_for_a_small_model(bug: Bug) -> None:
    base = base_tree(bug.instance_id)
    for file in parse(bug.gold_patch):
        assert base[file.path].count(b"\n") <= 120


@each_repo
def test_only_the_standard_library_is_imported(repo: str) -> None:
    known = set(sys.stdlib_module_names) | {"pytest"}
    known |= {part for path in gold_tree(repo) for part in path.removesuffix(".py").split("/")}
    for path, module in python_files(repo):
        for node in ast.walk(module):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            assert [name for name in names if name.split(".")[0] not in known] == [], path
            assert not (path.split("/")[0] != "tests" and "pytest" in names), path


@each_repo
def test_a_repository_is_complete_and_small(repo: str) -> None:
    tree = gold_tree(repo)
    assert {"README.md", "pyproject.toml"} <= tree.keys()
    assert any(path.startswith("tests/test_") for path in tree)
    code = [path for path, _ in python_files(repo) if not path.startswith("tests/")]
    assert len(code) >= 3
    assert 60 <= sum(tree[path].count(b"\n") for path in code) <= 300


@each_repo
def test_no_file_is_hidden_from_git(repo: str) -> None:
    files = [path for path in (ROOT / repo).rglob("*") if path.is_file() and not set(SKIPPED) & set(path.parts)]
    done = subprocess.run(["git", "check-ignore", *map(str, files)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 128:
        pytest.skip("not a git checkout")
    assert done.stdout == ""


def test_odd_files_are_among_them() -> None:
    trees = {repo: gold_tree(repo) for repo in repositories()}
    changed = {bug.repo: {file.path for file in parse(bug.bug_patch)} for bug in BUGS}
    all_changed = {(bug.repo, file.path) for bug in BUGS for file in parse(bug.bug_patch)}
    assert any(b"\r\n" in trees[repo][path] for repo, path in all_changed)
    assert ("unitconv", "unitconv/units.txt") in all_changed
    assert sum(any(path.startswith("src/") for path in tree) for tree in trees.values()) >= 3
    assert any(path.count("/") == 2 and path.endswith("__init__.py") for path in trees["moustachio"])
    assert sum(len(parse(bug.bug_patch)) > 1 for bug in BUGS) >= 3
    with pytest.raises(UnicodeDecodeError):
        trees["addrbook"]["addrbook/names.py"].decode("utf-8")
    assert ("addrbook", "addrbook/names.py") in all_changed
    assert changed.keys() == trees.keys()


@pytest.mark.parametrize("name", ["assay__csvtidy-2", "assay__addrbook-2", "assay__moustachio-3"])
def test_the_commit_is_the_one_that_git_makes_and_git_applies_the_patches(tmp_path: Path, name: str) -> None:
    (bug,) = [bug for bug in BUGS if bug.instance_id == name]
    write_tree(bug.base(), tmp_path)
    one_commit(tmp_path)

    def git(*args: str, stdin: bytes = b"") -> str:
        return subprocess.run(
            ["git", *args], cwd=tmp_path, input=stdin, check=True, capture_output=True
        ).stdout.decode()  # fmt: skip

    assert git("rev-parse", "HEAD").strip() == row(bug)["base_commit"] == commit_id(bug.base())
    git("apply", "--whitespace=nowarn", "-", stdin=bug.gold_patch)
    git("apply", "--whitespace=nowarn", "-", stdin=bug.test_patch)
    expected = bug.with_tests(gold_tree(bug.repo))
    assert {path: (tmp_path / path).read_bytes() for path in expected} == expected


def test_an_unknown_fixture() -> None:
    for name in ("assay__ledgerlite-9", "assay__nothing-1", "ledgerlite-1", "", "assay__../fixtures-1"):
        with pytest.raises(KeyError, match="no fixture"):
            base_tree(name)


def test_nothing_is_read_at_import() -> None:
    code = (
        "from assay.envs.swe_rl import fixtures as f; from assay.envs.swe_rl.fixtures import trees as t;"
        "print([g.cache_info().currsize for g in (f._lines, f._base_tree, t._gold_tree, t.bugs)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[0, 0, 0, 0]"


HEAD = b"diff --git a/f b/f\n--- a/f\n+++ b/f\n"


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (b"", "must start with"),
        (b"hello\n", "must start with"),
        (HEAD, "no hunk"),
        (HEAD + b"@@ -1 +1 @@\n-b\n+c\n", "does not fit"),
        (HEAD + b"@@ -2 +2 @@\n-a\n+c\n", "does not fit"),
        (HEAD + b"@@ -1,2 +1 @@\n-a\n+c\n", "holds 1 old and 1 new"),
        (HEAD + b"@@ -1 +1 @@\n-a\n*c\n", "must start with a space"),
        (b"diff --git a/f b/g\n", "rename"),
        (HEAD.replace(b"--- a/f", b"--- /dev/null") + b"@@ -0,0 +1 @@\n+c\n", "is there already"),
        (b"diff --git a/g b/g\n--- a/g\n+++ b/g\n@@ -1 +1 @@\n-a\n+c\n", "is not in the tree"),
        (HEAD.replace(b"+++ b/f", b"+++ /dev/null") + b"@@ -1 +0,0 @@\n-a\n", "lines are left"),
    ],
)
def test_a_patch_that_does_not_fit_is_refused(patch: bytes, message: str) -> None:
    with pytest.raises(PatchError, match=message):
        apply({"f": b"a\nz\n"}, patch)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"f": b"a\r\nb\r\n"}, {"f": b"a\r\nc\r\n"}),
        ({"f": b"a\nb"}, {"f": b"a\nc\n"}),
        ({"f": b"a\nb\n"}, {"f": b"a\nb"}),
        ({"f": b"\xe9\x0c\x85\n"}, {"f": b"\xe8\x0c\x85\n"}),
        ({"f": b"a\n"}, {"f": b"a\n", "d/g": b"x\ny\n"}),
        ({"f": b"a\n", "g": b"x"}, {"f": b"a\n"}),
        ({"f": b"".join(b"%d\n" % i for i in range(40))}, {"f": b"".join(b"%d\n" % i for i in range(40) if i % 13)}),
    ],
    ids=["crlf", "gains-newline", "loses-newline", "latin-1", "new-file", "deleted-file", "hunks"],
)
def test_gits_patches_are_applied_and_turned_round(
    tmp_path: Path, old: dict[str, bytes], new: dict[str, bytes]
) -> None:
    write_tree(old, tmp_path)
    one_commit(tmp_path)
    for path in old:
        (tmp_path / path).unlink()
    write_tree(new, tmp_path)
    for command in (["add", "-A"], ["diff", "--cached", "--no-color", "--no-renames", "--no-ext-diff"]):
        done = subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    assert apply(old, done.stdout) == new
    assert apply(new, reverse(done.stdout)) == old
    assert apply(old, reverse(reverse(done.stdout))) == new
