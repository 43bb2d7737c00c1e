"""Grading the log of an evaluation script: markers, exit status, then the rule of the data set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from assay.verifiers.swe.infra import infra_sign, suite_ran
from assay.verifiers.swe.logs import Run, parse_log
from assay.verifiers.swe.verdict import GradeReport, Style, fails, grade_statuses, invalid

START: Final = ">>>>> Start Test Output"
END: Final = ">>>>> End Test Output"
_EXIT = re.compile(r">>>>> Test Exit Code:\s*(-?\d{1,18})")
_FAULTS = (
    ">>>>> Patch Apply Failed",
    ">>>>> Reset Failed",
    ">>>>> Tests Errored",
    ">>>>> Tests Timed Out",
)


@dataclass(frozen=True, slots=True)
class LogReading:
    """What a log says.

    Attributes:
        statuses: the status of each test, lower case.
        reason: why the log cannot be believed; empty where it can.
    """

    statuses: dict[str, str]
    reason: str = ""


def read_log(
    log: str, parser: str, run: Run | None = None, *, exit_code: int | None = None, parity: bool = False
) -> LogReading:
    """Read the log of an evaluation script, as SWE-bench's harness writes it.

    The tests' output stands between a start and an end marker; the exit status of the test command follows as
    ``>>>>> Test Exit Code: n``. A log is not believed without both markers, if the harness reported a fault, if no
    outcome is found and nothing shows that a suite ran, or if the command failed and no test did.

    Args:
        log: the whole log.
        parser: see :func:`~assay.verifiers.swe.logs.parse_log`.
        run: see there.
        exit_code: the exit status, where it is known by other means than the log.
        parity: as swebench 5.0.2 does it: the output ends at the first end marker and the first exit status counts, so
            the tests may print both; a log without outcomes between the markers is read as a whole; and a failed
            command without any outcome is believed. Otherwise the last of each counts, and no output may start again
            after an end marker.

    Raises:
        ValueError: no such parser, or it needs to know more of the run.
    """
    text = log.replace("\r\n", "\n").replace("\r", "\n")
    fault = next((fault for fault in _FAULTS if fault in text), None)
    if fault:
        return LogReading({}, f"the harness reports: {fault.removeprefix('>>>>> ')}")
    if START not in text or END not in text:
        return LogReading({}, f"the log has no {'start' if START not in text else 'end'} marker")
    if parity:
        return _official(text, parser, run, exit_code)
    first, last = text.index(START), text.rindex(END)
    if text.rindex(START) > text.index(END):
        return LogReading({}, "the markers of the test output are out of order")
    output = text[first + len(START) : last]
    words = parse_log(output, parser, run)
    if not words and not suite_ran(output):
        return LogReading({}, "no test outcome was found")
    code = exit_code if exit_code is not None else _last_exit(text[last:])
    return _checked({test: word.lower() for test, word in words.items()}, code, bool(code))


def _official(text: str, parser: str, run: Run | None, exit_code: int | None) -> LogReading:
    words = parse_log(text.split(START)[1].split(END)[0], parser, run, parity=True)
    words = words or parse_log(text, parser, run, parity=True)
    if not words and not suite_ran(text):
        return LogReading({}, "no test outcome was found")
    match = _EXIT.search(text)
    code = exit_code if exit_code is not None else int(match[1]) if match else None
    # words that swebench does not know must not become ones that it does
    statuses = {test: word.lower() if word.isupper() else word for test, word in words.items()}
    return _checked(statuses, code, bool(code) and bool(words))


def _checked(statuses: dict[str, str], code: int | None, failed: bool) -> LogReading:
    if failed and not any(fails(status) for status in statuses.values()):
        return LogReading({}, f"the test command exited with {code}, yet no test is reported as failed")
    return LogReading(statuses)


def _last_exit(text: str) -> int | None:
    found = _EXIT.findall(text)
    return int(found[-1]) if found else None


def grade_log(
    log: str,
    parser: str,
    fail_to_pass: Iterable[str],
    pass_to_pass: Iterable[str],
    style: Style = "swebench",
    *,
    fail_only: bool = False,
    run: Run | None = None,
    exit_code: int | None = None,
    parity: bool = False,
) -> GradeReport:
    """Judge a run by the log of its evaluation script.

    A log is written by the code under test, so a patch can forge it; a structured report
    (:func:`~assay.verifiers.swe.grade_run.grade_report`) is the safe way.

    Args:
        log: the whole log, markers included.
        parser: the log's format, see :func:`~assay.verifiers.swe.logs.parse_log`.
        fail_to_pass: names of the tests that the fix must turn green.
        pass_to_pass: names of the tests that must stay green.
        style: the rule of the data set, see :func:`~assay.verifiers.swe.verdict.grade_statuses`.
        fail_only: for runners that name failures only.
        run: which task it is, where the format depends on it.
        exit_code: the exit status, where it is known by other means than the log.
        parity: as swebench 5.0.2 does it, see :func:`read_log` and ``grade_statuses``.

    Raises:
        ValueError: no such parser, or it needs to know more of the run.
    """
    f2p, p2p = list(fail_to_pass), list(pass_to_pass)
    found = read_log(log, parser, run, exit_code=exit_code, parity=parity)
    if found.reason:
        return invalid(found.reason, f2p, p2p, infra_sign(log.replace("\r\n", "\n").replace("\r", "\n")))
    broken = [test for test, status in found.statuses.items() if status == "error" and "::" not in test]
    return grade_statuses(found.statuses, f2p, p2p, style, fail_only=fail_only, uncollectable=broken, parity=parity)
