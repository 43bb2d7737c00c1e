"""One conversation as it is lived: exact tokens in, training rows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.agents.chat import Chat, images_of
from assay.agents.policy import Completion, Request, Sampling
from assay.agents.rollout import Branch, Segment
from assay.envs.tasks import Message


class Transcript:
    """Collects a conversation's :class:`~assay.agents.rollout.Segment` s.

    :meth:`open`, then by turns :meth:`add` what the policy said and :meth:`observe` what came back, and
    :meth:`branches` at the end. Where the chat template rewrites history, the transcript forks: the row so far is
    closed, and the rewritten history is the given beginning of the next row, so each sampled token carries loss in
    exactly one row, in the context it was sampled in.

    Args:
        chat: None for policies without tokens (scripted ones, servers): messages are kept, and there are no rows.
        keep_history: never fork; earlier turns stay in context as they were sampled, whatever the template would do.
    """

    def __init__(self, chat: Chat | None, *, keep_history: bool = False) -> None:
        self.chat = chat
        self.keep_history = keep_history
        self.messages: list[Message] = []
        self._closed: list[Branch] = []
        self._segments: list[Segment] = []
        self._last: Completion | None = None

    @property
    def ids(self) -> tuple[int, ...]:
        """The exact context of the next completion; empty without a chat."""
        return tuple(token for segment in self._segments for token in segment.ids)

    @property
    def images(self) -> tuple[Any, ...]:
        """Images of the context, in the order of their placeholders."""
        return images_of(self.messages)

    def open(self, messages: Sequence[Message]) -> None:
        """Start from these messages; once begun, start the next row from a history that somebody else rewrote."""
        self._close()
        self.messages = list(messages)
        self._last = None
        if self.chat is not None:
            self._segments = [self._given(self.chat.open(self.messages), self.messages)]

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

    def add(self, completion: Completion) -> None:
        """Record what the policy said.

        Raises:
            ValueError: if it is not the policy's turn, or tokens are kept and the completion has none.
        """
        if not self.messages or self._last is not None:
            raise ValueError("a completion follows open or observe")
        if self.chat is not None:
            if not completion.ids:
                raise ValueError("the policy returned no tokens: use Transcript(None) with it")
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
            self._segments.append(self._given(self.chat.extend(said, messages), messages))
        else:
            self.open(self.messages)

    def _given(self, ids: tuple[int, ...], messages: Sequence[Message]) -> Segment:
        if self.chat is not None:
            self.chat.check_images(ids, images_of(messages))
        return Segment(ids, sampled=False, images=images_of(messages))

    def branches(self) -> tuple[Branch, ...]:
        """The rows to train on; together they hold every sampled token once."""
        return (*self._closed, *self._open_row())

    def _close(self) -> None:
        self._closed.extend(self._open_row())
        self._segments = []

    def _open_row(self) -> list[Branch]:
        return [Branch(tuple(self._segments))] if any(segment.sampled for segment in self._segments) else []
