"""The structured report of one test run: what a pytest plugin writes and the graders read.

It is one JSON object, written once, when the session ends, to a file that the code under test cannot reach:

``{"version": 1, "nonce": "9f2c...", "complete": true, "exit": 1, "collected": 3, "deselected": 0,
"tests": {"tests/test_a.py::test_b[1-x]": "passed", ...}, "uncollectable": {"tests/test_c.py": "ImportError: ..."}}``

- ``nonce``: the secret given to the plugin for this run; a report that carries another is a forgery.
- ``complete``: true only when the session came to its end; a run that died leaves no report or an incomplete one.
- ``exit``: pytest's exit status (0 all passed, 1 some failed, 2 interrupted, 3 internal error, 4 usage, 5 no tests).
- ``collected``, ``deselected``: counts of test items; ``deselected`` may be left out.
- ``tests``: every node id, as pytest prints it, with the worst of its phases: ``passed``, ``failed`` (in the test
  itself), ``error`` (in set-up or tear-down), ``skipped``, ``xfail`` (failed as expected), ``xpass`` (passed although
  a failure was expected, where that is no failure).
- ``uncollectable``: files that could not be imported, with the error in one line; may be left out.

Other keys are allowed and ignored.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

VERSION = 1
MAX_CHARS = 64_000_000
Status = Literal["passed", "failed", "error", "skipped", "xfail", "xpass"]
STATUSES: tuple[Status, ...] = get_args(Status)


class ReportError(ValueError):
    """The text is no report of this run: it is malformed, incomplete in its keys, or another's."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one run of a test suite did.

    Attributes:
        tests: the status of every test that ran, by node id.
        exit: the test command's exit status; None where it is not known.
        collected: number of test items found; None where it is not known.
        uncollectable: files that could not be imported, with the error.
        complete: whether the session came to its end.
        nonce: the secret of the run; empty for reports that are read from logs.
    """

    tests: Mapping[str, Status]
    exit: int | None = None
    collected: int | None = None
    uncollectable: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    nonce: str = ""

    def to_json(self) -> str:
        """The report in the format of this module, ASCII only; inverse of :func:`read_report`."""
        return json.dumps(
            {
                "version": VERSION,
                "nonce": self.nonce,
                "complete": self.complete,
                "exit": self.exit,
                "collected": self.collected,
                "tests": dict(self.tests),
                "uncollectable": dict(self.uncollectable),
            }
        )


def read_report(text: str, nonce: str | None) -> RunReport:
    """Read a report and check that it belongs to this run.

    Args:
        text: the content of the report file, at most 64 million characters.
        nonce: the secret that was given to the plugin; None accepts any, for reports that no stranger could write.

    Raises:
        ReportError: one line that says what is wrong. Nothing else is raised, whatever the text.
    """
    data = _load(text)
    if data.get("version") != VERSION or isinstance(data.get("version"), bool):
        raise ReportError(f"the report's version is {_short(data.get('version'))}, expected {VERSION}")
    found = data.get("nonce")
    if not isinstance(found, str):
        raise ReportError("the report has no nonce")
    if nonce is not None and not hmac.compare_digest(_bytes(found), _bytes(nonce)):
        raise ReportError("the report's nonce is not this run's: it was written by something else")
    complete = data.get("complete")
    if not isinstance(complete, bool):
        raise ReportError('the report needs "complete": true or false')
    return RunReport(
        _tests(data.get("tests")),
        _integer(data, "exit"),
        _integer(data, "collected"),
        _strings(data.get("uncollectable", {})),
        complete,
        found,
    )


def _load(text: str) -> dict[str, Any]:
    if not isinstance(text, str):
        raise ReportError(f"a report is text, got {type(text).__name__}")
    if len(text) > MAX_CHARS:
        raise ReportError(f"the report has {len(text):,} characters; at most {MAX_CHARS:,} are read")
    try:
        data = json.loads(text, object_pairs_hook=_unique)
    except ReportError:
        raise
    except (ValueError, RecursionError):
        raise ReportError("the report is not JSON") from None
    if not isinstance(data, dict):
        raise ReportError("the report is not a JSON object")
    return data


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ReportError(f"the report names {_short(key)} twice")
        found[key] = value
    return found


def _tests(value: Any) -> dict[str, Status]:
    if not isinstance(value, dict):
        raise ReportError('the report needs "tests": an object of node ids and statuses')
    for name, status in value.items():
        if status not in STATUSES:
            raise ReportError(f"{_short(name)} has the status {_short(status)}; known are {', '.join(STATUSES)}")
    return value


def _strings(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(entry, str) for entry in value.values()):
        raise ReportError('"uncollectable" is an object of file names and error lines')
    return value


def _integer(data: Mapping[str, Any], key: str) -> int:
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ReportError(f'the report needs "{key}": an integer, got {_short(value)}')
    return value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _short(value: object) -> str:
    return ascii(value)[:60]
