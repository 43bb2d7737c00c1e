"""An answer with a stated confidence, in any environment (RLCR, arXiv 2507.16806)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.agents.policy import Completion
from assay.agents.scaffolds.chat import ChatScaffold, Think
from assay.agents.scaffolds.confidence_prompts import drawn, filled_in, instruction
from assay.envs.tasks import Message
from assay.verifiers.calibration.parse import PATTERNS, Stated, read_lenient, read_strict


class ConfidenceScaffold(ChatScaffold):
    """Chat in which an answer comes with a confidence.

    The opening messages get an instruction; the content of ``<answer>`` is the action; the confidence and whether the
    layout was kept become parts of the score (``confidence``, ``format``), which training and stored episodes see. A
    response that does not keep the layout has the empty action: it earns 0 and is wrong.

    Args:
        tokenizer: of the policy, or a :class:`~assay.agents.chat.Chat` of it; None for policies without tokens.
        pattern: the blocks asked for, see :mod:`assay.verifiers.calibration.parse`.
        long: the instruction says how to analyse.
        lenient: read as an evaluation does (:func:`~assay.verifiers.calibration.parse.read_lenient`): the answer of any
            layout counts, and ``format`` tells whether a confidence could be read.
        think: see :class:`~assay.agents.scaffolds.chat.ChatScaffold`.

    Raises:
        ValueError: for an unknown pattern.
    """

    def __init__(
        self,
        tokenizer: Any = None,
        *,
        pattern: str = "tabc",
        long: bool = False,
        lenient: bool = False,
        think: Think = "auto",
    ) -> None:
        super().__init__(tokenizer, think=think)
        if pattern not in PATTERNS:
            raise ValueError(f"pattern must be one of {', '.join(PATTERNS)}, got {pattern!r}")
        self.pattern, self.long, self.lenient = pattern, long, lenient

    def opening(self, messages: Sequence[Message]) -> list[Message]:
        """The messages with the instruction at the end of the system message; where there is none, of the last one."""
        told = list(messages)
        where = 0 if told[0]["role"] == "system" else len(told) - 1
        told[where] = _extended(told[where], instruction(self.pattern, self.long))
        return told

    def read(self, text: str) -> Stated:
        """What a response states, in this scaffold's reading."""
        return read_lenient(text, self.pattern) if self.lenient else read_strict(text, self.pattern)

    def action(self, completion: Completion) -> str:
        """The answer; empty where none can be read."""
        return self.read(completion.text).answer or ""

    def parts(self, completion: Completion) -> Mapping[str, float]:
        """``format`` (1 or 0) and ``confidence`` in [0, 1], 0 where it cannot be read; no confidence for ``ta``."""
        stated = self.read(completion.text)
        found = {"format": float(stated.formatted)}
        return found | {"confidence": stated.confidence} if "c" in self.pattern else found

    def demonstration(self, answer: str, key: str) -> str:
        """The answer laid out, with a confidence drawn by ``key``.

        It teaches the layout and nothing of calibration: a constant confidence would leave nothing to explore.
        """
        return filled_in(answer, self.pattern, drawn(key))


def _extended(message: Message, words: str) -> Message:
    content = message["content"]
    if isinstance(content, str):
        return {**message, "content": f"{content.rstrip()}\n\n{words}"}
    return {**message, "content": [*content, {"type": "text", "text": f"\n\n{words}"}]}
