"""Attacks on grading by somebody who has read pytest: what passed must be able to fail, and nobody can call a draw."""

from __future__ import annotations

import ast
import base64
import importlib.util
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import assay.envs.swe_rl.inside as inside
from assay.envs.swe_rl.audit import finding, is_due, task_of, undeclared
from assay.envs.swe_rl.evidence import Evidence
from assay.envs.swe_rl.grading import grade
from assay.envs.swe_rl.patches import MAX_FILES, PatchError, check_patch
from assay.envs.swe_rl.pyenvs import host, without_packages
from assay.envs.swe_rl.repos import one_commit, write_tree
from assay.envs.swe_rl.verdict import score_of
from assay.sandbox import FileRefused

IMPORT = "from shelf.stock import missing, take\n"
TESTS = "module = [m for n, m in sys.modules.items() if n.endswith('test_stock')][0]\n"
UP = "f = sys._getframe()\nwhile f and 'test_stock' not in f.f_globals.get('__name__', ''): f = f.f_back\n"


def at_import(code: str) -> Callable[[dict[str, str]], dict[str, str]]:
    head = "shelf/__init__.py"
    return lambda tree: {**tree, head: tree[head].replace(IMPORT, f"import sys\n{code}\n{IMPORT}")}


def in_take(code: str) -> Callable[[dict[str, str]], dict[str, str]]:
    lines = "".join(f"    {line}\n" for line in f"import sys\n{code}".splitlines())
    path = "shelf/stock.py"
    return lambda tree: {**tree, path: tree[path].replace("    left = stock", f"{lines}    left = stock")}


