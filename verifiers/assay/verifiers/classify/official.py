"""The readings of minglllli/CLS-RL (commit 0dc42e0), quirks included, in linear time.

Each regular expression of the original is replaced by string searches that find the same match; the tests hold them
equal on random input. Not reproduced: a symbolic comparison (math-verify) that the original tries before comparing
strings, which can only matter for labels with numbers in them.
"""

from __future__ import annotations

import re

from assay.verifiers.classify.layout import ThinkMode

_OPEN, _CLOSE = "<answer>", "</answer>"
_TURN = {
    "think": ("<think>", re.compile(r"</think>\s*<answer>"), "</answer>"),
    "after": ("<answer>", re.compile(r"</answer>\s*<think>"), "</think>"),
}


def full_match(response: str, order: str) -> bool:
    r"""Whether ``<think>.*?</think>\s*<answer>.*?</answer>`` (or the other order) matches all of the response.

    The dot is any character. Leading or trailing text fails; nested or repeated tags can pass.
    """
    head, turn, tail = _TURN[order]
    if not (response.startswith(head) and response.endswith(tail)):
        return False
    match = turn.search(response, len(head))
    return match is not None and match.end() <= len(response) - len(tail)


def format_reward(response: str, think_mode: ThinkMode) -> float:
    """R_format, 0 or 1."""
    if think_mode == "after":
        return float(full_match(response, "after"))
    if think_mode == "adaptive" and response.startswith(_OPEN) and response.endswith(_CLOSE):
        return float(len(response) >= len(_OPEN) + len(_CLOSE))
    return float(full_match(response, "think"))


def line_answer(response: str) -> str | None:
    """The first ``<answer>(.*?)</answer>`` whose content does not cross a line."""
    for line in response.split("\n"):
        start = line.find(_OPEN)
        if start >= 0:
            end = line.find(_CLOSE, start + len(_OPEN))
            if end >= 0:
                return line[start + len(_OPEN) : end]
    return None


def accuracy_reward(response: str, label: str, think_mode: ThinkMode) -> float:
    """R_accuracy, 0 or 1: without thinking plain equality, else lower-cased equality of the tag's content or of all."""
    if think_mode == "none":
        return float(response == label)
    inside = line_answer(response)
    answer = response.strip() if inside is None else inside.strip()
    return float(answer.lower() == label.strip().lower())


def lenient(response: str, label: str) -> bool:
    """The original's test scoring: the label occurs in the first answer tag's content, or in the whole output.

    Underscores are tried as spaces too. A reply that lists every class is counted right, which is why nothing is paid
    for it.
    """
    start = response.find(_OPEN)
    end = response.find(_CLOSE, start + len(_OPEN)) if start >= 0 else -1
    answer = (response[start + len(_OPEN) : end] if end >= 0 else response).lower()
    gold = label.lower()
    return gold in answer or gold.replace("_", " ") in answer.replace("_", " ")
