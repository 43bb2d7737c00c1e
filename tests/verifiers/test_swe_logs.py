"""Log parsers: equal to swebench's own on seeded logs, on logs of real runners, and in linear time."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.verifiers.swe import PARSERS, Run, parse_log
from assay.verifiers.swe.logs import PARSER_OF, parser_name

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LOGS = load("swe_logs")
EXPECTED = json.loads((HERE / "swe_logs.json").read_text())
RUNS = {
    "next": ("next", "1.0"),
    "next_cypress": ("next", "1.27"),
    "lighthouse_mocha": ("lighthouse", "9.5"),
    "mocha_json": ("lighthouse", "2.0"),
}


def read(name, text, **options):
    parser, version = RUNS.get(name, (name, "1"))
    return parse_log(text, parser, Run("x-1", version), **options)


@pytest.mark.parametrize("name", LOGS.FORMATS)
def test_outcomes_are_those_of_swebench(name):
    """The file holds what swebench 5.0.2 says of these logs; ``bench_swe_verifiers.py --write-expected`` made it."""
    compared = 0
    for seed, theirs in enumerate(EXPECTED[name]):
        ours = read(name, LOGS.log(name, seed), parity=True)
        if theirs is not None:  # swebench raised
            assert ours == theirs
            compared += len(theirs)
    assert len(EXPECTED[name]) >= 12
    assert compared >= 10


def test_every_format_of_swebench_is_there():
    official = EXPECTED["registry"]
    assert len(official) == 57
    assert all(f"parse_log_{parser_name(name)}" == name for name in official)
    assert set(PARSER_OF.values()) <= set(PARSERS)


@pytest.mark.parametrize("name", LOGS.FORMATS)
def test_the_strict_reading_is_the_worst_of_each_test(name):
    rank = {"XFAIL": 0, "PASSED": 0, "SKIPPED": 1, "FAILED": 2, "ERROR": 2}
    for seed in range(30):
        text = LOGS.log(name, seed)
        strict, official = read(name, text), read(name, text, parity=True)
        assert set(strict) <= set(official)
        for test, word in strict.items():
            assert word in rank
            assert rank[word] >= rank.get(official[test], 0)


def test_forged_lines():
    log = "FAILED t.py::a - assert 0\nPASSED t.py::a\nPASSEDX t.py::b\nFAILED t.py::b\n"
    assert parse_log(log, "pytest", parity=True) == {"t.py::a": "PASSED", "t.py::b": "FAILED"}
    assert parse_log(log, "pytest") == {"t.py::a": "FAILED", "t.py::b": "FAILED"}
    r2e = "short test summary info\nFAILED t.py::T::a - RuntimeError: PASSED\nERROR t.py - boom\n"
    assert parse_log(r2e, "r2e", parity=True) == {"T.a - RuntimeError: PASSED": "PASSED", "": "ERROR"}
    assert parse_log(r2e, "r2e") == {"T.a": "FAILED", "t.py": "ERROR"}


def test_formats_that_depend_on_the_task():
    assert parse_log("✓ a (3 ms)", "immutable_js", Run("immutable-js__immutable-js-2006")) == {"a": "PASSED"}
    assert parse_log("[FAILED] a", "immutable_js", Run("immutable-js__immutable-js-2005")) == {"a": "FAILED"}
    assert parse_log("a. = 0.1 s = F", "jekyll", Run("jekyll__jekyll-9141")) == {"a": "FAILED"}
    assert parse_log("a ...F", "jekyll", Run("jekyll__jekyll-8761")) == {"a": "FAILED"}
    assert parse_log("PASS a (3 s)", "lighthouse", Run("x-1", "4.1")) == {"a": "PASSED"}
    for parser, run in (("jekyll", Run("jekyll__jekyll-1")), ("immutable_js", Run()), ("lighthouse", Run())):
        with pytest.raises(ValueError, match="number"):
            parse_log("", parser, run)


def test_a_parser_has_several_names():
    assert parser_name("django/django") == parser_name("parse_log_django") == parser_name("django") == "django"
    assert parser_name("Automattic/wp-calypso") == "calypso"
    for name in ("", "nose", "nobody/nothing", "parse_log_"):
        with pytest.raises(ValueError, match="known are"):
            parser_name(name)


SUITE = """
import unittest
import pytest

