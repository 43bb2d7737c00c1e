"""Rewards of a stated confidence: correctness plus a proper scoring rule (RLCR, arXiv 2507.16806, eq. 3)."""

from __future__ import annotations

import math
from typing import Literal

Scoring = Literal["brier", "spherical", "log"]
Form = Literal["paper", "code"]
CLIP = 0.01
"""How near to 0 and 1 the log score looks at a confidence: it is not bounded."""


def penalty(q: float, ok: float, scoring: str = "brier") -> float:
    """What a confidence costs, least on average where q is the probability of being right.

    ``brier``: (q - ok)^2, in [0, 1]. ``spherical``: 1 - P / |(q, 1 - q)| with P the probability given to what came out,
    in [0, 1]. ``log``: -ln P with q clipped to [.01, .99], in [.01005, 4.60517]; no bound, no guarantee: an answer
    known to be wrong can pay more than an honest one.

    Args:
        q: the confidence, in [0, 1].
        ok: 1 for a right answer, 0 for a wrong one.
        scoring: the rule.

    Raises:
        ValueError: for an unknown rule.
    """
    if scoring == "brier":
        return (q - ok) ** 2
    if scoring == "spherical":
        return 1.0 - (q if ok else 1.0 - q) / math.hypot(q, 1.0 - q)
    if scoring == "log":
        q = min(max(q, CLIP), 1.0 - CLIP)
        return -math.log(q if ok else 1.0 - q)
    raise ValueError(f"no scoring rule {scoring!r}: use brier, spherical or log")


def reward(
    q: float,
    ok: float,
    *,
    form: str = "code",
    scoring: str = "brier",
    weights: tuple[float, float, float] = (0.5, 0.5, 0.5),
) -> float:
    """The reward of an answer whose layout is right; one whose layout is wrong earns 0 in either form.

    Args:
        q: the confidence, in [0, 1].
        ok: 1 for a right answer, 0 for a wrong one.
        form: ``paper``: ok - penalty, in [-1, 1] for bounded rules. ``code``: the weighted sum of format (1), ok and
            1 - penalty, in [0, 1.5] for bounded rules.
        scoring: see :func:`penalty`.
        weights: of format, accuracy and score in the form ``code``.

    Raises:
        ValueError: for an unknown form or rule.
    """
    cost = penalty(q, ok, scoring)
    if form == "paper":
        return ok - cost
    if form == "code":
        return weights[0] + weights[1] * ok + weights[2] * (1.0 - cost)
    raise ValueError(f"no form {form!r}: use code or paper")
