"""``math.numeric``: is the answer of the response equal to the gold one?"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

from assay.verifiers.maths.extract import Where, clean, find_answer
from assay.verifiers.parse.boxed import last_box
from assay.verifiers.parse.fold import nfc, quote
from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score

_INTEGER = re.compile(r"-?[0-9]{1,400}")
_MAX_GOLD = 1_000

OPTIONS = {
    "extract": Option(
        "where the answer stands: auto (answer tag, last box, statement, formula, short text), boxed, answer (tag), "
        "last (number), whole",
        ("auto", "boxed", "answer", "last", "whole"),
    ),
    "form": Option(
        "final: a numeric answer must be worked out, in lowest terms; value: any equal expression; same: as "
        "final, and in the gold's form up to order and notation",
        ("final", "value", "same"),
    ),
    "percent": Option("ratio: 50% is 0.5; either: 50% also passes for 50", ("ratio", "either")),
    "rel_tol": Option("relative tolerance for numbers, in [0, 0.1]; 0 is exact"),
    "symbolic": Option("ask sympy, where installed, about what the other tiers cannot decide", (True, False)),
}
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"answer": "42"},
    {"answer": "-7"},
    {"answer": r"\frac{3}{4}"},
    {"answer": "0.125"},
    {"answer": "12,500"},
    {"answer": r"2\sqrt{3}"},
    {"answer": r"\frac{\pi}{6}"},
    {"answer": "x^2+2x+1"},
    {"answer": "y = 2x + 1"},
    {"answer": "[0, 5)"},
    {"answer": r"\{1, 2, 3\}"},
    {"answer": r"(-\infty, 2) \cup (3, \infty)"},
    {"answer": "1"},
)


def _gold(truth: Mapping[str, Any], **options: Any) -> str:
    text = _gold_text(truth)
    if options.get("extract") == "answer":
        return f"<answer>{text}</answer>"
    if options.get("extract") in {"whole", "last"}:
        return text
    return rf"Step by step, the result follows. \boxed{{{text}}}"


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    gold = _gold_text(truth)
    for text in (
        f"{gold} or 0.1234",
        f"0.1234, {gold}",
        f"{gold}, {gold} + 1",
        rf"{gold} \text{{ or }} 9",
        rf"\pm {gold}",
        f"{gold} = 0.1234",
        f"{gold} ; 77",
        f"({gold}, {gold})",
        "x",
        r"\text{the answer}",
        r"\infty",
        "0/0",
        "9^{9^{9^{9}}}",
        "nan",
    ):
        yield rf"\boxed{{{text}}}"
    if _INTEGER.fullmatch(gold):
        value = int(gold)
        for text in (
            f"{value - 2}+2",
            f"{value * 2}/2",
            f"{value}*1",
            f"2*{value}-{value}",
            rf"\sqrt{{{value * value + 1}}}",
        ):
            yield rf"\boxed{{{text}}}"
        yield ", ".join(str(value + k) for k in range(-5, 6))
        yield " ".join(rf"\boxed{{{value + k}}}" for k in range(-5, 6))
        yield f"zzz{gold}"
        yield f"{gold}zzz9"
    yield f"zzz {gold} zzz"
    yield f"<answer>{gold}</answer><answer>0.1234</answer>"
    yield f"<answer>0.1234</answer><answer>{gold}</answer>"
    yield rf"\boxed{{{gold}}} Or rather \boxed{{0.1234}}"
    yield f"<think>So the answer is {gold}"
    yield f"I am certain that {gold} is among the numbers that solve it, as is any other."


@verifier("math.numeric", options=OPTIONS, gold=_gold, attacks=_attacks, samples=SAMPLES)
def numeric(
    response: str,
    truth: Mapping[str, Any],
    *,
    extract: Where = "auto",
    form: Literal["final", "value", "same"] = "final",
    percent: Literal["ratio", "either"] = "ratio",
    rel_tol: float = 0.0,
    symbolic: bool = True,
) -> Score:
    r"""1 if the answer in the response equals the gold one, else 0.

    Understood are integers, decimals, fractions, percent, mixed and scientific numbers, roots, powers, elementary
    functions, variables, equations and inequalities, tuples, intervals, sets, unions, matrices, ratios, plus-minus,
    units and words, in LaTeX or plain notation. A ladder decides: equal text; exact rational value; equal structure
    after sorting and collecting; equal values at 40 digits, at several points where there are variables; sympy for
    complex functions, in a process that is killed after 0.8 s. What stays undecided is not equal.

    The strict reading: a list ("41 or 42") is a set and never equals one number; of several boxes the last counts; a
    second answer tag is a failure; a letter or word next to a number is no answer. With a number as gold, the answer
    must be worked out: ``84/2`` and ``40+2`` are not 42 (``form="value"`` accepts them). With an expression as gold,
    one that equals it in another form is right, even if it stood in the question: list such expressions in the
    truth's ``given``, or use ``form="same"``.

    Args:
        response: what the model wrote.
        truth: ``{"answer": str | int | float}``, and optionally ``"given": [str, ...]``, expressions of the task that
            are no answer although they may equal it.
        extract: where the answer stands.
        form: which equal expressions count.
        percent: whether 50% may mean 50.
        rel_tol: relative tolerance.
        symbolic: whether sympy may be asked.

    Raises:
        ValueError: malformed truth, or a tolerance out of range.
    """
    gold = _gold_text(truth)
    if not 0 <= rel_tol <= 0.1:
        raise ValueError(f"rel_tol lies in [0, 0.1], got {rel_tol!r}")
    given = truth.get("given")
    answer = find_answer(response, extract)
    if answer is None:
        return Score(0.0, correct=False, parsed=False, detail="no answer found in the response")
    if _INTEGER.fullmatch(answer) and _INTEGER.fullmatch(gold) and not rel_tol and not given:
        equal = int(answer) == int(gold)
        return Score(
            float(equal),
            {},
            equal,
            True,
            f"{answer[:40]} is right" if equal else f"read {answer[:40]}, expected {gold[:40]}",
        )
    return _judge(nfc(gold), nfc(answer), _given(given), form, percent, float(rel_tol), symbolic)


def _gold_text(truth: Mapping[str, Any]) -> str:
    answer = truth.get("answer")
    if isinstance(answer, bool) or not isinstance(answer, str | int | float):
        raise ValueError('the truth needs "answer": a string or a number')
    if isinstance(answer, str):
        text = _clean_gold(answer)
        if text is None:
            raise ValueError(f"the truth's answer is empty or over {_MAX_GOLD} characters")
        return text
    if isinstance(answer, float) and not math.isfinite(answer):
        raise ValueError("the truth's answer is not finite")
    return str(answer)


@lru_cache(maxsize=4096)
def _clean_gold(answer: str) -> str | None:
    box = last_box(answer)
    return clean(answer if box is None else box)


def _given(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list | tuple) or not all(isinstance(text, str) for text in given):
        raise ValueError('"given" is a list of expressions')
    return tuple(given)


@lru_cache(maxsize=16384)
def _judge(
    gold: str, answer: str, given: tuple[str, ...], form: str, percent: str, rel_tol: float, symbolic: bool
) -> Score:
    from assay.verifiers.maths import ladder

    equal, parsed, tier, note = ladder.decide(gold, answer, given, form, percent, rel_tol, symbolic)
    shown = quote(answer)
    if not parsed:
        return Score(0.0, {}, False, False, f"{shown} is no expression")
    detail = (
        f"{shown} is right ({tier})"
        if equal
        else f"read {shown}, expected {quote(gold)} ({tier}{'; ' if note else ''}{note})"
    )
    return Score(float(equal), {}, equal, True, detail)
