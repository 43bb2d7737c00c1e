"""How it is asked: the video's place, the question with its options, and the form of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.envs.tasks import Message
from assay.envs.video_keyframes.records import letters_for

LETTER = "Answer with the letter of the right option only."
THOUGHT = "First think between <think> and </think>, then give the {noun} between <answer> and </answer>."
SHORT = {
    "numerical": "Answer with a number only.",
    "regression": "Answer with a number only.",
    "ocr": "Answer with the text only, as it is written.",
    "free": "Answer in one short sentence.",
}
NOUNS = {"mcq": "letter of the right option", "numerical": "number", "regression": "number", "ocr": "text"}
NAME = (
    "Above are {count} small frames of a video of {seconds:.1f} seconds, numbered from 0 to {last}. Name up to {k} of "
    "them that you need to see at full size to answer, as a JSON list such as [3, 17]. You answer in the next turn."
)
FULL = "These are the frames that you named, at full size. Now answer the question."
LOST = "The video cannot be read."


def question_text(question: str, options: Sequence[str]) -> str:
    """The question, and below it one lettered option a line."""
    lines = [f"{letter}. {option}" for letter, option in zip(letters_for(len(options)), options, strict=True)]
    return "\n".join([question, *lines])


def request(problem: str, think: bool) -> str:
    """The sentence that asks for the answer to such a problem."""
    if think:
        return THOUGHT.replace("{noun}", NOUNS.get(problem, "answer"))
    return LETTER if problem == "mcq" else SHORT[problem]


def prompt_of(ref: str, question: str, ask: str) -> list[Message]:
    """The messages of a task, in which a part of type ``video`` stands for the frames; ``ask`` says how to answer."""
    parts = [{"type": "video", "video": ref}, {"type": "text", "text": question}]
    return [{"role": "user", "content": [*parts, *([{"type": "text", "text": f"\n{ask}"}] if ask else [])]}]


def frame_parts(seconds: Sequence[float], times: bool) -> list[dict[str, Any]]:
    """A placeholder for each frame, after its time if that is said."""
    parts: list[dict[str, Any]] = []
    for at in seconds:
        parts += [{"type": "text", "text": f"{at:.1f} s: "}] if times else []
        parts.append({"type": "image"})
    return [*parts, {"type": "text", "text": "\n"}]


def answer_messages(prompt: Sequence[Message], shown: Sequence[dict[str, Any]]) -> list[Message]:
    """The prompt with the video's place taken by ``shown``."""
    messages = []
    for message in prompt:
        content = message["content"]
        if isinstance(content, list):
            content = [new for part in content for new in (shown if part["type"] == "video" else [part])]
        messages.append({**message, "content": content})
    return messages


def select_messages(
    prompt: Sequence[Message], strips: int, count: int, seconds: float, k: int
) -> tuple[list[Message], str]:
    """The first turn of select mode, and what the second asks after its frames.

    The prompt's last text, which says how to answer, waits for the second turn if another one holds the question.
    """
    messages = answer_messages(prompt, [*({"type": "image"} for _ in range(strips)), {"type": "text", "text": "\n"}])
    parts = messages[-1]["content"]
    ask = ""
    if sum(part["type"] == "text" for part in parts) > 2:
        ask = f" {parts[-1]['text'].strip()}"
        parts = parts[:-1]
    name = NAME.format(count=count, seconds=seconds, last=count - 1, k=k)
    messages[-1] = {**messages[-1], "content": [*parts, {"type": "text", "text": f"\n{name}"}]}
    return messages, FULL + ask
