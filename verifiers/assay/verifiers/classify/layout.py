"""Where the answer stands in a response, per thinking mode, and whether the layout is the one asked for."""

from __future__ import annotations

from typing import Literal

from assay.verifiers.parse.tags import after_think, block, count_tags

ThinkMode = Literal["none", "think", "after", "adaptive"]


def answer_text(response: str, think_mode: ThinkMode, tagged: bool) -> tuple[str | None, str]:
    """The text that holds the answer, or None and the reason.

    Without thinking it is the whole response. With it, it is the content of the one ``<answer>`` tag; where no such
    tag occurs at all, the text after ``</think>`` (before ``<think>`` in mode ``after``), unless ``tagged`` insists
    on the tag. A second, nested or unclosed answer tag means that there is no single answer.
    """
    if think_mode == "none" and not tagged:
        return response, ""
    if count_tags(response, "answer") != (0, 0):
        inside = block(response, "answer")
        return inside, "" if inside is not None else "not exactly one <answer>...</answer>"
    if tagged:
        return None, "no <answer> tag"
    if think_mode == "after":
        return response.partition("<think>")[0], ""
    rest = after_think(response)
    return rest, "" if rest is not None else "<think> is never closed"


def well_formed(response: str, think_mode: ThinkMode, strip: bool) -> bool:
    """Whether the whole response is laid out as its mode asks, with exactly one of each tag.

    ``think``: ``<think>..</think> <answer>..</answer>``; ``after``: the answer first; ``adaptive``: the former, or
    the answer alone. Whitespace between the two is free; around them only where ``strip``.
    """
    text = response.strip() if strip else response
    answer, think = block(text, "answer"), block(text, "think")
    if answer is None:
        return False
    if think is None:
        return think_mode == "adaptive" and count_tags(text, "think") == (0, 0) and text == f"<answer>{answer}</answer>"
    first, second = ("answer", "think") if think_mode == "after" else ("think", "answer")
    inner = {"answer": answer, "think": think}
    head, tail = f"<{first}>{inner[first]}</{first}>", f"<{second}>{inner[second]}</{second}>"
    if not (text.startswith(head) and text.endswith(tail) and len(text) >= len(head) + len(tail)):
        return False
    return not text[len(head) : len(text) - len(tail)].strip()
