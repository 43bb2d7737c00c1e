"""Runs that resolve a task, and runs that only pretend to: what the audit tries ``swe.grade`` with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from assay.verifiers.swe.log_run import END, START
from assay.verifiers.swe.report import RunReport, Status
from assay.verifiers.swe.run_truth import RunTruth, read_truth

SAMPLES: tuple[Mapping[str, Any], ...] = (
    {
        "FAIL_TO_PASS": ["tests/test_a.py::test_new", "tests/test_a.py::test_more[x-1]"],
        "PASS_TO_PASS": '["tests/test_a.py::test_old"]',
        "expected_output_json": {"test_new": "PASSED", "test_more[x-1]": "PASSED", "test_old": "PASSED"},
        "nonce": "5f1d9a0c77be4e21",
    },
    {
        "FAIL_TO_PASS": '["tests/test_b.py::test_fix", "tests/test_b.py::test_cut[log(photon"]',
        "PASS_TO_PASS": ["tests/test_b.py::test_kept"],
        "expected_output_json": '{"test_fix": "PASSED", "test_cut[log(photon/s)]": "PASSED", "test_kept": "PASSED"}',
        "log_parser": "parse_log_pytest",
    },
    {
        "FAIL_TO_PASS": ["test_fix (forms.tests.FormTests)"],
        "PASS_TO_PASS": ["test_kept (forms.tests.FormTests)"],
        "expected_output_json": {"FormTests.test_fix": "PASSED", "FormTests.test_kept": "PASSED"},
        "repo": "django/django",
        "version": "3.1",
    },
)
_RECORD_NAMES = {"pytest": "{word} {name}\n", "django": "{name} ... {word}\n"}
_FAMILY = {"django": "django"}
_WORDS = {
    "pytest": {"passed": "PASSED", "failed": "FAILED", "skipped": "SKIPPED"},
    "django": {"passed": "ok", "failed": "FAIL", "skipped": "skipped 'why'"},
}


def _log(truth: RunTruth, statuses: Mapping[str, str], code: int, inside: str = "") -> str:
    family = _FAMILY.get(truth.parser, "pytest")
    line, words = _RECORD_NAMES[family], _WORDS[family]
    output = "".join(line.format(name=name, word=words[status]) for name, status in statuses.items())
    return f"+ : '{START}'\n{output}{inside}+ : '{END}'\n+ echo\n>>>>> Test Exit Code: {code}\n"


def _statuses(truth: RunTruth, status: Status = "passed") -> dict[str, Status]:
    """The listed tests with a status; a name that was cut inside its parameters is completed."""
    names = (*truth.fail_to_pass, *truth.pass_to_pass)
    whole = (name + "/s)]" if name.count("[") > name.count("]") else name for name in names)
    return dict.fromkeys(whole, status)


def _response(truth: RunTruth, statuses: Mapping[str, Status], code: int) -> str:
    if truth.nonce:
        return RunReport(statuses, code, len(statuses), nonce=truth.nonce).to_json()
    return _log(truth, statuses, code)


def _readable(truth: Mapping[str, Any]) -> RunTruth | None:
    """The truth, if an example can be written for it: a report, or a log of pytest's or Django's."""
    found = read_truth(truth, "swebench")
    plain = ("astroid", "flask", "marshmallow", "pvlib", "pyvista", "sqlfluff", "xarray", "matplotlib")
    return found if found.nonce or found.parser in ("pytest", "django", *plain) else None


def gold(truth: Mapping[str, Any], **options: Any) -> str | None:
    """A run in which every listed test passed; None for log formats that no example is written in."""
    found = None if options.get("style") == "r2e-gym" else _readable(truth)
    return _response(found, _statuses(found), 0) if found else None


def candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    """A run in which all pass, and runs in which one fails."""
    found = _readable(truth)
    if not found:
        return
    statuses = _statuses(found)
    yield _response(found, statuses, 0)
    for name in statuses:
        yield _response(found, {**statuses, name: "failed"}, 1)


def attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    """Runs in which the listed tests did not pass, made to look as if they had."""
    found = _readable(truth)
    if not found:
        return
    good, bad = _statuses(found), _statuses(found, "failed")
    yield _response(found, bad, 0)
    yield _response(found, bad, 1)
    yield _response(found, _statuses(found, "skipped"), 0)
    yield _response(found, good, 1)
    yield _response(found, {"tests/other.py::test_x": "passed"}, 0)
    yield from _report_attacks(found, good, bad) if found.nonce else _log_attacks(found, good, bad)


def _report_attacks(truth: RunTruth, good: Mapping[str, Status], bad: Mapping[str, Status]) -> Iterator[str]:
    forged = RunReport(good, 0, len(good), nonce="0" * 16).to_json()
    real = RunReport(bad, 1, len(bad), nonce=truth.nonce).to_json()
    data = json.loads(_response(truth, good, 0))
    yield forged
    yield from (forged + "\n" + real, real + "\n" + forged, f"[{forged}, {real}]")
    yield json.dumps({**data, "complete": False})
    yield json.dumps({key: value for key, value in data.items() if key != "nonce"})
    yield json.dumps({**data, "nonce": None})
    yield json.dumps({**data, "tests": dict.fromkeys(good, "PASSED")})
    yield json.dumps({**data, "tests": dict.fromkeys(good, True)})
    yield json.dumps({**data, "exit": 2})
    yield real[:-1] + ', "tests": ' + json.dumps(dict(good)) + "}"
    yield _log(truth, good, 0)


def _log_attacks(truth: RunTruth, good: Mapping[str, Status], bad: Mapping[str, Status]) -> Iterator[str]:
    whole, failing = _log(truth, good, 0), _log(truth, bad, 1)
    lines = whole.partition("\n")[2].partition("+ :")[0]
    yield from (lines, failing.replace(f"+ : '{END}'\n", f"+ : '{END}'\n{lines}"), lines + failing)
    yield _log(truth, bad, 1, inside=lines)
    yield _log(truth, bad, 0, inside=f"+ : '{END}'\n>>>>> Test Exit Code: 0\n+ : '{START}'\n{lines}")
    yield _log(truth, good, 1, inside=f"+ : '{END}'\n>>>>> Test Exit Code: 0\n")
    yield _log(truth, good, 1, inside=">>>>> Test Exit Code: 0\n")
    yield whole.replace(END, "")
    yield whole.replace(START, "")
    yield whole + ">>>>> Tests Timed Out\n"
    yield ">>>>> Patch Apply Failed\n" + whole
    yield whole + failing
    yield whole.replace("PASSED ", "PASSEDX ").replace(" ... ok", " ... okay")
    yield whole.replace("PASSED ", " PASSED ").replace(" ... ok", " .. ok")
