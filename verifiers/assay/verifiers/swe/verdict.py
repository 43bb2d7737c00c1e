"""From the status of each test to a verdict, by the rules of each data set; pure functions.

SWE-bench's rule (version 5): a FAIL_TO_PASS test must pass (or fail as expected); a PASS_TO_PASS test may also be
skipped; a test that is absent fails. All of both is ``FULL``; some of the first and all of the second is ``PARTIAL``;
anything else is ``NO``. An empty list counts as satisfied.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from assay.verifiers.swe.names import Names

Resolution = Literal["FULL", "PARTIAL", "NO"]
Style = Literal["swebench", "swe-gym", "swe-smith"]
Reward = Literal["tests", "tests-partial", "hybrid"]

_PASSING = frozenset({"passed", "xfail"})
_FAILING = frozenset({"failed", "error"})
_KNOWN = _PASSING | _FAILING | {"skipped", "xpass"}


@dataclass(frozen=True, slots=True)
class GradeReport:
    """The verdict on one run.

    Attributes:
        resolution: ``FULL``, ``PARTIAL`` or ``NO``; ``NO`` where the run is not valid.
        f2p_success: FAIL_TO_PASS tests that count as passed, in the order given; likewise the other three.
        f2p_failure: see above.
        p2p_success: see above.
        p2p_failure: see above.
        valid: whether the run can be judged at all.
        reason: why not, in one line; empty where it can.
        infra: for a run that is not valid, what in its log points to a broken environment, and whether that is certain
            (``environment``) or might be the patch's doing (``ambiguous``). A hint for triage: a log can say anything.
    """

    resolution: Resolution
    f2p_success: tuple[str, ...] = ()
    f2p_failure: tuple[str, ...] = ()
    p2p_success: tuple[str, ...] = ()
    p2p_failure: tuple[str, ...] = ()
    valid: bool = True
    reason: str = ""
    infra: tuple[str, str] | None = None

    @property
    def resolved(self) -> bool:
        """Whether the resolution is ``FULL``."""
        return self.resolution == "FULL"

    @property
    def f2p_ratio(self) -> float:
        """Share of FAIL_TO_PASS tests that pass, 1 where there are none."""
        return _ratio(self.f2p_success, self.f2p_failure)

    @property
    def p2p_ratio(self) -> float:
        """Share of PASS_TO_PASS tests that still pass, 1 where there are none."""
        return _ratio(self.p2p_success, self.p2p_failure)

    def to_dict(self) -> dict[str, Any]:
        """The verdict as JSON-serialisable data."""
        return asdict(self)


def _ratio(success: Collection[str], failure: Collection[str]) -> float:
    total = len(success) + len(failure)
    return len(success) / total if total else 1.0


def passes(status: str | None) -> bool:
    """Whether a status counts for FAIL_TO_PASS: passed, or failed as expected."""
    return status in _PASSING


def maintained(status: str | None) -> bool:
    """Whether a status counts for PASS_TO_PASS: as above, or skipped."""
    return status in _PASSING or status == "skipped"


def fails(status: str | None) -> bool:
    """Whether a status is an explicit failure."""
    return status in _FAILING


def resolution(f2p: Mapping[str, str | None], p2p: Mapping[str, str | None]) -> Resolution:
    """SWE-bench's verdict on the status of each listed test, None for a test that did not run."""
    return _resolution([passes(status) for status in f2p.values()], [maintained(s) for s in p2p.values()])


def _resolution(f2p: Collection[bool], p2p: Collection[bool]) -> Resolution:
    if not all(p2p):
        return "NO"
    if all(f2p):
        return "FULL"
    return "PARTIAL" if any(f2p) else "NO"


def invalid(
    reason: str, fail_to_pass: Iterable[str], pass_to_pass: Iterable[str], infra: tuple[str, str] | None = None
) -> GradeReport:
    """The verdict on a run that cannot be judged: nothing passed."""
    return GradeReport("NO", (), tuple(fail_to_pass), (), tuple(pass_to_pass), False, reason, infra)


