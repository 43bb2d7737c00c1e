"""What the tests of a tree need besides the package's own requirements, from every place where projects write it."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from assay.envs.swe_rl.mint.layout import paths_of_tests
from assay.envs.swe_rl.mint.metadata import Metadata, poetry_requirements, text_of
from assay.sandbox.patch import Entry

GROUPS = ("test", "tests", "testing", "unittest", "unit", "test-core", "tests-core")
WIDER = ("dev", "develop", "development")
FILES = re.compile(
    r"^(requirements/)?((requirements[-_.])?(tests?|testing)([-_.]requirements)?|requirements[-_.]tests?)\.(txt|in)$"
    r"|^(tests?)/requirements[^/]*\.txt$"
)
WIDER_FILES = re.compile(r"^(requirements/)?((requirements[-_.])?dev(el(op)?)?([-_.]requirements)?)\.(txt|in)$")
UNNEEDED = re.compile(
    r"^(black|flake8.*|ruff|isort|mypy.*|pylint.*|pyright|ty|bandit|pre-commit|tox.*|nox|twine|build|wheel|bump.*|"
    r"sphinx.*|furo|mkdocs.*|myst-parser|numpydoc|coverage|coveralls|codecov.*|towncrier|zest-releaser.*|check-manifest|"
    r"pytest-(cov|xdist|flake8|black|mypy|isort|pylint|ruff|randomly|random-order|sugar|pycodestyle|pydocstyle|pep8|"
    r"instafail|pretty|rerunfailures|reportlog|html|codspeed|memray|checkdocs|enabler|run-parallel|pystack|forked)|"
    r"pydocstyle|pycodestyle|pep8.*|types-.*|.*-stubs|jaraco-.*|ipython|ipdb|jupyter.*|docutils-stubs|setuptools-git.*|"
    r"invoke|readme-renderer|pip|pip-tools|uv|hatch|poetry|flit|pdm|interrogate|vulture|semver-release|commitizen)$"
)
BY_IMPORT = {
    "attr": "attrs", "bs4": "beautifulsoup4", "cv2": "opencv-python-headless", "dateutil": "python-dateutil",
    "docutils": "docutils", "ddt": "ddt", "django": "django", "faker": "faker", "flask": "flask",
    "freezegun": "freezegun", "httpx": "httpx", "hypothesis": "hypothesis", "jinja2": "jinja2",
    "jsonschema": "jsonschema", "lxml": "lxml", "markdown": "markdown", "mock": "mock", "multidict": "multidict",
    "numpy": "numpy", "pandas": "pandas", "parameterized": "parameterized", "PIL": "pillow", "pkg_resources":
    "setuptools<81", "pretend": "pretend", "psutil": "psutil", "pygments": "pygments", "pytz": "pytz",
    "pytest_mock": "pytest-mock", "requests": "requests", "responses": "responses", "setuptools": "setuptools<81",
    "simplejson": "simplejson", "six": "six", "sortedcontainers": "sortedcontainers", "sqlalchemy": "sqlalchemy",
    "sybil": "sybil", "testfixtures": "testfixtures", "toml": "toml", "tomli": "tomli", "tomli_w": "tomli-w",
    "trio": "trio", "typing_extensions": "typing-extensions", "ujson": "ujson", "webtest": "webtest", "yaml": "pyyaml",
    "zope.testing": "zope.testing", "zope.testrunner": "zope.testrunner", "anyio": "anyio", "aiohttp": "aiohttp",
    "dirty_equals": "dirty-equals", "inline_snapshot": "inline-snapshot", "syrupy": "syrupy", "pydantic": "pydantic",
    "uvloop": "uvloop", "werkzeug": "werkzeug", "msgpack": "msgpack", "orjson": "orjson", "pytest_asyncio":
    "pytest-asyncio", "time_machine": "time-machine", "pyfakefs": "pyfakefs", "tabulate": "tabulate",
    "cryptography": "cryptography", "packaging": "packaging", "click": "click", "rich": "rich", "tzdata": "tzdata",
}  # fmt: skip
BY_FIXTURE = {
    "mocker": "pytest-mock", "benchmark": "pytest-benchmark", "httpserver": "pytest-httpserver",
    "requests_mock": "requests-mock", "httpx_mock": "pytest-httpx", "freezer": "pytest-freezer", "snapshot": "syrupy",
    "datadir": "pytest-datadir", "shared_datadir": "pytest-datadir", "data_regression": "pytest-regressions",
    "file_regression": "pytest-regressions", "num_regression": "pytest-regressions", "subtests": "pytest-subtests",
    "aiohttp_client": "pytest-aiohttp", "faker": "faker", "fs": "pyfakefs", "time_machine": "time-machine",
    "event_loop": "pytest-asyncio", "check": "pytest-check", "script_runner": "pytest-console-scripts", "nursery":
    "pytest-trio", "free_port": "anyio", "anyio_backend": "anyio", "lazy_fixture": "pytest-lazy-fixture",
    "cases": "pytest-cases", "golden": "pytest-golden", "resource": "pytest-resource-path",
}  # fmt: skip
BY_MARK = {
    "asyncio": "pytest-asyncio", "trio": "pytest-trio", "anyio": "anyio", "freeze_time": "pytest-freezer",
    "django_db": "pytest-django", "datafiles": "pytest-datafiles", "benchmark": "pytest-benchmark",
    "flaky": "flaky", "vcr": "pytest-vcr", "order": "pytest-order", "dependency": "pytest-dependency",
    "timeout": "pytest-timeout",
}  # fmt: skip


def needs_of_tests(tree: Mapping[str, Entry], about: Metadata) -> list[str]:
    """Requirements for running the tests: what the project states, and what its test files visibly use."""
    stated = _stated(tree, about)
    found: dict[tuple[str, str], str] = {("pytest", ""): "pytest"}
    for line in [*stated, *_used(tree)]:
        requirement = _clean(line)
        if requirement is None:
            continue
        name = canonicalize_name(requirement.name)
        if not UNNEEDED.match(name) and name != canonicalize_name(about.name):
            # Names with markers stand side by side: each may be meant for another Python.
            key = name, str(requirement.marker or "")
            if key not in found or found[key] == name:
                found[key] = str(requirement)
    return list(found.values())


def runtime_needs(about: Metadata) -> list[str]:
    """The package's own requirements, without extras."""
    found = []
    for line in about.requires:
        requirement = _clean(line)
        if requirement is not None and "extra" not in str(requirement.marker or ""):
            found.append(str(requirement))
    return found


