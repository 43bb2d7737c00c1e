"""Running every check on one verifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from assay.verifiers import registry
from assay.verifiers.audit import behaviour, earning
from assay.verifiers.audit.report import Check, Report
from assay.verifiers.audit.responses import MEGABYTE
from assay.verifiers.audit.subject import Item, Subject

MAX_TASKS = 48


def audit(
    verifier: str | registry.Verifier,
    tasks: Iterable[Mapping[str, Any]] | None = None,
    *,
    full: float | None = None,
    floor: float | None = None,
    seconds: float = 1.0,
    size: int = MEGABYTE,
    **options: Any,
) -> Report:
    """Whether a verifier keeps its promises.

    The promises are those of the package's README, one check each.

    Args:
        verifier: a registered name, or the verifier itself.
        tasks: mappings with ``truth`` and optionally ``gold`` (a response that earns full reward; else the verifier's
            own ``gold`` is asked); None for the verifier's samples. Of many, 48 are taken at even distances.
        full: what a gold response earns; the registered value by default.
        floor: the most that a wrong response may earn; the registered value by default. With options that pay for a
            format, give both.
        seconds: processor time allowed for one response.
        size: length of the longest responses.
        **options: options of the verifier.

    Raises:
        KeyError: no such verifier.
        ValueError: no tasks and no samples, a task without a truth, or an option that does not exist.
    """
    found = registry.get(verifier) if isinstance(verifier, str) else verifier
    found.check(options)
    subject = Subject(
        found,
        _items(found, tasks, options),
        options,
        found.full if full is None else full,
        found.floor if floor is None else floor,
    )
    time, hopeless = behaviour.bounded_time(subject, seconds, size)
    if hopeless:
        rest = Check("others", "every other promise", 0, ("not tried: a short response already takes too long",))
        return Report(found.name, (time, rest), dict(options))
    checks = [
        behaviour.repeats(subject),  # first, so that what it remembers of a response has not been filled yet
        earning.gold(subject),
        earning.empty(subject),
        earning.other_golds(subject),
        earning.hedges(subject),
        earning.attacks(subject),
        behaviour.never_raises(subject),
        behaviour.bad_truth(subject),
        behaviour.invariant(subject),
        time,
    ]
    if found.monotone is not None:
        checks.append(earning.monotone(subject))
    return Report(found.name, tuple(checks), dict(options))


def _items(
    verifier: registry.Verifier, tasks: Iterable[Mapping[str, Any]] | None, options: Mapping[str, Any]
) -> tuple[Item, ...]:
    rows: list[Mapping[str, Any]] = [{"truth": truth} for truth in verifier.samples] if tasks is None else list(tasks)
    if not rows:
        raise ValueError(
            f"{verifier.name} has no sample tasks: give some, each with a truth and, if it can, a gold response"
        )
    step = -(-len(rows) // MAX_TASKS)
    items = []
    for row in rows[::step]:
        truth: Any = row.get("truth")
        gold: Any = row.get("gold")
        if not isinstance(truth, Mapping):
            raise ValueError(f"a task needs a truth, which is a mapping; got {str(row)[:80]}")
        if gold is None and verifier.gold is not None:
            gold = verifier.gold(truth, **{**truth.get("options", {}), **options})
        items.append(Item(truth, gold))
    return tuple(items)
