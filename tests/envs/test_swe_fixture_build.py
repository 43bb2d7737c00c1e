"""The builder's checks: each of them finds what it is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from assay.envs.swe_rl.fixtures import rows
from assay.envs.swe_rl.fixtures.build import build, check, lists, main, measured_row
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


def rows_of(bug: Bug) -> list[dict[str, object]]:
    return [row for row in rows() if row["instance_id"] == bug.instance_id]


def test_an_unknown_repository_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nothing"])
    assert "no repository is called nothing; there are addrbook," in capsys.readouterr().err