ATTACKS = {
    "declares a failure in the name of another file": (
        in_take(
            "import pytest\ntake.__code__ = take.__code__.replace(co_filename='/usr/x.py')\n"
            "space = {'pytest': pytest}\n"
            "exec(compile('def give_up(): pytest.xfail()', '/testbed/tests/test_stock.py', 'exec'), space)\n"
            "if count > stock.get(name, 0): space['give_up']()"
        ),
        "declares",
    ),
    "empties the tests that call it": (
        in_take(
            TESTS + "for each in dir(module):\n    if each.startswith('test_'):\n        old = getattr(module, each)\n"
            "        space = {}\n        names = old.__code__.co_varnames[:old.__code__.co_argcount]\n"
            "        exec('def new(%s): pass' % ','.join(names), space)\n        old.__code__ = space['new'].__code__"
        ),
        "made to fail",
    ),
    "makes the reporter kind by name": (
        at_import(
            "import gc\nfor r in gc.get_objects():\n    if type(r).__name__ == 'Reporter':\n"
            "        f = type(r).pytest_runtest_logreport\n"
            "        f.__globals__['_status'].__code__ = ("
            "lambda report: 'passed' if 'test_stock' in report.nodeid else 'failed').__code__"
        ),
        "made to fail",
    ),
    "blinds pytest.raises for one file": (
        lambda tree: at_import(
            UP + "import pytest, types\nclass Blind:\n    def __init__(self, *a, **k): pass\n"
            "    def __enter__(self): return self\n    def __exit__(self, *a): return True\n"
            "fake = types.SimpleNamespace(**vars(pytest))\nfake.raises = Blind\nif f: f.f_globals['pytest'] = fake"
        )({
            **tree, "shelf/stock.py": tree["shelf/stock.py"].replace(
                "    stock[name] = left\n", "    if left >= 0: stock[name] = left\n"
            )
        }),
        "made to fail",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_paid_for_can_fail(shelf, name):
    attack, why = ATTACKS[name]
    score = shelf.grade(shelf.patch(attack(shelf.tree)))
    assert score.correct is False
    assert score.reward == 0.0
    assert why in score.detail


def test_only_what_would_be_paid_is_looked_at_again(shelf):
    opened = []

    def open_box():
        opened.append(1)
        return shelf.open()

    for patch, times in ((shelf.row.patch, 2), (shelf.patch({**shelf.tree, "shelf/more.py": "x = 1\n"}), 1)):
        opened.clear()
        score = score_of(shelf.row, grade(shelf.row, patch, shelf.place, open_box, 60.0), "tests")
        assert (score.correct, len(opened)) == (times == 2, times)


@pytest.fixture(scope="module")
def spoil() -> Any:
    return _module("spoil")


@pytest.fixture(scope="module")
def prepare() -> Any:
    return _module("prepare")


def _module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"red_{name}", Path(inside.__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module, before = importlib.util.module_from_spec(spec), list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


KINDS = '''"""Tests of every kind."""
from __future__ import annotations
import unittest, pytest as p
def test_plain(tmp_path):
    """It has words."""
    assert True
    return
@p.mark.parametrize("n", [1, 2])
def test_many(n): assert n
def test_skips(): p.skip("later")
def test_expects():
    p.xfail("known")
async def test_later(): pass
class TestGroup:
    def test_in(self): assert self
    class TestDeep:
        def test_in(self): pass
class TestOld(unittest.TestCase):
    def test_it(self):
        with self.assertRaises(ValueError):
            int("x")
def test_twice(): pass
def test_twice(): pass
def test_nested():
    def inner(): yield 1
    assert list(inner())
if True:
    def test_hidden(): pass
test_made = lambda: None
'''
FOUND = ["test_plain", "test_many[1]", "test_many[2]", "test_skips", "test_expects", "TestGroup::test_in",
         "TestGroup::TestDeep::test_in", "TestOld::test_it", "test_nested"]  # fmt: skip
NOT_FOUND = ["test_twice", "test_hidden", "test_made", "test_absent", "TestGroup"]


def test_tests_of_every_kind_fail_and_the_others_are_left(spoil, tmp_path):
    ids = [f"test_kinds.py::{name}" for name in FOUND + NOT_FOUND]
    text, done = spoil.spoil(KINDS.encode(), [*ids, "test_kinds.py::test_later"], random.Random(1))
    assert done == [*ids[: len(FOUND)], "test_kinds.py::test_later"]
    assert spoil.spoil(b"def test_x():\n    if 1:\n        yield 2\n", ["f.py::test_x"], random.Random(1)) == ("", [])
    (tmp_path / "test_kinds.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "-rA", "--tb=no"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    said = {line.split()[1]: line.split()[0] for line in ran.splitlines() if line.startswith(("PASSED", "FAILED"))}
    for name in ids[: len(FOUND)]:
        assert said[name] == "FAILED", name
    assert said["test_kinds.py::test_hidden"] == said["test_kinds.py::test_made"] == "PASSED"


@pytest.mark.parametrize("blind", ["raises", "assertEqual", "assert", ""])
def test_a_test_that_must_fail_passes_where_one_way_to_fail_is_blind(spoil, blind):
    source = "import pytest\nimport unittest\nclass T(unittest.TestCase):\n    def test_x(self): self.assertTrue(1)\n"
    text, _ = spoil.spoil(source.encode(), ["f.py::T::test_x"], random.Random(2))
    space: dict[str, Any] = {}
    tree = ast.parse(text)
    if blind == "assert":
        tree = ast.fix_missing_locations(_NoAsserts().visit(tree))
    exec(compile(tree, "f.py", "exec"), space)  # our own text
    if blind == "raises":
        space["pytest"] = type("Fake", (), {"raises": _Blind})
    if blind == "assertEqual":
        space["T"].assertEqual = lambda *_: None
    test = space["T"]("test_x")
    if blind:
        test.test_x()
    else:
        with pytest.raises(AssertionError):
            test.test_x()


class _NoAsserts(ast.NodeTransformer):
    def visit_Assert(self, node: ast.Assert) -> ast.Pass:
        return ast.copy_location(ast.Pass(), node)


class _Blind:
    def __init__(self, *_: object) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> bool:
        return True


def test_files_that_cannot_be_read_are_left(spoil):
    deep = b"x = " + b"(" * 5000 + b")" * 5000
    for source in (b"def test_x(:", b"\xff\xfe", b"a\0b", deep, b"", b"x" * (spoil.MAX_BYTES + 1)):
        assert spoil.spoil(source, ["f.py::test_x"], random.Random(0)) == ("", [])


def test_expected_failures_are_declared_where_tests_are(spoil, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "test_x.py").write_text("def test_x(): pass\n")
    assert not spoil.declares(str(tmp_path), "a/b/test_x.py")
    (tmp_path / "a" / "conftest.py").write_text("import pytest\nknown = pytest.mark.xfail\n")
    assert spoil.declares(str(tmp_path), "a/b/test_x.py")
    assert not spoil.declares(str(tmp_path), "test_y.py")


def test_what_the_second_look_says(shelf):
    ids = [*shelf.row.tests]
    report = {"version": 1, "nonce": "", "complete": True, "exit": 0, "collected": 5, "uncollectable": {}}
    good = Evidence("p", True, report={**report, "tests": dict.fromkeys(ids, "passed")})
    assert is_due(shelf.row, good)
    half = Evidence("p", True, report={**report, "tests": {**dict.fromkeys(ids, "passed"), ids[0]: "failed"}})
    assert is_due(shelf.row, half)  # part of it may be paid
    broken = Evidence("p", True, report={**report, "tests": {**dict.fromkeys(ids, "passed"), ids[-1]: "failed"}})
    for bad in (broken, Evidence("", False), Evidence("p", True, report={"log": "", "parser": "pytest", "exit": 0})):
        assert not is_due(shelf.row, bad)
    statuses = {ids[0]: "xfail", ids[1]: "xpass", ids[2]: "passed", "tests/other.py::test_x": "xfail"}
    task = task_of(shelf.row, {"tests": statuses}, "/testbed", 7)
    assert (task["expected"], task["passed"], task["seed"]) == (ids[:2], [ids[2]], 7)
    assert undeclared({"undeclared": None}) == ""
    assert ids[0] in undeclared({"undeclared": ids[0]})
    assert finding(ids, {"tests": dict.fromkeys(ids, "failed"), "problems": []}) == ""
    assert finding(ids, {"tests": {ids[0]: "error"}, "problems": []}) == ""  # others missing
    for status in ("passed", "xpass", "xfail", "skipped"):
        assert "made to fail" in finding(ids, {"tests": {ids[0]: status}, "problems": []})
    assert "must fail: it stopped" in finding(ids, {"tests": {}, "problems": ["it stopped"]})


def nothing_but_numbers(count: int) -> str:
    return "".join(
        f"diff --git a/f{n} b/f{n}\nnew file mode 100644\n--- /dev/null\n+++ b/f{n}\n@@ -0,0 +1 @@\n+{n}\n"
        for n in range(count)
    )


def test_more_files_than_anybody_changes_are_a_bad_patch_and_no_fault_of_ours(shelf):
    check_patch(nothing_but_numbers(MAX_FILES))
    with pytest.raises(PatchError, match="10,001 files"):
        check_patch(nothing_but_numbers(MAX_FILES + 1))
    score = shelf.grade(nothing_but_numbers(MAX_FILES + 1))
    assert (score.correct, score.parts["applied"]) == (False, 0.0)


def test_an_agent_cannot_make_its_own_patch_unreadable(shelf):
    """Too deep for anybody: refused as a file, which is scored, and not as a lost sandbox, which is played again."""
    nest = "import os\nfor _ in range(3000):\n    os.mkdir('d'); os.chdir('d')\nopen('f', 'w').write('x')"
    with shelf.open() as box:
        assert box.exec(["python3", "-c", nest], timeout=60).exit_code == 0
        with pytest.raises(FileRefused):
            box.diff()


BLOCKS = {
    "a file for the folder": ("checks", b"mine\n", 0o100644),
    "a link for the folder": ("checks", b"/tmp", 0o120000),
    "a folder for the file": ("checks/check_new.py/inside.py", b"x = 1\n", 0o100644),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_nothing_may_stand_where_the_tasks_tests_go(prepare, tmp_path, name):
    path, data, mode = BLOCKS[name]
    root, scratch = tmp_path / "tree", tmp_path / "scratch"
    root.mkdir()
    scratch.mkdir()
    write_tree(root, [("src/a.py", (0o100644, b"x = 1\n"))])
    one_commit(root)
    kind = f"{mode:o}"
    end = "\n\\ No newline at end of file\n" if kind == "120000" else "\n"
    patch = (
        f"diff --git a/{path} b/{path}\nnew file mode {kind}\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n"
        f"+{data.decode().rstrip()}{end}"
    )
    tests = (
        "diff --git a/checks/check_new.py b/checks/check_new.py\nnew file mode 100644\n--- /dev/null\n"
        "+++ b/checks/check_new.py\n@@ -0,0 +1 @@\n+def test_new(): pass\n"
    )
    task = {
        "root": str(root), "patch": base64.b64encode(patch.encode()).decode(), "tests": ["checks/check_new.py"],
        "test_patch": base64.b64encode(tests.encode()).decode(), "exempt": [], "files": ["checks/check_new.py"],
    }  # fmt: skip
    done = prepare.prepare(task, str(scratch))
    assert (done["applied"], done["restored"], done["missing"]) == (True, [path], [])
    assert (root / "checks/check_new.py").read_text() == "def test_new(): pass\n"
    assert not (root / "checks").is_symlink()


def test_what_fails_once_the_patch_is_in_is_the_patchs_fault(prepare, tmp_path, monkeypatch):
    root, scratch = tmp_path / "tree", tmp_path / "scratch"
    root.mkdir()
    scratch.mkdir()
    write_tree(root, [("src/a.py", (0o100644, b"x = 1\n"))])
    one_commit(root)
    monkeypatch.setattr(prepare, "undo", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    task = {"root": str(root), "patch": base64.b64encode(nothing_but_numbers(1).encode()).decode(), "tests": [],
            "test_patch": "", "exempt": [], "files": []}  # fmt: skip
    done = prepare.prepare(task, str(scratch))
    assert done["applied"] is False
    assert "No space left" in done["message"]


def test_no_installed_package_can_be_read(shelf):
    """Neither a newer release of what is to be mended, nor the tasks of this package with their solutions."""
    look = (
        "import glob, os, sys\nfor top in {sys.base_prefix, '/usr'}:\n"
        "    for path in [p for t in (top, top + '/local') for p in glob.glob(t + '/lib*/python*/*-packages')]:\n"
        "        print(*[name for name in os.listdir(path) if name != 'assay-ready.json'])"
    )
    with shelf.open() as box:
        assert box.exec(["python3", "-c", look], timeout=30).stdout.split() == []


def test_the_folders_of_packages_are_found(swe_cache, tmp_path, monkeypatch):
    for name in ("lib/python3.9/site-packages/x", "lib/python3.9/json", "pkgs/y-1", "src/assay/envs"):
        (tmp_path / "py" / name).mkdir(parents=True)
    (tmp_path / "py" / "lib64").symlink_to("lib")
    (tmp_path / "link").symlink_to("py")
    monkeypatch.setattr(host, "SOLUTIONS", tmp_path / "py/src/assay/envs")
    for prefix in ("py", "link"):
        layers = without_packages(str(tmp_path / prefix))
        below = {layer.target for layer in layers if layer.target.startswith(str(tmp_path))}
        hidden = ("lib/python3.9/site-packages", "pkgs", "src/assay/envs")
        tops = ("py",) if prefix == "py" else ("py", "link")
        wanted = {str(tmp_path / top / name) for top in tops for name in hidden}
        assert below == wanted
        assert all(not layer.writable and set(Path(layer.source).iterdir()) == {Path(layer.source) / "assay-ready.json"}
                   for layer in layers)  # fmt: skip
