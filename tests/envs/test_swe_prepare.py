"""The tree that is graded: patches of every kind go in, changes to tests do not, nothing of the repository runs."""

from __future__ import annotations

import base64
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import assay.envs.swe_rl.inside as inside
from assay.envs.swe_rl.bases import RepoError
from assay.envs.swe_rl.inside.protected import is_test, noise, protected
from assay.envs.swe_rl.patches import PatchError, check_patch, paths_of, sections, without
from assay.envs.swe_rl.repos import one_commit, write_tree
from assay.sandbox.patch import Entry, make_patch, tree_map

PLAIN = {"src/a.py": b"x = 1\ny = 2\n", "tests/test_a.py": b"def test_a(): pass\n", "setup.cfg": b"[metadata]\n"}


@pytest.fixture(scope="module")
def prepare() -> Any:
    """The script, imported as the sandbox's Python would."""
    folder = Path(inside.__file__).parent
    spec = importlib.util.spec_from_file_location("swe_prepare", folder / "prepare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


class Repo:
    def __init__(
        self, prepare: Any, folder: Path, files: dict[str, bytes], modes: dict[str, int] | None = None
    ) -> None:
        self.prepare, self.root, self.scratch = prepare, folder / "tree", folder / "scratch"
        self.root.mkdir()
        self.scratch.mkdir()
        self.entries = {path: Entry((modes or {}).get(path, 0o100644), data) for path, data in files.items()}
        write_tree(self.root, [(path, (entry.mode, entry.data)) for path, entry in sorted(self.entries.items())])
        one_commit(self.root)

    def apply(self, patch: str, test_patch: str = "", tests: tuple[str, ...] = (), exempt: tuple[str, ...] = ()) -> Any:
        coded = [base64.b64encode(each.encode("utf-8", "surrogateescape")).decode() for each in (patch, test_patch)]
        task = {"root": str(self.root), "patch": coded[0], "test_patch": coded[1], "tests": list(tests),
                "exempt": list(exempt), "files": ["tests/test_a.py"]}  # fmt: skip
        return self.prepare.prepare(task, str(self.scratch))

    def patch(self, after: dict[str, bytes | Entry | None]) -> str:
        new = dict(self.entries)
        for path, data in after.items():
            if data is None:
                del new[path]
            else:
                new[path] = data if isinstance(data, Entry) else Entry(0o100644, data)
        return make_patch(self.entries, new)

    def files(self) -> dict[str, Entry]:
        return tree_map(self.root)


@pytest.fixture
def repo(prepare, tmp_path):
    return Repo(prepare, tmp_path, PLAIN)


def test_a_change_of_source_stays_and_of_tests_goes(repo):
    done = repo.apply(repo.patch({"src/a.py": b"x = 3\n", "tests/test_a.py": b"", "src/b.py": b"", "setup.cfg": None}))
    assert (done["applied"], done["how"], done["missing"]) == (True, "git apply", [])
    assert done["restored"] == ["setup.cfg", "tests/test_a.py"]
    files = repo.files()
    assert files["src/a.py"].data == b"x = 3\n"
    assert files["src/b.py"].data == b""
    assert files["tests/test_a.py"].data == PLAIN["tests/test_a.py"]
    assert files["setup.cfg"].data == PLAIN["setup.cfg"]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("data/blob.bin", bytes(range(256)) * 40),
        ("src/latin.py", "# -*- coding: latin-1 -*-\ns = 'café'\n".encode("latin-1")),
        ("src/crlf.py", b"a = 1\r\nb = 2\r\n"),
        ("src/mixed.py", b"a = 1\r\nb = 2\nc = 3\r"),
        ("src/no_newline.py", b"a = 1"),
        ("a name with spaces.py", b"a = 1\n"),
        ("na\u00efve/\u65e5\u672c.py", b"a = 1\n"),
        ("src/empty.py", b""),
    ],
)  # fmt: skip
def test_every_kind_of_file_arrives_byte_for_byte(repo, path, data):
    assert repo.apply(repo.patch({path: data}))["applied"]
    assert repo.files()[path].data == data


@pytest.mark.parametrize("old", [b"a = 1\r\nb = 2\r\nc = 3\r\n", "é = 1\nb\nc\n".encode("latin-1"), bytes(range(256))])
def test_every_kind_of_file_is_changed_byte_for_byte(prepare, tmp_path, old):
    attributes = b"* text=auto eol=lf ident working-tree-encoding=UTF-16 filter=evil\n"
    repo = Repo(prepare, tmp_path, {**PLAIN, "src/odd.py": old, ".gitattributes": attributes})
    new = old.replace(b"1", b"7").replace(b"\x07", b"\x08$Id$")
    done = repo.apply(repo.patch({"src/odd.py": new}))
    assert done["applied"], done
    assert repo.files()["src/odd.py"].data == new
    assert done["restored"] == []


