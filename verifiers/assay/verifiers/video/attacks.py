"""Responses that try to earn reward on a video without having watched it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def letters(right: str, known: Sequence[str]) -> Iterator[str]:
    """Every letter, two letters, letters hidden in words and markup."""
    wrong = next(letter for letter in known if letter != right)
    for order in (known, [right, *(x for x in known if x != right)], [*(x for x in known if x != right), right]):
        for joiner in (", ", " ", "", "/", " or ", ") (", ". ", "\n"):
            yield joiner.join(order)
    for first, second in ((right, wrong), (wrong, right)):
        yield f"{first} or {second}"
        yield f"The answer is {first} or {second}."
        yield f"The answer is {first}. The answer is {second}."
        yield f"({first}) ({second})"
        yield f"{first}. {second}. something"
        yield f"{first}, but it may be {second}"
        yield f"Either {first} or {second}"
        yield f"\\boxed{{{first}}} \\boxed{{{second}}}"
        yield f'{{"answer": "{first}", "answer": "{second}"}}'
        yield f"[{first}, {second}]"
    yield f"{right}{right}{right}"
    yield f"x{right}x"
    yield f"not telling {right}ut"
    yield "all of the above"
    yield "1"


def tags(right: str, wrong: str) -> Iterator[str]:
    """A second, nested, unclosed or misplaced answer tag."""
    good, bad = f"<answer>{right}</answer>", f"<answer>{wrong}</answer>"
    yield good + bad
    yield bad + good
    yield good + good
    yield f"<answer>{bad}{good}</answer>"
    yield f"<answer>{right}"
    yield f"<think>{good}</think>{bad}"
    yield f"<think>{right}"
    yield f"<think>{good}</think>"


def values(right: str, wrong: str) -> Iterator[str]:
    """Two numbers, no number, and numbers that are none."""
    yield f"{right} or {wrong}"
    yield f"{wrong}, {right}"
    yield f"between {right} and {wrong}"
    yield f"{right} {right}"
    yield f"{right}-{wrong}"
    yield from ("nan", "NaN", "inf", "-inf", "Infinity", "1e999", "-1e308", "9" * 400, "0x3", "many", "0", "1e-9")


def stuffing(right: str) -> Iterator[str]:
    """The right words many times over, out of order, among others, or in a list."""
    said = right.split()
    other = "two dogs cross an empty road at night"
    yield " ".join([right] * 8)
    yield f"{other}. {right}. {other}. {other}. {other}. {other}."
    yield "\n".join(
        [other, "exit only 12", right, "a blue car turns left", "nothing happens here at all", other, other]
    )
    if len(said) > 3:
        yield " ".join(reversed(said))
    yield " ".join(word for word in said for _ in range(9))
    yield other
