"""Checks on how a verifier behaves: it never raises, always says the same, mutates nothing, and takes bounded time."""

from __future__ import annotations

import copy
import sys
import threading
import unicodedata
from collections.abc import Iterator
from typing import Any

from assay.verifiers.audit.guard import slow_calls
from assay.verifiers.audit.report import Check
from assay.verifiers.audit.responses import INJECTIONS, NO_OPS, hostile_responses, odd_responses
from assay.verifiers.audit.subject import SLACK, Item, Subject
from assay.verifiers.parse.fold import quote
from assay.verifiers.score import Score

SHORT = 20_000
_ODD = 240
_THREADS = 8


def _odd(subject: Subject) -> Iterator[tuple[str, Item]]:
    share = max(_ODD // max(len(subject.items), 1), 12)
    for item in subject.items:
        for response in odd_responses(item.gold or "", share):
            yield response, item


def _mixed(subject: Subject) -> list[tuple[str, Item]]:
    """A little of everything, for the checks that compare verdicts."""
    pairs = list(_odd(subject))[::3]
    for item in subject.items:
        pairs += [(response, item) for response in (*NO_OPS[:4], *INJECTIONS[:4], *subject.attacks(item)[:8])]
        if item.gold is not None:
            pairs.append((item.gold, item))
    return pairs


def never_raises(subject: Subject) -> Check:
    """Any text is scored, and the score is well formed."""
    failures, tried = [], 0
    for response, item in _odd(subject):
        tried += 1
        verdict = subject.try_score(response, item)
        if isinstance(verdict, str):
            failures.append(verdict)
        elif verdict.reward > subject.full + SLACK:
            failures.append(f"{quote(response)} earns {verdict.reward:g}, more than full reward {subject.full:g}")
        elif (
            "\n" in verdict.detail or not isinstance(verdict.parsed, bool) or verdict.correct not in (True, False, None)
        ):
            failures.append(f"malformed score on {quote(response)}: {verdict}")
    return Check("unicode", "any text is scored, nothing raises", tried, tuple(failures))


def bad_truth(subject: Subject) -> Check:
    """A truth without its keys, or with values of a senseless type, is refused at once."""
    failures, tried = [], 0
    shapes = {tuple(sorted(set(item.truth) - {"options"})): item for item in subject.items}
    for keys, item in shapes.items():
        options = item.truth.get("options", {})
        broken: list[dict[str, Any]] = [{}, *(dict.fromkeys(keys, value) for value in (None, object(), {}))]
        for truth in broken:
            for response in ("", item.gold or "x"):
                tried += 1
                try:
                    subject.verifier(response, {**truth, "options": options}, **{**options, **subject.options})
                except ValueError:
                    continue
                except Exception as error:
                    failures.append(f"the truth {str(truth)[:60]} raised {type(error).__name__}, not ValueError")
                else:
                    failures.append(f"the truth {str(truth)[:60]} was accepted")
    return Check("bad truth", "a malformed truth raises ValueError", tried, tuple(dict.fromkeys(failures)))


def repeats(subject: Subject) -> Check:
    """The same score twice, and in threads that all score at once; the truth unchanged."""
    pairs = _mixed(subject)
    truths = copy.deepcopy([item.truth for item in subject.items])
    first = [subject.try_score(response, item) for response, item in pairs]
    failures = [
        f"{quote(pairs[k][0])} scored differently the second time"
        for k, (response, item) in enumerate(pairs)
        if subject.try_score(response, item) != first[k]
    ]
    failures += _in_threads(subject, pairs, first)
    if truths != [item.truth for item in subject.items]:
        failures.append("the truth was changed by scoring")
    return Check("repeat", "the same score twice and in threads", len(pairs), tuple(failures))


def _in_threads(subject: Subject, pairs: list[tuple[str, Item]], expected: list[Score | str]) -> list[str]:
    failures: list[str] = []
    barrier = threading.Barrier(_THREADS)

    def work(offset: int) -> None:
        order = list(range(offset, len(pairs))) + list(range(offset))
        barrier.wait()
        for k in order:
            if subject.try_score(*pairs[k]) != expected[k]:
                failures.append(f"{quote(pairs[k][0])} scored differently in a thread")

    threads = [threading.Thread(target=work, args=(k * len(pairs) // _THREADS,)) for k in range(_THREADS)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # many switches, so that a race has a chance to show
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    return list(dict.fromkeys(failures))


def invariant(subject: Subject) -> Check:
    """Outer whitespace and unicode normalisation change nothing."""
    failures, tried = [], 0
    for item in subject.items:
        if item.gold is None:
            continue
        for response in (
            f" {item.gold}",
            f"{item.gold}\n",
            f"\n\n{item.gold}\n\n",
            f"\t{item.gold} ",
            item.gold.replace("\n", "\r\n"),
            unicodedata.normalize("NFC", item.gold),
            unicodedata.normalize("NFD", item.gold),
        ):
            tried += 1
            verdict = subject.try_score(response, item)
            if isinstance(verdict, str):
                failures.append(verdict)
            elif abs(verdict.reward - subject.full) > SLACK:
                failures.append(
                    f"{response[:60]!r} earns {verdict.reward:g} where {item.gold[:60]!r} earns full reward"
                )
    return Check("invariance", "outer whitespace and unicode form change nothing", tried, tuple(failures))


def bounded_time(subject: Subject, seconds: float, size: int) -> tuple[Check, bool]:
    """Processor time on hostile responses of up to ``size`` characters; also whether a short one took too long."""
    if not subject.items:
        return Check("time", "bounded time", 0), False
    item = subject.items[0]
    responses = list(hostile_responses(item.gold or "", subject.attacks(item), size))
    slow = slow_calls(lambda response: subject.score(response, item), responses, seconds)
    failures = [
        f"{len(responses[k]):,} characters beginning {quote(responses[k][:40], 30)}: "
        + (f"{used:.1f} s" if used is not None else "killed")
        for k, used in slow
    ]
    check = Check(
        "time", f"at most {seconds:g} s on any response up to {size / 1e6:g} MB", len(responses), tuple(failures)
    )
    return check, any(used is None and len(responses[k]) < SHORT for k, used in slow)
