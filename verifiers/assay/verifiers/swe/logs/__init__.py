"""Every log format that swebench 5.0.2 reads, by its name there, in code of our own.

Each reader gives names and outcomes in the order of the log. Two readings make a map of them: the official one, in
which the last line wins, and ours, in which a test that is reported both good and bad is bad.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from assay.verifiers.swe.logs import builds, documents, failures, lines, pytests, runners, trees
from assay.verifiers.swe.logs.projects import FAIL_ONLY, PARSER_OF
from assay.verifiers.swe.logs.types import ERROR, FAILED, PASSED, SKIPPED, WORDS, XFAIL, Outcomes, Reader, Run

__all__ = ["FAIL_ONLY", "PARSERS", "PARSER_OF", "Run", "parse_log", "parser_name"]


def _next(log: str, run: Run) -> Outcomes:
    return trees.next_cypress(log) if run.version == "1.27" else trees.next_karma(log)


def _lighthouse(log: str, run: Run) -> Outcomes:
    if run.version in ("9.5", "10.0", "10.2"):
        return trees.lighthouse_mocha(log)
    try:
        recent = float(run.version) >= 3
    except ValueError:
        raise ValueError(f"lighthouse logs are read by version, a number; got {run.version!r}") from None
    return lines.carbon(log) if recent else documents.mocha_json(log)


def _by_number(**readers: Reader) -> Callable[[str, Run], Outcomes]:
    """Read by the number of the pull request, the last part of the instance id (written ``n2006``)."""

    def read(log: str, run: Run) -> Outcomes:
        reader = readers.get("n" + run.instance_id.rpartition("-")[2])
        if reader is None:
            numbers = ", ".join(name[1:] for name in readers)
            raise ValueError(f"the format of instance {run.instance_id!r} is not known; known numbers are {numbers}")
        return reader(log)

    return read


def _plain(reader: Reader) -> Callable[[str, Run], Outcomes]:
    return lambda log, run: reader(log)


_PLAIN: Mapping[str, Reader] = {
    **dict.fromkeys(
        ("pytest", "astroid", "flask", "marshmallow", "pvlib", "pyvista", "sqlfluff", "xarray"), pytests.pytest
    ),
    **dict.fromkeys(("pytest_options", "pydicom", "requests", "pylint"), pytests.pytest_options),
    **dict.fromkeys(("pytest_v2", "astropy", "scikit", "sphinx"), pytests.pytest_spaces),
    "matplotlib": pytests.pytest_mouse,
    "seaborn": pytests.seaborn,
    "django": runners.django,
    "sympy": runners.sympy,
    "calypso": trees.calypso,
    "bpmn_js": failures.bpmn_js,
    **dict.fromkeys(("carbon", "react_pdf", "prettier", "scratch_gui"), lines.carbon),
    "eslint": failures.eslint,
    "grommet": lines.grommet,
    "emotion": lines.whole_files,
    "highlightjs": trees.highlightjs,
    "openlayers": failures.openlayers,
    "prismjs": documents.prismjs,
    "quarto_cli": builds.quarto,
    "chart_js": failures.chart_js,
    "marked": lines.marked,
    "p5js": failures.p5js,
    "plotly_js": trees.plotly,
    "cypress": documents.cypress,
    "jest": lines.jest,
    "jest_json": lines.jest_json,
    "vitest": lines.vitest,
    "karma": trees.karma,
    "tap": lines.tap,
    "redis": lines.redis,
    "jq": lines.jq,
    "doctest": documents.doctest,
    "micropython_test": lines.micropython,
    "googletest": lines.googletest,
    "gotest": lines.gotest,
    "maven": builds.maven,
    "ant": lines.ant,
    "gradle_custom": builds.gradle,
    "phpunit": lines.phpunit,
    "minitest": lines.minitest,
    "cucumber": lines.cucumber,
    "ruby_unit": lines.ruby_unit,
    "rspec_transformed_json": lines.rspec,
    "cargo": lines.cargo,
    "r2e": pytests.r2e_summary,
}

PARSERS: Mapping[str, Callable[[str, Run], Outcomes]] = {
    **{name: _plain(reader) for name, reader in _PLAIN.items()},
    "next": _next,
    "lighthouse": _lighthouse,
    "immutable_js": _by_number(n2006=lines.jest, n2005=lines.jest_json),
    "jekyll": _by_number(
        n9141=lines.minitest,
        n8047=lines.minitest,
        n8167=lines.minitest,
        n8761=lines.cucumber,
        n8771=lines.cucumber,
    ),
}
_STRICT = {"r2e": _plain(pytests.r2e_strict)}
_RANK = {XFAIL: 0, PASSED: 0, SKIPPED: 1, FAILED: 2, ERROR: 2}


def parser_name(name: str) -> str:
    """The name of a parser here: ``parse_log_`` is dropped, and a repository (``owner/name``) is looked up.

    Raises:
        ValueError: nothing of that name is known.
    """
    found = PARSER_OF.get(name.lower(), name) if "/" in name else name.removeprefix("parse_log_")
    found = found.removeprefix("parse_")
    if found not in PARSERS:
        raise ValueError(f"no log parser is called {name!r}; known are {', '.join(sorted(PARSERS))}")
    return found


def parse_log(log: str, parser: str, run: Run | None = None, *, parity: bool = False) -> dict[str, str]:
    """The outcome of every test that a log names: ``PASSED``, ``FAILED``, ``SKIPPED``, ``ERROR`` or ``XFAIL``.

    Where a test is named twice the worse outcome counts, and an outcome of any other word is dropped.

    Args:
        log: the text of the log, or the part of it that the tests wrote.
        parser: a name of swebench's (``parse_log_pytest``), the same without ``parse_log_``, or a repository.
        run: which task the log is of; needed for lighthouse, next, immutable-js and jekyll.
        parity: the last outcome of a test counts, whatever its word, as in swebench 5.0.2.

    Raises:
        ValueError: no such parser, or the format cannot be told from ``run``.
    """
    name = parser_name(parser)
    reader = PARSERS[name] if parity else _STRICT.get(name, PARSERS[name])
    outcomes = reader(log, run or Run())
    if parity:
        return dict(outcomes)
    found: dict[str, str] = {}
    for test, word in outcomes:
        if word in WORDS and (test not in found or _RANK[word] > _RANK[found[test]]):
            found[test] = word
    return found
