"""The builder's checks: each of them finds what it is for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assay.envs.swe_rl.fixtures import ROWS, rows
from assay.envs.swe_rl.fixtures import build as builder
from assay.envs.swe_rl.fixtures.build import FixtureError, build, check, dump, lists, main, measured_row
from assay.envs.swe_rl.fixtures.measure import Run, examples_differ, run_tests
from assay.envs.swe_rl.fixtures.trees import Bug, bugs

BUG = bugs("ledgerlite")[0]
HIDDEN = "tests/test_money.py::test_amount_is_in_major_units"
OLD = "tests/test_split.py::test_even"
GREEN = Run(0, {OLD: "passed"}, ())
RED = Run(1, {OLD: "passed", HIDDEN: "failed"}, ())
FIXED = Run(0, {OLD: "passed", HIDDEN: "passed"}, ())
unsafe = pytest.mark.filterwarnings("ignore:backend 'local-unsafe'")


def found(bug: Bug = BUG, visible: Run = GREEN, before: Run = RED, after: tuple[Run, ...] = (FIXED, FIXED)) -> str:
    return "; ".join(check(bug, visible, before, after))


def test_a_good_bug_passes() -> None:
    assert found() == ""
    assert lists(RED, FIXED) == ([HIDDEN], [OLD])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: found(visible=replace(GREEN, exit=1)), "visible tests notice"),
        (lambda: found(before=replace(RED, uncollectable=("tests/test_money.py",))), "does not load"),
        (lambda: found(after=(FIXED, RED)), "a test fails after the fix; the tests do not say the same"),
        (lambda: found(before=FIXED), "needs tests that the fix turns green"),
        (lambda: found(before=Run(1, {OLD: "failed", HIDDEN: "failed"}, ())), "tests that stay green"),
        (lambda: found(before=Run(1, {OLD: "failed", HIDDEN: "passed"}, ())), "test_split.py fail, which are not"),
        (lambda: found(replace(BUG, level="tricky")), "level must be one of"),
        (lambda: found(replace(BUG, kinds=())), "needs a kind"),
        (lambda: found(before=Run(1, {**RED.tests, f"t[{'x' * 101}]": "passed"}, ())), "long ids"),
        (lambda: found(replace(BUG, bug_patch=BUG.test_patch)), "leave the tests alone"),
        (lambda: found(replace(BUG, test_patch=BUG.bug_patch)), "must lie in tests/"),
    ],
)
def test_a_bad_one_does_not(call: Callable[[], str], message: str) -> None:
    assert message in call()


@unsafe
def test_a_statement_that_lies_is_noticed() -> None:
    base = BUG.base()
    assert examples_differ(base, BUG.pythonpath, BUG.statement, "local-unsafe") == ""
    lie = BUG.statement.replace("'15 JPY'", "'16 JPY'")
    assert "'16 JPY'" in examples_differ(base, BUG.pythonpath, lie, "local-unsafe")
    with pytest.raises(ValueError, match="examples print something else"):
        measured_row(replace(BUG, statement=lie), "local-unsafe", repeats=1)


@unsafe
def test_the_status_of_each_test_is_pytests() -> None:
    tree = {
        "tests/test_a.py": b"import pytest\n"
        b"def test_good(): pass\n"
        b"def test_bad(): assert 0\n"
        b"def test_skip(): pytest.skip()\n"
        b"@pytest.fixture\ndef broken(): raise OSError\n"
        b"def test_error(broken): pass\n",
        "tests/test_b.py": b"import nowhere_to_be_found\n",
    }
    run = run_tests(tree, ["."], "local-unsafe")
    statuses = {name.partition("::")[2]: status for name, status in run.tests.items()}
    assert statuses == {"test_good": "passed", "test_bad": "failed", "test_skip": "skipped", "test_error": "error"}
    assert run.uncollectable == ("tests/test_b.py",)
    assert run.exit != 0


@unsafe
def test_rows_come_in_order_after_their_repository_was_run() -> None:
    assert list(build("local-unsafe", 1, [BUG])) == rows_of(BUG)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the committed file without one row, and with one that is out of date; nothing is run."""
    known = rows()
    path = tmp_path / "fixtures.jsonl"
    stale = [row for row in known if row["instance_id"] != "assay__rollcal-3"]
    stale[1] = {**stale[1], "version": "old"}
    path.write_text(dump(stale), encoding="utf-8")
    monkeypatch.setattr(builder, "ROWS", path)
    monkeypatch.setattr(builder, "rows", lambda: stale)
    by_id = {row["instance_id"]: row for row in known}
    monkeypatch.setattr(builder, "build", lambda *args: [by_id[bug.instance_id] for bug in args[2]])
    return path


def test_rows_that_are_out_of_date_are_named(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.read_bytes()
    assert main(["--check"]) == 1
    assert capsys.readouterr().out.strip().endswith("out of date: assay__addrbook-2, assay__rollcal-3")
    assert main(["--check", "ledgerlite"]) == 0
    assert "3 rows are up to date" in capsys.readouterr().out
    assert file.read_bytes() == before


def test_a_part_of_the_rows_can_be_made_again(file: Path) -> None:
    assert main(["rollcal"]) == 0
    assert [row for row in read(file) if row["version"] != "old"] == [
        row for row in rows() if row["instance_id"] != "assay__addrbook-2"
    ]
    assert main([]) == 0
    assert file.read_bytes() == ROWS.read_bytes()


def test_what_is_wrong_is_printed_and_nothing_written(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: object) -> list[object]:
        raise FixtureError("ledgerlite: its own tests fail without any bug")

    before = file.read_bytes()
    monkeypatch.setattr(builder, "build", failing)
    assert main([]) == 1
    assert "its own tests fail" in capsys.readouterr().err
    assert file.read_bytes() == before


def read(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def rows_of(bug: Bug) -> list[dict[str, object]]:
    return [row for row in rows() if row["instance_id"] == bug.instance_id]


def test_an_unknown_repository_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nothing"])
    assert "no repository is called nothing; there are addrbook," in capsys.readouterr().err
