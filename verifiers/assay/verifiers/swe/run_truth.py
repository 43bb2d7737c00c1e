"""What is known of a task whose test run is graded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.verifiers.swe.logs import FAIL_ONLY, Run, parser_name


@dataclass(frozen=True, slots=True)
class RunTruth:
    """The tests of a task, and where their outcomes are written.

    Attributes:
        fail_to_pass: tests that the fix must turn green; empty under R2E-Gym's rule.
        pass_to_pass: tests that must stay green; likewise.
        expected: the recorded statuses, under R2E-Gym's rule.
        nonce: the secret of the structured report; empty where a log is read.
        parser: the log's format; empty where a report is read.
        run: which task it is.
        fail_only: whether the log names failures only.
        exit_code: the test command's exit status, where it is known apart from the report or log.
    """

    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    expected: Mapping[str, str] = field(default_factory=dict)
    nonce: str = ""
    parser: str = ""
    run: Run = field(default_factory=Run)
    fail_only: bool = False
    exit_code: int | None = None


def read_truth(truth: Mapping[str, Any], style: str) -> RunTruth:
    """Read a row, with the columns of the data sets or ours.

    Raises:
        ValueError: one line that names the key and what is valid.
    """
    r2e = style == "r2e-gym"
    expected = _expected(truth) if r2e else {}
    f2p, p2p = ((), ()) if r2e else (tests_of(truth, "FAIL_TO_PASS"), tests_of(truth, "PASS_TO_PASS"))
    if not (f2p or p2p or expected):
        raise ValueError("no tests are listed: any run would resolve the task")
    code = _exit_code(truth)
    if "nonce" in truth:
        nonce = _text(truth, "nonce")
        if not nonce:
            raise ValueError("the nonce is empty: anybody could write the report")
        return RunTruth(f2p, p2p, expected, nonce, exit_code=code)
    repo = _text(truth, "repo")
    parser = "r2e" if r2e else _text(truth, "log_parser") or repo
    if not parser:
        raise ValueError('the truth needs "nonce" for a report, or "log_parser" (or "repo") for a log')
    kind = _text(truth, "eval_type") or ("fail_only" if repo.lower() in FAIL_ONLY else "pass_and_fail")
    if kind not in ("pass_and_fail", "fail_only"):
        raise ValueError(f'"eval_type" is pass_and_fail or fail_only, got {kind!r}')
    run = Run(_text(truth, "instance_id"), _text(truth, "version"))
    return RunTruth(f2p, p2p, expected, "", parser_name(parser), run, kind == "fail_only", code)


def tests_of(truth: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A list of test names, given as a list or, as on the hub, as a JSON string of one.

    Raises:
        ValueError: it is missing or something else.
    """
    value = _json(truth, key)
    if not isinstance(value, list | tuple) or not all(isinstance(test, str) for test in value):
        raise ValueError(f'the truth needs "{key}": a list of test names, or its JSON')
    return tuple(value)


def _expected(truth: Mapping[str, Any]) -> dict[str, str]:
    value = _json(truth, "expected_output_json")
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for pair in value.items() for text in pair):
        raise ValueError('r2e-gym needs "expected_output_json": the recorded status of each test, or its JSON')
    return dict(value)


def _json(truth: Mapping[str, Any], key: str) -> Any:
    value = truth.get(key)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError(f'"{key}" is a string, but not JSON') from None


def _text(truth: Mapping[str, Any], key: str) -> str:
    value = truth.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f'"{key}" is a string, got {type(value).__name__}')
    return value


def _exit_code(truth: Mapping[str, Any]) -> int | None:
    value = truth.get("exit_code")
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise ValueError(f'"exit_code" is an integer, got {type(value).__name__}')
    return value
