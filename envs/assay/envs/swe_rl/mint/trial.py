"""What the tests say of a change, in fresh sandboxes and through the same grader that will judge the agents."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from assay.envs.errors import InfraError
from assay.envs.swe_rl.boxes import Place, infra, place_of
from assay.envs.swe_rl.evidence import Evidence
from assay.envs.swe_rl.grading import grade_in
from assay.envs.swe_rl.mint.errors import MintError
from assay.envs.swe_rl.pyenvs.cache import key_of
from assay.envs.swe_rl.rows import SweRow
from assay.envs.swe_rl.verdict import report_of

GOOD = ("passed", "xfail")
BAD = ("failed", "error")
ROUNDS = 3
GOLD_RUNS = 3


@dataclass(frozen=True, slots=True)
class Statuses:
    """One run of a test suite.

    Attributes:
        tests: status by node id.
        broken: files that could not be imported, with the reason.
        seconds: how long it took.
        problem: why it cannot be used; empty if it can.
    """

    tests: Mapping[str, str]
    broken: Mapping[str, str]
    seconds: float
    problem: str = ""

    def good(self) -> set[str]:
        """The tests that passed, or failed as expected."""
        return {name for name, status in self.tests.items() if status in GOOD}


@dataclass
class Trial:
    """Runs one row's tests; counts what that costs.

    Attributes:
        row: the task.
        backend: of the sandboxes.
        limit: seconds for one run of the tests.
        runs: how many there have been.
        seconds: their time.
    """

    row: SweRow
    backend: str = "auto"
    limit: float = 180.0
    runs: int = 0
    seconds: float = 0.0
    _places: dict[str, Place] = field(default_factory=dict)

    def run(self, row: SweRow, patch: str) -> Statuses:
        """The statuses with ``patch`` applied to the base, in a sandbox of its own."""
        evidence = self.evidence(row, patch)
        report = evidence.report or {}
        problems = [str(each) for each in report.get("problems") or ()]
        if not evidence.applied:
            problems = [f"the patch does not apply: {evidence.message}"]
        if not report.get("tests") and not problems:
            problems = [f"pytest ends with status {report.get('exit')}: {_last_words(str(report.get('tail') or ''))}"]
        return Statuses(
            dict(report.get("tests") or {}),
            dict(report.get("uncollectable") or {}),
            float(report.get("seconds") or 0.0),
            problems[0] if problems else "",
        )

    def evidence(self, row: SweRow, patch: str) -> Evidence:
        """What grading saw, ``seconds`` added to its report.

        Raises:
            MintError: if pytest cannot start with what this project needs.
            InfraError: if something but the tests failed.
        """
        from assay.sandbox import open_sandbox

        key = key_of(dict(row.environment), row.patch, row.test_patch)  # the base may be made by undoing these
        if key not in self._places:
            self._places[key] = place_of(row, backend=self.backend)
        place = self._places[key]
        started = time.monotonic()
        try:
            with infra(), closing(open_sandbox(place.spec, self.backend)) as box:
                evidence = grade_in(box, row, patch, place, self.limit)
        except InfraError as error:
            if "pytest does not start" in str(error):  # a plugin that the package's own absence breaks
                raise MintError(_last_words(str(error))) from None
            raise
        spent = time.monotonic() - started
        self.runs += 1
        self.seconds += spent
        if evidence.report is not None:
            evidence = replace(evidence, report={**evidence.report, "seconds": round(spent, 3)})
        return evidence


def validated(trial: Trial, row: SweRow, golds: int = GOLD_RUNS - 1) -> tuple[SweRow, list[str]]:
    """The row with the tests that hold, and those that did not.

    The gold patch must turn every FAIL_TO_PASS and keep every PASS_TO_PASS in three runs (the one that found them is
    the first), the empty patch must fail every FAIL_TO_PASS and keep every PASS_TO_PASS: each in a fresh sandbox, by
    the verdict that agents get. Tests that waver are taken out and the rest is tried again.

    Raises:
        MintError: if nothing is left, or the verdict is not as it should be.
    """
    flaky: list[str] = []
    for _ in range(ROUNDS):
        right = [trial.evidence(row, row.patch) for _ in range(golds)]
        empty = trial.evidence(row, "")
        wavering = _wavering(row, right, empty)
        if not wavering:
            _check_verdicts(row, right, empty)
            return row, flaky
        flaky += wavering
        row = replace(
            row,
            fail_to_pass=tuple(each for each in row.fail_to_pass if each not in wavering),
            pass_to_pass=tuple(each for each in row.pass_to_pass if each not in wavering),
        )
        if not row.fail_to_pass:
            raise MintError("no test turns in every run")
    raise MintError(f"tests waver from run to run, such as {flaky[0]}")


def _wavering(row: SweRow, golds: list[Evidence], empty: Evidence) -> list[str]:
    reports = [_tests(each) for each in golds]
    before = _tests(empty)
    found = [name for name in row.tests if any(report.get(name) not in GOOD for report in reports)]
    found += [name for name in row.fail_to_pass if before.get(name) in GOOD]
    found += [name for name in row.pass_to_pass if before.get(name) not in GOOD]
    return list(dict.fromkeys(found))


def _check_verdicts(row: SweRow, golds: list[Evidence], empty: Evidence) -> None:
    for gold in golds:
        verdict = report_of(row, gold)
        if verdict is None or not verdict.resolved:
            problems = (gold.report or {}).get("problems") or [gold.message]
            raise MintError(f"the gold patch is not accepted: {problems[0]}"[:300])
        if gold.tampered:
            raise MintError(f"the gold patch changes test configuration: {gold.tampered[0]}")
    verdict = report_of(row, empty)
    if verdict is None or verdict.resolved:
        raise MintError("the empty patch is accepted")


def _tests(evidence: Evidence) -> Mapping[str, Any]:
    return (evidence.report or {}).get("tests") or {}


def _last_words(tail: str) -> str:
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("E ", "ERROR", "INTERNALERROR")) or "Error" in line]
    return (telling or lines or ["no output"])[-1][:200]