def of_extras(about: Metadata, extras: Iterable[str]) -> list[str]:
    """The requirements of some extras, their markers on the extra removed."""
    wanted = {canonicalize_name(each) for each in extras}
    found = []
    for line in about.requires:
        base, _, marker = line.partition(";")
        named = {canonicalize_name(each) for each in re.findall(r"""extra\s*==\s*['"]([^'"]+)['"]""", marker)}
        if named & wanted:
            requirement = _clean(base)
            if requirement is None:
                continue
            if canonicalize_name(requirement.name) == canonicalize_name(about.name):  # an extra of extras
                found += of_extras(about, requirement.extras - wanted)
            else:
                found.append(_with_marker(base.strip(), marker))
    return found


def _with_marker(base: str, marker: str) -> str:
    """The requirement with what its marker says besides the extra, where that can be told apart."""
    rest = re.sub(r"""\s*(and\s+)?\(?\s*extra\s*==\s*['"][^'"]+['"]\s*\)?(\s+and\b)?""", " ", marker).strip()
    whole = f"{base} ; {rest}" if rest else base
    return whole if _clean(whole) is not None else base


def _stated(tree: Mapping[str, Entry], about: Metadata) -> list[str]:
    narrow, wide = _groups(about, GROUPS), _groups(about, WIDER)
    for path in sorted(tree):
        if FILES.match(path):
            narrow += _requirement_lines(text_of(tree, path))
        elif WIDER_FILES.match(path):
            wide += _requirement_lines(text_of(tree, path))
    narrow += _tox(tree) + _setup_cfg(tree)
    return narrow or wide


