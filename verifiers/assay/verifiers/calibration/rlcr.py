"""``calibration.rlcr``: any verifier's answer with a stated confidence, rewarded by a proper scoring rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

from assay.verifiers import registry
from assay.verifiers.calibration.attacks import SAMPLES, attacks, candidates, gold, ladder
from assay.verifiers.calibration.parse import PATTERNS, Pattern, read_lenient, read_strict
from assay.verifiers.calibration.reward import Form, Scoring, penalty
from assay.verifiers.calibration.reward import reward as reward_of
from assay.verifiers.registry import Option, Verifier, verifier
from assay.verifiers.score import Score

NAME = "calibration.rlcr"
OPTIONS: dict[str, Option | str] = {
    "base": "the verifier that judges the content of <answer>, with the options that the truth holds for it",
    "form": Option(
        "paper: ok - (q - ok)^2, in [-1, 1]; code: weighted sum of format, ok and 1 - (q - ok)^2, in [0, 1.5]",
        get_args(Form),
    ),
    "format_weight": "weight of the format in the form code",
    "accuracy_weight": "weight of the base's verdict in the form code",
    "brier_weight": "weight of 1 - (q - ok)^2 in the form code",
    "score": Option(
        "the scoring rule in the place of (q - ok)^2: brier, spherical, or log (clipped to [.01, .99]; unbounded, so "
        "that it can pay to be surely wrong: for comparison only)",
        get_args(Scoring),
    ),
    "pattern": Option(
        "the blocks asked for, in order: t reasoning that ends in </think>, a <answer>, b <analysis>, c <confidence>",
        PATTERNS,
    ),
    "lenient": Option("read as an evaluation does: last tags, percentages, any layout", (False, True)),
}


@verifier(
    NAME,
    options=OPTIONS,
    gold=gold,
    attacks=attacks,
    candidates=candidates,
    monotone=ladder,
    samples=SAMPLES,
)
def rlcr(
    response: str,
    truth: Mapping[str, Any],
    *,
    base: str = "text.f1",
    form: Form = "paper",
    format_weight: float = 0.5,
    accuracy_weight: float = 0.5,
    brier_weight: float = 0.5,
    score: Scoring = "brier",
    pattern: Pattern = "tabc",
    lenient: bool = False,
) -> Score:
    """An answer that any verifier judges, and a confidence q rewarded ok - (q - ok)^2 (RLCR, arXiv 2507.16806).

    ``ok`` and ``correct`` are the base's verdict on the content of ``<answer>``. The expected reward is largest where q
    is the true probability of being right, and grows with that probability: honesty pays, and correctness is never
    traded for it. A response that is not laid out as ``pattern`` asks earns 0, in either form, and is wrong.

    The default reading differs from the official code thus: the answer is the last ``<answer>`` before the analysis,
    not one that the analysis quotes; digits and exponents are ASCII. ``lenient`` is the reading of the official
    evaluation; its format part tells whether a confidence could be read.

    Parts: ``format``, ``accuracy`` (ok), ``brier`` = (q - ok)^2 under any rule, ``confidence`` = q; 0 on a format
    failure. The pattern ``ta`` asks for no confidence: then the reward is ok (plus the format, in the form ``code``),
    and the last two parts are absent.

    Args:
        response: what the model wrote.
        truth: as for the base; ``truth["options"]`` may hold options of the base.
        base: a registered verifier; not one that compares the responses to a task.
        form: which version of the reward.
        format_weight: see ``OPTIONS``, which documents every option.
        accuracy_weight: likewise.
        brier_weight: likewise.
        score: the scoring rule.
        pattern: the blocks asked for.
        lenient: the reading of an evaluation.

    Raises:
        ValueError: a truth that the base refuses, an unknown base, or a weight that is not finite.
    """
    weights = (format_weight, accuracy_weight, brier_weight)
    if not all(isinstance(weight, int | float) and math.isfinite(weight) for weight in weights):
        raise ValueError(f"{NAME}: weights must be finite numbers")
    judge = _base(base)
    stated = read_lenient(response, pattern) if lenient else read_strict(response, pattern)
    inner = judge(stated.answer or "", truth, **_own_options(judge, truth))
    asked = "c" in pattern
    if stated.answer is None:
        nothing = {"format": float(stated.formatted), "accuracy": 0.0}
        failed = {**nothing, "brier": 0.0, "confidence": stated.confidence} if asked else nothing
        return Score(0.0, failed, False, False, stated.problem or "no answer can be read")
    right = inner.correct if inner.correct is not None else inner.reward >= judge.full - 1e-9
    ok, q, formatted = float(right), stated.confidence, float(stated.formatted)
    parts = {"format": formatted, "accuracy": ok}
    if not asked:
        paid = ok if form == "paper" else format_weight * formatted + accuracy_weight * ok
        return Score(paid, parts, right, inner.parsed, inner.detail)
    parts |= {"brier": penalty(q, ok), "confidence": q}
    paid = reward_of(q, ok, form=form, scoring=score, weights=(format_weight * formatted, *weights[1:]))
    return Score(paid, parts, right, inner.parsed, f"{inner.detail}, confidence {q:.4g}")


def _base(name: str) -> Verifier:
    try:
        found = registry.get(name)
    except (KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{NAME}: base: {error.args[0]}") from None
    if found.name == NAME or found.group:
        why = "is this verifier itself" if found.name == NAME else "compares the responses to a task"
        raise ValueError(f"{NAME}: the base judges one answer; {name} {why}")
    return found


def _own_options(judge: Verifier, truth: Mapping[str, Any]) -> dict[str, Any]:
    """What the truth says to the base: options are stored with a task for its own verifier."""
    options = truth.get("options")
    return {k: v for k, v in options.items() if k in judge.options} if isinstance(options, Mapping) else {}
