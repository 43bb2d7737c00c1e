"""``swe.grade``: the outcome of a test run, from a structured report or from the harness's log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score
from assay.verifiers.swe.expected import grade_expected
from assay.verifiers.swe.grade_run import grade_report, node_status
from assay.verifiers.swe.log_run import grade_log
from assay.verifiers.swe.logs import parse_log
from assay.verifiers.swe.report import ReportError, read_report
from assay.verifiers.swe.run_examples import SAMPLES, attacks, candidates, gold
from assay.verifiers.swe.run_truth import RunTruth, read_truth
from assay.verifiers.swe.verdict import GradeReport, Style, invalid, verdict_reward

OPTIONS = {
    "style": Option(
        "the data set's rule: an absent test fails (swebench, swe-gym) or passes (swe-smith), or every status must be "
        "as recorded (r2e-gym)",
        ("swebench", "swe-gym", "swe-smith", "r2e-gym"),
    ),
    "reward": Option(
        "tests: 1 if resolved; tests-partial: the share of FAIL_TO_PASS that passes, if all of PASS_TO_PASS does",
        ("tests", "tests-partial"),
    ),
    "parity": Option("read and judge logs as swebench 5.0.2 does, forgeries included", (False, True)),
}
AnyStyle = Literal["swebench", "swe-gym", "swe-smith", "r2e-gym"]


def _judge(response: str, task: RunTruth, style: AnyStyle, parity: bool) -> GradeReport:
    tests = task.fail_to_pass or tuple(task.expected)
    if not task.nonce:
        if style == "r2e-gym":
            text = response.replace("\r\n", "\n")
            return grade_expected(parse_log(text, task.parser, parity=parity), task.expected, parity=parity)
        return grade_log(
            response,
            task.parser,
            task.fail_to_pass,
            task.pass_to_pass,
            style,
            fail_only=task.fail_only,
            run=task.run,
            exit_code=task.exit_code,
            parity=parity,
        )
    try:
        report = read_report(response, task.nonce)
    except ReportError as error:
        return invalid(str(error), tests, task.pass_to_pass)
    rule: Style = "swebench" if style == "r2e-gym" else style
    found = grade_report(report, task.fail_to_pass, task.pass_to_pass, rule, exit_code=task.exit_code)
    if style == "r2e-gym" and found.valid:
        return grade_expected(node_status(report.tests), task.expected)
    return found


@verifier(
    "swe.grade",
    options=OPTIONS,
    truth_key="FAIL_TO_PASS",
    gold=gold,
    attacks=attacks,
    candidates=candidates,
    samples=SAMPLES,
)
def swe_grade(
    response: str,
    truth: Mapping[str, Any],
    *,
    style: AnyStyle = "swebench",
    reward: Literal["tests", "tests-partial"] = "tests",
    parity: bool = False,
) -> Score:
    """What a test run says of a patch, by the rules of SWE-bench 5, SWE-Gym, SWE-smith or R2E-Gym.

    The response is a structured report if the truth has its ``nonce`` (the safe way: see
    :mod:`assay.verifiers.swe.report`), else the log of an evaluation script in any format that swebench 5.0.2 reads.
    FAIL_TO_PASS tests must pass, PASS_TO_PASS tests may be skipped too; an absent test fails; names that were cut
    inside their parameters stand for the tests that begin with them.

    A log is written by the code that is judged. Where the default is stricter than swebench, which ``parity=True``
    reproduces: of two outcomes of one test the worse counts (there the last); an outcome must be one of the five words
    (there ``PASSEDX name`` takes a test out of the count); lines outside of the markers are never read (there they are
    where nothing stands between); a forged end marker or exit status does not hide what follows (there the first of
    each counts); output may not start again after an end marker; a failed command without any outcome is not believed
    where only failures are named; an error fails there too; tests of a file that could not be imported fail under
    SWE-smith's rule, as do skipped FAIL_TO_PASS tests (there they drop out of the ratio); R2E-Gym outcomes are the
    first word of a line (there any of it), and a file that could not be collected counts. A patch that forges a whole
    consistent log is not caught: use reports.

    Parts: ``valid`` (whether the run could be judged), ``f2p`` and ``p2p`` (shares that pass).

    Args:
        response: the report or log.
        truth: ``FAIL_TO_PASS`` and ``PASS_TO_PASS`` (lists or their JSON), and ``nonce``, or ``log_parser``
            (``parse_log_pytest``) or ``repo``; optionally ``eval_type``, ``version``, ``instance_id``, ``exit_code``.
            For R2E-Gym ``expected_output_json`` instead of the lists.
        style: whose rule is applied; SWE-Gym's is SWE-bench's.
        reward: what is paid.
        parity: judge logs as swebench does; reports are not affected.

    Raises:
        ValueError: malformed truth, or a log format that is not known.
    """
    task = read_truth(truth, style)
    found = _judge(response, task, style, parity)
    parts = {"valid": float(found.valid), "f2p": found.f2p_ratio, "p2p": found.p2p_ratio}
    if not found.valid:
        return Score(0.0, {"valid": 0.0, "f2p": 0.0, "p2p": 0.0}, False, False, found.reason)
    good, total = len(found.f2p_success), len(found.f2p_success) + len(found.f2p_failure)
    broken = len(found.p2p_failure)
    detail = found.reason or f"{found.resolution}: {good} of {total} turned green, {broken} broken"
    return Score(verdict_reward(found, reward), parts, found.resolved, detail=detail)
