"""From a request to the token context it continues, and the room left after it."""

from __future__ import annotations

from typing import Any

from assay.agents.chat import Chat
from assay.agents.policy import Request


def context_limit(model: Any) -> int:
    """The longest context of a model, in tokens, as its configuration says; 2**31 where it does not."""
    return int(getattr(model.config.get_text_config(), "max_position_embeddings", 0) or 2**31)


class Contexts:
    """What a model policy knows of its requests before it runs the model.

    Args:
        model: a causal language model; the longest context is read off its configuration.
        tokenizer: its tokenizer or processor.
        chat: renders requests that carry messages only; by default the tokenizer's own template.
    """

    def __init__(self, model: Any, tokenizer: Any, chat: Chat | None = None) -> None:
        inner = getattr(tokenizer, "tokenizer", tokenizer)
        self.chat = chat or (Chat(tokenizer) if inner.chat_template else None)
        self.limit = context_limit(model)

    def ids(self, request: Request) -> tuple[int, ...]:
        """The exact context.

        Raises:
            ValueError: if the request has neither ids nor a chat template to make them.
        """
        if request.ids:
            return request.ids
        if self.chat is None:
            raise ValueError("the model has no chat template: give requests with ids, or set tokenizer.chat_template")
        return self.chat.open(request.messages)

    def budget(self, request: Request, length: int) -> int:
        """Tokens that may be drawn after a context of ``length`` tokens, at least 1.

        Raises:
            ValueError: if there is no room for one.
        """
        if request.sampling.max_tokens < 1:
            raise ValueError("max_tokens must be at least 1")
        if length >= self.limit:
            raise ValueError(
                f"a context of {length} tokens fills the model's {self.limit}: shorten the prompt (an environment's "
                "options, such as --env.max-chars, say how long it is) or take a model that reads more"
            )
        return min(request.sampling.max_tokens, self.limit - length)
