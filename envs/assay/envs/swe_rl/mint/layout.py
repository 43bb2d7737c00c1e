"""What each file of a source tree is: a test, source, documentation, or packaging."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping

from assay.sandbox.patch import Entry

TEST_NAME = re.compile(r"^(test_.*|.*_test|tests?|conftest)\.py$")
RUN_NAME = re.compile(r"^(test_.*|.*_tests?|tests?)\.py$")
VERSION_NAME = re.compile(r"^(_{0,2}version(_info)?_{0,2}|__about__|_version_generated)\.py$")
PACKAGING = re.compile(
    r"(^|/)(PKG-INFO|setup\.py|setup\.cfg|pyproject\.toml|MANIFEST(\.in)?|Makefile|noxfile\.py|tasks\.py|fabfile\.py|"
    r"tox\.ini|pytest\.ini|Pipfile(\.lock)?|poetry\.lock|uv\.lock|pdm\.lock|justfile|codecov\.yml|environment\.ya?ml|"
    r"(dev-|test-)?requirements[^/]*\.(txt|in)|LICEN[CS]E[^/]*|COPYING[^/]*|NOTICE[^/]*|AUTHORS[^/]*|"
    r"CONTRIBUTORS[^/]*|CITATION\.cff|versioneer\.py)$"
)
DOCS = re.compile(
    r"^(docs?|documentation|examples?|benchmarks?|bench|demos?|tools|scripts|ci|requirements|changelog\.d|newsfragments|"
    r"changes|man)/|(^|/)(README|CHANGE|CHANGELOG|CHANGES|HISTORY|NEWS|CONTRIBUTING|SECURITY|TODO|RELEASE)[^/]*$"
    r"|^[^/]+\.(rst|md|txt|adoc)$",
    re.IGNORECASE,
)
HIDDEN = re.compile(r"(^|/)\.[^/]+(/|$)|\.egg-info/|^PKG-INFO$|(^|/)__pycache__/|\.py[co]$")
TEST_FOLDERS = ("test", "tests", "testsuite", "unit_tests", "unittests")
NATIVE = (".c", ".cc", ".cpp", ".cxx", ".pyx", ".rs", ".f", ".f90", ".go")


def paths_of_tests(paths: Iterable[str]) -> set[str]:
    """The paths that belong to the tests: modules, their helpers and their data.

    A folder called ``test`` or ``tests`` counts if a test module lies below it (a package may call a part of itself
    that), ``testing`` only at the top.
    """
    everything = list(paths)
    modules = [path for path in everything if RUN_NAME.match(path.rsplit("/", 1)[-1])]
    roots = set()
    for path in modules:
        parts = path.split("/")[:-1]
        for depth, part in enumerate(parts):
            if part in TEST_FOLDERS or (part == "testing" and depth == 0):
                roots.add("/".join(parts[: depth + 1]) + "/")
                break
    found = set()
    for path in everything:
        name = path.rsplit("/", 1)[-1]
        if path.startswith(tuple(roots)) or (TEST_NAME.match(name) and not _is_source(path, roots)):
            found.add(path)
    return found


def _is_source(path: str, roots: Collection[str]) -> bool:
    """``package/test.py`` and ``package/tests.py`` are often a module for users, not a test."""
    name = path.rsplit("/", 1)[-1]
    return name in ("test.py", "tests.py") and "/" in path and not path.startswith(tuple(roots))


def runnable(paths: Iterable[str]) -> list[str]:
    """The test modules among the test files: what is handed to pytest, sorted."""
    tests = paths_of_tests(paths)
    return sorted(path for path in tests if RUN_NAME.match(path.rsplit("/", 1)[-1]))


def is_source(path: str, tests: Collection[str]) -> bool:
    """Whether a change to it can be a repair: no test, no documentation, no packaging."""
    return not (path in tests or PACKAGING.search(path) or DOCS.search(path) or HIDDEN.search(path))


def base_files(tree: Mapping[str, Entry]) -> dict[str, Entry]:
    """The tree as an agent finds it: without hidden folders, egg metadata and compiled files."""
    return {path: entry for path, entry in tree.items() if not HIDDEN.search(path)}


def is_generated_version(path: str, data: bytes) -> bool:
    """A module that only states a version: nothing but assignments, imports and conditions around them."""
    if not VERSION_NAME.match(path.rsplit("/", 1)[-1]):
        return False
    try:
        body = ast.parse(data).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    plain = (ast.Assign, ast.AnnAssign, ast.Expr, ast.Import, ast.ImportFrom, ast.If)
    return all(isinstance(node, plain) for node in body)


def has_native_code(tree: Mapping[str, Entry]) -> bool:
    """Whether something in it would have to be compiled."""
    return any(path.endswith(NATIVE) and not path.startswith(("docs/", "tests/", "examples/")) for path in tree)


def import_root(tree: Mapping[str, Entry], names: Collection[str]) -> list[str]:
    """The folders to put on ``PYTHONPATH``, the package's own first; ``.`` is the top.

    Args:
        tree: the files.
        names: modules that must be importable (of the distribution's metadata, or guessed from its name).
    """
    folders = ["src", "lib", "python", "source", "."]
    wanted = {name.replace(".", "/") for name in names}
    for folder in folders:
        prefix = "" if folder == "." else f"{folder}/"
        for name in wanted:
            if f"{prefix}{name}.py" in tree or any(path.startswith(f"{prefix}{name}/") for path in tree):
                return [folder] if folder == "." else [folder, "."]
    return ["src", "."] if any(path.startswith("src/") and path.endswith(".py") for path in tree) else ["."]
