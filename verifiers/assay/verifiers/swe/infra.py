"""Signs of a broken environment in a log (the list of swebench 5.0.2), and of a suite that ran."""

from __future__ import annotations

import re

_SIGNS: tuple[tuple[str, str, str], ...] = (
    ("browser_launch_failed", "environment", r"Failed to launch|Failed to connect to the bus"),
    ("display_unavailable", "environment", r"cannot open display|Missing X server|unable to open X display"),
    ("out_of_memory", "environment", r"Cannot allocate memory|OutOfMemoryError|^Killed$"),
    ("container_unavailable", "environment", r"Error response from daemon|Cannot connect to the Docker daemon"),
    ("network_unreachable", "environment", r"Could not resolve host|Temporary failure in name resolution"),
    ("missing_module", "ambiguous", r"Cannot find module|MODULE_NOT_FOUND|ModuleNotFoundError"),
    ("no_tests_collected", "ambiguous", r"no tests ran|collected 0 items"),
    ("tests_timed_out", "ambiguous", r"Timeout error: \d+ seconds exceeded"),
)
_PATTERNS = tuple((reason, tier, re.compile(pattern, re.MULTILINE)) for reason, tier, pattern in _SIGNS)

_RAN = re.compile(
    r"Executed [1-9]\d* of \d|TOTAL: [1-9]\d* (?:SUCCESS|FAILED)|Tests:\s+[1-9]"
    r"|Test Suites:\s+(?:\d+ \w+, )*[1-9]\d* total|^# tests [1-9]|': ok$",
    re.MULTILINE,
)
_COUNTED = re.compile(r"\d (?:passing|specs?, \d+ failure)")


def infra_sign(log: str) -> tuple[str, str] | None:
    """The first sign of a broken environment: its name, and ``environment`` or ``ambiguous``; None without any.

    Advisory, since what the patched code prints can look like any of them.
    """
    return next(((reason, tier) for reason, tier, pattern in _PATTERNS if pattern.search(log)), None)


def suite_ran(log: str) -> bool:
    """Whether a JavaScript runner's summary says that at least one test ran."""
    return _RAN.search(log) is not None or any(_positive(log, match.start()) for match in _COUNTED.finditer(log))


def _positive(log: str, last: int) -> bool:
    """Whether the number whose last digit stands at ``last`` has a digit other than zero (of ASCII)."""
    while last >= 0 and log[last].isdecimal():
        if log[last] in "123456789":
            return True
        last -= 1
    return False
