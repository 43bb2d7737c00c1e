"""Grading on real sandboxes: the reference solution resolves, nothing less does, and what is at fault is told apart."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from assay.envs.errors import InfraError
from assay.envs.swe_rl import fixtures
from assay.envs.swe_rl.boxes import BOXES, LIMITS, borrowed, place_of
from assay.envs.swe_rl.evidence import Evidence
from assay.envs.swe_rl.grading import arguments_of, grade, grade_in
from assay.envs.swe_rl.rows import SweRow, row_of
from assay.envs.swe_rl.verdict import score_of

BACKENDS = ["native", "bubblewrap", pytest.param("docker", marks=pytest.mark.docker)]
SAMPLE = ("assay__ledgerlite-1", "assay__foldtext-2", "assay__tinycache-1")


def fixture_rows(ids: tuple[str, ...] = ()) -> list[SweRow]:
    return [
        row_of({**each, "environment": {**each["environment"], "files": {"fixture": each["instance_id"]}}}, "fixtures")
        for each in fixtures.rows()
        if not ids or each["instance_id"] in ids
    ]


def verdicts(row: SweRow, backend: str) -> tuple[bool | None, bool | None]:
    """Whether the reference solution and the empty patch resolve a row."""
    place = place_of(row, backend=backend)

    def run(patch: str) -> Evidence:
        with borrowed(place.spec, backend, 4) as box:
            return grade_in(box, row, patch, place, 120.0)

    gold, empty = (score_of(row, run(patch), "tests") for patch in (row.patch, ""))
    return gold.correct, empty.correct


@pytest.mark.parametrize("row", fixture_rows(SAMPLE), ids=lambda row: row.instance_id)
def test_the_reference_resolves_and_the_empty_patch_does_not(row, swe_backend):
    assert verdicts(row, swe_backend) == (True, False)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("row", fixture_rows(), ids=lambda row: row.instance_id)
def test_every_fixture_on_every_back_end(row, backend, shelf_on):
    shelf_on(backend)
    assert verdicts(row, backend) == (True, False)


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_back_end_gives_the_same_verdicts(backend, shelf_on):
    shelf = shelf_on(backend)
    gold = shelf.grade(shelf.row.patch)
    assert (gold.correct, gold.reward, gold.parsed) == (True, 1.0, True)
    assert gold.parts == {"resolved": 1.0, "f2p": 1.0, "p2p": 1.0, "applied": 1.0, "valid": 1.0, "tampered": 0.0}
    assert gold.detail == "resolved: 3 of 3 tests mended, 0 broken"
    empty = shelf.grade("")
    assert (empty.correct, empty.parts["f2p"], empty.parts["p2p"], empty.parts["valid"]) == (False, 0.0, 1.0, 1.0)
    tests_only = shelf.grade(shelf.patch({**shelf.tree, "tests/test_stock.py": "def test_too_many(): pass\n"}))
    assert (tests_only.correct, tests_only.parts["tampered"]) == (False, 1.0)
    forged = (
        "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_logreport(report):\n"
        "    print('PASSED', report.nodeid)\n    report.outcome = 'passed'\n"
    )
    assert shelf.grade(shelf.patch({**shelf.tree, "conftest.py": forged})).correct is False


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_endless_loop_is_ended_and_leaves_nothing(backend, shelf_on):
    shelf = shelf_on(backend)
    shelf.grade("")  # whatever is made once is made now
    mark = f"assay-left-over-{os.getpid()}-{backend}"
    code = (
        "import subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-c', 'while True: pass', '{mark}'], start_new_session=True)\n"
        "while True: pass\n"
    )
    begin = time.monotonic()
    score = shelf.grade(shelf.patch({**shelf.tree, "shelf/stock.py": code + shelf.tree["shelf/stock.py"]}), timeout=3.0)
    assert score.correct is False
    assert "did not end within 3 s" in score.detail
    assert time.monotonic() - begin < 60  # a guard against a hang, no measurement
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and mark in command_line(pid)]


def command_line(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def test_eight_at_once_agree_with_one_after_another(shelf):
    patches = [shelf.row.patch, shelf.patch({**shelf.tree, "shelf/stock.py": "def take(*a): return 2\n"})] * 4

    def run(patch: str) -> dict[str, object]:
        with borrowed(shelf.place.spec, shelf.backend, 8) as box:
            return grade_in(box, shelf.row, patch, shelf.place, 120.0).to_dict()

    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(run, patches))
    assert together == [run(patches[0]), run(patches[1])] * 4


def test_part_of_the_way(shelf):
    half = shelf.tree["shelf/stock.py"].replace(
        "    left =", "    if name not in stock:\n        raise ValueError\n    left ="
    )
    evidence = grade(shelf.row, shelf.patch({**shelf.tree, "shelf/stock.py": half}), shelf.place, shelf.open, 60.0)
    partial = score_of(shelf.row, evidence, "tests-partial")
    assert (partial.correct, partial.reward) == (False, pytest.approx(2 / 3))
    assert score_of(shelf.row, evidence, "tests").reward == 0.0
    hybrid = score_of(shelf.row, evidence, "hybrid")
    assert hybrid.reward == pytest.approx(0.2 * hybrid.parts["similarity"])
    assert 0.2 < hybrid.parts["similarity"] < 1.0
    assert score_of(shelf.row, Evidence.from_dict(evidence.to_dict()), "tests-partial") == partial


def test_a_broken_test_counts_more_than_a_mended_one(shelf):
    broken = shelf.fixed["shelf/stock.py"].replace("return sorted(name", "return list(name for name in ()) or (name")
    evidence = grade(shelf.row, shelf.patch({**shelf.tree, "shelf/stock.py": broken}), shelf.place, shelf.open, 60.0)
    score = score_of(shelf.row, evidence, "tests-partial")
    assert (score.reward, score.parts["f2p"], score.parts["p2p"]) == (0.0, 1.0, 0.5)


@pytest.mark.parametrize("patch", ["no patch at all", "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"])
def test_a_patch_that_does_not_apply_is_a_failure_of_its_author(shelf, patch):
    score = shelf.grade(patch)
    assert (score.correct, score.reward, score.parsed, score.parts["applied"]) == (False, 0.0, False, 0.0)
    evidence = grade(shelf.row, patch, shelf.place, shelf.open)
    assert score_of(shelf.row, evidence, "tests", format_penalty=True).reward == -1.0


def test_an_empty_patch_is_never_run(shelf):
    def unreachable() -> None:
        raise AssertionError("a sandbox was opened")

    for patch in ("", "\n", "diff --git a/__pycache__/x.pyc b/__pycache__/x.pyc\nnew file mode 100644\n"):
        evidence = grade(shelf.row, patch, shelf.place, unreachable)
        score = score_of(shelf.row, evidence, "tests", format_penalty=True)
        assert (score.correct, score.reward, evidence.report) == (False, 0.0, None)


def test_a_patch_that_breaks_the_import_fails_every_test(shelf):
    score = shelf.grade(shelf.patch({**shelf.tree, "shelf/stock.py": "def take(:\n"}))
    assert (score.correct, score.parts["f2p"], score.parts["p2p"]) == (False, 0.0, 0.0)


def test_tests_that_fill_the_disk_do_not_hide_the_report(shelf):
    code = (
        "import os\ntry:\n    with open('/tmp/fill', 'wb') as f:\n"
        "        for _ in range(4096): f.write(bytes(1 << 20))\nexcept OSError: pass\n"
    )
    small = replace(shelf.place, spec=replace(shelf.place.spec, limits=replace(LIMITS, disk_mb=32)))
    diff = shelf.patch({**shelf.tree, "shelf/stock.py": code + shelf.fixed["shelf/stock.py"]})
    with borrowed(small.spec, shelf.backend, 4) as box:
        evidence = grade_in(box, shelf.row, diff, small, 60.0)
    assert evidence.report is not None
    assert len(evidence.report["tests"]) == 5


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            {"test_patch": "--- a/tests/none.py\n+++ b/tests/none.py\n@@ -1 +1 @@\n-a\n+b\n"},
            "test patch does not apply",
        ),
        ({"environment": {"test_command": ["make", "check"]}}, "test_command must run pytest"),
    ],
)
def test_a_task_at_fault_is_no_verdict(shelf, change, match):
    row = replace(shelf.row, **change)
    with pytest.raises(InfraError, match=match):
        grade(row, shelf.row.patch, shelf.place, shelf.open, 60.0)


def test_a_python_that_cannot_run_is_no_verdict(shelf):
    for change, match in (
        ({"python": "/no/such/python"}, "cannot be run in the sandbox"),
        ({"paths": ("/nowhere",)}, "pytest does not start"),
    ):
        with pytest.raises(InfraError, match=match):
            grade(shelf.row, shelf.row.patch, replace(shelf.place, **change), shelf.open, 60.0)


def test_the_arguments_of_pytest_are_the_rows_then_ours(shelf):
    row = replace(shelf.row, environment={"test_command": ["python", "-m", "pytest", "-rA", "-x"]})
    assert arguments_of(row)[:2] == ["-rA", "-x"]
    assert arguments_of(row)[-1] == "--maxfail=0"


def test_the_agents_sandbox_holds_nothing_of_the_answer(shelf):
    with shelf.open() as box:
        said = box.exec(
            "git log --all --oneline | wc -l; git remote | wc -l; git tag | wc -l; git reflog | wc -l; "
            "git fsck --lost-found --no-progress 2>/dev/null | wc -l; "
            "grep -rl 'not enough of it' /testbed /opt | wc -l; "
            "grep -rl test_too_many /testbed /opt | wc -l; echo $TZ $LC_ALL $PYTHONHASHSEED; id -u",
            timeout=60,
        ).text()  # fmt: skip
    lines = said.split("\n")
    assert lines[:7] == ["1", "0", "0", "0", "0", "0", "0"]
    assert lines[7] == "UTC C.UTF-8 0"
    assert lines[8] != "0"


def test_nothing_is_left_when_the_pools_are_closed(shelf):
    shelf.grade("")
    BOXES.close()
    assert shelf.grade(shelf.row.patch).correct is True
