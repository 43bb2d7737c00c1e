"""Looking up a listed test among those that ran."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping


class Names:
    """The tests of one run by name, with names that were cut inside their parameters.

    676 names in SWE-bench Verified end within their parameters, as ``test_fail[log(photon`` does. Such a name, one
    with more ``[`` than ``]``, stands for all tests that begin with it, if those agree on whether they pass. Where
    they agree on not passing, the worst of them is read, or with ``parity`` the first in the log.
    """

    def __init__(self, statuses: Mapping[str, str], good: Callable[[str | None], bool], parity: bool = False) -> None:
        self._statuses = statuses
        self._good = good
        self._parity = parity
        self._sorted: list[str] | None = None
        self._rank: dict[str, int] = {}

    def status(self, name: str) -> str | None:
        """The status of a listed test, None where it did not run or its candidates disagree."""
        found = self._statuses.get(name)
        if found is not None or name.count("[") <= name.count("]"):
            return found
        matches = self._matches(name)
        if len({self._good(self._statuses[match]) for match in matches}) != 1:
            return None
        if self._parity:
            return self._statuses[min(matches, key=self._rank.__getitem__)]
        return min((self._statuses[match] for match in matches), key=lambda status: status == "skipped")

    def _matches(self, prefix: str) -> list[str]:
        if self._sorted is None:
            self._sorted = sorted(self._statuses)
            self._rank = {name: k for k, name in enumerate(self._statuses)}
        names = self._sorted
        start = end = bisect_left(names, prefix)
        while end < len(names) and names[end].startswith(prefix):
            end += 1
        return names[start:end]
