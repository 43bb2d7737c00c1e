"""The order of events that a transcript accepts, and what it keeps without tokens."""

from __future__ import annotations

from typing import Any

import pytest

from assay.agents.chat import Chat
from assay.agents.policy import Completion, Sampling
from assay.agents.transcript import Transcript

USER = [{"role": "user", "content": "hello"}]


def test_events_out_of_order_are_refused(tiny: tuple[Any, Any]) -> None:
    transcript = Chat(tiny[1]).transcript()
    with pytest.raises(ValueError, match="follows open"):
        transcript.add(Completion("x", (5,), (0.0,)))
    transcript.open(USER)
    with pytest.raises(ValueError, match="follows a completion"):
        transcript.observe(USER)
    with pytest.raises(ValueError, match="no tokens"):
        transcript.add(Completion("x"))
    transcript.add(Completion("x", (5,), (0.0,)))
    with pytest.raises(ValueError, match="follows open or observe"):
        transcript.add(Completion("x", (5,), (0.0,)))


def test_without_tokens_there_are_messages_and_no_rows() -> None:
    transcript = Transcript(None)
    transcript.open(USER)
    transcript.add(Completion("hi"))
    transcript.observe(USER)
    assert transcript.ids == ()
    assert transcript.branches() == ()
    assert [one["role"] for one in transcript.messages] == ["user", "assistant", "user"]


def test_a_history_that_somebody_else_rewrote_starts_the_next_row(tiny: tuple[Any, Any]) -> None:
    transcript = Chat(tiny[1]).transcript()
    transcript.open(USER)
    transcript.add(Completion("x", (5, 2), (-1.0, -2.0)))
    transcript.open([{"role": "user", "content": "a summary of what went before"}])
    transcript.add(Completion("y", (6, 2), (-3.0, -4.0)))
    first, second = transcript.branches()
    assert [token for token, mine in zip(first.ids, first.sampled, strict=True) if mine] == [5, 2]
    assert [token for token, mine in zip(second.ids, second.sampled, strict=True) if mine] == [6, 2]


def test_a_request_carries_the_exact_context(tiny: tuple[Any, Any]) -> None:
    transcript = Chat(tiny[1]).transcript()
    transcript.open(USER)
    request = transcript.request(seed=7, sampling=Sampling(3), context={"gold": "x"})
    assert (request.ids, request.seed, request.sampling.max_tokens) == (transcript.ids, 7, 3)
    assert request.context == {"gold": "x"}
    assert request.messages == USER
