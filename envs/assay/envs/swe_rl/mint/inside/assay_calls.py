"""A pytest plugin that notes which functions of the repository each test calls."""

# Must run on Python 3.6.
# ruff: noqa: UP006, UP035, RUF100
import json
import os
import sys
from typing import Any, Dict, Iterator, Set

import pytest

ROOT = os.path.realpath(os.getcwd()) + os.sep
CALLS: Dict[str, Set[int]] = {}
NAMES: Dict[Any, int] = {}


def _profiler(seen: Set[int]) -> Any:
    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            if code.co_filename.startswith(ROOT):
                place = (code.co_filename, code.co_firstlineno)
                number = NAMES.get(place)
                if number is None:
                    number = NAMES[place] = len(NAMES)
                seen.add(number)

    return note


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: Any, nextitem: Any) -> Iterator[None]:
    """Watch the calls of one test, its fixtures included."""
    seen = CALLS.setdefault(item.nodeid, set())
    sys.setprofile(_profiler(seen))
    try:
        yield
    finally:
        sys.setprofile(None)


def pytest_sessionfinish() -> None:
    """Write ``{"places": [[path, line], ...], "tests": {node id: [place, ...]}}``."""
    sys.setprofile(None)
    places = [[path[len(ROOT) :], line] for (path, line), _ in sorted(NAMES.items(), key=lambda pair: pair[1])]
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "calls.json")
    with open(target, "w") as out:
        json.dump({"places": places, "tests": {name: sorted(seen) for name, seen in CALLS.items()}}, out)