def grade_statuses(
    statuses: Mapping[str, str],
    fail_to_pass: Iterable[str],
    pass_to_pass: Iterable[str],
    style: Style = "swebench",
    *,
    fail_only: bool = False,
    uncollectable: Collection[str] = (),
    parity: bool = False,
) -> GradeReport:
    """Judge the statuses of a valid run.

    Args:
        statuses: status of every test that ran: ``passed``, ``failed``, ``error``, ``skipped``, ``xfail``, ``xpass``;
            any other word is a failure.
        fail_to_pass: names of the tests that the fix must turn green. A name cut inside its parameters (``t[a``)
            stands for the tests that begin with it, where they agree.
        pass_to_pass: names of the tests that must stay green.
        style: ``swebench`` and ``swe-gym``: an absent test fails. ``swe-smith``: an absent test passes, and only the
            files of FAIL_TO_PASS tests count.
        fail_only: for runners that print failures only (six JavaScript projects): what is not a failure passes.
        uncollectable: files that could not be imported: their tests fail under every style.
        parity: as swebench 5.0.2 (or SWE-smith) does it. Then a status that it does not know, and for SWE-smith a
            skipped test, counts neither way, so it drops out of the ratio; only ``failed`` fails under ``fail_only``,
            not ``error``; a file that cannot be imported says nothing of its tests.
    """
    f2p, p2p = list(fail_to_pass), list(pass_to_pass)
    if style == "swe-smith":
        p2p = _same_files(f2p, p2p)
    names = Names(statuses, passes, parity)
    broken = frozenset() if parity else frozenset(uncollectable)
    judge = _judge(style, fail_only, parity)

    def sort(tests: list[str], good: Callable[[str | None], bool]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        success: list[str] = []
        failure: list[str] = []
        for test in tests:
            exact = style == "swe-smith" or fail_only
            status = statuses.get(test) if exact else names.status(test)
            if status is None and broken and test.partition("::")[0] in broken:
                status = "error"
            verdict = judge(status, good)
            if verdict is not None:
                (success if verdict else failure).append(test)
        return tuple(success), tuple(failure)

    f2p_success, f2p_failure = sort(f2p, passes)
    p2p_success, p2p_failure = sort(p2p, passes if style == "swe-smith" and parity else maintained)
    found = _resolution(
        [True] * len(f2p_success) + [False] * len(f2p_failure), [True] * len(p2p_success) + [False] * len(p2p_failure)
    )
    return GradeReport(found, f2p_success, f2p_failure, p2p_success, p2p_failure)


def _judge(
    style: Style, fail_only: bool, parity: bool
) -> Callable[[str | None, Callable[[str | None], bool]], bool | None]:
    """What a status means: True for success, False for failure, None for neither."""

    def judge(status: str | None, good: Callable[[str | None], bool]) -> bool | None:
        if fail_only:
            return status != "failed" if parity else status is None or (status in _KNOWN and not fails(status))
        if status is None:
            return style == "swe-smith"
        if good(status):
            return True
        if parity and not fails(status) and not (status == "skipped" and style != "swe-smith"):
            return None
        return False

    return judge


def _same_files(fail_to_pass: list[str], tests: list[str]) -> list[str]:
    """The tests in the files of the first list; all where its names carry no files."""
    files = tuple({name.partition("::")[0] for name in fail_to_pass if "::" in name})
    return [name for name in tests if name.startswith(files)] if files else tests


def verdict_reward(
    report: GradeReport | None,
    kind: Reward = "tests",
    *,
    similarity: float | None = None,
    format_penalty: bool = False,
) -> float:
    """The reward of a verdict, in [-1, 1].

    Args:
        report: the verdict; None where the patch could not be applied.
        kind: ``tests``: 1 if resolved, else 0. ``tests-partial``: the share of FAIL_TO_PASS tests that pass, if every
            PASS_TO_PASS test does, else 0. ``hybrid``: 0.8 ``tests`` + 0.2 max(0, ``similarity``).
        similarity: the patch's similarity in [-1, 1]; only ``hybrid`` needs it.
        format_penalty: whether a patch that could not be applied costs 1.

    Raises:
        ValueError: an unknown kind, or ``hybrid`` without a similarity.
    """
    if kind not in ("tests", "tests-partial", "hybrid"):
        raise ValueError(f"the reward is tests, tests-partial or hybrid, got {kind!r}")
    if kind == "hybrid" and similarity is None:
        raise ValueError("the hybrid reward needs the patch's similarity")
    if report is None:
        return -1.0 if format_penalty else 0.0
    resolved = float(report.resolved)
    if kind == "tests":
        return resolved
    if kind == "hybrid":
        return 0.8 * resolved + 0.2 * max(0.0, similarity or 0.0)
    return report.f2p_ratio if report.valid and report.p2p_ratio == 1 else 0.0
