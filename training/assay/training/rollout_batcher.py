"""Gathers the requests of concurrent episodes into calls of a batched policy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from assay.agents.policy import Completion, Policy, Request
from assay.training.rollout_lanes import CallThread, Mailbox


class Batcher:
    """Calls ``policy.generate`` on one thread with all the requests there are, as soon as it pays.

    A call is made when every slot waits for the policy. With ``max_wait`` (seconds) also when the oldest request has
    waited that long, or ``max_batch`` requests wait: slow environments then do not hold up the rest. Without it the
    make-up of every call is the same whatever the timing, so that even the last bit of a log-probability repeats.
    """

    def __init__(
        self,
        policy: Policy,
        thread: CallThread,
        mailbox: Mailbox,
        *,
        slots: int,
        max_batch: int | None = None,
        max_wait: float | None = None,
    ) -> None:
        self._policy = policy
        self._thread = thread
        self._mailbox = mailbox
        self._busy = slots
        self._max_batch = max_batch
        self._max_wait = max_wait
        self._pending: list[tuple[int, Request, asyncio.Future[Completion]]] = []
        self._running = False
        self._overdue = False
        self._timer: asyncio.TimerHandle | None = None
        self.calls = 0
        self.seconds = 0.0

    async def ask(self, key: int, request: Request) -> Completion:
        """One completion; ``key``, the position of its episode, orders the requests of a call."""
        future: asyncio.Future[Completion] = self._mailbox.loop.create_future()
        self._pending.append((key, request, future))
        self._busy -= 1
        self._dispatch()
        return await future

    def leave(self) -> None:
        """A slot has no more episodes to run."""
        self._busy -= 1
        self._dispatch()

    def _dispatch(self) -> None:
        if self._running or not self._pending:
            return
        if self._busy and not self._worth_it():
            if self._max_wait is not None and self._timer is None:
                self._timer = self._mailbox.loop.call_later(self._max_wait, self._ring)
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._overdue = False
        self._pending.sort(key=lambda item: item[0])
        batch, self._pending = self._pending[: self._max_batch], self._pending[len(self._pending[: self._max_batch]) :]
        self._running = True
        self.calls += 1
        asked = time.perf_counter()
        answer = self._thread.submit(self._mailbox, lambda: generate(self._policy, [item[1] for item in batch]))
        answer.add_done_callback(lambda done: self._deliver(batch, done, asked))

    def _worth_it(self) -> bool:
        if self._max_wait is None:
            return False
        return self._overdue or (self._max_batch is not None and len(self._pending) >= self._max_batch)

    def _ring(self) -> None:
        self._timer = None
        self._overdue = True
        self._dispatch()

    def _deliver(
        self,
        batch: list[tuple[int, Request, asyncio.Future[Completion]]],
        answer: asyncio.Future[Any],
        asked: float,
    ) -> None:
        self.seconds += time.perf_counter() - asked
        self._running = False
        if answer.cancelled():
            return
        error = answer.exception()
        self._busy += len(batch)
        for position, (_, _, future) in enumerate(batch):
            if future.done():
                continue
            if error is None:
                future.set_result(answer.result()[position])
            else:
                future.set_exception(error)
        if error is None:
            self._dispatch()


def generate(policy: Policy, requests: Sequence[Request]) -> list[Completion]:
    """``policy.generate``, checked.

    Raises:
        ValueError: if it did not return one completion a request.
    """
    completions = policy.generate(requests)
    if len(completions) != len(requests):
        raise ValueError(f"the policy returned {len(completions)} completions for {len(requests)} requests")
    return completions
