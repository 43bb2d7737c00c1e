"""Where an answer stands in a response: the four think modes of CLS-RL (arXiv 2503.16188), asked for and rendered."""

from __future__ import annotations

from typing import Literal, TypeAlias

ThinkMode: TypeAlias = Literal["none", "think", "after", "adaptive"]

_REQUESTS: dict[str, str] = {
    "none": "Reply with the {noun} only, nothing else.",
    "think": "First think between <think> and </think>, then give the {noun} between <answer> and </answer>.",
    "after": "First give the {noun} between <answer> and </answer>, then a short reason between <think> and </think>.",
    "adaptive": (
        "Decide whether this needs thinking. If it does, think between <think> and </think> and then give the {noun} "
        "between <answer> and </answer>. If it does not, give only the {noun} between <answer> and </answer>."
    ),
}

_FORMS: dict[str, str] = {
    "none": "{answer}",
    "think": "<think>\n\n</think>\n<answer>{answer}</answer>",
    "after": "<answer>{answer}</answer>\n<think>\n\n</think>",
    "adaptive": "<answer>{answer}</answer>",
}


def request(noun: str, mode: ThinkMode) -> str:
    """The sentence that asks for an answer (a ``noun`` such as "label") in that form."""
    return _REQUESTS[mode].replace("{noun}", noun)


def render(answer: str, mode: ThinkMode) -> str:
    """A response that gives ``answer`` in that form, with an empty thought where the form has one."""
    return _FORMS[mode].replace("{answer}", answer)
