"""The one renderer of prompts and targets, for training and inference alike, so that a switch can never leak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assay.envs.answers import ThinkMode, render, request
from assay.envs.tasks import Message

INSTRUCTION = "Classify the text: choose the one label that fits it best."
UNCERTAIN = "uncertain"
_CUT = " [...] "
_HEAD = 0.7


@dataclass(frozen=True)
class Layout:
    """What a prompt is made of, apart from its text.

    Attributes:
        definitions: by label; a label without one is listed alone.
        numbers: by label, the number that stands for it.
        uncertain: whether an answer may carry the suffix for doubt.
        list_labels: whether labels are named at all.
        max_chars: the longest text; 0 for any.
    """

    definitions: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    uncertain: bool = False
    separator: str = " | "
    think_mode: ThinkMode = "none"
    list_labels: bool = True
    max_chars: int = 0
    instruction: str = ""


Demonstration = tuple[str, str, bool]
"""A text, its label, and whether it is uncertain."""


def render_prompt(
    text: str, labels: Sequence[str], layout: Layout, demonstrations: Sequence[Demonstration] = ()
) -> list[Message]:
    """The chat that asks for the label of ``text``: system, demonstrations as turns, then the text."""
    messages: list[Message] = [{"role": "system", "content": _system(labels, layout)}]
    for shown, label, uncertain in demonstrations:
        messages.append({"role": "user", "content": _query(shown, layout)})
        messages.append({"role": "assistant", "content": target(label, uncertain, layout)})
    messages.append({"role": "user", "content": _query(text, layout)})
    return messages


def target(label: str, uncertain: bool, layout: Layout) -> str:
    """The response that a demonstration shows and supervised training learns."""
    answer = layout.numbers.get(label, label)
    if uncertain and layout.uncertain:
        answer += layout.separator + UNCERTAIN
    return render(answer, layout.think_mode)


def without_text(prompt: Sequence[Message]) -> list[Message]:
    """The prompt with nothing in the place of the text that it asks about; demonstrations stay."""
    *before, query = prompt
    content = str(query["content"])
    fence = content.split("\n", 2)[1]
    head, tail = f"Text:\n{fence}\n", content.rpartition(f"\n{fence}\n")[2]
    return [*before, {"role": "user", "content": f"{head}\n{fence}\n{tail}"}]


def cut_middle(text: str, max_chars: int) -> str:
    """``text`` with its middle cut out so that at most ``max_chars`` stay: 70 % start, 30 % end; 0 cuts nothing."""
    if max_chars <= 0 or len(text) <= max_chars:
        return text
    kept = max(0, max_chars - len(_CUT))
    head = round(kept * _HEAD)
    tail = kept - head
    return (text[:head] + _CUT + (text[-tail:] if tail else ""))[:max_chars]


def _system(labels: Sequence[str], layout: Layout) -> str:
    blocks = [layout.instruction or INSTRUCTION]
    if layout.definitions:
        lines = [f"{label}: {layout.definitions[label]}" if label in layout.definitions else label for label in labels]
        blocks.append("Labels and what they mean:\n" + "\n".join(lines))
    if layout.numbers:
        lines = [f"{layout.numbers[label]}: {label}" for label in labels]
        blocks.append("Numbers and the labels they stand for:\n" + "\n".join(lines))
    if layout.list_labels and not layout.definitions and not layout.numbers:
        blocks.append("Labels:\n" + "\n".join(labels))
    noun = "number" if layout.numbers else "label"
    wanted = request(noun, layout.think_mode)
    if layout.uncertain:
        wanted += f" If you are not sure, write {layout.separator + UNCERTAIN!r} after the {noun}."
    blocks.append(wanted)
    return "\n\n".join(blocks)


def _query(text: str, layout: Layout) -> str:
    fence = '"""'
    while fence in text:
        fence += '"'
    noun = "Number" if layout.numbers else "Label"
    return f"Text:\n{fence}\n{cut_middle(text, layout.max_chars)}\n{fence}\n{noun}:"
