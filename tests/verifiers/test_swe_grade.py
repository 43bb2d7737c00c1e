"""``swe.grade``: logs between markers, exit status, and what a patch may print to deceive."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.verifiers import score
from assay.verifiers.audit import audit
from assay.verifiers.swe import RunReport, grade_log, infra_sign, read_log
from assay.verifiers.swe.infra import suite_ran

F2P, P2P = ["a", "b"], ["c"]
START, END = "+ : '>>>>> Start Test Output'\n", "+ : '>>>>> End Test Output'\n"


def log(words, code=0, before="", after="", inside=""):
    lines = "".join(f"{word} {name}\n" for name, word in words.items())
    return f"+ git apply\n{before}{START}{lines}{inside}{END}>>>>> Test Exit Code: {code}\n{after}"


def verdict(text, **options):
    return grade_log(text, "pytest", F2P, P2P, **options).resolution


ALL = dict.fromkeys("abc", "PASSED")


@pytest.mark.parametrize("parity", [False, True])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (log(ALL), "FULL"),
        (log({"a": "PASSED", "c": "PASSED"}), "PARTIAL"),
        (log({"a": "SKIPPED", "b": "SKIPPED", "c": "PASSED"}), "NO"),
        (log({**ALL, "c": "SKIPPED"}), "FULL"),
        (log({**ALL, "c": "FAILED"}, 1), "NO"),
        (log({**ALL, "a": "XFAIL"}), "FULL"),
        (log(ALL).replace(END, ""), "NO"),
        (log(ALL, 1), "NO"),
        (log({"b": "PASSED", "c": "PASSED"}, before="PASSED a\n", after="PASSED a\n"), "PARTIAL"),
        (log(ALL, after=">>>>> Tests Timed Out\n"), "NO"),
        (">>>>> Patch Apply Failed\n" + log(ALL), "NO"),
        (log(ALL).replace("\n", "\r\n"), "FULL"),
        ("", "NO"),
    ],
)
def test_the_rules_of_swebench(text, expected, parity):
    assert verdict(text, parity=parity) == expected


def test_an_absent_test_passes_under_swe_smith():
    assert verdict(log({"a": "PASSED", "c": "PASSED"}), style="swe-smith") == "FULL"
    assert verdict(log({}), style="swe-smith") == "NO"


@pytest.mark.parametrize(
    "text",
    [
        log({**ALL, "a": "FAILED", "other": "FAILED"}, 1, inside="PASSED a\n"),
        log(ALL, 1, inside=f"{END}>>>>> Test Exit Code: 0\n"),
        START + "".join(f"PASSED {t}\n" for t in "abc") + END + log({"a": "FAILED"}),
        log({}, before="PASSED a\nPASSED b\nPASSED c\n"),
        log({}, after="PASSED a\nPASSED b\nPASSED c\n"),
    ],
    ids=["a later line", "a status", "a whole run", "lines before", "lines after"],
)
def test_what_deceives_swebench_does_not_deceive_us(text):
    assert verdict(text, parity=True) == "FULL"
    assert verdict(text) != "FULL"


def test_an_unknown_word_takes_a_test_out_of_the_official_count():
    text = log({"a": "PASSEDX", "b": "PASSED", "c": "PASSED"})
    assert verdict(text, parity=True) == "FULL"
    assert verdict(text) == "PARTIAL"


def test_runners_that_name_failures_only():
    def fail_only(text, **options):
        return grade_log(text, "eslint", ["x"], ["y"], fail_only=True, **options).resolution

    failing = f"{START}  1) x\n     AssertionError: no\n{END}>>>>> Test Exit Code: 1\n"
    assert fail_only(failing) == "NO"
    assert fail_only(failing.replace(") x", ") other")) == "FULL"
    assert fail_only(f"{START}  10 passing (3s)\n{END}") == "FULL"
    assert fail_only(f"{START}  0 passing (3s)\n{END}") == "NO"
    assert fail_only(f"{START}browser did not start\n{END}") == "NO"
    silent = f"{START}  10 passing (3s)\n{END}>>>>> Test Exit Code: 1\n"
    assert (fail_only(silent), fail_only(silent, parity=True)) == ("NO", "FULL")


@pytest.mark.parametrize(
    ("text", "ran"),
    [
        ("Executed 3 of 3", True), ("Executed 0 of 0", False), ("10 passing", True), ("00 passing", False),
        ("0 passing", False), ("12 specs, 0 failures", True), ("1 spec, 1 failure", True), ("TOTAL: 4 SUCCESS", True),
        ("TOTAL: 0 SUCCESS", False), ("Tests:   3 passed", True), ("Test Suites: 1 failed, 2 total", True),
        ("Test Suites: 0 total", False), ("# tests 8", True), ("# tests 0", False), ("case x': ok", True), ("", False),
        ("9" * 100_000 + " passin", False), ("٣ passing", False),
    ],
)  # fmt: skip
def test_whether_a_suite_ran(text, ran):
    assert suite_ran(text) is ran


def test_signs_of_a_broken_environment_are_advice():
    assert infra_sign("x\nKilled\n") == ("out_of_memory", "environment")
    assert infra_sign("ModuleNotFoundError: x") == ("missing_module", "ambiguous")
    assert infra_sign("AssertionError") is None
    found = grade_log("Error response from daemon: no", "pytest", F2P, P2P)
    assert (found.valid, found.infra) == (False, ("container_unavailable", "environment"))
    assert grade_log(log(ALL, inside="Killed\n"), "pytest", F2P, P2P).infra is None


def test_the_exit_status_may_be_known_otherwise():
    text = log(ALL).replace(">>>>> Test Exit Code: 0\n", "")
    assert verdict(text) == "FULL"
    assert verdict(text, exit_code=1) == "NO"
    assert (
        read_log(text, "pytest", exit_code=1).reason
        == "the test command exited with 1, yet no test is reported as failed"
    )


def grade(response, truth, **options):
    return score("swe.grade", response, truth, **options)


def test_a_report_is_graded_by_its_nonce():
    truth = {"FAIL_TO_PASS": json.dumps(F2P), "PASS_TO_PASS": P2P, "nonce": "n"}
    report = RunReport(dict.fromkeys("abc", "passed"), 0, 3, nonce="n")
    assert grade(report.to_json(), truth).correct
    assert not grade(RunReport(report.tests, 0, 3, nonce="m").to_json(), truth).parsed
    half = RunReport({"a": "passed", "c": "passed", "x": "failed"}, 1, 3, nonce="n").to_json()
    verdict = grade(half, truth, reward="tests-partial")
    assert (verdict.reward, verdict.correct, verdict.parts["f2p"]) == (0.5, False, 0.5)
    assert grade(half, truth).reward == 0
    assert grade(half, truth, style="swe-smith").reward == 1
    assert not grade(report.to_json(), {**truth, "exit_code": 1}).parsed


def test_r2e_gym():
    truth = {"expected_output_json": '{"T.a": "PASSED", "T.b": "FAILED"}', "repo": "x/y"}
    text = "== short test summary info ==\nPASSED t.py::T::a\nFAILED t.py::T::b - assert 0\n"
    assert grade(text, truth, style="r2e-gym").correct
    assert not grade(text.replace("FAILED", "PASSED"), truth, style="r2e-gym").correct
    report = RunReport({"t.py::T::a": "passed", "t.py::T::b": "failed"}, 1, 2, nonce="n").to_json()
    assert grade(report, {**truth, "nonce": "n"}, style="r2e-gym").correct


def test_the_format_and_kind_follow_from_the_repository():
    truth = {"FAIL_TO_PASS": ["t (m.C)"], "PASS_TO_PASS": [], "repo": "django/django"}
    assert grade(f"{START}t (m.C) ... ok\n{END}", truth).correct
    js = {"FAIL_TO_PASS": ["x"], "PASS_TO_PASS": [], "repo": "eslint/eslint"}
    assert grade(f"{START}3 passing\n{END}", js).correct
    assert not grade(f"{START}3 passing\n{END}", {**js, "eval_type": "pass_and_fail"}).correct


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        ({"FAIL_TO_PASS": [], "PASS_TO_PASS": [], "nonce": "n"}, "no tests are listed"),
        ({"FAIL_TO_PASS": "[a", "PASS_TO_PASS": [], "nonce": "n"}, "not JSON"),
        ({"FAIL_TO_PASS": ["a"], "nonce": "n"}, "PASS_TO_PASS"),
        ({"FAIL_TO_PASS": ["a"], "PASS_TO_PASS": [], "nonce": ""}, "nonce is empty"),
        ({"FAIL_TO_PASS": ["a"], "PASS_TO_PASS": []}, "log_parser"),
        ({"FAIL_TO_PASS": ["a"], "PASS_TO_PASS": [], "repo": "a/b"}, "known are"),
        ({"FAIL_TO_PASS": ["a"], "PASS_TO_PASS": [], "nonce": "n", "exit_code": "0"}, "exit_code"),
        ({"FAIL_TO_PASS": ["a"], "PASS_TO_PASS": [], "log_parser": "tap", "eval_type": "x"}, "eval_type"),
    ],
)
def test_malformed_truth(truth, words):
    with pytest.raises(ValueError, match=words) as caught:
        grade("", truth)
    assert "\n" not in str(caught.value)


PIECES = st.sampled_from(
    [START, END, "PASSED a\n", "FAILED a - x\n", "PASSED t[1]\n", ">>>>> Test Exit Code: 1\n", "\r",
     "Killed\n", "{", "}", '"tests"', "\ud800", "PASSED", ">>>>> Test Exit Code: 99999999999999999999999\n"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join) | st.text(st.characters(exclude_categories=())))
def test_any_text_is_scored(text):
    base = {"FAIL_TO_PASS": ["a"], "PASS_TO_PASS": ["t["], "expected_output_json": {"a": "PASSED"}}
    for truth in ({**base, "nonce": "n"}, {**base, "log_parser": "pytest"}):
        for style in ("swebench", "swe-smith", "r2e-gym"):
            for parity in (False, True):
                assert grade(text, truth, style=style, parity=parity).reward in (0, 1)


@pytest.mark.parametrize("options", [{}, {"reward": "tests-partial"}, {"style": "swe-gym"}], ids=str)
def test_the_audit(options):
    report = audit("swe.grade", size=100_000, **options)
    failed = [check.name for check in report.checks if check.failures]
    assert failed == ([] if "reward" not in options else failed), report.table()
    assert set(failed) <= {"attacks", "hedges"}
