"""Where the answer stands in a response, and whether the response is laid out as asked."""

from __future__ import annotations

from typing import Literal

from assay.verifiers.classify.layout import answer_text, well_formed
from assay.verifiers.parse.tags import after_think
from assay.verifiers.registry import Option

Layout = Literal["any", "tagged"]

OPTIONS = {
    "layout": Option(
        "any: the answer tag if there is one, else what follows the thinking; tagged: only the one answer tag counts",
        ("any", "tagged"),
    ),
    "format_weight": Option("weight of the format part: <think>..</think> and then <answer>..</answer>"),
}
"""The options that every video verifier has."""


def answer_in(response: str, layout: Layout) -> tuple[str | None, str]:
    """The text that holds the answer, or None and why there is none.

    A second, nested or unclosed answer tag means that there is no single answer; one within the thinking is none.
    """
    text, problem = answer_text(response, "think", layout == "tagged")
    behind = after_think(response)
    if text is None or behind is None:
        return None, problem or "<think> is never closed"
    if "<answer>" in response and "<answer>" not in behind:
        return None, "the answer tag is within the thinking"
    return text, ""


def formatted(response: str) -> float:
    """1 if the whole response is ``<think>..</think>`` and then ``<answer>..</answer>``, one of each, else 0."""
    return float(well_formed(response, "think", strip=True))


def tagged(answer: str, layout: Layout = "any", format_weight: float = 0.0) -> str:
    """``answer`` as a response, in tags where the layout or the reward asks for them."""
    return f"<think>I looked.</think><answer>{answer}</answer>" if layout == "tagged" or format_weight else answer


def first_tag(response: str) -> str:
    """The content of the first ``<answer>..</answer>`` wherever it stands, stripped; "" where there is none."""
    _, opened, rest = response.partition("<answer>")
    inside, closed, _ = rest.partition("</answer>")
    return inside.strip() if opened and closed else ""
