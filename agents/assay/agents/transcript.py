"""One conversation as it is lived: exact tokens in, training rows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.agents.chat import Chat, images_of
from assay.agents.policy import Completion, Request, Sampling
from assay.agents.rollout import Branch, Segment
from assay.envs.tasks import Message


class Transcript:
    """Collects a conversation's :class:`Segment` s.

    :meth:`act` after each completion, :meth:`observe` after each step of the environment, :meth:`branches` at the end.
    Where the chat template rewrites history, the transcript forks: the row so far is closed, and the rewritten history
    is the given beginning of the next row, so each sampled token carries loss in exactly one row.

    Args:
        chat: None for policies without tokens (scripted ones, servers): messages are kept, and there are no rows.
        messages: what the agent is told first.
        keep_history: never fork; earlier turns stay in context as they were sampled, whatever the template would do.
    """

    def __init__(self, chat: Chat | None, messages: Sequence[Message], *, keep_history: bool = False) -> None:
        self.chat = chat
        self.messages: list[Message] = list(messages)
        self.keep_history = keep_history
        self._closed: list[Branch] = []
        self._segments: list[Segment] = [] if chat is None else [self._opening(chat)]
        self._last: Completion | None = None

    @property
    def ids(self) -> tuple[int, ...]:
        """The exact context of the next completion; empty without a chat."""
        return tuple(token for segment in self._segments for token in segment.ids)

    @property
    def images(self) -> tuple[Any, ...]:
        """Images of the context, in the order of their placeholders."""
        return images_of(self.messages)

    def request(
        self, *, seed: int = 0, sampling: Sampling | None = None, context: Mapping[str, Any] | None = None
    ) -> Request:
        """What to ask the policy now."""
        return Request(
            messages=list(self.messages),
            ids=self.ids,
            seed=seed,
            sampling=sampling or Sampling(),
            images=self.images,
            context=dict(context or {}),
        )

    def act(self, completion: Completion) -> None:
        """Record what the policy said.

        Raises:
            ValueError: if it is not the policy's turn, or tokens are kept and the completion has none.
        """
        if self._last is not None:
            raise ValueError("two completions in a row: observe what the environment answered first")
        if self.chat is not None:
            if not completion.ids:
                raise ValueError("the policy returned no tokens: use Transcript(None, messages) with it")
            self._segments.append(Segment(completion.ids, sampled=True, logprobs=completion.logprobs))
        self.messages.append({"role": "assistant", "content": completion.text})
        self._last = completion

    def observe(self, messages: Sequence[Message]) -> None:
        """Record what the environment answered.

        Raises:
            ValueError: if the policy has not spoken since the last observation, or there are no messages.
        """
        if self._last is None or not messages:
            raise ValueError("an observation needs messages and follows a completion")
        said, self._last = self._last, None
        self.messages.extend(messages)
        if self.chat is None:
            return
        if self.keep_history or self.chat.append_only(self.messages):
            ids = self.chat.extend(said, messages)
            self._segments.append(Segment(ids, sampled=False, images=images_of(messages)))
        else:
            self._closed.append(Branch(tuple(self._segments)))
            self._segments = [self._opening(self.chat)]

    def branches(self) -> tuple[Branch, ...]:
        """The rows to train on: every token that was sampled, each once, in the context it was sampled in."""
        if not any(segment.sampled for segment in self._segments):
            return tuple(self._closed)
        return (*self._closed, Branch(tuple(self._segments)))

    def _opening(self, chat: Chat) -> Segment:
        return Segment(chat.open(self.messages), sampled=False, images=images_of(self.messages))
