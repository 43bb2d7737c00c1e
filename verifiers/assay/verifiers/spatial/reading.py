"""What the spatial verifiers share: their options, where they read, and the score that they return."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from assay.verifiers.parse.objects import json_objects
from assay.verifiers.registry import Option
from assay.verifiers.score import Score
from assay.verifiers.spatial.layout import OPTIONS as LAYOUT
from assay.verifiers.spatial.layout import Layout, answer_in, formatted, tagged

OPTIONS: Mapping[str, Option] = {
    **LAYOUT,
    "parity": Option(
        "read and pay as the benchmark's program (lmms-eval, spatialtreebench), quirks included; with layout any it "
        "reads the whole response, thinking too",
        (False, True),
    ),
}
"""The options that every spatial verifier has."""

FARTHEST = 1e6
"""Largest absolute value of a number that is an answer."""
_COMMA = re.compile(r",\s*([}\]])")


def text_of(response: str, layout: Layout, parity: bool) -> tuple[str | None, str]:
    """The text that holds the answer, or None and why there is none."""
    return (response, "") if parity and layout == "any" else answer_in(response, layout)


def laid(answer: str, options: Mapping[str, Any]) -> str:
    """``answer`` as a response in the layout that the options ask for."""
    return tagged(answer, options.get("layout", "any"), options.get("format_weight", 0.0))


def verdict(
    response: str, metric: float, format_weight: float, correct: bool, parsed: bool, detail: str, **parts: float
) -> Score:
    """The score of one response: ``metric`` in [0, 1] is ``parts["score"]``; parts that are not finite become 0."""
    fmt = formatted(response)
    metric = 1.0 if metric > 1 - 1e-12 else metric  # a rounding costs nobody full reward
    known = {name: value if math.isfinite(value) else 0.0 for name, value in parts.items()}
    return Score(
        metric + format_weight * fmt,
        {"score": metric, **known, "format": fmt},
        correct,
        parsed,
        " ".join(detail.split()),
    )


def without_trailing_commas(text: str) -> str:
    """``text`` without a comma before a closing bracket."""
    return _COMMA.sub(r"\1", text)


def one_object(text: str) -> tuple[dict[str, Any] | None, str]:
    """The one JSON object of a text (trailing commas are forgiven), or None and why there is none."""
    found = list(islice(json_objects(without_trailing_commas(text)), 2))
    if len(found) == 1:
        return found[0], ""
    return None, "more than one JSON object" if found else "no JSON object"


def number_in(value: Any) -> float | None:
    """A finite number of a decoded object, not a boolean and not past every scale; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= FARTHEST:
        return None
    return float(value)


def number_of(truth: Mapping[str, Any], key: str, what: str = "truth") -> float:
    """A finite number of the truth.

    Raises:
        ValueError: it is missing or none.
    """
    value = truth.get(key)
    number = number_in(value)
    if number is None:
        raise ValueError(f"the {what}'s {key} is a finite number; got {ascii(value)[:40]}")
    return number


def choices_of(truth: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The right letter and the texts of the options, of which the first is A.

    Raises:
        ValueError: there are not 2 to 26 texts, or the answer is none of their letters.
    """
    choices = truth.get("choices")
    if not isinstance(choices, list | tuple) or not 2 <= len(choices) <= 26:
        raise ValueError("the truth's choices are 2 to 26 texts, of which the first is A")
    if not all(isinstance(choice, str) and choice.strip() for choice in choices):
        raise ValueError("the truth's choices are texts, and none is empty")
    answer, letters = truth.get("answer"), letters_for(choices)
    if not isinstance(answer, str) or answer not in letters:
        raise ValueError(f"the truth's answer is one of {', '.join(letters)}; got {ascii(answer)[:40]}")
    return answer, list(choices)


def letters_for(choices: Any) -> tuple[str, ...]:
    """A, B, ... for that many options."""
    return tuple(chr(ord("A") + place) for place in range(len(choices)))


def fenced(text: str, opening: str, closing: str) -> str | None:
    """What stands between the first ``opening`` and the ``closing`` after it, or None."""
    _, found, rest = text.partition(opening)
    inside, closed, _ = rest.partition(closing)
    return inside if found and closed else None


def braced(text: str) -> str | None:
    """From the first opening to the last closing brace, or None."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else None


def loads_loosely(text: str) -> Any:
    """JSON as the benchmark's program reads it: NaN and repeated keys pass, and trailing commas the second time.

    Raises:
        ValueError: it is none.
        RecursionError: it is nested too deeply.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return json.loads(without_trailing_commas(text))
