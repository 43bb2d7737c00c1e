"""What stands between an environment and a policy: messages become a context, a completion becomes an action."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from assay.agents.chat import Chat
from assay.agents.policy import Completion
from assay.agents.transcript import Transcript

Think = Literal["auto", "on", "off"]


class Scaffold(Protocol):
    """One way to let a policy act in an environment."""

    def transcript(self) -> Transcript:
        """An empty conversation of one episode."""
        ...

    def action(self, completion: Completion) -> str:
        """What the environment is told."""
        ...


class ChatScaffold:
    """Plain chat: the environment's messages as they are, the completion as the action.

    Args:
        tokenizer: of the policy; None for policies without tokens.
        think: ``on`` and ``off`` set ``enable_thinking`` in templates that know it (Qwen3 and its kin) and keep
            thoughts out of the action; ``auto`` leaves template and completion alone.
        keep_history: see :class:`~assay.agents.transcript.Transcript`.
    """

    def __init__(self, tokenizer: Any = None, *, think: Think = "auto", keep_history: bool = False) -> None:
        options = {} if think == "auto" else {"enable_thinking": think == "on"}
        self.chat = None if tokenizer is None else Chat(tokenizer, options)
        self.think = think
        self.keep_history = keep_history

    def transcript(self) -> Transcript:
        """An empty conversation of one episode."""
        return Transcript(self.chat, keep_history=self.keep_history)

    def action(self, completion: Completion) -> str:
        """The completion's text, without thoughts unless ``think`` is ``auto``."""
        return completion.text if self.think == "auto" else without_thoughts(completion.text)


def without_thoughts(text: str) -> str:
    """What follows the last ``</think>``, stripped; empty where thinking began and never ended."""
    _, closed, after = text.rpartition("</think>")
    if closed:
        return after.strip()
    return "" if text.lstrip().startswith("<think>") else text.strip()
