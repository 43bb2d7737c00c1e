"""Checks on what earns reward: gold everything, anything else nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from statistics import fmean

from assay.verifiers.audit.report import Check
from assay.verifiers.audit.responses import INJECTIONS, JOINERS, NO_OPS
from assay.verifiers.audit.subject import SLACK, Item, Subject
from assay.verifiers.parse.fold import quote

_MAX_CANDIDATES = 4


def gold(subject: Subject) -> Check:
    """Gold earns full reward and is correct."""
    failures, tried = [], 0
    for item in subject.items:
        if item.gold is None:
            continue
        tried += 1
        verdict = subject.try_score(item.gold, item)
        if isinstance(verdict, str):
            failures.append(verdict)
        elif abs(verdict.reward - subject.full) > SLACK or verdict.correct is False or not verdict.parsed:
            failures.append(
                f"{quote(item.gold)} earns {verdict.reward:g}, not {subject.full:g} "
                f"(correct: {verdict.correct}): {verdict.detail}"
            )
    return Check("gold", "the gold response earns full reward", tried, tuple(failures))


def _nothing(subject: Subject, name: str, promise: str, pairs: Iterator[tuple[str, Item]]) -> Check:
    failures, tried = [], 0
    for response, item in pairs:
        if subject.same_answer(response, item):
            continue
        tried += 1
        why = subject.earns(response, item)
        if why:
            failures.append(why)
    return Check(name, promise, tried, tuple(failures))


def empty(subject: Subject) -> Check:
    """Empty responses and no-ops."""
    pairs = (
        (response, item) for item in subject.items for response in NO_OPS if not subject.quotes_gold(response, item)
    )
    return _nothing(subject, "empty", "empty and no-op responses earn nothing", pairs)


def attacks(subject: Subject) -> Check:
    """The verifier's attack set, and injections that need no knowledge of it."""
    if subject.verifier.attacks is None:
        return Check("attacks", "the attack set earns nothing", 0, ("the verifier ships no attack set",))
    own = ((response, item) for item in subject.items for response in subject.attacks(item))
    blind = ((text, item) for item in subject.items for text in INJECTIONS if not subject.quotes_gold(text, item))
    pairs = chain(own, blind)
    return _nothing(subject, "attacks", "the attack set earns nothing", pairs)


def other_golds(subject: Subject) -> Check:
    """The gold responses of other tasks, those with the same answer (``Verifier.truth_key``) left out."""
    promise = "the gold responses of other tasks earn nothing"
    if not subject.verifier.partial:
        pairs = ((other, item) for item in subject.items for other in _others(subject, item))
        return _nothing(subject, "other golds", promise, pairs)
    failures, tried = [], 0
    for item in subject.items:
        for other in _others(subject, item):
            verdict = subject.try_score(other, item)
            if subject.same_answer(other, item) or isinstance(verdict, str):
                continue
            tried += 1
            if verdict.correct is True or verdict.reward >= subject.full - SLACK:
                failures.append(f"{quote(other)} earns {verdict.reward:g} where {quote(item.gold or '')} is right")
    return Check("other golds", "the gold responses of other tasks earn less than full reward", tried, tuple(failures))


def _others(subject: Subject, item: Item) -> list[str]:
    """Gold responses of tasks with another answer than this one, each once."""
    key = subject.verifier.truth_key
    own = item.truth.get(key)
    found = (
        other.gold for other in subject.items if other.gold is not None and (own is None or other.truth.get(key) != own)
    )
    return list(dict.fromkeys(found))


def hedges(subject: Subject) -> Check:
    """Lists of candidates, averaged over their order, against single answers, averaged over the candidates."""
    failures, tried = [], 0
    for item in subject.items:
        candidates = _candidates(subject, item)
        if len(candidates) < 2:
            continue
        singles = fmean(subject.reward(candidate, item) for candidate in candidates)
        rotations = [candidates[k:] + candidates[:k] for k in range(len(candidates))]
        for joiner in JOINERS:
            tried += 1
            lists = fmean(subject.reward(joiner.join(rotation), item) for rotation in rotations)
            if lists > singles + SLACK:
                failures.append(
                    f"listing {len(candidates)} candidates with {joiner!r} earns {lists:g}, a guess {singles:g}"
                )
        for before, between, after in (
            ("either ", " or ", ""),
            ("maybe ", ", but perhaps ", "?"),
            ("not ", ", so ", ""),
        ):
            tried += 1
            lists = fmean(subject.reward(before + r[0] + between + r[1] + after, item) for r in rotations)
            pair = fmean(fmean([subject.reward(r[0], item), subject.reward(r[1], item)]) for r in rotations)
            if lists > pair + SLACK:
                failures.append(
                    f"{quote(before + candidates[0] + between + candidates[1])} earns {lists:g}, a guess {pair:g}"
                )
    return Check("hedges", "a list or a hedge earns no more than a single answer", tried, tuple(failures))


def _candidates(subject: Subject, item: Item) -> list[str]:
    """Some responses of which the gold one alone is right."""
    if item.gold is None:
        return []
    options = {**item.truth.get("options", {}), **subject.options}
    if subject.verifier.candidates is not None:
        known = list(subject.verifier.candidates(item.truth, **options))
    else:
        known = [other.gold for other in subject.items if other.gold is not None]
    wrong = (response for response in dict.fromkeys(known) if not subject.same_answer(response, item))
    return [item.gold, *islice(wrong, _MAX_CANDIDATES - 1)]


def monotone(subject: Subject) -> Check:
    """Better responses, as the verifier orders them, never earn less, and the best more than the worst."""
    ladder_of = subject.verifier.monotone
    assert ladder_of is not None
    failures, tried = [], 0
    for item in subject.items:
        ladder = list(ladder_of(item.truth, **{**item.truth.get("options", {}), **subject.options}))
        rewards = [subject.reward(response, item) for response in ladder]
        tried += len(ladder)
        for k in range(1, len(ladder)):
            if rewards[k] < rewards[k - 1] - SLACK:
                failures.append(f"{quote(ladder[k])} is better but earns {rewards[k]:g} after {rewards[k - 1]:g}")
        if rewards and rewards[-1] <= rewards[0] + SLACK:
            failures.append(f"the best response {quote(ladder[-1])} earns no more than the worst")
    return Check("monotone", "a better response never earns less", tried, tuple(failures))