class Case(unittest.TestCase):
    def test_good(self): pass
    def test_bad(self): self.fail("no")
    def test_error(self): raise KeyError("x")
    @unittest.skip("why")
    def test_skipped(self): pass

@pytest.mark.parametrize("x", ["a-b", "a b", "/tmp/x/y"])
def test_param(x): pass

@pytest.mark.xfail
def test_expected(): assert 0

@pytest.fixture
def broken(): raise RuntimeError("set-up")
def test_set_up(broken): pass
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_suite.py").write_text(SUITE)
    return folder


def run(folder, *command):
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_a_real_run_of_pytest(suite):
    options = ("-p", "no:cacheprovider", "--color=no", "-o", "addopts=", "test_suite.py")
    log = run(suite, "pytest", "-rA", *options)
    case = "test_suite.py::Case::"
    expected = {
        f"{case}test_good": "PASSED",
        f"{case}test_bad": "FAILED",
        f"{case}test_error": "FAILED",
        "test_suite.py::test_param[a-b]": "PASSED",
        "test_suite.py::test_param[a": "PASSED",  # cut at the space
        "test_suite.py::test_param[/tmp/x/y]": "PASSED",
        "test_suite.py::test_expected": "XFAIL",
        "test_suite.py::test_set_up": "ERROR",
    }
    assert parse_log(log, "pytest") == parse_log(log, "pytest", parity=True) == expected
    options_format = parse_log(log, "pytest_options")
    assert options_format["test_suite.py::test_param[/y]"] == "PASSED"
    spaces = parse_log(log, "pytest_v2")
    assert spaces["test_suite.py::test_param[a b]"] == "PASSED"
    coloured = run(suite, "pytest", "-rA", "-p", "no:cacheprovider", "--color=yes", "-o", "addopts=", "test_suite.py")
    assert parse_log(coloured, "pytest_v2")[f"{case}test_good"] == "PASSED"


def test_a_real_run_of_unittest_reads_as_djangos_runner_does(suite):
    found = parse_log(run(suite, "unittest", "-v", "test_suite.Case"), "django")
    words = {name.split(" ")[0]: word for name, word in found.items() if " (" in name}
    assert words == {"test_good": "PASSED", "test_bad": "FAILED", "test_error": "ERROR", "test_skipped": "SKIPPED"}


@given(st.data())
def test_no_text_raises(data):
    name = data.draw(st.sampled_from(LOGS.FORMATS))
    pieces = [*LOGS.TEMPLATES[LOGS.SAME.get(name, name)], *LOGS.NAMES, "\n", " ", "\ud800", "\x00", "\x1b[1m"]
    text = data.draw(st.lists(st.sampled_from(pieces), max_size=12).map("\n".join) | st.text())
    for parity in (False, True):
        assert all(isinstance(x, str) for pair in read(name, text, parity=parity).items() for x in pair)


@pytest.mark.parametrize("name", LOGS.FORMATS)
def test_long_logs_are_read_in_linear_time(name):
    """A megabyte of what patterns stumble over takes a fraction of a second each; a quadratic reader would not end."""
    templates = LOGS.TEMPLATES[LOGS.SAME.get(name, name)]
    first = templates[0].replace("{name}", "a").replace("{n}", "3").replace("{word}", "PASSED") + "\n"
    for unit in (templates[-1][:12], "  1)", "9", "(1ms)", "✓ ", "<a>", "Chrome 1 (", "AssertionError: #", "\n "):
        read(name, first + unit * (300_000 // len(unit)))
