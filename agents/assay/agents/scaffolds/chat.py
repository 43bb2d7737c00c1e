"""What stands between an environment and a policy: messages become a context, a completion becomes an action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from assay.agents.chat import Chat
from assay.agents.policy import Completion
from assay.agents.transcript import Transcript
from assay.envs.tasks import Message

Think = Literal["auto", "on", "off"]


class Scaffold(Protocol):
    """One way to let a policy act in an environment. It holds no state of an episode: one serves all of them."""

    def transcript(self) -> Transcript:
        """An empty conversation of one episode."""
        ...

    def opening(self, messages: Sequence[Message]) -> list[Message]:
        """What the policy is shown of the messages that the environment begins (or begins anew) with."""
        ...

    def repair(self, completion: Completion, shown: Sequence[Message], tries: int) -> list[Message] | None:
        """What to answer a completion with instead of acting on it; None: act.

        Args:
            completion: what the policy said.
            shown: the conversation that it answered.
            tries: completions of this turn that were sent back before.
        """
        ...

    def action(self, completion: Completion) -> str:
        """What the environment is told."""
        ...

    def shorten(self, messages: Sequence[Message]) -> list[Message] | None:
        """A shorter version of a conversation that is about to outgrow the context; None if there is none."""
        ...

    def parts(self, completion: Completion) -> Mapping[str, float]:
        """What the episode's score should say of its last completion, beside what the environment says of the action.

        Where there are any, an empty action is a response without an answer: it earns 0 and is wrong.
        """
        return {}

    def demonstration(self, answer: str, key: str) -> str:
        """A completion that makes ``answer`` the action, for imitation; ``key`` decides whatever is left open."""
        return answer


class ChatScaffold:
    """Plain chat: the environment's messages as they are, the completion as the action.

    Args:
        tokenizer: of the policy, or a :class:`~assay.agents.chat.Chat` of it; None for policies without tokens.
        think: ``on`` and ``off`` set ``enable_thinking`` in templates that know it (Qwen3 and its kin) and keep
            thoughts out of the action; ``auto`` leaves template and completion alone.
        keep_history: see :class:`~assay.agents.transcript.Transcript`.

    Raises:
        ValueError: if the tokenizer has no chat template, or ``think`` is to be set in a chat that is given.
    """

    def __init__(self, tokenizer: Any = None, *, think: Think = "auto", keep_history: bool = False) -> None:
        options = {} if think == "auto" else {"enable_thinking": think == "on"}
        self.chat = _chat(tokenizer, options)
        self.think = think
        self.keep_history = keep_history

    def transcript(self) -> Transcript:
        """An empty conversation of one episode."""
        if self.chat is None:
            return Transcript(None)
        return self.chat.transcript(keep_history=self.keep_history) if self.keep_history else self.chat.transcript()

    def opening(self, messages: Sequence[Message]) -> list[Message]:
        """The messages as they are."""
        return list(messages)

    def repair(self, completion: Completion, shown: Sequence[Message], tries: int) -> list[Message] | None:
        """Never: whatever was said goes to the environment."""
        return None

    def action(self, completion: Completion) -> str:
        """The completion's text, without thoughts unless ``think`` is ``auto``."""
        return completion.text if self.think == "auto" else without_thoughts(completion.text)

    def shorten(self, messages: Sequence[Message]) -> list[Message] | None:
        """Never: a conversation that fills the context ends the episode."""
        return None

    def parts(self, completion: Completion) -> Mapping[str, float]:
        """None: the environment's verdict stands alone."""
        return {}

    def demonstration(self, answer: str, key: str) -> str:
        """The answer itself."""
        return answer


def _chat(tokenizer: Any, options: Mapping[str, Any]) -> Chat | None:
    if tokenizer is None:
        return None
    if not isinstance(tokenizer, Chat):
        return Chat(tokenizer, options)
    if options:
        raise ValueError("give the chat its thinking mode itself: Chat(tokenizer, {'enable_thinking': ...})")
    return tokenizer


def without_thoughts(text: str) -> str:
    """What follows the last ``</think>``, stripped; empty where thinking began and never ended."""
    _, closed, after = text.rpartition("</think>")
    if closed:
        return after.strip()
    return "" if text.lstrip().startswith("<think>") else text.strip()
