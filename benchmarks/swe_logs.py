# ruff: noqa: E501
"""Test logs made from a seed, in every format that swebench reads: as runners write them, and damaged ones.

``log(format, seed)`` is a text. Even seeds give whole logs, odd ones logs with lines lost, doubled, joined, cut and
indented. What swebench's own parsers say of the first of them is in ``tests/verifiers/swe_logs.json``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

_FIELD = re.compile(r"\{(name|n|word)\}")

NAMES = (
    "tests/test_api.py::test_one", "tests/test_api.py::TestX::test_two[a-1]", "t/x.py::test_p[/tmp/a/b-c]",
    "t/x.py::test_q[//tmp/a]", "t/x.py::test_r[a b]", "test_plain", "test_dots.py", "sort [x] (y) - z",
    "renders (deeply) nested", "test_a (pkg.tests.A)", "adds 1 + 1 = 2", "Foo#test_bar", "com.example.T > m",
    "unit: x", "in file.js", "a: b: c", "ok", "FAILED", "x. y", "", "[100%]", "[3]", "MouseButton.LEFT[1]", "é ✓ x",
    "*glob[/x/*]", "case.x", "x  y", "feature a ..", "Error in x", "tmp /tmp/ab1/q.qmd and /tmp/cd2.qmd",
)  # fmt: skip
WORDS = ("PASSED", "FAILED", "SKIPPED", "ERROR", "XFAIL", "XPASS", "PASSEDX", "ERROR:")

TEMPLATES: dict[str, tuple[str, ...]] = {
    "pytest": (
        "{word} {name}", "{word} {name} - assert {n} == 2", "SKIPPED [{n}] t.py:3: why", "{name} {word} [ {n}%]",
        "=== {n} passed in 1.2s ===", " {word} {name}", "{word}", "\x1b[32m{word}\x1b[0m {name}", "[1m{word}[0m {name}",
        "{name} {word}", "{word}\t{name}", "E   {word} {name}",
    ),
    "django": (
        "{name} ... ok", "{name} ... OK", "{name} ...  OK", "{name} ... skipped 'why'", "{name} ... FAIL",
        "{name} ... ERROR", "FAIL: t{name}", "ERROR: t{name}", "{name} ... noise", "ok", "okay",
        "{name} ... Testing against Django installed in '/x' silenced).\nok", "--version is equivalent to version",
        "{name} ... Internal Server Error: /{name}/\nok", "{name} ... Internal Server Error: /\nok",
        "{name} ... System check identified no issues (0 silenced)\nok", " silenced).", "Ran {n} tests in 0.1s",
        "Applying sites.0002_alter_domain_unique...test_no_migrations ({name}) ... ok",
        "{name} ...\nTesting against Django installed in x", "{name}\n... System check identified no issues (0 silenced)\nok",
    ),
    "sympy": (
        "____ {name}.py:{name} ____", "{name} ok", "test_{n} ok", "test_{n} F", "test_{n} E", "test_{name} [OK]",
        "  test_{n} {name} ok", "_ a.py:b.py:c _ ", "x y.py: z", " .py: ",
    ),
    "redis": (
        "[ok]: {name} ({n} ms)", "[ok]: {name}", "[err]: {name} in tests/unit/x.tcl", "[skip]: {name}",
        "[ignore]: {name}", "[err]: {name}  in  x", "[err]: in x", "[ok]:{name}", "[ok]: x ({n}ms)", "[err]: {name} (1 s) in x",
        "[ok]:  ({n} ms)", "[err]:   in x", "[err]: {name} in x ({n} ms)",
    ),
    "jq": ("PASS: {name}", "FAIL: {name}", "  FAIL:  {name}", "PASS:", "xPASS: {name}"),
    "micropython_test": ("pass  {name}", "FAIL  {name}", "skip {name}", "pass", "passed {name}"),
    "googletest": (
        "[       OK ] {name} ({n} ms)", "[  FAILED  ] {name} ({n} ms)", "[  FAILED  ] {name}", "1: [ OK ] {name} (0 ms)",
        "[ OK ] {name} [ FAILED ] {name} (1 ms)", "[ OK ]  (1 ms)", "[ OK ] (1 ms)", "[ RUN ] {name}", "[OK] {name} ()",
    ),
    "gotest": (
        "--- PASS: {name} (0.{n}s)", "--- FAIL: {name} (0.1s)", "--- SKIP: {name} (0s)", "    --- PASS: {name} (0.1s)",
        "--- PASS: {name} ()", "--- PASS: a (b) ()", "--- PASS:  (1s)", "ok  pkg 0.1s", "--- PASS: {name} (1s) ",
    ),
    "ant": (
        "    [junit] [PASS] {name}", "[junit] [FAIL] {name}", "[junit]  [ERR]  {name}", "[junit] [PASS]", "[junit] {name}",
    ),
    "jest": (
        "  ✓ {name} ({n} ms)", "  ✕ {name}", "✓ {name} ({n}ms)", "  ○ skipped {name}", "✓", "✓  {name}  (3 m)",
        "✓  (3 ms)", "Tests: {n} passed",
    ),
    "jest_json": ("[PASSED] {name}", "[FAILED] {name}", "[PASSED]", "x [PASSED] {name}"),
    "vitest": (
        " ✓ {name} {n}ms", " × {name}", " ↓ {name} [skipped]", "✓ {name} {n}", "✓ 3", "✓ {n} ms", "✓ {name} {n} m",
        " ✓ {name} ({n} tests) 3s",
    ),
    "tap": ("ok {n} {name}", "not ok {n} {name}", "ok {n} - {name}", "ok {n}", "# tests {n}", "ok  {n} {name}"),
    "phpunit": (
        "Suite {n} (Tests\\S{n})", " ✔ {name}", " ✘ {name}", " ↩ {name}", "✔", "{name} (x)", "A ()", "AB (c)", "_x (y) (z)",
    ),
    "minitest": (
        "{name}. = 0.01 s = .", "{name}. = 0.0{n} s = F", "{name}. = 1 s = E", "{name}. x = s", "a. b. c=d.e=F",
        ". = .", "x. = .", "{name} = .",
    ),
    "cucumber": ("{name} ....", "{name} ..F", "{name} .", "{name} .F-", "a ... b ..", " ..", "{name} ..-.. .F"),
    "ruby_unit": (
        "test: {name}: .: (0.0{n})", "  {name}:  F", "{name}: E", "{name}: O", "test: .", "test: : .", ": : .", "{name}: Fx",
        "test: {name}:\t.", ":  .",
    ),
    "rspec_transformed_json": (
        "{name} - passed", "{name} - failed", "{name} - pending", "a - passed - failed x", " - passed", "x - failed - passed",
    ),
    "cargo": (
        "test {name} ... ok", "test a::b{n} ... FAILED", "test a::b ... ignored", "test a::c{n} ... ok", "test  x  ...  ok",
        "test x ... ok x", "test x{n} ... FAILED",
    ),
    "carbon": (
        "PASS {name} ({n}.1ms)", "PASS {name} ({n} s)", "FAIL {name} ({n}.5s)", "FAIL {name}", "PASS", "PASS  (1ms)",
        "PASS a (1s) b (2ms) c", " PASS {name}", "PASS\t{name} (1 s) x", "FAIL a (1s) (2 s)",
    ),
    "grommet": (
        "PASS {name} ({n}.1 s)", "FAIL {name} (3ms)", "PASS {name}", "FAIL", "PASS", "FAIL a (1s) (2 ms)", " PASS {name}",
    ),
    "marked": ("{n}) {name}", " {n}) {name}", "{n})", "{n})\t {name} ", "{n} specs, 1 failure"),
    "calypso": (
        "+ ./node_modules/.bin/jest x", "  Suite {n}", "    Inner {n}", "      ✓ {name} ({n}ms)", "      ✕ {name}",
        "      ✓ {name}({n}ms)", "  ● {name}", "Test Suites: 1", "   ", "  ✕ {name} (1ms)", "        ✓ a (x)", "text",
    ),
    "highlightjs": (
        "  suite {n}", "    ✓ {name} ({n}ms)", "    ✔ {name}", "    {n}) {name}", "  {n} passing (1s)", "text", "      inner",
        "  ✓ a ✓ b (1ms) (2ms)", "{n}) {name} (3ms)",
    ),
    "karma": (
        "Starting browser Chrome", "  Suite {n}", "    Inner", "    ✔ {name}", "    ✖ {name}", "✔ {name}", "SUMMARY:",
        "", "   ", "  ✔{name}", "      Deep {n}", " x",
    ),
    "next": (
        "+ xvfb-run x", "Starting browser Chrome", "  Suite {n}", "    ✓ {name}", "    ✗ {name}", "LOG x", "TOTAL",
        "  Check {name}", "AssertionError: #x\n\n", "AssertionError:  #{name}", "\x1b[32m  ✓ {name}\x1b[0m", "x ✗ ✓ {name}",
    ),
    "next_cypress": (
        "  Running: a/{n}.js  (1 of 2)\n\n\n  Suite {n}\n", "    ✓ {name} ({n}ms)", "    {n}) {name}", "    ✓ {name}",
        "Running: x)\n\n\n  S{n}", ")\n\n\n  No\n", "Running: Running: y)\n\n\n  T (1)\n", "\n", "      ✓ {name} (1ms)",
    ),
    "lighthouse_mocha": (
        "running {n} test files", "  suite {n}", "    ✔ {name} ({n}ms)", "    ✔ {name}", "    {n}) {name}", "  {n} passing (1s)",
        "    {n}) {name} (1mms) x", "    ✔{name}", "      inner", "12{n} passing",
    ),
    "mocha_json": (
        "+ ./node_modules/.bin/mocha --reporter json", '  "passes": [', '      "fullTitle": "{name}",', "  ],",
        '  "failures": [', '      "fullTitle": "bad {name}",', "  ]", '"fullTitle": "a", "fullTitle": "b",',
        '      "fullTitle": "x"', "}",
    ),
    "cypress": (
        "../..", '  "passes": [', '      "fullTitle": "{name}",', "  ],", '  "failures": [', '"fullTitle": "bad {n}",', "  }",
    ),
    "prismjs": (
        '+ ./node_modules/.bin/mocha tests/run.js --reporter json\n{"failures": [{"fullTitle": "f {n}"}], '
        '"passes": [{"fullTitle": "p {n}"}]}\n', "noise",
    ),
    "doctest": (
        '<?xml version="1.0"?>\n<doctest binary="x">\n<TestCase name="c{n}"><SubCase name="s">'
        '<Expression success="true"/></SubCase><SubCase name="t{n}"><SubCase name="u">'
        '<Expression success="false"/></SubCase></SubCase></TestCase><TestCase name="d"><SubCase><a/></SubCase>'
        "</TestCase></doctest>", "noise", "</doctest>",
    ),
    "maven": (
        "+ mvn test -Dtest={name}", "+ mvn -Dtest=T{n}#m -pl x", "[INFO] BUILD SUCCESS", "[INFO] BUILD FAILURE", "BUILD SUCCESS x",
        "-Dtest=A -Dtest= ", "-Dtest=B{n} BUILD SUCCESS",
    ),
    "gradle_custom": (
        "com.x.T > m{n} PASSED", "{name} FAILED", "com.x.T > m{n}", "PASSED", "FAILED", "> Task :test FAILED", "a PASSED",
        "a  PASSED", "x > y z", ">x > y", "{name}   PASSED",
    ),
    "quarto_cli": (
        "[smoke] > {name} ... \x1b[0m\x1b[32mok\x1b[0m", "[unit] > {name} ...\x1b[31mFAILED", "[unit] > {name}", "test result: [unit]",
        "[smoke] {n} passed 1 failed 2 steps", "[unit] 34mINFO", "ERRORS", "{n} failures:", "[smoke] /tmp/a{n}/x ... 32mok",
        "[smoke] /tmp/b{n}.qmd /tmp/b{n}.qmd ... 31mFAILED",
    ),
    "eslint": (
        "  {n}) {name}", "       {name}:\n     AssertionError: x", "      TypeError: Error y", "  {n}) a\n\n  Error", "x Error",
        "{n}) {name}", "   {n}) b c Error",
    ),
    "bpmn_js": (
        "2KPhantomJS 2.1.1 (Linux 0.0.0) {name} FAILED", "2KPhantomJS 2.1 (Linux x86_64) {name}FAILED",
        "Chrome Headless 1.2 (Linux x86_64) {name} FAILED", "HeadlessChrome 7.1 (Linux 0.0) {name} FAILED",
        "HeadlessChrome 7.1 (Linux 0.0) {name}", "Chrome Headless  (Linux x86_64) a (Linux x86_64) {name}FAILED", "FAILED",
        "HeadlessChrome 1 (Linux 0) HeadlessChrome 1 (Linux 0) {name} FAILED", "Chrome Headless\n1 (Linux x86_64) {name}FAILED",
    ),
    "openlayers": (
        "Chrome Headless 1.2.3 (Linux x86_64) {name} FAILED", "Chrome 1.2 (Linux 0.0) {name}FAILED", "  {n}) {name}\n   x",
        "     AssertionError: x", "case {name}: mismatch", "case a: mismatch: mismatch", "Chrome 1 (Linux a)b) {name} FAILED",
        "Chrome Headless 1 (Linux x)) {name} FAILED", "case x':\tok", "Error:",
    ),
    "chart_js": (
        "Chrome 1.2 (Linux 0.0) {name} FAILED", "Chrome 1 (a) b) c) {name}FAILED", "Chrome 1\t(Linux)\t{name} FAILED ",
        "\x1b[31mChrome 9.9 (Linux x) {name} FAILED\x1b[39m", "Chrome 1 ()) {name} FAILED", "Chrome 2 (x) Chrome 3 (y) {name} FAILED",
    ),
    "p5js": (
        "  {n}) suite\n       {name}:", "  {n}) {name}", "     AssertionError: x", "<p>", "</p>", "<div>a<div>", "</div>", "{", "}",
        "[", "]", '{"a": 1}', "  {n}) a\n  b:", "\x1b[31m  {n}) s\n     t{n}:\x1b[0m", "<b>x</b> {name}", "   {n})   x:y",
    ),
    "plotly_js": (
        "  - suite {n} :", "    * {name} : ok", "    * {name} : failed ok", "  *  {name}  :  FAILED", "- x :", "   - : :",
        "      - deep :", "    * : : ok", "    * a:b : OK", "  -  :",
    ),
    "seaborn": (
        "{word} {name}", "{name} PASSED [ {n}%]", "{name} FAILED [ {n}%]", "{word}", "FAILED {name} - x PASSED y", "a b PASSED c",
    ),
}  # fmt: skip
SAME = {"pytest_options": "pytest", "pytest_v2": "pytest", "matplotlib": "pytest", "emotion": "grommet"}
FORMATS = (*TEMPLATES, *SAME)
NOISE = (
    "",
    "collecting ...",
    "warning: x",
    "  ",
    "\t",
    "Traceback (most recent call last):",
    ">>>>> Start",
    "PASSED",
    "ok",
)


def log(name: str, seed: int, lines: int = 24) -> str:
    """A log in a format of :data:`FORMATS`; odd seeds are damaged."""
    rng = random.Random(f"{name}:{seed}")
    templates = TEMPLATES[SAME.get(name, name)]
    # the first template often, as it opens a section in some formats
    text = [_line(rng, templates[0])]
    for _ in range(rng.randrange(1, lines)):
        kind = rng.random()
        text.append(rng.choice(NOISE) if kind < 0.1 else _line(rng, rng.choice(templates)))
    return "\n".join(_damaged(rng, text) if seed % 2 else text) + rng.choice(["\n", ""])


def _line(rng: random.Random, template: str) -> str:
    values: dict[str, Callable[[], str]] = {
        "name": lambda: rng.choice(NAMES),
        "n": lambda: str(rng.randrange(12)),
        "word": lambda: rng.choice(WORDS),
    }
    return _FIELD.sub(lambda field: values[field[1]](), template)


def _damaged(rng: random.Random, lines: list[str]) -> list[str]:
    found = list(lines)
    for _ in range(rng.randrange(1, 6)):
        k = rng.randrange(len(found))
        line = found[k]
        cut = rng.randrange(len(line) + 1)
        found[k : k + 1] = rng.choice(
            [
                [],
                [line, line],
                [line + rng.choice(lines)],
                [line[:cut]],
                [line[cut:]],
                [line[:cut], line[cut:]],
                [rng.choice(("  ", "\t", " ", "\u00a0")) + line],
                [line + rng.choice((" ", "\t", "  "))],
                [line[:cut] + rng.choice(("  ", ":", " - ", ")", "(", "[", "]", ".", "FAILED", "\u2028")) + line[cut:]],
                [line, rng.choice(lines)],
            ]
        ) or [""]
    return found