def test_modes_and_links(repo):
    done = repo.apply(repo.patch({"run.sh": Entry(0o100755, b"#!/bin/sh\n"), "link": Entry(0o120000, b"src/a.py")}))
    assert done["applied"]
    assert os.access(repo.root / "run.sh", os.X_OK)
    assert os.readlink(repo.root / "link") == "src/a.py"


def test_a_link_in_place_of_the_tests_leads_nowhere(repo, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    patch = repo.patch({"tests/test_a.py": None, "tests": Entry(0o120000, os.fsencode(outside))})
    done = repo.apply(patch, repo.patch({"tests/test_a.py": b"def test_a(): assert 1\n"}), ("tests/test_a.py",))
    assert done["applied"]
    assert "tests/test_a.py" in done["restored"]
    assert (repo.root / "tests/test_a.py").read_bytes() == b"def test_a(): assert 1\n"
    assert not (repo.root / "tests").is_symlink()
    assert list(outside.iterdir()) == []


def test_the_tasks_own_tests_go_in_last(repo):
    tests = repo.patch({"tests/test_a.py": b"def test_a(): assert 2\n", "tests/test_new.py": b"pass\n"})
    mine = repo.patch({"tests/test_new.py": b"mine\n", "src/a.py": b"x = 5\n"})
    assert repo.apply(mine, tests, ("tests/test_a.py", "tests/test_new.py"))["restored"] == ["tests/test_new.py"]
    assert (repo.root / "tests/test_new.py").read_bytes() == b"pass\n"
    assert (repo.root / "src/a.py").read_bytes() == b"x = 5\n"


def test_files_that_the_solution_changes_are_no_tests(repo):
    patch = repo.patch({"tests/helper.py": b"h = 1\n"})
    assert repo.apply(patch, exempt=("tests/helper.py",))["restored"] == []
    assert (repo.root / "tests/helper.py").exists()


def test_what_running_leaves_behind_is_removed_without_a_word(repo):
    patch = repo.patch({"src/__pycache__/a.cpython-311.pyc": b"\0evil", "src/a.py": b"x = 9\n"})
    assert repo.apply(patch)["restored"] == []
    assert not (repo.root / "src/__pycache__/a.cpython-311.pyc").exists()


@pytest.mark.parametrize(
    "patch",
    [
        "diff --git a/src/a.py b/src/a.py\n--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1 @@\n-no such line\n+x\n",
        "diff --git a/../out b/../out\nnew file mode 100644\n--- /dev/null\n+++ b/../out\n@@ -0,0 +1 @@\n+x\n",
        "diff --git a/.git/hooks/post-checkout b/.git/hooks/post-checkout\nnew file mode 100755\n--- /dev/null\n"
        "+++ b/.git/hooks/post-checkout\n@@ -0,0 +1 @@\n+touch /tmp/evil\n",
        "--- a/sub/.git/HEAD\n+++ b/sub/.git/HEAD\n@@ -0,0 +1 @@\n+ref: refs/heads/x\n",
    ],
)
def test_a_patch_that_does_not_fit_leaves_the_tree_alone(repo, patch):
    before = repo.files()
    done = repo.apply(patch)
    assert done["applied"] is False
    assert done["message"]
    assert repo.files() == before
    assert not (repo.root.parent / "out").exists()


def test_a_patch_made_for_slightly_other_lines_still_fits(prepare, tmp_path):
    repo = Repo(prepare, tmp_path, {**PLAIN, "src/a.py": b"a\nb\nc\nd\ne\nf\ng\n"})
    patch = "--- a/src/a.py\n+++ b/src/a.py\n@@ -1,7 +1,7 @@\n gone\n b\n c\n-d\n+D\n e\n f\n g\n"
    assert repo.apply(patch)["how"] == "patch"
    assert (repo.root / "src/a.py").read_bytes() == b"a\nb\nc\nD\ne\nf\ng\n"


def test_a_test_patch_that_does_not_fit_is_the_tasks_fault(repo, prepare):
    with pytest.raises(prepare.Unusable, match="the task's test patch does not apply"):
        repo.apply("", "--- a/tests/none.py\n+++ b/tests/none.py\n@@ -1 +1 @@\n-a\n+b\n")


def test_nothing_that_a_repository_configures_is_run(prepare, tmp_path):
    marker = tmp_path / "ran"
    repo = Repo(prepare, tmp_path, {**PLAIN, ".gitattributes": b"* filter=evil diff=evil\n"})
    git = repo.root / ".git"
    (git / "hooks").mkdir(exist_ok=True)
    for name in ("post-checkout", "pre-commit", "post-index-change", "reference-transaction"):
        (git / "hooks" / name).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (git / "hooks" / name).chmod(0o755)
    with (git / "config").open("a") as config:
        config.write(f'[core]\nfsmonitor = "touch {marker}"\n[filter "evil"]\nclean = touch {marker}\n'
                     f'smudge = touch {marker}\n[diff "evil"]\ntextconv = touch {marker}\n')  # fmt: skip
    assert repo.apply(repo.patch({"src/a.py": b"x = 2\n", "tests/test_a.py": b""}))["applied"]
    assert not marker.exists()


def test_protected_paths():
    for path in ("conftest.py", "a/b/conftest.py", "tox.ini", "a/tests/data.json", "pkg/test_x.py", "pkg/x_test.py",
                 "evil.pth", "a/__pycache__/x.pyc", "x.dist-info/entry_points.txt", "x.egg-info/PKG-INFO"):  # fmt: skip
        assert protected(path, (), ()), path
    for path in ("src/a.py", "src/testing.py", "docs/tests.rst", "setup.py", "latest.py", "contest/x.py"):
        assert not protected(path, (), ()), path
    assert protected("src/a.py", ("src/a.py",), ("src/a.py",))
    assert is_test("tests/unit/unittest_nodes.py")
    assert noise(".pytest_cache/v/x")
    assert not noise("tests/test_a.py")


PATCH = (
    "diff --git a/old name.py b/new name.py\nsimilarity index 90%\nrename from old name.py\nrename to new name.py\n"
    "--- a/old name.py\t\n+++ b/new name.py\t\n@@ -1,2 +1,2 @@\n---- a/x\n+++++ b/x\n same\n"
    'diff --git "a/na\\303\\257ve.py" "b/na\\303\\257ve.py"\nnew file mode 100644\nindex 0000000..e69de29\n'
    "diff --git a/bin b/bin\nindex 1..2 100644\nGIT binary patch\nliteral 1\nIcmZPo00001\n\n"
)


def test_patches_are_read_by_file():
    assert [section.paths for section in sections(PATCH)] == [("old name.py", "new name.py"), ("naïve.py",), ("bin",)]
    check_patch(PATCH)
    kept, dropped = without(PATCH, lambda path: path == "new name.py")
    assert dropped == ["new name.py"]
    assert paths_of(kept) == ["naïve.py", "bin"]


def test_a_removed_line_that_looks_like_a_header_is_none():
    patch = "--- a/x\n+++ b/x\n@@ -1,2 +1,1 @@\n--- a/y\n-++ b/y\n+z\n--- a/w\n+++ b/w\n@@ -1 +1 @@\n-a\n+b\n"
    assert paths_of(patch) == ["x", "w"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("just words", "no 'diff --git'"),
        ("", "no 'diff --git'"),
        ("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n", "cut short"),
        ("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\nb\n", "cut short"),
        ("diff --git a/x b/x\n", "changes nothing"),
    ],
)
def test_what_is_no_patch_is_refused_with_a_reason(text, match):
    with pytest.raises(PatchError, match=match):
        check_patch(text)


