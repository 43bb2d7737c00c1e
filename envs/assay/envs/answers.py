"""Where an answer stands in a response: the four think modes of CLS-RL (arXiv 2503.16188), asked for and rendered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from assay.envs.tasks import TaskSet

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


THOUGHT = 224
"""Tokens that a thought and its tags may take where nobody says otherwise."""


def label_tokens(longest: int) -> int:
    """Tokens for a label of at most ``longest`` bytes: at least 32, at most 512."""
    return min(512, max(32, longest + 2))


def request(noun: str, mode: ThinkMode) -> str:
    """The sentence that asks for an answer (a ``noun`` such as "label") in that form."""
    return _REQUESTS[mode].replace("{noun}", noun)


def render(answer: str, mode: ThinkMode) -> str:
    """A response that gives ``answer`` in that form, with an empty thought where the form has one."""
    return _FORMS[mode].replace("{answer}", answer)


def gold_answer(truth: Mapping[str, Any], label: str = "", suffix: str = "") -> str:
    """The full response that answers ``label`` (default: the true one) to a truth of ``classify.label``.

    ``suffix`` is appended to the answer. Numbers and think mode are as the truth says.
    """
    label = label or str(truth["label"])
    numbers = {name: number for number, name in truth.get("numeric", {}).items()}
    return render(numbers.get(label, label) + suffix, truth.get("options", {}).get("think_mode", "none"))


def majority_answer(tasks: TaskSet) -> str:
    """The response that answers the most frequent label of ``tasks``, the first by name among equals."""
    counts = Counter(str(task.truth["label"]) for task in tasks)
    label = min(counts, key=lambda name: (-counts[name], name))
    return gold_answer(next(task.truth for task in tasks if task.truth["label"] == label), label)


def paid(mode: ThinkMode, parity: bool, format_weight: float = 1.0) -> tuple[float, float]:
    """Least and greatest reward of ``classify.label``: accuracy, and the layout where thinking is on."""
    layout = 0.0 if mode == "none" else 1.0 if parity else format_weight
    return min(0.0, layout), 1.0 + max(0.0, layout)
