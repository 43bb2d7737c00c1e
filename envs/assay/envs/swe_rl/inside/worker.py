"""The process in which the tests run: imports pytest first, then lets the repository's code in."""

# Must run on Python 3.6:
# ruff: noqa: UP035
import importlib
import json
import os
import pkgutil
import sys
from typing import Any, Iterator

HERE = os.path.dirname(os.path.abspath(__file__))


def load_machinery() -> Any:
    """Import all of pytest and unittest, so that no file of the repository can stand in for a part of it."""
    import doctest  # noqa: F401
    import unittest
    import unittest.mock

    import _pytest
    import pluggy
    import pytest

    for package in (_pytest, pluggy, unittest):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            # unittest.test imports the standard library's "test", a name that repositories use for their own
            if not module.name.endswith("__main__") and ".test" not in module.name:
                try:
                    importlib.import_module(module.name)
                except ImportError:  # parts that need packages which are not here
                    continue
    return pytest


def main() -> None:
    """Run pytest as the parent says, and end without giving anybody a last word.

    Arguments: the number of the pipe that brings the instructions, the number of the one that takes the events.
    """
    given, told = int(sys.argv[1]), int(sys.argv[2])
    with os.fdopen(given, "rb") as pipe:
        task = json.loads(pipe.read().decode("ascii"))
    os.set_inheritable(told, False)
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != HERE] + task["paths"]
    pytest = load_machinery()
    sys.path.insert(0, HERE)
    import report_plugin as plugins  # type: ignore[import-not-found]

    sys.path.remove(HERE)
    del sys.modules["report_plugin"], sys.modules["protected"]
    trusted = [sys.prefix, sys.base_prefix] + task["paths"]
    emit = plugins.make_emitter(told, bytes.fromhex(task.pop("key")))
    reporter = plugins.Reporter(emit, os.getcwd(), task["sources"], plugins.Machinery(trusted))

    class Door:
        """After the environment's own plugins are loaded, and before any conftest.py."""

        # The outermost wrapper: others of this hook import the repository's warning classes for its settings.
        @pytest.hookimpl(hookwrapper=True, tryfirst=True)  # type: ignore[untyped-decorator]
        def pytest_load_initial_conftests(self) -> Iterator[None]:
            reporter.open_sources()
            yield

    sys.argv = ["pytest"] + task["arguments"]
    os.environ["PYTHONPATH"] = os.pathsep.join(task["sources"] + task["paths"])  # for what the tests start
    code = int(pytest.main(task["arguments"], plugins=[reporter, Door()]))
    emit("end", code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