def test_trees_that_lead_out_are_refused(tmp_path):
    for bad in ("../x", "/x", "a/../../x", "a//b", ".git/config", "a/.GIT/x", "a\0b"):
        with pytest.raises(RepoError, match="no plain file name"):
            write_tree(tmp_path, [(bad, (0o100644, b""))])
    with pytest.raises(RepoError, match="behind a link"):
        write_tree(tmp_path, [("l", (0o120000, b"/tmp")), ("l/x", (0o100644, b""))])


def test_the_history_is_one_commit_and_always_the_same(tmp_path):
    heads = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        write_tree(folder, [("a.py", (0o100644, b"a\r\n")), ("b/ignored.log", (0o100644, b"")),
                            (".gitignore", (0o100644, b"*.log\n"))])  # fmt: skip
        one_commit(folder)
        git = ["git", "-c", "safe.directory=*", "-C", str(folder)]
        heads.append(subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True).stdout)
        seen = subprocess.run([*git, "rev-list", "--all", "--reflog", "--count"], capture_output=True, text=True).stdout
        assert seen.strip() == "1"
        assert subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True).stdout == ""
        assert subprocess.run([*git, "ls-files"], capture_output=True, text=True).stdout.count("\n") == 3
        assert not list((folder / ".git").glob("logs")) + list((folder / ".git" / "refs" / "tags").glob("*"))
        assert "remote" not in (folder / ".git" / "config").read_text()
    assert heads[0] == heads[1]
    assert heads[0]
