"""``math.countdown``: does an expression reach the target with the given numbers, each at most once?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from assay.verifiers.classify.layout import ThinkMode, well_formed
from assay.verifiers.maths.arithmetic import ArithmeticSyntaxError, Expression, canonical, numbers, parse, value
from assay.verifiers.parse.fold import quote
from assay.verifiers.parse.tags import after_think, block, count_tags
from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score

Use = Literal["any", "all"]

OPTIONS = {
    "think_mode": Option(
        "layout asked for: none (the last line that is not empty answers); think, then <answer>; after: <answer>, then "
        "think; adaptive: think, or <answer> alone",
        ("none", "think", "after", "adaptive"),
    ),
    "use": Option("any: each number at most once; all: each exactly once", ("any", "all")),
    "format_weight": Option("weight of the format part where a layout is asked for"),
}
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"numbers": [3, 4, 5], "target": 17, "solution": "3*4+5"},
    {"numbers": [2, 9], "target": 7, "solution": "9-2"},
    {"numbers": [3, 3, 8, 8], "target": 24, "solution": "8/(3-8/3)"},
    {"numbers": [100, 25, 50, 75, 6, 3], "target": 952, "solution": "((100+6)*3*75-50)/25"},
)
_LARGEST = 10**9


class Answer(NamedTuple):
    """What a response answers: the expression, or None and the reason; and the value that it is said to have."""

    expression: Expression | None
    problem: str = ""
    claimed: int | None = None


def read_answer(response: str, think_mode: ThinkMode = "none") -> Answer:
    """The expression that a response answers with.

    It stands outside the thinking: in the one ``<answer>`` tag, or, without any tag, on the last line that is not
    empty. ``= NUMBER`` may follow: what the expression is said to be.
    """
    text = response.partition("<think>")[0] if think_mode == "after" else after_think(response)
    if text is None:
        return Answer(None, "<think> is never closed")
    if count_tags(text, "answer") != (0, 0):
        text = block(text, "answer")
        if text is None:
            return Answer(None, "not exactly one <answer>...</answer>")
    else:
        text = text.rstrip().replace("\r", "\n").rpartition("\n")[2]
    body, equals, claimed = text.strip().partition("=")
    try:
        expression = parse(body)
    except ArithmeticSyntaxError as error:
        return Answer(None, f"{quote(text)} is no expression: {error}")
    said = claimed.strip()
    if equals and not (said.isascii() and said.isdecimal() and len(said) < 20):
        return Answer(None, f"{quote(text)}: after = there is one whole number")
    return Answer(expression, claimed=int(said) if equals else None)


def canonical_answer(response: str, think_mode: ThinkMode = "none") -> str | None:
    """One text for all ways to write the same sums and products, or None where there is no expression."""
    expression = read_answer(response, think_mode).expression
    return None if expression is None else canonical(expression)


def _given(truth: Mapping[str, Any]) -> tuple[list[int], int]:
    given, target = truth.get("numbers"), truth.get("target")
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= 12 or not all(map(_whole, given)):
        raise ValueError("the truth needs numbers: 1 to 12 whole numbers from 1 to 10^9")
    if type(target) is not int or abs(target) > _LARGEST:
        raise ValueError("the truth needs a target: a whole number of at most 10^9")
    return list(given), target


def _whole(number: object) -> bool:
    return type(number) is int and 1 <= number <= _LARGEST


def _gold(truth: Mapping[str, Any], **options: Any) -> str | None:
    solution = truth.get("solution")
    return None if solution is None else lay_out(str(solution), options.get("think_mode", "none"))


def lay_out(answer: str, think_mode: ThinkMode, thought: str = "") -> str:
    """A response that gives ``answer`` in the layout of a mode, after (or before) a thought."""
    if think_mode == "none":
        return f"{thought}\n{answer}" if thought else answer
    tagged, thinking = f"<answer>{answer}</answer>", f"<think>\n{thought}\n</think>"
    if think_mode == "after":
        return f"{tagged}\n{thinking}"
    return tagged if think_mode == "adaptive" and not thought else f"{thinking}\n{tagged}"


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    """Restating the task, numbers that were not given, numbers used twice, claims, several answers, code."""
    given, target = _given(truth)
    mode, solution = options.get("think_mode", "none"), str(truth.get("solution") or given[0])
    absent = next(n for n in range(1, 20) if n not in given)
    for answer in (
        f"{target}",
        f"{target}={target}",
        f"({target})",
        f"{target}*{absent}/{absent}",
        f"{given[0]}+{target}-{given[0]}",
        f"{given[0]}={target}",
        f"{given[0]}-{given[0]}+{target}",
        f"{solution}+{given[0]}-{given[0]}",
        f"{solution}+0",
        f"({solution})*1*1",
        f"{solution}={target + 1}",
        f"{solution}={target}={target}",
        f"{absent}*{target}/{absent}",
        f"{'+'.join(['1'] * min(target, 90)) if target > 0 else '1-1'}",
        f"{solution} or {given[0]}",
        f"{solution}, {given[0]}",
        f"{solution} #",
        f"-({solution})*(0-1)",
        f"int('{target}')",
        f"lambda: {target}",
        f"0x{max(target, 0):x}",
        f"{target}.0",
        f"{given[0]}/({given[0]}-{given[0]})",
        f"{given[0]}**0*{target}",
        f"{given[0]}//1",
    ):
        yield lay_out(answer, mode)
    wrong = f"{given[0]}-{given[0]}"
    right = f"<answer>{solution}</answer>"
    yield from (
        f"{right}<answer>{wrong}</answer>",
        f"<answer>{wrong}</answer>{right}",
        f"{right}{right}",
        f"<answer>{right}</answer>",
        f"<answer>{solution}\n{wrong}</answer>",
        f"<answer>{wrong}\n{solution}</answer>",
        f"<answer>{solution}",
        f"<think>{solution}",
        f"<think>{right}</think>{wrong}",
        f"{solution}\n{wrong}",
        f"Any of these: {solution}; {wrong}",
    )


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    """The solution, and the numbers joined by one sign."""
    given, target = _given(truth)
    if truth.get("solution") is not None:
        yield lay_out(str(truth["solution"]), options.get("think_mode", "none"))
    for symbol in "+-*/":
        guess = symbol.join(map(str, given))
        if value(parse(guess)) != target:
            yield lay_out(guess, options.get("think_mode", "none"))


@verifier(
    "math.countdown",
    options=OPTIONS,
    truth_key="target",
    gold=_gold,
    attacks=_attacks,
    candidates=_candidates,
    samples=SAMPLES,
)
def countdown(
    response: str,
    truth: Mapping[str, Any],
    *,
    think_mode: ThinkMode = "none",
    use: Use = "any",
    format_weight: float = 0.0,
) -> Score:
    """1 if the answer is an expression of the given numbers that equals the target exactly, else 0.

    The expression has ``+ - * /`` (or ``× ÷ −``), brackets and the given numbers, each at most as often as it is
    given. Values are exact fractions. There are no signed numbers, powers, decimal points or digits glued together, and
    no credit for coming close; what is said after ``=`` must be true. :func:`read_answer` says where the answer stands.

    Parts: ``accuracy``; ``uses``, whether only given numbers are used, each at most once (never paid); ``format``
    where a layout is asked for.

    Args:
        response: what the model wrote.
        truth: ``{"numbers": [int, ...], "target": int}`` and, for the audit, a ``"solution"``.
        think_mode: the layout asked for.
        use: whether numbers may be left over.
        format_weight: weight of the format part.

    Returns:
        A score with reward in [0, 1 + format_weight].

    Raises:
        ValueError: malformed truth.
    """
    given, target = _given(truth)
    expression, problem, claimed = read_answer(response, think_mode)
    reached: Fraction | None = None
    fits = False
    if expression is not None:
        used, allowed = Counter(numbers(expression)), Counter(given)
        fits = used == allowed if use == "all" else used <= allowed
        reached = value(expression)
        problem = _told(fits, reached, target)
    right = fits and reached == target
    if right and claimed not in (None, target):
        right, problem = False, f"it is {reached}, and said to be {claimed}"
    parts = {"accuracy": float(right), "uses": float(fits)}
    reward = float(right)
    if think_mode != "none":
        parts["format"] = float(well_formed(response, think_mode, strip=True))
        reward += format_weight * parts["format"]
    return Score(reward, parts, right, expression is not None, problem)


def _told(fits: bool, reached: Fraction | None, target: int) -> str:
    if not fits:
        return "it does not use the given numbers as it should"
    if reached is None:
        return "it divides by zero"
    return f"it is {reached}, right" if reached == target else f"it is {reached}, not {target}"
