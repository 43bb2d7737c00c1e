"""Verdicts on test statuses: SWE-bench's rules, SWE-smith's and R2E-Gym's, and the rewards."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.verifiers.swe import (
    ReportError,
    RunReport,
    grade_expected,
    grade_report,
    grade_statuses,
    read_report,
    resolution,
    verdict_reward,
)
from assay.verifiers.swe.report import STATUSES

F2P, P2P = ["a", "b"], ["c"]


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ({"a": "passed", "b": "passed", "c": "passed"}, "FULL"),
        ({"a": "passed", "c": "passed"}, "PARTIAL"),
        ({"a": "skipped", "b": "skipped", "c": "passed"}, "NO"),
        ({"a": "passed", "b": "passed", "c": "skipped"}, "FULL"),
        ({"a": "passed", "b": "passed", "c": "failed"}, "NO"),
        ({"a": "xfail", "b": "passed", "c": "passed"}, "FULL"),
        ({"a": "passed", "b": "xpass", "c": "passed"}, "PARTIAL"),
        ({"a": "passed", "b": "passed"}, "NO"),
        ({"a": "passed", "b": "passed", "c": "error"}, "NO"),
        ({}, "NO"),
    ],
)
def test_the_rule_of_swebench(statuses, verdict):
    report = RunReport(statuses)
    if statuses:
        assert grade_report(report, F2P, P2P).resolution == verdict
    assert grade_statuses(statuses, F2P, P2P).resolution == verdict
    assert resolution({t: statuses.get(t) for t in F2P}, {t: statuses.get(t) for t in P2P}) == verdict


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(STATUSES)), st.sets(st.sampled_from("abcdef")))
def test_the_rule_against_its_definition(statuses, f2p):
    p2p = set("abcdef") - f2p
    first = [statuses.get(t) in ("passed", "xfail") for t in sorted(f2p)]
    second = [statuses.get(t) in ("passed", "xfail", "skipped") for t in sorted(p2p)]
    ratios = [sum(x) / len(x) if x else 1 for x in (first, second)]
    expected = "FULL" if ratios == [1, 1] else "PARTIAL" if 0 < ratios[0] < 1 and ratios[1] == 1 else "NO"
    report = grade_statuses(statuses, sorted(f2p), sorted(p2p))
    assert report.resolution == expected
    assert [report.f2p_ratio, report.p2p_ratio] == pytest.approx(ratios)
    partial = ratios[0] if ratios[1] == 1 else 0
    assert verdict_reward(report, "tests-partial") == pytest.approx(partial)
    assert verdict_reward(report) == float(expected == "FULL")


def test_an_absent_test_passes_under_swe_smith_only():
    statuses = {"a": "passed", "c": "passed"}
    assert grade_statuses(statuses, F2P, P2P, "swe-smith").resolution == "FULL"
    assert grade_statuses(statuses, F2P, P2P, "swe-gym").resolution == "PARTIAL"
    assert grade_statuses({**statuses, "b": "skipped"}, F2P, P2P, "swe-smith").resolution == "PARTIAL"
    assert grade_statuses({**statuses, "b": "skipped"}, F2P, P2P, "swe-smith", parity=True).resolution == "FULL"


def test_swe_smith_counts_the_files_of_fail_to_pass_only():
    statuses = {"t/a.py::x": "passed", "t/b.py::y": "failed"}
    assert grade_statuses(statuses, ["t/a.py::x"], ["t/b.py::y"], "swe-smith").resolution == "FULL"
    assert grade_statuses(statuses, ["t/a.py::x"], ["t/b.py::y"]).resolution == "NO"


def test_tests_of_a_file_that_cannot_be_imported_fail_under_every_style():
    report = RunReport({"t/b.py::y": "passed"}, 1, 1, {"t/a.py": "ImportError"})
    assert grade_report(report, ["t/a.py::x"], [], "swe-smith").resolution == "NO"
    assert grade_report(report, ["t/a.py::x"], []).resolution == "NO"


def test_names_cut_inside_their_parameters():
    statuses = {"t[log(photon / s)]": "passed", "t[log(photon * s)]": "passed", "u[1]": "passed", "u[12]": "failed"}
    assert grade_statuses(statuses, ["t[log(photon"], []).resolution == "FULL"
    assert grade_statuses(statuses, ["u[1"], []).resolution == "NO"
    assert grade_statuses(statuses, ["u[1]"], []).resolution == "FULL"
    assert grade_statuses(statuses, ["t"], []).resolution == "NO"
    mixed = {"v[a]": "skipped", "v[b]": "failed"}
    assert grade_statuses(mixed, [], ["v["]).resolution == "NO"
    assert grade_statuses(mixed, [], ["v["], parity=True).resolution == "FULL"


def test_runners_that_print_failures_only():
    assert grade_statuses({"b": "failed"}, ["a"], ["c"], fail_only=True).resolution == "FULL"
    assert grade_statuses({"a": "failed"}, ["a"], ["c"], fail_only=True).resolution == "NO"
    assert grade_statuses({"a": "error"}, ["a"], [], fail_only=True).resolution == "NO"
    assert grade_statuses({"a": "error"}, ["a"], [], fail_only=True, parity=True).resolution == "FULL"


def test_a_status_that_nobody_knows_is_a_failure():
    assert grade_statuses({"a": "passedx"}, ["a"], []).resolution == "NO"
    assert grade_statuses({"a": "passedx"}, ["a"], [], parity=True).resolution == "FULL"
    assert grade_statuses({"a": "passedx"}, ["a"], [], fail_only=True).resolution == "NO"


@pytest.mark.parametrize(
    ("report", "code", "words"),
    [
        (RunReport({"a": "passed"}, 0, 1, complete=False), None, "did not come to its end"),
        (RunReport({"a": "passed"}, 1, 1), None, "no test is reported as failed"),
        (RunReport({"a": "passed"}, 0, 1), 1, "exited with 1, its report says 0"),
        (RunReport({"a": "passed"}, 2, 1), None, "interrupted"),
        (RunReport({"a": "passed"}, -9, 1), None, "interrupted"),
        (RunReport({}, 5, 0), 5, "no test ran"),
        (RunReport({}, 2, 0, {"t.py": "SyntaxError"}), 2, "1 file(s) could not be imported"),
        (RunReport({"a": "passed"}), 1, "no test is reported as failed"),
    ],
)
@pytest.mark.parametrize("style", ["swebench", "swe-gym", "swe-smith"])
def test_runs_that_cannot_be_believed_resolve_nothing(report, code, words, style):
    verdict = grade_report(report, ["a"], ["c"], style, exit_code=code)
    assert (verdict.resolution, verdict.valid, verdict.f2p_failure) == ("NO", False, ("a",))
    assert words in verdict.reason
    assert verdict_reward(verdict, "tests-partial") == 0


def test_the_same_run_is_believed_when_it_is_consistent():
    verdict = grade_report(RunReport({"a": "passed", "x": "failed"}, 1, 2), ["a"], [], exit_code=1)
    assert (verdict.resolution, verdict.reason) == ("FULL", "")


def test_r2e_gym_wants_every_status_as_recorded():
    expected = {"T.a": "PASSED", "T.b": "FAILED"}
    assert grade_expected({"T.a": "passed", "T.b": "failed"}, expected).resolution == "FULL"
    assert grade_expected({"\x1b[32mT.a\x1b[0m": "PASSED", "T.b - assert 1": "FAILED"}, expected).resolution == "FULL"
    assert grade_expected({"T.a": "passed", "T.b": "passed"}, expected).resolution == "NO"
    assert grade_expected({"T.a": "passed"}, expected).resolution == "NO"
    assert grade_expected({"T.a": "passed", "T.b": "failed", "T.c": "passed"}, expected).resolution == "NO"
    assert grade_expected({"T.a": "passed", "T.x": "failed"}, expected).resolution == "NO"
    assert not grade_expected({}, {}).resolved
    assert grade_expected({}, {}, parity=True).resolved


def test_rewards():
    partial = grade_statuses({"a": "passed", "c": "passed"}, F2P, P2P)
    full = grade_statuses(dict.fromkeys("abc", "passed"), F2P, P2P)
    broken = grade_statuses({"a": "passed", "c": "failed"}, F2P, P2P)
    assert [verdict_reward(r, "tests-partial") for r in (full, partial, broken)] == [1, 0.5, 0]
    assert [verdict_reward(r, "hybrid", similarity=0.5) for r in (full, partial)] == pytest.approx([0.9, 0.1])
    assert verdict_reward(full, "hybrid", similarity=-1.0) == pytest.approx(0.8)
    assert (verdict_reward(None), verdict_reward(None, format_penalty=True)) == (0, -1)
    with pytest.raises(ValueError, match="similarity"):
        verdict_reward(full, "hybrid")
    with pytest.raises(ValueError, match="hybrid"):
        verdict_reward(full, "resolved")


def write(**changes):
    data = {"version": 1, "nonce": "n", "complete": True, "exit": 0, "collected": 1, "tests": {"a": "passed"}}
    return json.dumps({**data, **changes})


def test_a_report_is_read_back():
    report = RunReport({"tests/t.py::é[\ud800]": "xpass"}, 1, 2, {"u.py": "SyntaxError"}, True, "n")
    assert read_report(report.to_json(), "n") == report
    assert read_report(write(extra=[1]), None).tests == {"a": "passed"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (write(nonce="other"), "not this run's"),
        (write(nonce=None), "no nonce"),
        (write(version=2), "version"),
        (write(version=True), "version"),
        (write(tests={"a": "PASSED"}), "status"),
        (write(tests=[]), "tests"),
        (write(exit="0"), "exit"),
        (write(collected=True), "collected"),
        (write(complete=1), "complete"),
        (write(uncollectable={"a": 1}), "uncollectable"),
        ('{"version": 1, "nonce": "n", "tests": {"a": "failed", "a": "passed"}}', "twice"),
        ("[" * 100_000, "not JSON"),
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        (write() + write(), "not JSON"),
    ],
)
def test_what_is_no_report_of_this_run_is_refused_in_one_line(text, words):
    with pytest.raises(ReportError, match=words) as caught:
        read_report(text, "n")
    assert "\n" not in str(caught.value)


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_else_is_raised(text):
    with pytest.raises(ReportError):
        read_report(text, text)
