"""The pytest plugin that tells what happens, as it happens, to a process outside of the one that runs the tests.

Every event is numbered, chained and authenticated with a key that came through a pipe before any code of the
repository was imported. What a repository's code can still do from inside is written down in the environment's
documentation; the checks here make the known ways visible.
"""

# Must run on Python 3.6:
# ruff: noqa: RUF005, UP006, UP028, UP031, UP035, UP045
import hashlib
import json
import os
import sys
import time
import types
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from protected import is_test  # type: ignore[import-not-found]

WATCHED = ("_pytest", "pytest", "pluggy", "unittest")
RANK = ("passed", "xpass", "xfail", "skipped", "failed", "error")
Emit = Callable[..., None]


def make_emitter(fd: int, key: bytes) -> Emit:
    """A function that sends an event; the key is kept inside a hash object, from which it cannot be read."""
    keyed = hashlib.blake2b(key=key, digest_size=16)
    state: Dict[str, Any] = {"chain": b"", "number": 0}

    def emit(kind: str, *values: Any) -> None:
        payload = json.dumps([state["number"], kind] + list(values)).encode("ascii")
        mac = keyed.copy()
        mac.update(state["chain"] + payload)
        state["chain"] = mac.digest()
        state["number"] += 1
        data = mac.hexdigest().encode("ascii") + b" " + payload + b"\n"
        while data:
            data = data[os.write(fd, data) :]

    return emit


class Machinery:
    """What pytest and unittest are made of, remembered before any code of the repository could change it."""

    def __init__(self, trusted: List[str]) -> None:
        self._trusted = tuple(os.path.realpath(path) + os.sep for path in trusted)
        self._known = {place: _substance(value) for place, value in self._parts()}

    def changed(self) -> List[str]:
        """Names of functions and classes that are no longer what they were.

        Plugins of the environment change some too, hypothesis for one: what comes from a file of the environment is
        taken as the new state.
        """
        now = {place: _substance(value) for place, value in self._parts()}
        odd = []
        for place, was in self._known.items():
            found = now.get(place)
            if found == was:
                continue
            if found is not None and self._is_from_environment(found[1]):
                self._known[place] = found
            else:
                odd.append(place)
        return odd

    def _is_from_environment(self, code: Any) -> bool:
        """Whether a code object stands in a file below the trusted folders, and not only says so."""
        path = os.path.realpath(getattr(code, "co_filename", ""))
        if not path.startswith(self._trusted):
            return False
        try:
            with open(path, "rb") as source:
                whole = compile(source.read(), path, "exec", dont_inherit=True)
        except (OSError, SyntaxError, ValueError):
            return False
        return any(code == each for each in _codes(whole))

    def _parts(self) -> Iterator[Tuple[str, Any]]:
        for name, module in list(sys.modules.items()):
            if name.split(".")[0] not in WATCHED or module is None:
                continue
            for attribute, value in list(vars(module).items()):
                if isinstance(value, types.FunctionType):
                    yield "%s.%s" % (name, attribute), value
                elif isinstance(value, type):
                    yield "%s.%s" % (name, attribute), value
                    if value.__module__ == name:
                        for member, inner in list(vars(value).items()):
                            if callable(inner) or isinstance(inner, (property, classmethod, staticmethod)):
                                yield "%s.%s.%s" % (name, attribute, member), inner
        for name, value in list(vars(sys.modules["builtins"]).items()):
            if isinstance(value, (type, types.BuiltinFunctionType)):
                yield "builtins.%s" % name, value


def _codes(code: Any) -> Iterator[Any]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            for inner in _codes(constant):
                yield inner


def _substance(value: Any) -> Tuple[Any, ...]:
    """What makes a function itself; the objects are held, so that an address is not used again."""
    inner = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    return (value if isinstance(value, type) else inner, getattr(inner, "__code__", None))


class Reporter:
    """The hooks. One event for each test, when it is over, with the worst of its phases."""

    def __init__(self, emit: Emit, root: str, sources: List[str], machinery: Machinery) -> None:
        self._emit = emit
        self._root = os.path.realpath(root) + os.sep
        self._sources = sources
        self._machinery = machinery
        self._evaded = False
        self._worst: Optional[str] = None
        self._told: Any = frozenset()
        self._next_look = 0.0

    def open_sources(self) -> None:
        """Make the repository importable; from here on its code runs."""
        self._emit("ready")
        sys.path[:0] = self._sources

    def pytest_collection_finish(self, session: Any) -> None:
        """Tell which tests will run."""
        self._check()
        self._emit("collected", [item.nodeid for item in session.items])

    def pytest_collectreport(self, report: Any) -> None:
        """Tell which files cannot be imported."""
        if report.failed:
            lines = str(report.longrepr).strip().splitlines() or [""]
            self._emit("uncollectable", report.nodeid, lines[-1][:300])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self._worst = None
        self._evaded = False

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        """Notice a test that was left by the code it tests, with ``pytest.skip`` or ``pytest.xfail``.

        An expected failure counts as passed, so the code under test must not be able to declare one.
        """
        if call.excinfo is None or call.excinfo.typename not in ("Skipped", "XFailed", "SkipTest"):
            return
        own = [path[len(self._root) :] for path in _files(call.excinfo.tb) if path.startswith(self._root)]
        if own and not is_test(own[-1]) and os.path.basename(own[-1]) != "conftest.py":
            self._evaded = True

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A phase of a test is over."""
        status = _status(report)
        if self._evaded and status in ("skipped", "xfail"):
            status = "failed"
        if status is not None and (self._worst is None or RANK.index(status) > RANK.index(self._worst)):
            self._worst = status

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test is over."""
        self._check(spare=True)
        self._emit("test", nodeid, self._worst or "error")

    def pytest_sessionfinish(self) -> None:
        """The last look at the machinery."""
        self._check()

    def _check(self, spare: bool = False) -> None:
        """Look at the machinery; a spare look is left out when looking would take over a tenth of the time."""
        started = time.monotonic()
        if spare and started < self._next_look:
            return
        self._look()
        self._next_look = time.monotonic() + 9 * (time.monotonic() - started)

    def _look(self) -> None:
        found = [name for name in self._machinery.changed() if name not in self._told]
        if found:
            self._told = self._told | frozenset(found)
            self._emit("tampered", found[:20])


def _files(trace: Any) -> List[str]:
    found = []
    while trace is not None:
        found.append(os.path.realpath(trace.tb_frame.f_code.co_filename))
        trace = trace.tb_next
    return found


def _status(report: Any) -> Optional[str]:
    expected = hasattr(report, "wasxfail")
    if report.failed:
        return "failed" if report.when == "call" else "error"
    if report.skipped:
        return "xfail" if expected else "skipped"
    if report.passed:
        return "xpass" if expected and report.when == "call" else "passed"
    return None
