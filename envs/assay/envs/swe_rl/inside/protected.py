"""Which paths an agent's patch may not change in grading: tests, and what could bend how tests are run."""

# Must run on Python 3.6:
# ruff: noqa: SIM905, UP035
import posixpath
from typing import Container

CONFIG = frozenset(
    "conftest.py pytest.ini .pytest.ini pytest.toml .pytest.toml tox.ini setup.cfg pyproject.toml sitecustomize.py "
    "usercustomize.py pytest.py _pytest.py pluggy.py".split()
)
"""File names, in any folder. Nothing is reinstalled for grading, so no fix can depend on ``pyproject.toml``."""
FOLDERS = frozenset("test tests __pycache__ .git _pytest pytest pluggy".split())
SUFFIXES = (".pth", ".pyc", ".pyo", ".egg-link")
METADATA = (".dist-info", ".egg-info")
NOISE = frozenset("__pycache__ .pytest_cache .git .hypothesis .mypy_cache .ruff_cache".split())
"""Folders that running things leaves behind."""


def is_test(path: str) -> bool:
    """Whether a path is named as a test or lies in a folder of tests."""
    name = posixpath.basename(path)
    stem = name[:-3] if name.endswith(".py") else ""
    if stem == "tests" or stem.startswith(("test_", "unittest_")) or stem.endswith(("_test", "_tests")):
        return True
    return bool({"test", "tests"} & set(path.split("/")[:-1]))


def protected(path: str, tests: Container[str], exempt: Container[str]) -> bool:
    """Whether a change of ``path`` is undone.

    Args:
        path: relative to the repository's top.
        tests: files that the task names as tests.
        exempt: files that the reference solution itself changes, which are then no tests, whatever their name.
    """
    if path in tests:
        return True
    if path in exempt:
        return False
    parts = path.split("/")
    if parts[-1] in CONFIG or parts[-1].endswith(SUFFIXES) or FOLDERS & set(parts[:-1]):
        return True
    return is_test(path) or any(part.endswith(METADATA) for part in parts)


def noise(path: str) -> bool:
    """Whether a path is left behind by running things, so that its change says nothing about anybody."""
    return bool(NOISE & set(path.split("/"))) or path.endswith((".pyc", ".pyo"))