def _groups(about: Metadata, names: Iterable[str]) -> list[str]:
    wanted = tuple(names)
    data = about.pyproject
    extras = [each for each in about.extras if canonicalize_name(each) in wanted]
    found = of_extras(about, extras)
    groups = _table(data, "dependency-groups")
    for name in groups:
        if canonicalize_name(name) in wanted:
            found += _group(groups, name, set())
    poetry = _table(data, "tool", "poetry")
    for name, group in _table(poetry, "group").items():
        if canonicalize_name(name) in wanted:
            found += poetry_requirements(_table(group, "dependencies"))
    if "dev" in wanted:
        found += poetry_requirements(_table(poetry, "dev-dependencies"))
    for name, lines in _table(data, "tool", "pdm", "dev-dependencies").items():
        if canonicalize_name(name) in wanted and isinstance(lines, list):
            found += [str(line) for line in lines]
    for name, env in _table(data, "tool", "hatch", "envs").items():
        if name in (*wanted, "hatch-test", "default") and isinstance(env, dict):
            for key in ("dependencies", "extra-dependencies"):
                found += [str(line) for line in env.get(key, []) if isinstance(line, str)]
    return found


def _group(groups: Mapping[str, Any], name: str, seen: set[str]) -> list[str]:
    """A dependency group with the groups it includes (PEP 735)."""
    if name in seen:
        return []
    seen.add(name)
    found: list[str] = []
    for line in groups.get(name) or []:
        if isinstance(line, str):
            found.append(line)
        elif isinstance(line, dict) and isinstance(line.get("include-group"), str):
            wanted = canonicalize_name(line["include-group"])
            for other in groups:
                if canonicalize_name(other) == wanted:
                    found += _group(groups, other, seen)
    return found


def _requirement_lines(text: str) -> list[str]:
    lines = (line.split(" #")[0].split("--hash")[0].strip(" \\") for line in text.splitlines())
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def _tox(tree: Mapping[str, Entry]) -> list[str]:
    found: list[str] = []
    for file in ("tox.ini", "setup.cfg"):
        for name, section in _ini(text_of(tree, file)).items():
            if name == "testenv":
                for line in section.get("deps", "").splitlines():
                    found += _requirement_lines(re.sub(r"^[\w,{}!.-]+:\s+", "", line.strip()))
    return found


def _setup_cfg(tree: Mapping[str, Entry]) -> list[str]:
    sections = _ini(text_of(tree, "setup.cfg"))
    found = _requirement_lines(sections.get("options", {}).get("tests_require", ""))
    for name, lines in sections.get("options.extras_require", {}).items():
        if canonicalize_name(name) in GROUPS:
            found += _requirement_lines(lines)
    return found


def _ini(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _used(tree: Mapping[str, Entry]) -> list[str]:
    """Distributions behind the imports, fixtures and marks of the test files, of the well-known ones only: a name that
    is guessed could be anyone's package."""
    found: set[str] = set()
    for path in paths_of_tests(tree):
        if path.endswith(".py"):
            try:
                nodes = list(ast.walk(ast.parse(tree[path].data)))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            for node in nodes:
                found |= _of_node(node)
    return sorted(found)


def _of_node(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {BY_IMPORT[top] for each in node.names if (top := _top(each.name)) in BY_IMPORT}
    if isinstance(node, ast.ImportFrom):
        top = _top(node.module or "")
        return {BY_IMPORT[top]} if node.level == 0 and top in BY_IMPORT else set()
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
        return {BY_FIXTURE[each.arg] for each in node.args.args if each.arg in BY_FIXTURE}
    if isinstance(node, ast.Attribute) and node.attr in BY_MARK:
        mark = node.value
        if isinstance(mark, ast.Attribute) and mark.attr == "mark":
            return {BY_MARK[node.attr]}
    return set()


def _top(module: str) -> str:
    if module in BY_IMPORT:
        return module
    top = module.split(".")[0]
    return "" if top in sys.stdlib_module_names else top


def _clean(line: str) -> Requirement | None:
    try:
        requirement = Requirement(line.strip())
    except InvalidRequirement:
        return None
    return None if requirement.url else requirement


def _table(data: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    value: Any = data
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else {}
