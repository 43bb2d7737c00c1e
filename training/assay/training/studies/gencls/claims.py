"""Which of the paper's three claims the numbers of a study support: rules that look at intervals, and at nothing else.

The unit is one seed on one data set, averaged over the strategies compared: seeds are trained apart, strategies of one
seed share a start. A verdict is ``held``, ``did not hold`` or ``not settled``: an interval that leaves both open.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from assay.training.stats import Interval
from assay.training.studies.gencls.results import Results, Row, interval
from assay.training.studies.gencls.runs import RL, SFT

HELD, FAILED, OPEN = "held", "did not hold", "not settled"
READABLE = 0.8
"""Share of thinking answers that must be readable before they count for or against thinking."""
NEAR = 0.01
"""Thinking may be better by less than this and still count as no help."""


@dataclass(frozen=True)
class Claim:
    """A verdict with what it rests on."""

    claim: str
    verdict: str
    gain: Interval
    why: str


def differs(results: Results, strategies: Sequence[str]) -> Claim:
    """(i): the best inference strategy, chosen on development texts, often is not the training strategy.

    Held if it is another one for more than half of the trained models, and on test texts better by an interval above 0.
    """
    choices = [(data, train, best_inference(results, data, train)) for data in results.data for train in strategies]
    known = [(data, train, best) for data, train, best in choices if best is not None]
    other = [(data, train, best) for data, train, best in known if best != train]
    gains = []
    for data in results.data:
        pairs = [
            results.gains(data, (train, SFT, best), (train, SFT, train)) for at, train, best in known if at == data
        ]
        gains += _by_seed(pairs)
    found = interval(gains)
    often = 2 * len(other) > len(known)
    verdict = HELD if often and found.low > 0 else FAILED if not often or found.high < 0 else OPEN
    named = ", ".join(f"{best} for {train} ({data})" for data, train, best in other) or "none"
    why = f"best on development texts is another strategy for {len(other)} of {len(known)} trained models: {named}"
    settled = len(gains) > 1  # one seed on one data set shows no spread
    return Claim("(i) the best S_infer often differs from S_train", verdict if settled else OPEN, found, why)


def best_inference(results: Results, data: str, train: str) -> str | None:
    """The inference strategy with the best mean accuracy on development texts; of equals the training strategy."""
    means: dict[str, float] = {}
    for row in results.rows:
        values = results.values(data, row, "accuracy", "dev")
        if row[:2] == (train, SFT) and values:
            means[row[2]] = sum(values) / len(values)
    if train not in means:
        return None
    return max(means, key=lambda name: (means[name], name == train))


def rewards_help(results: Results, strategies: Sequence[str]) -> Claim:
    """(ii): supervised training and then rewards beats supervised training alone, asked as trained."""
    gains = []
    for data in results.data:
        gains += _by_seed([results.gains(data, (name, RL, name), (name, SFT, name)) for name in strategies])
    found = interval(gains)
    verdict = HELD if found.low > 0 else FAILED if found.high < 0 else OPEN
    return Claim("(ii) SFT + RL beats SFT", verdict, found, f"asked as trained: {', '.join(strategies) or 'no run'}")


def thinking_is_no_help(results: Results) -> Claim:
    """(iii): after equal steps of rewards, answers with a thought before them are no better than those without.

    Held if the interval of the difference ends below one point; open while most thinking answers cannot be read.
    """
    think, plain = ("think", RL, "think"), ("naive", RL, "naive")
    found = interval([gain for data in results.data for gain in results.gains(data, think, plain)])
    read = [value for data in results.data for value in results.values(data, think, "parsed")]
    verdict = FAILED if found.low > 0 else HELD if found.high < NEAR else OPEN
    why = "think less no-think, both SFT + RL of equal steps"
    if read and sum(read) / len(read) < READABLE:  # a policy that cannot write the layout says nothing of thinking
        verdict, why = OPEN, f"{why}; but only {100 * sum(read) / len(read):.0f} % of the thinking answers can be read"
    return Claim("(iii) thinking does not help", verdict, found, why)


def judged(results: Results) -> list[Claim]:
    """All three."""
    supervised = _trained(results.rows, SFT)
    return [differs(results, supervised), rewards_help(results, _trained(results.rows, RL)),
            thinking_is_no_help(results)]  # fmt: skip


def _trained(rows: Sequence[Row], stage: str) -> list[str]:
    return list(dict.fromkeys(train for train, at, _ in rows if at == stage and train != "think"))


def _by_seed(gains: Sequence[Sequence[float]]) -> list[float]:
    """The mean over strategies, seed by seed, of those that have every seed."""
    whole = max(map(len, gains), default=0)
    kept = [each for each in gains if len(each) == whole and whole]
    return [math.fsum(values) / len(values) for values in zip(*kept, strict=True)]
