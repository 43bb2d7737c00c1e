"""One answer of SEARCH/REPLACE edits, and one more chance for an answer that cannot be applied as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.agents.chat import text_of
from assay.agents.policy import Completion
from assay.agents.scaffolds.chat import ChatScaffold, Think
from assay.agents.scaffolds.edits import DIVIDER, REPLACE, SEARCH
from assay.envs.tasks import Message
from assay.verifiers.swe.edits import FormatError, parse_edits, split_response

AGAIN = f"""\
This answer cannot be applied: {{problem}}

Answer again, complete: a thought between <think> and </think>, then between <solution> and </solution> one fenced \
block for each edit, made of these lines: ### and the path of the file; {SEARCH}; whole lines of the file as they \
stand there, with their indentation; {DIVIDER}; what shall stand there instead; {REPLACE}."""


class EditScaffold(ChatScaffold):
    """Chat for environments whose action is an answer with SEARCH/REPLACE edits.

    What is checked before the environment sees an answer is what a careful writer could check without knowing the
    right one: the tags, the form of the blocks, and that the text searched for stands in the files shown.

    Args:
        tokenizer: of the policy, or a :class:`~assay.agents.chat.Chat` of it; None for policies without tokens.
        think: see :class:`~assay.agents.scaffolds.chat.ChatScaffold`; ``auto`` suits answers that carry ``<think>``.
        repairs: how often an answer that cannot be applied is sent back with the reason; then the environment gets it.
    """

    def __init__(self, tokenizer: Any = None, *, think: Think = "auto", repairs: int = 1) -> None:
        super().__init__(tokenizer, think=think)
        self.repairs = repairs

    def repair(self, completion: Completion, shown: Sequence[Message], tries: int) -> list[Message] | None:
        """The reason why an answer cannot be applied, as a user message."""
        if tries >= self.repairs:
            return None
        told = "\n".join(text_of(message) for message in shown if message["role"] != "assistant")
        problem = edit_problem(completion.text, told)
        return [{"role": "user", "content": AGAIN.format(problem=problem)}] if problem else None


def edit_problem(text: str, shown: str) -> str:
    """Why an answer cannot be applied, as a sentence; empty if nothing is seen to be wrong with it.

    Args:
        text: the answer.
        shown: the prompt, which holds the files.
    """
    try:
        _, solution = split_response(text.replace("\r\n", "\n"))
    except FormatError as error:
        return f"{error}."
    edits = parse_edits(solution)
    if not edits:
        return "there is no whole edit block in the solution."
    files = "\n" + shown.replace("\r\n", "\n")
    for number, edit in enumerate(edits, 1):
        if edit.search == edit.replace:
            return f"edit {number} replaces lines by the same lines."
        earlier = any(edit.search in one.replace for one in edits[: number - 1])
        if edit.search.strip() and "\n" + edit.search not in files and not earlier:
            return f"the lines that edit {number} searches for in {edit.path} do not stand there as written."
    return ""
